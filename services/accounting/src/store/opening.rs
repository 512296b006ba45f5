//! What a writer reads when it opens the book: the business day, the last numbers and the chain's head.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::text::digest;
use crate::domain::{book::Heads, chain, command::BusinessDay, ids::OperatorCode};

/// The business day that is open.
pub async fn business_day(conn: &mut PgConnection) -> Result<Option<BusinessDay>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT date, opened_at AS "opened_at: DateTime<Utc>", opened_by FROM business_day ORDER BY date DESC LIMIT 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| BusinessDay {
        date: row.date,
        opened_at: row.opened_at,
        opened_by: OperatorCode::new(row.opened_by),
    }))
}

/// The bank's first business day here.
pub async fn first_day(conn: &mut PgConnection) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!("SELECT min(date) FROM business_day").fetch_one(conn).await
}

/// The last numbers given, and the chain's head.
pub async fn heads(conn: &mut PgConnection) -> Result<Heads, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        SELECT (SELECT max(number) FROM posting) AS posting, (SELECT max(number) FROM hold_event) AS hold_event,
               (SELECT max(hold) FROM hold_event) AS hold, (SELECT max(id) FROM account) AS account,
               (SELECT max(number) FROM suspense_item) AS suspense,
               last.number AS "batch?", last.hash AS "hash?", last.recorded_at AS "recorded_at?: DateTime<Utc>"
        FROM (SELECT 1) AS one
        LEFT JOIN LATERAL (SELECT number, hash, recorded_at FROM batch ORDER BY number DESC LIMIT 1) AS last ON true
        "#
    )
    .fetch_one(conn)
    .await?;
    Ok(Heads {
        posting: row.posting.unwrap_or(0),
        hold: row.hold.unwrap_or(0),
        hold_event: row.hold_event.unwrap_or(0),
        account: row.account.unwrap_or(0),
        suspense: row.suspense.unwrap_or(0),
        batch: row.batch.unwrap_or(0),
        hash: row.hash.as_deref().map(digest).transpose()?.unwrap_or(chain::START),
        recorded_at: row.recorded_at.unwrap_or(DateTime::UNIX_EPOCH),
    })
}

/// Makes the journal's partitions for the month of `date`, when they are missing.
pub async fn ensure_month(conn: &mut PgConnection, date: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT ensure_journal_month($1)::text", date).fetch_one(conn).await?;
    Ok(())
}
