//! Accounts as read: one, by filter, their versions and their entries.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};

use super::{
    load,
    rows::{AccountRow, side},
    text::text_of,
};
use crate::domain::{
    account::Account,
    book::AccountState,
    enquiry::{AccountEntry, AccountFilter, AccountVersion},
};

/// One account with its balance and open holds.
pub async fn get(conn: &mut PgConnection, number: &str) -> Result<Option<AccountState>, sqlx::Error> {
    let id = sqlx::query_scalar!("SELECT id FROM account WHERE number = $1", number)
        .fetch_optional(&mut *conn)
        .await?;
    Ok(load::states(conn, id.as_slice()).await?.into_iter().next())
}

/// Numbers that accounts had before they were moved in, each with its account's number.
pub async fn by_former_numbers(
    conn: &mut PgConnection,
    former_numbers: &[String],
) -> Result<Vec<(String, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT former_number AS "former_number!", number FROM account WHERE former_number = ANY($1) ORDER BY 1"#,
        former_numbers,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.former_number, row.number)).collect())
}

/// Up to `limit` accounts after a number, by number.
pub async fn list(
    conn: &mut PgConnection,
    filter: &AccountFilter<'_>,
    after: &str,
    limit: i64,
) -> Result<Vec<Account>, sqlx::Error> {
    let rows = sqlx::query_as!(
        AccountRow,
        r#"
        SELECT id, number, branch, ledger_code, currency, exponent, kind, title, holders AS "holders: _", status, freeze_kind,
               frozen_amount, unfrozen_status, overdraft_limit, normal_side, off_balance, open_date, close_date, version,
               former_number
        FROM account
        WHERE number > $1
          AND ($2::text IS NULL OR branch = $2)
          AND ($3::text IS NULL OR holders @> jsonb_build_array(jsonb_build_object('customer', $3::text)))
          AND ($4::text IS NULL OR starts_with(ledger_code, $4))
          AND ($5::text IS NULL OR currency = $5)
          AND ($6::text IS NULL OR kind = $6)
          AND ($7::text IS NULL OR status = $7)
          AND ($8::text IS NULL OR starts_with(title, $8))
        ORDER BY number LIMIT $9
        "#,
        after,
        filter.branch,
        filter.customer,
        filter.ledger_code,
        filter.currency,
        filter.kind.map(|kind| text_of(&kind)),
        filter.status,
        filter.title_prefix,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(AccountRow::into_account).collect()
}

struct VersionRow {
    snapshot: Json<Account>,
    operator: String,
    authoriser: Option<String>,
    reason: String,
    recorded_at: DateTime<Utc>,
}

impl From<VersionRow> for AccountVersion {
    fn from(row: VersionRow) -> Self {
        Self {
            account: row.snapshot.0,
            operator: row.operator,
            authoriser: row.authoriser,
            reason: row.reason,
            recorded_at: row.recorded_at,
        }
    }
}

/// Up to `limit` versions of an account below a version, newest first.
pub async fn versions(
    conn: &mut PgConnection,
    number: &str,
    below: i32,
    limit: i64,
) -> Result<Vec<AccountVersion>, sqlx::Error> {
    let rows = sqlx::query_as!(
        VersionRow,
        r#"
        SELECT version.snapshot AS "snapshot: _", version.operator, version.authoriser, version.reason, version.recorded_at
        FROM account JOIN account_version AS version ON version.account_id = account.id
        WHERE account.number = $1 AND version.version < $2
        ORDER BY version.version DESC LIMIT $3
        "#,
        number,
        below,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(AccountVersion::from).collect())
}

/// Up to `limit` entries of an account below its n-th, newest first.
pub async fn entries(
    conn: &mut PgConnection,
    account_id: i64,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    below: i64,
    limit: i64,
) -> Result<Vec<AccountEntry>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT entry.posting, entry.n, entry.accounting_date, posting.value_date, entry.debit, entry.amount,
               entry.debit_total, entry.credit_total, entry.narrative, posting.recorded_at
        FROM entry JOIN posting ON posting.number = entry.posting AND posting.accounting_date = entry.accounting_date
        WHERE entry.account_id = $1 AND entry.n < $2
          AND ($3::date IS NULL OR entry.accounting_date >= $3)
          AND ($4::date IS NULL OR entry.accounting_date <= $4)
        ORDER BY entry.n DESC LIMIT $5
        "#,
        account_id,
        below,
        from,
        to,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AccountEntry {
            posting: row.posting,
            n: row.n,
            accounting_date: row.accounting_date,
            value_date: row.value_date,
            side: side(row.debit),
            amount: row.amount,
            debit_total: row.debit_total,
            credit_total: row.credit_total,
            narrative: row.narrative,
            recorded_at: row.recorded_at,
        })
        .collect())
}
