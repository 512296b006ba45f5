//! What is written with a batch besides the journal: accounts, base data, business days, suspense items, and the answers that
//! are kept.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::{base_records, rows::AccountColumns};
use crate::domain::{
    account::Account,
    command::{AccountVersion, BusinessDay, KeptAnswer, Records},
    ids::{AccountId, OperatorCode},
    recorded::Recorded,
};

/// Whether a batch has anything to write here.
pub fn concerns(records: &Records) -> bool {
    !(records.accounts.is_empty()
        && records.base_records.is_empty()
        && records.business_days.is_empty()
        && records.answers.is_empty()
        && records.suspense_items.is_empty())
}

/// Writes accounts, base data, business days, suspense items and kept answers. Before the journal's append: a new business day makes the
/// partitions that its postings go into.
pub async fn write(conn: &mut PgConnection, records: &Records, at: DateTime<Utc>) -> Result<(), sqlx::Error> {
    for (day, recorded) in &records.business_days {
        business_day(conn, day, recorded).await?;
    }
    base_records::append(conn, &records.base_records).await?;
    accounts(conn, &records.accounts).await?;
    super::suspense::append(conn, &records.suspense_items).await?;
    kept_answers(conn, &records.answers, at).await
}

async fn business_day(
    conn: &mut PgConnection,
    day: &BusinessDay,
    recorded: &Recorded,
) -> Result<(), sqlx::Error> {
    super::opening::ensure_month(conn, day.date).await?;
    sqlx::query!(
        "INSERT INTO business_day (date, opened_at, opened_by, authoriser, request_id) VALUES ($1, $2, $3, $4, $5)",
        day.date,
        day.opened_at,
        day.opened_by.as_str(),
        recorded.authoriser.as_ref().map(OperatorCode::as_str),
        recorded.request_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[expect(clippy::as_conversions, reason = "how sqlx learns the type of a parameter; nothing is converted")]
async fn accounts(conn: &mut PgConnection, versions: &[AccountVersion]) -> Result<(), sqlx::Error> {
    if versions.is_empty() {
        return Ok(());
    }
    account_versions(conn, versions).await?;

    // An account that changed twice in the batch is written once, in its last version.
    let last: BTreeMap<AccountId, &Account> =
        versions.iter().map(|version| (version.account.id, &version.account)).collect();
    let columns = AccountColumns::of(last.into_values())?;
    sqlx::query!(
        r#"
        INSERT INTO account (id, number, branch, ledger_code, currency, exponent, kind, title, holders, status, freeze_kind,
                             frozen_amount, unfrozen_status, overdraft_limit, normal_side, off_balance, open_date,
                             close_date, version, former_number)
        SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::text[],
                             $8::text[], $9::jsonb[], $10::text[], $11::text[], $12::numeric[], $13::text[],
                             $14::numeric[], $15::text[], $16::boolean[], $17::date[], $18::date[], $19::integer[],
                             $20::text[])
        ON CONFLICT (id) DO UPDATE SET
            title = excluded.title, holders = excluded.holders, status = excluded.status, freeze_kind = excluded.freeze_kind,
            frozen_amount = excluded.frozen_amount, unfrozen_status = excluded.unfrozen_status,
            overdraft_limit = excluded.overdraft_limit, close_date = excluded.close_date, version = excluded.version
        "#,
        &columns.id,
        &columns.number,
        &columns.branch,
        &columns.ledger_code,
        &columns.currency,
        &columns.exponent,
        &columns.kind,
        &columns.title,
        &columns.holders,
        &columns.status,
        &columns.freeze_kind as &[Option<String>],
        &columns.frozen_amount as &[Option<rust_decimal::Decimal>],
        &columns.unfrozen_status as &[Option<String>],
        &columns.overdraft_limit,
        &columns.normal_side,
        &columns.off_balance,
        &columns.open_date,
        &columns.close_date as &[Option<chrono::NaiveDate>],
        &columns.version,
        &columns.former_number as &[Option<String>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[expect(clippy::as_conversions, reason = "how sqlx learns the type of a parameter; nothing is converted")]
async fn account_versions(conn: &mut PgConnection, versions: &[AccountVersion]) -> Result<(), sqlx::Error> {
    let mut snapshots = Vec::with_capacity(versions.len());
    for version in versions {
        snapshots
            .push(serde_json::to_value(&version.account).map_err(|error| sqlx::Error::Encode(error.into()))?);
    }
    sqlx::query!(
        r#"
        INSERT INTO account_version (account_id, version, snapshot, reason, operator, authoriser, request_id, recorded_at)
        SELECT * FROM UNNEST($1::bigint[], $2::integer[], $3::jsonb[], $4::text[], $5::text[], $6::text[], $7::uuid[],
                             $8::timestamptz[])
        "#,
        &versions.iter().map(|version| version.account.id.0).collect::<Vec<_>>(),
        &versions.iter().map(|version| version.account.version).collect::<Vec<_>>(),
        &snapshots,
        &versions.iter().map(|version| version.reason.clone()).collect::<Vec<_>>(),
        &versions.iter().map(|version| version.origin.operator.to_string()).collect::<Vec<_>>(),
        &versions
            .iter()
            .map(|version| version.origin.authoriser.as_ref().map(ToString::to_string))
            .collect::<Vec<_>>() as &[Option<String>],
        &versions.iter().map(|version| version.origin.request_id).collect::<Vec<_>>(),
        &versions.iter().map(|version| version.origin.at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn kept_answers(
    conn: &mut PgConnection,
    answers: &[KeptAnswer],
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if answers.is_empty() {
        return Ok(());
    }
    let mut bodies = Vec::with_capacity(answers.len());
    for kept in answers {
        bodies.push(serde_json::to_value(&kept.answer).map_err(|error| sqlx::Error::Encode(error.into()))?);
    }
    sqlx::query!(
        r#"
        INSERT INTO kept_answer (request_id, digest, answer, recorded_at)
        SELECT column_list.*, $4 FROM UNNEST($1::uuid[], $2::bytea[], $3::jsonb[]) AS column_list
        "#,
        &answers.iter().map(|kept| kept.request_id).collect::<Vec<_>>(),
        &answers.iter().map(|kept| kept.digest.0.to_vec()).collect::<Vec<_>>(),
        &bodies,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes answers that were kept before `before`, at most `limit`. Returns how many.
pub async fn forget_answers(pool: &PgPool, before: DateTime<Utc>, limit: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        DELETE FROM kept_answer WHERE request_id IN (
            SELECT request_id FROM kept_answer WHERE recorded_at < $1 LIMIT $2
        )
        "#,
        before,
        limit,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
