//! Postings as read: by number, by filter, by page.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::rows::{EntryRow, PostingRow};
use crate::domain::{
    enquiry::PostingFilter,
    transaction::{Entry, Posting},
};

/// Postings by number, in order; unknown numbers are left out.
pub async fn by_numbers(conn: &mut PgConnection, numbers: &[i64]) -> Result<Vec<Posting>, sqlx::Error> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        PostingRow,
        r#"
        SELECT number, accounting_date, request_id, digest, branch, code, kind, transaction_date, value_date, recorded_at,
               operator, authoriser, source, narrative, voucher_kind, voucher_number, hold, traceparent
        FROM posting WHERE number = ANY($1) ORDER BY number
        "#,
        numbers,
    )
    .fetch_all(&mut *conn)
    .await?;
    with_entries(conn, rows).await
}

/// Up to `limit` postings after a number, in order: the journal as it was written.
pub async fn after(conn: &mut PgConnection, number: i64, limit: i64) -> Result<Vec<Posting>, sqlx::Error> {
    let rows = sqlx::query_as!(
        PostingRow,
        r#"
        SELECT number, accounting_date, request_id, digest, branch, code, kind, transaction_date, value_date, recorded_at,
               operator, authoriser, source, narrative, voucher_kind, voucher_number, hold, traceparent
        FROM posting WHERE number > $1 ORDER BY number LIMIT $2
        "#,
        number,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    with_entries(conn, rows).await
}

/// The number of the last posting; 0 when there is none.
pub async fn last(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let last = sqlx::query_scalar!("SELECT max(number) FROM posting").fetch_one(conn).await?;
    Ok(last.unwrap_or(0))
}

/// Up to `limit` postings below a number, newest first.
pub async fn list(
    conn: &mut PgConnection,
    filter: &PostingFilter<'_>,
    below: i64,
    limit: i64,
) -> Result<Vec<Posting>, sqlx::Error> {
    let rows = sqlx::query_as!(
        PostingRow,
        r#"
        SELECT number, accounting_date, request_id, digest, branch, code, kind, transaction_date, value_date, recorded_at,
               operator, authoriser, source, narrative, voucher_kind, voucher_number, hold, traceparent
        FROM posting
        WHERE number < $1
          AND ($2::date IS NULL OR accounting_date = $2)
          AND ($3::text IS NULL OR branch = $3)
          AND ($4::text IS NULL OR operator = $4)
          AND ($5::text IS NULL OR code = $5)
          AND ($6::uuid IS NULL OR request_id = $6)
        ORDER BY number DESC LIMIT $7
        "#,
        below,
        filter.accounting_date,
        filter.branch,
        filter.operator,
        filter.code,
        filter.request_id,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    with_entries(conn, rows).await
}

async fn with_entries(conn: &mut PgConnection, rows: Vec<PostingRow>) -> Result<Vec<Posting>, sqlx::Error> {
    let (Some(from), Some(to)) =
        (rows.iter().map(|row| row.accounting_date).min(), rows.iter().map(|row| row.accounting_date).max())
    else {
        return Ok(Vec::new());
    };
    let numbers: Vec<i64> = rows.iter().map(|row| row.number).collect();
    let mut entries = entries(conn, &numbers, from, to).await?;
    rows.into_iter()
        .map(|row| {
            let own = entries.remove(&row.number).unwrap_or_default();
            row.into_posting(own)
        })
        .collect()
}

/// The entries of postings, in the order of their lines. The dates only spare the partitions that cannot hold any.
async fn entries(
    conn: &mut PgConnection,
    postings: &[i64],
    from: NaiveDate,
    to: NaiveDate,
) -> Result<HashMap<i64, Vec<Entry>>, sqlx::Error> {
    let rows = sqlx::query_as!(
        EntryRow,
        r#"
        SELECT entry.posting, entry.account_id, account.number AS account, account.branch, account.ledger_code,
               account.currency, account.exponent, account.normal_side, entry.debit, entry.amount, entry.narrative,
               entry.inter_branch, entry.n, entry.debit_total, entry.credit_total, entry.available
        FROM entry JOIN account ON account.id = entry.account_id
        WHERE entry.posting = ANY($1) AND entry.accounting_date BETWEEN $2 AND $3
        ORDER BY entry.posting, entry.line
        "#,
        postings,
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    let mut entries: HashMap<i64, Vec<Entry>> = HashMap::with_capacity(postings.len());
    for row in rows {
        entries.entry(row.posting).or_default().push(row.into_entry()?);
    }
    Ok(entries)
}
