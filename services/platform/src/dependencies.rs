//! What the parts of a service stand on.

use sqlx::PgPool;

use crate::{clock::SharedClock, ids::SharedIds, pages::PageTokens};

/// Database, time, identity, and the key of page tokens.
#[derive(Clone)]
pub struct Dependencies {
    pub pool: PgPool,
    pub page_tokens: PageTokens,
    pub clock: SharedClock,
    pub ids: SharedIds,
}
