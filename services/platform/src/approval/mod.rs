//! A second person agrees before a call runs (maker and checker, 双人复核).
//!
//! The policy of an rpc says whether one is needed: always, or when the service requires one (`APPROVAL_REQUIRED`), which it
//! decides from the content. The request is stored as it came, and its maker is refused with `APPROVAL_REQUIRED` and the name
//! of the approval. A checker approves it through `ApprovalService`: it then runs, behind the gate, in the maker's name and
//! with both identities. Or the checker rejects it. The maker repeats the request with the same `request_id` to get the outcome.
//!
//! ```text
//!           request        approve
//! (maker) ------> pending ---------> executed   a repeat gets the answer
//!                    |     reject
//!                    |-------------> rejected   a repeat is refused with the reason
//!                    |   expires_at
//!                    '-------------> expired    a repeat is refused
//! ```
//!
//! Guarantees:
//! - The maker never decides, whatever the maker's permissions (checked here, and by a CHECK).
//! - The request that runs is the one that was stored: no grant lets the service change the stored one, and a repeat with another
//!   content is refused `REQUEST_ID_REUSED`.
//! - It runs once. Approving locks the row. If the process dies after the request ran and before the decision is recorded, the
//!   approval is still pending, and approving it again finds the answer by the `request_id`, as any repeat does.
//! - A request that needs no second person costs no query here.
//!
//! Running a request holds the row's lock on one connection while the service works on others, so at most
//! half as many are decided at a time as the pool has connections.

mod decide;
mod request;
mod rows;
mod service;
mod view;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proto_common::approval::v1::approval_service_server::{ApprovalServiceServer, SERVICE_NAME};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::Semaphore;

use self::{rows::Approval, service::ApprovalApi};
use crate::{
    Dependencies,
    call::{Policies, Runner},
    clock::SharedClock,
    db::ROWS_CLEARED_MAX,
    ids::SharedIds,
    pages::PageTokens,
};

/// One connection locks the approval, another does what was approved.
pub const POOL_CONNECTIONS_MIN: u32 = 2;

/// How approvals are kept.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalConfig {
    /// How long a request waits for a second person.
    pub expire_after_hours: u32,
}

impl ApprovalConfig {
    fn expiry(self, requested_at: DateTime<Utc>) -> DateTime<Utc> {
        requested_at + TimeDelta::hours(self.expire_after_hours.max(1).into())
    }
}

/// The approvals of a service.
#[derive(Clone)]
pub struct Approvals(Arc<Parts>);

struct Parts {
    pool: PgPool,
    config: ApprovalConfig,
    page_tokens: PageTokens,
    clock: SharedClock,
    ids: SharedIds,
    policies: Arc<Policies>,
    runner: Runner,
    turns: Semaphore,
}

impl Approvals {
    /// The service that checkers call.
    pub(crate) const SERVICE: &'static str = SERVICE_NAME;

    /// Approvals of the requests that `runner` runs.
    pub(crate) fn new(
        dependencies: &Dependencies,
        config: ApprovalConfig,
        policies: Arc<Policies>,
        runner: Runner,
    ) -> Self {
        let Dependencies { pool, page_tokens, clock, ids } = dependencies.clone();
        let connections = pool.options().get_max_connections();
        let turns = usize::try_from(connections / POOL_CONNECTIONS_MIN).unwrap_or(1);
        let turns = Semaphore::new(turns);
        Self(Arc::new(Parts { pool, config, page_tokens, clock, ids, policies, runner, turns }))
    }

    pub(crate) fn service(&self) -> ApprovalServiceServer<ApprovalApi> {
        ApprovalServiceServer::new(ApprovalApi(self.clone()))
    }
}

/// Deletes approvals that were decided or expired before a time, a bounded number of rows, and returns how many. A job repeats it
/// until it deletes none. Nothing younger than 40 days is ever deleted.
pub async fn clear(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    rows::clear(pool, before, ROWS_CLEARED_MAX).await
}
