//! The stack that all tests share: started by whichever test comes first, and left running for the next run.
//!
//! `make test` stops it at the end; after single tests it is stopped by `make down`. Where the environment names servers
//! (`COUNTINGHOUSE_TEST_POSTGRES_URL`, of a superuser, and `COUNTINGHOUSE_TEST_KAFKA_BROKERS`), those are used.

use std::env;

use anyhow::Result;
use tokio::sync::OnceCell;

use crate::{private, stack::Stack};

/// The stack's name, and so its folder: `.local/test`.
pub const TEST_STACK: &str = "test";

/// Where the shared servers are.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The `postgres` database, for a superuser.
    pub(crate) postgres_url: String,
    pub(crate) brokers: String,
}

/// The shared servers, which are started when they do not run.
pub(crate) async fn servers() -> &'static Shared {
    static SHARED: OnceCell<Shared> = OnceCell::const_new();
    // Boxed, since it is large and part of nearly every test's future.
    SHARED.get_or_init(|| async { Box::pin(find()).await.expect("the tests' Postgres and Kafka run") }).await
}

async fn find() -> Result<Shared> {
    let named = (env::var("COUNTINGHOUSE_TEST_POSTGRES_URL"), env::var("COUNTINGHOUSE_TEST_KAFKA_BROKERS"));
    if let (Ok(postgres_url), Ok(brokers)) = named {
        return Ok(Shared { postgres_url, brokers });
    }
    private::sweep().await?;
    let stack = Stack::named(TEST_STACK)?;
    stack.up().await?;
    Ok(Shared { postgres_url: stack.postgres.url("postgres")?, brokers: stack.broker.brokers()? })
}
