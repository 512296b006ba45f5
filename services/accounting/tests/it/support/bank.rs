//! A small bank: base data loaded, a business day open, the bank's own accounts there, and cash in the tills.

use std::ops::Deref;

use accounting::{
    app::{
        verify::{self, Failed, Sound},
        writer::Recent,
    },
    events::PostingJournal,
    service::Accounting,
};
use futures::future::join_all;
use platform::{
    audit::{self, VerifyError},
    relay::{self, JournalSource},
};
use prost::Message;
use proto_accounting::v1::{
    AccountKind, ChangeBaseDataRequest, GetAccountRequest, GetTrialBalanceRequest, GetTrialBalanceResponse,
    OpenAccountRequest, OpenBusinessDayRequest, PostTransactionRequest, Posting,
};
use proto_common::common::v1::Money;
use testkit::{
    Collector, TestKafka,
    harness::{BOUND, Launch, Person, Refused, Replica, ServiceHarness, new_id, yuan},
    wait_for,
};

use super::{
    base_data,
    people::{
        BOOK_KEEPER, BRANCH, CHECKER, HEAD_OFFICE, HEAD_SUPERVISOR, MAKER, OTHER_SUB_BRANCH, SUB_BRANCH,
    },
    requests::{credit, debit, own, personal_account, post},
};

/// The program that a replica runs.
const PROGRAM: &str = env!("CARGO_BIN_EXE_accounting");

/// What the writer's sessions of the database are called.
pub const WRITER: &str = "accounting.writer";

/// The business day that is open: a Monday.
pub const DAY: &str = "2026-03-02";

/// The codes on which every branch has an account of its own.
const OWN_CODES: [(&str, AccountKind); 7] = [
    ("100101", AccountKind::Internal),
    ("2241", AccountKind::Internal),
    ("3002", AccountKind::Internal),
    ("300301", AccountKind::InterBranch),
    ("6021", AccountKind::Internal),
    ("7001", AccountKind::Internal),
    ("8001", AccountKind::Internal),
];

/// The codes on which head office and the sub-branch have one in dollars too.
const DOLLAR_CODES: [(&str, AccountKind); 3] = [
    ("100101", AccountKind::Internal),
    ("3002", AccountKind::Internal),
    ("300301", AccountKind::InterBranch),
];

const BRANCHES: [&str; 4] = [HEAD_OFFICE, BRANCH, SUB_BRANCH, OTHER_SUB_BRANCH];

/// How many accounts the bank opens for itself.
pub const OWN_ACCOUNTS: usize = BRANCHES.len() * OWN_CODES.len() + 2 * DOLLAR_CODES.len() + 3;

/// Cash that each till starts with.
const CASH: &str = "10000000.00";

/// The service with a bank in it.
pub struct BankFixture {
    harness: ServiceHarness<Accounting>,
}

impl Deref for BankFixture {
    type Target = ServiceHarness<Accounting>;

    fn deref(&self) -> &ServiceHarness<Accounting> {
        &self.harness
    }
}

impl BankFixture {
    /// A bank whose facts nobody reads.
    pub async fn open() -> BankFixture {
        BankFixture::founded(launch()).await
    }

    /// A bank with topics of its own, to which the facts go that come after its founding.
    pub async fn with_facts() -> BankFixture {
        BankFixture::founded(launch().on(testkit::kafka().await)).await
    }

    /// The same on this broker, taking in the facts of other services on these topics.
    pub async fn taking_in(kafka: TestKafka, topics: &[&str]) -> BankFixture {
        for topic in topics {
            kafka.topic(topic, 2).await;
        }
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        let launch = launch().on(kafka).configured(|settings| settings.own.facts.topics = topics);
        BankFixture::founded(launch).await
    }

    /// A bank that is founded on topics of its own: its first fact is the first of its topic.
    pub async fn with_all_facts(kafka: TestKafka) -> BankFixture {
        let harness = launch().on(kafka).start().await;
        found(&harness).await;
        BankFixture { harness }
    }

    /// On a copy of a bank that is founded once.
    async fn founded(launch: Launch<Accounting>) -> BankFixture {
        let content = change_base_data(String::new()).encode_to_vec();
        let template = self::launch().found("bank", &content, async |harness| {
            found(harness).await;
            let postings = JournalSource::new(PostingJournal { recent: Recent::default() });
            let last = harness.done(BOOK_KEEPER, GetTrialBalanceRequest::default()).await.last_posting;
            let published = relay::drained(&harness.database.dml, &postings, last, BOUND);
            published.await.expect("the postings are published");
        });
        let template = template.await;
        BankFixture { harness: launch.on_copy_of(template).start().await }
    }

    /// The harness, to stop the service and start it again.
    pub fn harness(&mut self) -> &mut ServiceHarness<Accounting> {
        &mut self.harness
    }

    /// A replica on the same books, as a process of its own.
    pub async fn replica(&self) -> Replica {
        Replica::of(&self.harness, PROGRAM).await
    }

    /// The same with its traces and metrics sent to a collector, taking in the facts on these topics.
    pub async fn replica_observed_by(&self, collector: &Collector, facts: &[&str]) -> Replica {
        let own = format!("[facts]\ntopics = {facts:?}\n");
        Replica::observed_by(collector, &self.harness, PROGRAM, &own).await
    }

    /// Waits until a replica writes the book.
    pub async fn led_by(&self, replica: &Replica) {
        wait_for(BOUND, "the replica to lead", || async {
            let address: Option<String> = sqlx::query_scalar("SELECT address FROM leader")
                .fetch_optional(&self.database.dml)
                .await
                .expect("the row can be read");
            (address.as_ref() == Some(&replica.address)).then_some(())
        })
        .await;
    }

    /// Ends the database session of the writer, as a failing network would. Whether there was one.
    pub async fn cut_off_the_writer(&self) -> bool {
        self.cut_off(WRITER).await
    }

    /// Proves the journal and the audit, as `accounting verify` does. The error says what is broken.
    pub async fn prove(&self) -> Result<Sound, String> {
        let pool = &self.database.dml;
        let sound = verify::journal(pool, |_| ()).await.map_err(|failed| match failed {
            Failed::Unsound(unsound) => unsound.to_string(),
            Failed::Database(error) => panic!("the journal cannot be read: {error}"),
        })?;
        match audit::verify(pool).await {
            Ok(_) => Ok(sound),
            Err(VerifyError::Broken(broken)) => Err(format!("the audit, {broken}")),
            Err(VerifyError::Database(error)) => panic!("the audit cannot be read: {error}"),
        }
    }

    /// Opens a business day.
    pub async fn open_day(&self, date: &str) {
        open_day(&self.harness, date).await;
    }

    /// Opens an account of the bank's own.
    pub async fn open_own_account(&self, branch: &str, code: &str, kind: AccountKind, currency: &str) {
        open_own_account(&self.harness, branch, code, kind, currency).await;
    }

    /// Opens a personal demand account at a branch, and gives its name.
    pub async fn open_account(&self, teller: Person, customer: &str) -> String {
        let opened = self.done(teller, personal_account(teller.branches[0], customer)).await;
        opened.account.expect("an account").name
    }

    /// The same, with money paid in.
    pub async fn open_funded(&self, teller: Person, customer: &str, amount: &str) -> String {
        let account = self.open_account(teller, customer).await;
        self.pay_in(teller, &account, amount).await.expect("the money is paid in");
        account
    }

    /// Pays cash in.
    pub async fn pay_in(&self, teller: Person, account: &str, amount: &str) -> Result<Posting, Refused> {
        let branch = teller.branches[0];
        let lines = [debit(&own(branch, "100101"), yuan(amount)), credit(account, yuan(amount))];
        self.post(teller, post(branch, "CASH_IN", lines)).await
    }

    /// Posts a transaction.
    pub async fn post(&self, person: Person, request: PostTransactionRequest) -> Result<Posting, Refused> {
        self.call(person, request).await.map(|answer| answer.posting.expect("a posting"))
    }

    /// What is available on an account.
    pub async fn available(&self, person: Person, account: &str) -> String {
        let answer = self.done(person, GetAccountRequest { name: account.to_owned() }).await;
        answer.balance.and_then(|balance| balance.available).expect("the account has a limit").amount
    }

    /// The trial balance of the whole bank.
    pub async fn trial_balance(&self) -> GetTrialBalanceResponse {
        self.done(BOOK_KEEPER, GetTrialBalanceRequest::default()).await
    }
}

/// How accounting is started for its tests.
pub fn launch() -> Launch<Accounting> {
    Launch::<Accounting>::new().configured(|settings| {
        let writer = &mut settings.own.writer;
        writer.lead_retry_ms = 50;
        // No replica is taken for dead that is only slow.
        writer.heartbeat_lost_ms = 20_000;
        writer.statement_timeout_ms = 60_000;
    })
}

/// Base data, a business day, the bank's own accounts, and cash in the tills.
async fn found(harness: &ServiceHarness<Accounting>) {
    harness.approved(MAKER, CHECKER, change_base_data(new_id())).await;
    open_day(harness, DAY).await;
    open_own_accounts(harness).await;
    fill_tills(harness).await;
}

fn change_base_data(request_id: String) -> ChangeBaseDataRequest {
    ChangeBaseDataRequest {
        request_id,
        branch: HEAD_OFFICE.to_owned(),
        records: base_data::all(),
        reason: "founding".to_owned(),
        validate_only: false,
    }
}

async fn open_day(harness: &ServiceHarness<Accounting>, date: &str) {
    let request = OpenBusinessDayRequest {
        request_id: new_id(),
        branch: HEAD_OFFICE.to_owned(),
        business_date: date.to_owned(),
        validate_only: false,
    };
    harness.approved(BOOK_KEEPER, HEAD_SUPERVISOR, request).await;
}

async fn open_own_accounts(harness: &ServiceHarness<Accounting>) {
    let of = |branch, (code, kind), currency| (branch, code, kind, currency);
    let yuan = BRANCHES.iter().flat_map(|branch| OWN_CODES.map(|each| of(*branch, each, "CNY")));
    let dollars =
        [HEAD_OFFICE, SUB_BRANCH].iter().flat_map(|branch| DOLLAR_CODES.map(|each| of(*branch, each, "USD")));
    let head_office = [("1003", "CNY"), ("4001", "CNY"), ("4001", "USD")]
        .map(|(code, currency)| (HEAD_OFFICE, code, AccountKind::Internal, currency));
    let opened = yuan
        .chain(dollars)
        .chain(head_office)
        .map(|(branch, code, kind, currency)| open_own_account(harness, branch, code, kind, currency));
    assert_eq!(join_all(opened).await.len(), OWN_ACCOUNTS);
}

async fn open_own_account(
    harness: &ServiceHarness<Accounting>,
    branch: &str,
    code: &str,
    kind: AccountKind,
    currency: &str,
) {
    let request = OpenAccountRequest {
        request_id: new_id(),
        branch: branch.to_owned(),
        kind: kind.into(),
        ledger_code: code.to_owned(),
        currency: currency.to_owned(),
        title: format!("{branch} {code} {currency}"),
        ..OpenAccountRequest::default()
    };
    harness.approved(BOOK_KEEPER, HEAD_SUPERVISOR, request).await;
}

/// The owners' funds come in as cash.
async fn fill_tills(harness: &ServiceHarness<Accounting>) {
    let tills = BRANCHES.map(|branch| (branch, "CNY")).into_iter();
    for (branch, currency) in tills.chain([(HEAD_OFFICE, "USD"), (SUB_BRANCH, "USD")]) {
        let cash = Money { currency: currency.to_owned(), amount: CASH.to_owned() };
        let lines = [debit(&own(branch, "100101"), cash.clone()), credit(&own(HEAD_OFFICE, "4001"), cash)];
        harness.done(BOOK_KEEPER, post(HEAD_OFFICE, "FOUND", lines)).await;
    }
}
