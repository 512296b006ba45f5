//! The accounts that money moves between: a few at each of some sub-branches, opened and funded through the API.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use day::{
    bank::Bank,
    client::{self, Client, Token},
    report::Report,
    setup::{Onboarding, Setup},
    staff::{Caller, HeadOffice, Staff},
};
use platform::{
    clock::{Clock, SystemClock},
    ids::{SharedIds, UuidV7Ids},
};
use proto_accounting::v1::{
    AccountKind, BranchKind, Holder, HolderRole, OpenAccountRequest, Operator, OperatorKind,
    PostTransactionRequest, Side, Transaction, TransactionLine,
};
use proto_common::common::v1::Money;
use rand::Rng;
use uuid::Uuid;

/// Sub-branches, and accounts at each: few, so that many postings meet on an account, and some cross branches.
const COUNTERS: usize = 3;
const ACCOUNTS: usize = 5;

/// 个人活期存款, and 业务现金, which deposits come from.
const LEDGER_CODE: &str = "201101";
const TELLERS_CASH: &str = "100101";

/// 系统内往来, without which no transfer crosses branches.
const INTER_BRANCH: &str = "300301";

/// What is paid in to each account: a teller's limit, and far more than chance takes from it.
const DEPOSIT: &str = "50000.00";

/// How long a service that has just been started may need.
const SERVED_WITHIN: Duration = Duration::from_mins(1);

/// A sub-branch with a teller who acts for it.
struct Counter {
    branch: String,
    token: Token,
    accounts: Vec<String>,
}

/// All of them.
pub struct Customers {
    counters: Vec<Counter>,
    ids: SharedIds,
}

impl Customers {
    /// Sets as much of the sample bank up as transfers need, and opens and funds the accounts.
    /// The service is at `address`, as host:port, and trusts the issuer whose key is in `keys`.
    pub async fn provide(address: &str, keys: &Path, report: &mut Report<'_>) -> Result<Self> {
        let client = Client::of(&format!("http://{address}"))?;
        let mut bank = Bank::sample()?;
        let staff = Staff::of(&bank, keys, SystemClock.now())?;
        let office = HeadOffice::of(&bank)?;
        let counters = counters(&bank, &staff)?;
        // Hundreds of accounts of the bank's own take a while to open, and these will do.
        bank.internal_accounts.retain(|account| {
            [TELLERS_CASH, INTER_BRANCH].contains(&&*account.ledger_code)
                && counters.iter().any(|counter| counter.branch == account.branch)
        });
        client::wait_until_served(&client, &staff.token(&office.book_keeper)?, SERVED_WITHIN).await?;
        let ids: SharedIds = Arc::new(UuidV7Ids);
        let onboarding = Onboarding::beside(keys, address);
        let setup = Setup {
            bank: &bank,
            staff: &staff,
            office: &office,
            client: &client,
            ids: &ids,
            onboarding: &onboarding,
        };
        setup.prepare(SystemClock.now(), true, report).await?;

        let mut customers = Self { counters, ids };
        for counter in 0..customers.counters.len() {
            for account in 0..ACCOUNTS {
                customers.open(&client, counter, account).await?;
            }
        }
        Ok(customers)
    }

    async fn open(&mut self, client: &Client, counter: usize, account: usize) -> Result<()> {
        let Counter { branch, token, .. } = &self.counters[counter];
        let title = format!("faults {branch} {account}");
        let owner = Holder {
            customer: format!("F{branch}{account}"),
            title: title.clone(),
            role: HolderRole::Owner.into(),
        };
        let opening = OpenAccountRequest {
            request_id: self.ids.next().to_string(),
            branch: branch.clone(),
            kind: AccountKind::PersonalDemand.into(),
            ledger_code: LEDGER_CODE.to_owned(),
            currency: "CNY".to_owned(),
            title,
            holders: vec![owner],
            ..Default::default()
        };
        let opened = client.send(token, &opening).await?;
        let name = opened.account.context("an opened account")?.name;
        let cash = format!("branches/{branch}/ledgerCodes/{TELLERS_CASH}");
        let deposit = payment(self.ids.next(), branch, "CASH_DEPOSIT", (&cash, &name), DEPOSIT);
        client.send(token, &deposit).await?;
        self.counters[counter].accounts.push(name);
        Ok(())
    }

    /// A transfer from one account to another, by the teller whose token it comes with.
    pub fn transfer(&self, rng: &mut impl Rng) -> (Token, PostTransactionRequest) {
        let from_counter = rng.random_range(0..self.counters.len());
        let to_counter = rng.random_range(0..self.counters.len());
        let from = rng.random_range(0..ACCOUNTS);
        // Another one when it is of the same branch.
        let to = (from + rng.random_range(1..ACCOUNTS)) % ACCOUNTS;
        let counter = &self.counters[from_counter];
        let accounts = (&*counter.accounts[from], &*self.counters[to_counter].accounts[to]);
        let amount = format!("0.{:02}", rng.random_range(1..100));
        let request = payment(self.ids.next(), &counter.branch, "TRANSFER", accounts, &amount);
        (counter.token.clone(), request)
    }
}

/// The first sub-branches, each with its first teller.
fn counters(bank: &Bank, staff: &Staff) -> Result<Vec<Counter>> {
    let mut counters = Vec::new();
    for branch in bank.branches().filter(|branch| branch.kind() == BranchKind::SubBranch).take(COUNTERS) {
        let serves = |operator: &&Operator| {
            operator.branch == branch.code && operator.kind() == OperatorKind::Teller && !operator.suspended
        };
        let teller = bank.operators().find(serves);
        let teller = teller.with_context(|| format!("branch {} has no teller", branch.code))?;
        let token = staff.token(&Caller::operator(&teller.code))?;
        counters.push(Counter { branch: branch.code.clone(), token, accounts: Vec::new() });
    }
    ensure!(counters.len() == COUNTERS, "the bank has fewer than {COUNTERS} sub-branches");
    Ok(counters)
}

/// A transaction of two lines.
fn payment(
    request_id: Uuid,
    branch: &str,
    code: &str,
    (from, to): (&str, &str),
    amount: &str,
) -> PostTransactionRequest {
    let line = |account: &str, side: Side| TransactionLine {
        account: account.to_owned(),
        side: side.into(),
        amount: Some(Money { currency: "CNY".to_owned(), amount: amount.to_owned() }),
        narrative: String::new(),
    };
    let transaction = Transaction {
        code: code.to_owned(),
        source: "FAULTS".to_owned(),
        narrative: "faults".to_owned(),
        lines: vec![line(from, Side::Debit), line(to, Side::Credit)],
        ..Default::default()
    };
    PostTransactionRequest {
        request_id: request_id.to_string(),
        branch: branch.to_owned(),
        transaction: Some(transaction),
        validate_only: false,
    }
}
