//! Accounts: one with its balance, searches, history, entries.

use form::{money, timestamp};
use platform::refusal::{Failure, field_invalid};
use proto_accounting::v1 as pb;
use sqlx::Connection;

use super::{Enquiries, SNAPSHOT, not_found};
use crate::{
    store::accounts::{self, AccountEntry, Filter, VersionRow},
    wire::{self, account, posting::ledger_balance},
};

/// Reads one account with its balance.
pub async fn get(on: &Enquiries, request: pb::GetAccountRequest) -> Result<pb::GetAccountResponse, Failure> {
    let number = wire::account_name("name", &request.name)?;
    let mut conn = on.connection().await?;
    // Balance and holds of one state: a capture between them would show as available what it has taken.
    let mut snapshot = conn.begin_with(SNAPSHOT).await?;
    let found = accounts::get(&mut snapshot, number.as_str()).await?;
    snapshot.rollback().await?;
    let state = found.ok_or_else(|| not_found(&request.name))?;
    Ok(pb::GetAccountResponse {
        account: Some(account::to_proto(&state.account)),
        balance: Some(account::balance_to_proto(&state, on.clock.now())),
    })
}

/// Most numbers that are looked up at once.
const FORMER_NUMBERS_MAX: usize = 1_000;

/// Finds accounts by the numbers that they had before.
pub async fn by_former_numbers(
    on: &Enquiries,
    request: pb::SearchFormerNumbersRequest,
) -> Result<pb::SearchFormerNumbersResponse, Failure> {
    let count = request.former_numbers.len();
    if !(1..=FORMER_NUMBERS_MAX).contains(&count) {
        let rule = format!("must have 1 to {FORMER_NUMBERS_MAX} numbers, not {count}");
        return Err(field_invalid("former_numbers", rule).into());
    }
    for (place, number) in request.former_numbers.iter().enumerate() {
        wire::former_number(&format!("former_numbers[{place}]"), number)?;
    }
    let found = accounts::by_former_numbers(&mut *on.connection().await?, &request.former_numbers).await?;
    let found = found.into_iter().map(|(former_number, number)| pb::FormerNumber {
        former_number,
        account: format!("accounts/{number}"),
    });
    Ok(pb::SearchFormerNumbersResponse { found: found.collect() })
}

/// Searches accounts, by number.
pub async fn list(
    on: &Enquiries,
    request: pb::ListAccountsRequest,
) -> Result<pb::ListAccountsResponse, Failure> {
    let filter = Filter {
        branch: form::filter("branch", &request.branch)?,
        customer: form::filter("customer", &request.customer)?,
        ledger_code: form::filter("ledger_code", &request.ledger_code)?,
        currency: form::filter("currency", &request.currency)?,
        kind: account::kind(request.kind()),
        status: account::status_text(request.status()),
        title_prefix: form::filter("title_prefix", &request.title_prefix)?,
    };
    let key = (
        "accounts",
        (&request.branch, &request.customer, &request.ledger_code, &request.currency),
        (request.kind, request.status, &request.title_prefix),
    );
    let (after, size) = on.page(&key, request.page_size, &request.page_token, String::new())?;
    let found = accounts::list(&mut *on.connection().await?, &filter, &after, size).await?;
    Ok(pb::ListAccountsResponse {
        next_page_token: on.next(&key, &found, size, |account| account.number.to_string()),
        accounts: found.iter().map(account::to_proto).collect(),
    })
}

/// Lists the versions of one account, newest first.
pub async fn versions(
    on: &Enquiries,
    request: pb::ListAccountVersionsRequest,
) -> Result<pb::ListAccountVersionsResponse, Failure> {
    let number = wire::account_name("account", &request.account)?;
    let key = ("account versions", &request.account);
    let (below, size) = on.page(&key, request.page_size, &request.page_token, i32::MAX)?;
    let found = accounts::versions(&mut *on.connection().await?, number.as_str(), below, size).await?;
    if found.is_empty() && below == i32::MAX {
        return Err(not_found(&request.account).into());
    }
    Ok(pb::ListAccountVersionsResponse {
        next_page_token: on.next(&key, &found, size, |row| row.snapshot.version),
        versions: found.into_iter().map(version_to_proto).collect(),
    })
}

fn version_to_proto(row: VersionRow) -> pb::AccountVersion {
    pb::AccountVersion {
        account: Some(account::to_proto(&row.snapshot)),
        operator: row.operator,
        authoriser: row.authoriser.unwrap_or_default(),
        reason: row.reason,
        record_time: Some(timestamp(row.recorded_at)),
    }
}

/// Lists the entries of one account, newest first.
pub async fn entries(
    on: &Enquiries,
    request: pb::ListAccountEntriesRequest,
) -> Result<pb::ListAccountEntriesResponse, Failure> {
    let number = wire::account_name("account", &request.account)?;
    let from = form::date("from_date", &request.from_date)?;
    let to = form::date("to_date", &request.to_date)?;
    let key = ("entries", &request.account, &request.from_date, &request.to_date);
    let (below, size) = on.page(&key, request.page_size, &request.page_token, i64::MAX)?;
    let mut conn = on.connection().await?;
    let found = accounts::get(&mut conn, number.as_str()).await?;
    let account = found.ok_or_else(|| not_found(&request.account))?.account;
    let found = accounts::entries(&mut conn, account.id.0, from, to, below, size).await?;
    Ok(pb::ListAccountEntriesResponse {
        next_page_token: on.next(&key, &found, size, |entry| entry.n),
        entries: found.iter().map(|entry| entry_to_proto(&account, entry)).collect(),
    })
}

fn entry_to_proto(account: &crate::domain::account::Account, entry: &AccountEntry) -> pb::AccountEntry {
    let ledger = ledger_balance(account.normal_side, entry.debit_total, entry.credit_total);
    pb::AccountEntry {
        posting: wire::posting::posting_name(entry.posting),
        number: entry.n,
        accounting_date: entry.accounting_date.to_string(),
        value_date: entry.value_date.to_string(),
        side: wire::posting::side_to_proto(entry.side).into(),
        amount: Some(money(account.currency, entry.amount)),
        ledger: Some(money(account.currency, ledger)),
        narrative: entry.narrative.clone(),
        record_time: Some(timestamp(entry.recorded_at)),
    }
}
