//! The server: every call of a service passes through one gate, in this order.
//!
//! | step | what it does | refuses with |
//! |---|---|---|
//! | trace | a span, a correlation id (`x-correlation-id`, taken over when it is a UUID), a duration | |
//! | deadline | the caller's (`grpc-timeout`), within the configured bounds | `DEADLINE_EXCEEDED` |
//! | admission | a bound on the calls in flight; none after the soft shutdown | `OVERLOADED`, `SHUTTING_DOWN` |
//! | lead | where one replica leads: a call that changes something is forwarded to it | `LEADER_UNREACHABLE`, `LEADER_LOST` |
//! | authentication | a token, else the certificate of mutual TLS | `UNAUTHENTICATED`, `TOKEN_EXPIRED` |
//! | policy | permission, size and form of the request, scope | `PERMISSION_DENIED`, `REQUEST_TOO_LARGE`, `FIELD_INVALID`, `SCOPE_DENIED` |
//! | approval | a second person, where the policy requires one | `APPROVAL_REQUIRED` ... |
//!
//! The `policy` option of the rpc alone says what a caller may do: the server does not start when one of its rpcs has none. Health
//! and reflection are open to all, and not counted. The rpc finds its [`Call`](crate::call::Call) in the request.
//!
//! [`service`](crate::service) puts a server together.

mod admission;
mod certificates;
mod coalesced_io;
mod config;
mod deadline;
mod forward;
mod gate;
mod metrics;
pub mod probe;
mod public;
mod server;

pub use self::{
    coalesced_io::CoalescedIo,
    config::{ConfigError, RpcConfig},
    forward::SERVICE_HEADER,
    metrics::{CORRELATION_HEADER, FORWARDED_HEADER},
    server::{Builder, Listening, Server, StartError},
};
