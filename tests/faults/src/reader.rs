//! A consumer of the postings' facts, on the platform's inbox, as any service would have one. It notes each number that it takes
//! in; a fact that took effect twice would be noted twice.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail, ensure};
use platform::{
    clock::SystemClock,
    consumer::{Consumer, ConsumerError, HandleError, Handler},
    facts::Record,
};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::stack::Stack;

/// What the reader notes. No key: a second effect must show.
pub const TABLE: &str = "CREATE TABLE taken_in (number bigint NOT NULL);
    GRANT SELECT, INSERT ON taken_in TO countinghouse_dml";

const TOPIC: &str = "countinghouse.accounting.posting.v1";

/// A broker that was killed reads its log first, and the relay waits a while before it tries again.
const TOLD_WITHIN: Duration = Duration::from_mins(2);

/// The consumer, as long as this is there.
pub struct Reader {
    task: JoinHandle<Result<(), ConsumerError>>,
    _stop: DropGuard,
}

impl Reader {
    pub fn start(stack: &Stack) -> Self {
        let stop = CancellationToken::new();
        let clock = Arc::new(SystemClock);
        let consumer = Consumer::new(Notes, stack.reader().clone(), stack.kafka.clone(), "faults", clock);
        let run = consumer.run(stop.clone());
        Self { task: tokio::spawn(run), _stop: stop.drop_guard() }
    }

    /// Waits until the facts of all postings up to `last` have been taken in, and proves that each was once.
    pub async fn prove_published(&self, stack: &Stack, last: i64) -> Result<()> {
        let reader = stack.reader();
        let waited = tokio::time::timeout(TOLD_WITHIN, async {
            while taken_in(reader).await.map_or(true, |(_, distinct, _)| distinct < last) {
                ensure!(!self.task.is_finished(), "the reader has ended by itself");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(())
        });
        let Ok(all_told) = waited.await else {
            let (_, distinct, _) = taken_in(reader).await?;
            let published: i64 = sqlx::query_scalar(
                "SELECT position FROM platform.relay_cursor WHERE source = 'accounting.posting'",
            )
            .fetch_one(stack.books())
            .await?;
            let refused: i64 =
                sqlx::query_scalar("SELECT count(*) FROM platform.dead_letter").fetch_one(reader).await?;
            bail!(
                "of {last} postings {distinct} were taken in within {TOLD_WITHIN:?}; the relay has published {published}, and \
                 the reader has refused {refused}"
            );
        };
        all_told?;
        let (taken, distinct, highest) = taken_in(reader).await?;
        ensure!(
            (taken, distinct, highest) == (last, last, last),
            "{last} postings were published as {taken} facts, {distinct} of them different, up to {highest}"
        );
        Ok(())
    }
}

struct Notes;

impl Handler for Notes {
    fn name(&self) -> &'static str {
        "notes"
    }

    fn topics(&self) -> Vec<String> {
        vec![TOPIC.to_owned()]
    }

    async fn handle(&self, conn: &mut PgConnection, record: &Record) -> Result<(), HandleError> {
        let fact: Value = serde_json::from_slice(&record.fact.payload)?;
        let number: i64 = fact["posting"]["number"]
            .as_str()
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| HandleError::permanent("a posting's fact has no number"))?;
        sqlx::query("INSERT INTO taken_in (number) VALUES ($1)").bind(number).execute(conn).await?;
        Ok(())
    }
}

/// How many facts took effect, of how many postings, and the highest number.
async fn taken_in(reader: &PgPool) -> Result<(i64, i64, i64)> {
    Ok(sqlx::query_as("SELECT count(*), count(DISTINCT number), coalesce(max(number), 0) FROM taken_in")
        .fetch_one(reader)
        .await?)
}
