//! The trial balance (试算平衡), added up from the last entry of each account. Entries are in the order in which they were posted,
//! and history that was moved in is posted after its days: so what an account had at the end of a day is what it has now, less all
//! that is booked on later days.

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::rows::currency as currency_of;
use crate::domain::trial_balance::{CodeTotals, TrialBalanceQuery};

/// Totals by the first `digits` of the ledger code and by currency, up to the end of a business date. One statement, and so
/// one state of the books.
pub async fn totals(
    conn: &mut PgConnection,
    query: &TrialBalanceQuery<'_>,
) -> Result<Vec<CodeTotals>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT left(account.ledger_code, $4) AS "ledger_code!", account.currency, account.exponent, account.off_balance,
               sum(booked.debit) AS "debit_total!", sum(booked.credit) AS "credit_total!",
               sum(greatest(booked.debit - booked.credit, 0)) AS "debit_balance!",
               sum(greatest(booked.credit - booked.debit, 0)) AS "credit_balance!",
               count(*) AS "accounts!"
        FROM account CROSS JOIN LATERAL (
            SELECT n, debit_total, credit_total FROM entry WHERE account_id = account.id ORDER BY n DESC LIMIT 1
        ) AS last CROSS JOIN LATERAL (
            SELECT count(*) AS n, coalesce(sum(amount) FILTER (WHERE debit), 0) AS debit,
                   coalesce(sum(amount) FILTER (WHERE NOT debit), 0) AS credit
            FROM entry WHERE account_id = account.id AND accounting_date > $1
        ) AS later CROSS JOIN LATERAL (
            SELECT last.debit_total - later.debit AS debit, last.credit_total - later.credit AS credit
        ) AS booked
        WHERE last.n > later.n AND ($2::text IS NULL OR account.branch = $2) AND ($3::text IS NULL OR account.currency = $3)
        GROUP BY 1, account.currency, account.exponent, account.off_balance ORDER BY 1, 2
        "#,
        query.up_to,
        query.branch,
        query.currency,
        query.digits,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(CodeTotals {
                ledger_code: row.ledger_code,
                currency: currency_of(&row.currency, row.exponent)?,
                off_balance: row.off_balance,
                debit_total: row.debit_total,
                credit_total: row.credit_total,
                debit_balance: row.debit_balance,
                credit_balance: row.credit_balance,
                accounts: row.accounts,
            })
        })
        .collect()
}

/// The last posting booked up to a business date.
pub async fn last_posting(conn: &mut PgConnection, up_to: Option<NaiveDate>) -> Result<i64, sqlx::Error> {
    let last = sqlx::query_scalar!(
        "SELECT max(number) FROM posting WHERE $1::date IS NULL OR accounting_date <= $1",
        up_to
    )
    .fetch_one(conn)
    .await?;
    Ok(last.unwrap_or(0))
}
