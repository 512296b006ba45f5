//! The server: every call of a service passes through one gate, in this order.
//!
//! | step | what it does | refuses with |
//! |---|---|---|
//! | trace | a span, a correlation id (`x-correlation-id`, taken over when it is a UUID), a duration | |
//! | deadline | the caller's (`grpc-timeout`), within the configured bounds | `DEADLINE_EXCEEDED` |
//! | admission | a bound on the calls in flight; none after the soft shutdown | `OVERLOADED`, `SHUTTING_DOWN` |
//! | lead | where one replica leads: what changes something goes on to it, and its answer comes back | `LEADER_UNREACHABLE`, `LEADER_LOST` |
//! | authentication | a token, else the certificate of mutual TLS | `UNAUTHENTICATED`, `TOKEN_EXPIRED` |
//! | policy | permission, size and form of the request, scope | `PERMISSION_DENIED`, `REQUEST_TOO_LARGE`, `FIELD_INVALID`, `SCOPE_DENIED` |
//! | approval | a second person, where the policy asks for one | `APPROVAL_REQUIRED` ... |
//!
//! What a caller may do is said by the `policy` option of the rpc and nowhere else: the server does not start when one of its
//! rpcs has none. Health and reflection are open to all, and not counted. The rpc finds who calls by [`auth::Caller::of`].
//!
//! A service's wiring:
//!
//! ```ignore
//! let server = rpc::Server::builder(countinghouse_proto::descriptor_pool(), &config.rpc)
//!     .add(PostingServiceServer::new(api.clone()))
//!     .add(HoldServiceServer::new(api))
//!     .bind(rpc::Basis { pool, authenticator, approval: config.approval, page_tokens, clock, ids }, &lifecycle)
//!     .await?;
//! tracing::info!(address = %server.address(), "serving");
//! server.serve();
//! lifecycle.set_ready();
//! ```
//!
//! [`auth::Caller::of`]: crate::auth::Caller::of

mod admission;
mod certificates;
mod config;
mod deadline;
mod forward;
mod gate;
mod gathered;
mod message;
mod open;
mod peek;
mod policies;
pub mod probe;
mod run;
mod server;
mod telling;

pub use self::{
    config::{ConfigError, RpcConfig},
    forward::{FORWARDED_HEADER, SERVICE_HEADER},
    gathered::Gathered,
    policies::{JsonError, Policies, Policy, PolicyError, json},
    run::Runner,
    server::{Basis, Builder, Server, StartError},
    telling::{CORRELATION_HEADER, code_name},
};
pub(crate) use self::{peek::string_field, telling::reason_of};
