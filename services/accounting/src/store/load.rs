//! The load step: what a batch of commands needs and the writer does not hold. The requests are always looked up, in one
//! statement; accounts only when they are cold, repeats only when there are any.

use std::{collections::HashMap, sync::Arc};

use chrono::NaiveDate;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{
    holds, postings,
    rows::{AccountRow, HoldEventRow},
    text::digest,
};
use crate::domain::{
    account::Account,
    balance::RunningBalance,
    book::{AccountState, Loaded, Needs},
    command::{Answer, Earlier, Kept},
    hold::Hold,
    ids::AccountId,
    transaction::Posting,
};

/// Fetches what is wanted. Requests are remembered that were booked on `remembered_from` or later.
pub async fn load(
    conn: &mut PgConnection,
    needs: &Needs,
    remembered_from: NaiveDate,
) -> Result<Loaded, sqlx::Error> {
    let earlier = earlier(conn, &needs.requests, remembered_from).await?;
    let accounts = if needs.names_no_account() { Vec::new() } else { accounts(conn, needs).await? };
    Ok(Loaded { accounts, earlier })
}

/// The earlier answers to `requests`. A request may be found several times, and its last row holds the whole answer: for a
/// capture it is the hold event and not the posting, for a batch with a refused item it is the kept answer.
async fn earlier(
    conn: &mut PgConnection,
    requests: &[Uuid],
    remembered_from: NaiveDate,
) -> Result<HashMap<Uuid, Earlier>, sqlx::Error> {
    if requests.is_empty() {
        return Ok(HashMap::new());
    }
    let found = sqlx::query!(
        r#"
        SELECT request_id AS "request_id!", digest AS "digest!", posting, hold_event, answer AS "answer: Json<Kept>"
        FROM (
            SELECT request_id, digest, number AS posting, NULL::bigint AS hold_event, NULL::jsonb AS answer
            FROM posting WHERE request_id = ANY($1) AND accounting_date >= $2
            UNION ALL
            SELECT request_id, digest, posting, number, NULL FROM hold_event WHERE request_id = ANY($1)
            UNION ALL
            SELECT request_id, digest, NULL, NULL, answer FROM kept_answer WHERE request_id = ANY($1)
        ) AS known
        ORDER BY answer IS NOT NULL, hold_event IS NOT NULL
        "#,
        requests,
        remembered_from,
    )
    .fetch_all(&mut *conn)
    .await?;
    if found.is_empty() {
        return Ok(HashMap::new());
    }

    let named = found.iter().filter_map(|row| row.answer.as_ref()).flat_map(|kept| kept.postings());
    let numbers: Vec<i64> =
        found.iter().filter_map(|row| row.posting).chain(named.map(|number| number.0)).collect();
    let posted: HashMap<i64, Arc<Posting>> = postings::by_numbers(conn, &numbers)
        .await?
        .into_iter()
        .map(|posting| (posting.number.0, Arc::new(posting)))
        .collect();
    let numbers: Vec<i64> = found.iter().filter_map(|row| row.hold_event).collect();
    let after_event: HashMap<i64, Hold> = holds::events_by_numbers(conn, &numbers)
        .await?
        .into_iter()
        .map(|event| (event.number, event.hold))
        .collect();

    let mut earlier = HashMap::with_capacity(found.len());
    for row in found {
        let posting = row.posting.and_then(|number| posted.get(&number)).cloned();
        let hold = row.hold_event.and_then(|number| after_event.get(&number)).cloned();
        let answer = match (row.answer, posting, hold) {
            (Some(Json(kept)), ..) => kept.into_answer(|number| posted.get(&number.0).cloned()),
            (None, Some(posting), Some(hold)) => Some(Answer::Captured { posting, hold }),
            (None, None, Some(hold)) => Some(Answer::Hold(hold)),
            (None, Some(posting), None) => Some(Answer::Posted(posting)),
            (None, None, None) => None,
        };
        let missing = || sqlx::Error::Decode(format!("the answer to {} is not whole", row.request_id).into());
        let answer = answer.ok_or_else(missing)?;
        earlier.insert(row.request_id, Earlier { digest: digest(&row.digest)?, answer });
    }
    Ok(earlier)
}

/// The accounts wanted, each with its last entry and its open holds.
async fn accounts(conn: &mut PgConnection, needs: &Needs) -> Result<Vec<AccountState>, sqlx::Error> {
    let numbers: Vec<String> = needs.accounts.iter().map(ToString::to_string).collect();
    let branches: Vec<String> = needs.of_branch.iter().map(|(branch, ..)| branch.to_string()).collect();
    let codes: Vec<String> = needs.of_branch.iter().map(|(_, code, _)| code.to_string()).collect();
    let currencies: Vec<String> = needs.of_branch.iter().map(|(.., currency)| currency.to_string()).collect();
    let holds: Vec<i64> = needs.holds.iter().map(|hold| hold.0).collect();
    let former_numbers: Vec<String> = needs.former_numbers.iter().map(ToString::to_string).collect();
    let ids = sqlx::query_scalar!(
        r#"
        SELECT id AS "id!" FROM account WHERE number = ANY($1)
        UNION
        SELECT account.id
        FROM UNNEST($2::text[], $3::text[], $4::text[]) AS wanted (branch, ledger_code, currency)
        JOIN account USING (branch, ledger_code, currency)
        WHERE account.kind IN ('internal', 'inter_branch') AND account.status <> 'closed'
        UNION
        SELECT account_id FROM hold_event WHERE hold = ANY($5)
        UNION
        SELECT id FROM account WHERE former_number = ANY($6)
        "#,
        &numbers,
        &branches,
        &codes,
        &currencies,
        &holds,
        &former_numbers,
    )
    .fetch_all(&mut *conn)
    .await?;
    states(conn, &ids).await
}

/// Every inter-branch account: the writer always holds these.
pub async fn inter_branch_accounts(conn: &mut PgConnection) -> Result<Vec<AccountState>, sqlx::Error> {
    let ids = sqlx::query_scalar!("SELECT id FROM account WHERE kind = 'inter_branch'")
        .fetch_all(&mut *conn)
        .await?;
    states(conn, &ids).await
}

/// Accounts with their balances and open holds.
pub async fn states(conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<AccountState>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut balances = balances(conn, ids).await?;
    let mut open = open_holds(conn, ids).await?;
    let accounts = sqlx::query_as!(
        AccountRow,
        r#"
        SELECT id, number, branch, ledger_code, currency, exponent, kind, title, holders AS "holders: _", status, freeze_kind,
               frozen_amount, unfrozen_status, overdraft_limit, normal_side, off_balance, open_date, close_date, version,
               former_number
        FROM account WHERE id = ANY($1)
        "#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    accounts
        .into_iter()
        .map(|row| {
            let account: Account = row.into_account()?;
            let balance = balances.remove(&account.id).unwrap_or_default();
            let holds = open.remove(&account.id).unwrap_or_default();
            Ok(AccountState::new(Arc::new(account), balance, holds))
        })
        .collect()
}

/// The last entry of each account, as its balance.
async fn balances(
    conn: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<AccountId, RunningBalance>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT wanted.id AS "id!", last.n AS "n!", last.debit_total AS "debit!", last.credit_total AS "credit!"
        FROM UNNEST($1::bigint[]) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT n, debit_total, credit_total FROM entry WHERE account_id = wanted.id ORDER BY n DESC LIMIT 1
        ) AS last
        "#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let balance = RunningBalance { n: row.n, debit: row.debit, credit: row.credit };
            (AccountId(row.id), balance)
        })
        .collect())
}

/// The open holds of each account, by number.
async fn open_holds(
    conn: &mut PgConnection,
    ids: &[i64],
) -> Result<HashMap<AccountId, Vec<Hold>>, sqlx::Error> {
    let rows = sqlx::query_as!(
        HoldEventRow,
        r#"
        SELECT last.number, last.hold, last.version, last.account_id, account.number AS account, account.currency,
               account.exponent, last.state, last.amount, last.captured, last.remaining, last.purpose, last.reference,
               last.branch, last.placed_by, last.placed_at, last.expires_at, last.request_id, last.digest, last.operator,
               last.posting, last.recorded_at, last.traceparent
        FROM open_hold
        CROSS JOIN LATERAL (
            SELECT * FROM hold_event WHERE hold_event.hold = open_hold.hold ORDER BY version DESC LIMIT 1
        ) AS last
        JOIN account ON account.id = last.account_id
        WHERE open_hold.account_id = ANY($1)
        ORDER BY last.hold
        "#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    let mut holds: HashMap<AccountId, Vec<Hold>> = HashMap::new();
    for row in rows {
        let hold = row.into_event()?.hold;
        holds.entry(hold.account_id).or_default().push(hold);
    }
    Ok(holds)
}
