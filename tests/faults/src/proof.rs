//! What must hold after a kill.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use sqlx::PgPool;
use tokio::time;
use uuid::Uuid;

/// How often the database is tried after its restart: earlier connections are dead.
const ATTEMPTS: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(100);

/// How many postings each request has in the journal, and their first number.
pub async fn in_journal(books: &PgPool, requests: &[Uuid]) -> Result<BTreeMap<Uuid, (i64, i64)>> {
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let found: Result<Vec<(Uuid, i64, i64)>, sqlx::Error> = sqlx::query_as(
            "SELECT request_id, count(*), min(number) FROM posting WHERE request_id = ANY($1) GROUP BY request_id",
        )
        .bind(requests)
        .fetch_all(books)
        .await;
        match found {
            Ok(found) => {
                return Ok(found.into_iter().map(|(id, count, number)| (id, (count, number))).collect());
            }
            Err(error) => last = Some(error),
        }
        time::sleep(BETWEEN).await;
    }
    Err(last.map_or_else(|| anyhow::anyhow!("never requested"), Into::into)).context("read the journal")
}

/// Each of these is in the journal once, under the number that was answered.
pub fn once_each(journal: &BTreeMap<Uuid, (i64, i64)>, acknowledged: &[(Uuid, i64)]) -> Result<()> {
    for (request, reported) in acknowledged {
        match journal.get(request) {
            None => {
                bail!("request {request} was acknowledged as posting {reported}, and is not in the journal")
            }
            Some((1, number)) if number == reported => {}
            Some((count, number)) => {
                bail!(
                    "request {request}, acknowledged as posting {reported}, is {count} postings, the first {number}"
                )
            }
        }
    }
    Ok(())
}

/// None of these is in the journal more than once; how many are.
pub fn once_at_most(journal: &BTreeMap<Uuid, (i64, i64)>, lost: &[Uuid]) -> Result<usize> {
    let mut there = 0;
    for request in lost {
        match journal.get(request) {
            None => {}
            Some((1, _)) => there += 1,
            Some((count, _)) => bail!("request {request} is {count} postings"),
        }
    }
    Ok(there)
}

/// The numbers in the journal have no gap, and there are no more of them than were acknowledged since `before`.
pub async fn nothing_else(books: &PgPool, before: i64, acknowledged: usize) -> Result<i64> {
    let (count, last): (i64, i64) =
        sqlx::query_as("SELECT count(*), coalesce(max(number), $1) FROM posting WHERE number > $1")
            .bind(before)
            .fetch_one(books)
            .await?;
    ensure!(before + count == last, "{count} postings after {before} reach to {last}");
    ensure!(
        usize::try_from(count)? == acknowledged,
        "{acknowledged} requests were acknowledged, and {count} postings are in the journal"
    );
    Ok(last)
}

/// The last posting.
pub async fn last_posting(books: &PgPool) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(number), 0) FROM posting").fetch_one(books).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_doubled_or_under_another_number_is_found() {
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let journal = BTreeMap::from([(one, (1, 7)), (two, (2, 8))]);
        assert!(once_each(&journal, &[(one, 7)]).is_ok());
        assert!(once_each(&journal, &[(one, 9)]).is_err());
        assert!(once_each(&journal, &[(two, 8)]).is_err());
        assert!(once_each(&journal, &[(three, 9)]).is_err());
        assert_eq!(once_at_most(&journal, &[one, three]).unwrap(), 1);
        assert!(once_at_most(&journal, &[two]).is_err());
    }
}
