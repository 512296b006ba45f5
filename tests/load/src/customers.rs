//! The accounts that money moves between: opened and funded through the API by the tellers of the sub-branches. What is there
//! already is found and used again.

use anyhow::{Context, Result, ensure};
use day::{
    bank::Bank,
    client::{Client, Token},
    ids::request_id,
    report::{Report, thousands},
    staff::{Caller, Staff},
};
use futures::{StreamExt, TryStreamExt, stream};
use http::HeaderMap;
use proto_accounting::v1::{
    Account, AccountKind, BatchMode, BranchKind, Holder, HolderRole, ListAccountsRequest, OpenAccountRequest,
    Operator, OperatorKind, PostBatchRequest, Side, Transaction, TransactionLine,
};
use proto_common::common::v1::Money;

use crate::{number::count, wire};

/// 个人活期存款.
pub const LEDGER_CODE: &str = "201101";

pub const CURRENCY: &str = "CNY";

/// `accounts/` and the account number.
pub const NAME_BYTES: usize = 28;

/// What the names on these accounts begin with.
const TITLE: &str = "load ";

/// The name on the account that takes part in every transfer of `single_hot`.
const HOT_TITLE: &str = "load hot";

/// 业务现金, which deposits come from.
const TELLERS_CASH: &str = "100101";

/// What is paid in to each account: below a teller's limit, and far more than chance takes from it in any row.
const DEPOSIT: &str = "40000.00";

/// What is paid in to the hot account at once, and how often: a teller's limit, and enough for millions of transfers.
const HOT_DEPOSIT: &str = "50000.00";
const HOT_DEPOSITS: usize = 100;

/// Accounts opened, and batches of deposits posted, at any time.
const OPENINGS_IN_FLIGHT: usize = 128;
const BATCHES_IN_FLIGHT: usize = 8;

/// Deposits in a batch.
const BATCH_ITEMS: usize = 100;

/// A sub-branch, with a teller who acts for it.
#[derive(Debug)]
pub struct Counter {
    pub branch: String,
    pub headers: HeaderMap,
    token: Token,
    /// `accounts/{number}` of each.
    pub accounts: Vec<String>,
}

/// All of them.
#[derive(Debug)]
pub struct Customers {
    pub counters: Vec<Counter>,
    /// Kept by the first counter, and none of its accounts.
    pub hot: String,
}

impl Customers {
    /// Opens what is missing of `accounts` accounts and one hot one, and funds them.
    pub async fn provide(
        client: &Client,
        bank: &Bank,
        staff: &Staff,
        accounts: u32,
        report: &mut Report<'_>,
    ) -> Result<Self> {
        let mut counters = counters(bank, staff)?;
        let places = usize::try_from(accounts)?.div_ceil(counters.len());
        let mut hot = None;
        for counter in &mut counters {
            let known = known(client, counter).await?;
            hot = hot.or_else(|| find(&known, HOT_TITLE));
            counter.accounts = provided(client, counter, &known, places, report).await?;
        }
        let hot = match hot {
            Some(hot) => hot,
            None => open(client, &counters[0], HOT_TITLE.to_owned()).await?,
        };
        let customers = Self { counters, hot };
        customers.fund(client, report).await?;
        Ok(customers)
    }

    /// Pays in. The requests have the same ids each time, so that money that is there already is not paid in again.
    async fn fund(&self, client: &Client, report: &mut Report<'_>) -> Result<()> {
        let hot = vec![(self.hot.as_str(), HOT_DEPOSIT); HOT_DEPOSITS];
        let mut batches = vec![(&self.counters[0], hot)];
        for counter in &self.counters {
            let chunks = counter.accounts.chunks(BATCH_ITEMS);
            batches.extend(
                chunks.map(|chunk| {
                    (counter, chunk.iter().map(|account| (account.as_str(), DEPOSIT)).collect())
                }),
            );
        }
        let total = batches.len();
        let mut paid_in = stream::iter(batches)
            .map(|(counter, deposits)| pay_in(client, counter, deposits))
            .buffer_unordered(BATCHES_IN_FLIGHT);
        let mut done = 0_usize;
        while paid_in.try_next().await?.is_some() {
            done += 1;
            report.progress(|| format!("deposits: {done} of {total} batches"))?;
        }
        Ok(())
    }
}

/// The sub-branches, each with its first teller.
fn counters(bank: &Bank, staff: &Staff) -> Result<Vec<Counter>> {
    let mut counters = Vec::new();
    for branch in bank.branches().filter(|branch| branch.kind() == BranchKind::SubBranch) {
        let serves = |operator: &&Operator| {
            operator.branch == branch.code && operator.kind() == OperatorKind::Teller && !operator.suspended
        };
        let teller = bank.operators().find(serves);
        let teller = teller.with_context(|| format!("branch {} has no teller", branch.code))?;
        let token = staff.token(&Caller::operator(&teller.code))?;
        let headers = wire::headers(&token)?;
        counters.push(Counter { branch: branch.code.clone(), headers, token, accounts: Vec::new() });
    }
    ensure!(!counters.is_empty(), "the bank has no sub-branch");
    Ok(counters)
}

/// The accounts of an earlier run.
async fn known(client: &Client, counter: &Counter) -> Result<Vec<Account>> {
    let filter = ListAccountsRequest {
        branch: counter.branch.clone(),
        kind: AccountKind::PersonalDemand.into(),
        title_prefix: TITLE.to_owned(),
        ..Default::default()
    };
    Ok(client.accounts(&counter.token, filter).await?)
}

fn find(known: &[Account], title: &str) -> Option<String> {
    known.iter().find(|account| account.title == title).map(|account| account.name.clone())
}

/// The first `places` accounts of a counter, in the order of their titles, the missing ones opened.
async fn provided(
    client: &Client,
    counter: &Counter,
    known: &[Account],
    places: usize,
    report: &mut Report<'_>,
) -> Result<Vec<String>> {
    let mut names: Vec<Option<String>> = vec![None; places];
    for account in known {
        let place = account.title.strip_prefix(TITLE).and_then(|place| place.parse::<usize>().ok());
        if let Some(name) = place.and_then(|place| names.get_mut(place)) {
            *name = Some(account.name.clone());
        }
    }
    let missing: Vec<usize> = (0..places).filter(|place| names[*place].is_none()).collect();
    let mut openings = stream::iter(missing)
        .map(async |place| {
            open(client, counter, format!("{TITLE}{place:07}")).await.map(|name| (place, name))
        })
        .buffer_unordered(OPENINGS_IN_FLIGHT);
    let mut opened = 0_u64;
    while let Some((place, name)) = openings.try_next().await? {
        names[place] = Some(name);
        opened += 1;
        report.progress(|| {
            format!(
                "branch {}: {} of {} accounts",
                counter.branch,
                thousands(opened),
                thousands(count(places))
            )
        })?;
    }
    drop(openings);
    let names: Vec<String> = names.into_iter().flatten().collect();
    ensure!(
        names.iter().all(|name| name.len() == NAME_BYTES),
        "an account's name is not {NAME_BYTES} characters long"
    );
    Ok(names)
}

async fn open(client: &Client, counter: &Counter, title: String) -> Result<String> {
    let id = request_id(&["load", "open", &counter.branch, &title]);
    let request = opening(&counter.branch, id.to_string(), title);
    let answer = client.send(&counter.token, &request).await?;
    Ok(answer.account.context("an opened account")?.name)
}

/// What opens a customer's account.
pub fn opening(branch: &str, request_id: String, title: String) -> OpenAccountRequest {
    let owner =
        Holder { customer: format!("L{branch}"), title: title.clone(), role: HolderRole::Owner.into() };
    OpenAccountRequest {
        request_id,
        branch: branch.to_owned(),
        kind: AccountKind::PersonalDemand.into(),
        ledger_code: LEDGER_CODE.to_owned(),
        currency: CURRENCY.to_owned(),
        title,
        holders: vec![owner],
        ..Default::default()
    }
}

async fn pay_in(client: &Client, counter: &Counter, deposits: Vec<(&str, &str)>) -> Result<()> {
    let accounts = deposits.iter().map(|(account, _)| *account);
    let parts: Vec<&str> = ["load", "deposit"].into_iter().chain(accounts).collect();
    let cash = format!("branches/{}/ledgerCodes/{TELLERS_CASH}", counter.branch);
    let request = PostBatchRequest {
        request_id: request_id(&parts).to_string(),
        branch: counter.branch.clone(),
        mode: BatchMode::Atomic.into(),
        transactions: deposits
            .iter()
            .map(|(account, amount)| payment("CASH_DEPOSIT", &cash, account, amount))
            .collect(),
        validate_only: false,
    };
    client.send(&counter.token, &request).await?;
    Ok(())
}

/// A transaction of two lines.
pub fn payment(code: &str, from: &str, to: &str, amount: &str) -> Transaction {
    let line = |account: &str, side: Side| TransactionLine {
        account: account.to_owned(),
        side: side.into(),
        amount: Some(Money { currency: CURRENCY.to_owned(), amount: amount.to_owned() }),
        narrative: String::new(),
    };
    Transaction {
        code: code.to_owned(),
        source: "LOAD".to_owned(),
        narrative: "load".to_owned(),
        lines: vec![line(from, Side::Debit), line(to, Side::Credit)],
        ..Default::default()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Counters with so many accounts each, which nobody has opened.
    pub fn customers(accounts: usize) -> Customers {
        let name = |branch: &str, place: usize| format!("accounts/{branch}01{place:010}0");
        let counters: Vec<Counter> = ["110100", "120100", "130100"]
            .map(|branch| Counter {
                branch: branch.to_owned(),
                headers: HeaderMap::new(),
                token: Token::none(),
                accounts: (0..accounts).map(|place| name(branch, place)).collect(),
            })
            .into();
        let hot = name("110100", accounts);
        Customers { counters, hot }
    }

    #[test]
    fn every_sub_branch_has_a_counter() {
        let bank = Bank::sample().unwrap();
        let keys = std::env::temp_dir().join(format!("countinghouse-load-{}", std::process::id()));
        let staff =
            Staff::of(&bank, &keys, platform::clock::Clock::now(&platform::clock::SystemClock)).unwrap();
        std::fs::remove_dir_all(&keys).unwrap();
        let counters = counters(&bank, &staff).unwrap();
        assert_eq!(counters.len(), 12);
        assert!(counters.iter().all(|counter| counter.headers.contains_key("authorization")));
    }

    #[test]
    fn names_are_as_long_as_templates_take_them() {
        let customers = customers(3);
        assert!(
            customers
                .counters
                .iter()
                .flat_map(|counter| &counter.accounts)
                .all(|name| name.len() == NAME_BYTES)
        );
        assert_eq!(customers.hot.len(), NAME_BYTES);
    }
}
