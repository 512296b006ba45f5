//! A small bank: base data loaded, a business day open, the bank's own accounts there, and cash in the tills.

use std::ops::Deref;

use futures::future::join_all;
use proto_accounting::v1::{
    AccountKind, ChangeBaseDataRequest, GetAccountRequest, GetTrialBalanceRequest, GetTrialBalanceResponse,
    Holder, HolderRole, OpenAccountRequest, OpenBusinessDayRequest, PostTransactionRequest, Posting, Side,
    Transaction, TransactionLine,
};
use proto_common::common::v1::Money;
use testkit::{PrivateBroker, TestKafka};

use super::{
    Refused, ServiceHarness, base_data, new_id,
    people::{
        BOOK_KEEPER, BRANCH, CHECKER, HEAD_OFFICE, HEAD_SUPERVISOR, MAKER, OTHER_SUB_BRANCH, Person,
        SUB_BRANCH,
    },
    yuan,
};

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

/// A house with a bank in it.
pub struct BankFixture {
    house: ServiceHarness,
}

impl Deref for BankFixture {
    type Target = ServiceHarness;

    fn deref(&self) -> &ServiceHarness {
        &self.house
    }
}

impl BankFixture {
    /// A bank whose facts nobody reads.
    pub async fn open() -> BankFixture {
        BankFixture::in_house(ServiceHarness::start().await).await
    }

    /// A bank with topics of its own.
    pub async fn with_facts() -> BankFixture {
        BankFixture::in_house(ServiceHarness::with_facts().await).await
    }

    /// A bank with topics of its own on this broker, which takes in the facts on these topics.
    pub async fn taking_in(kafka: TestKafka, topics: &[&str]) -> BankFixture {
        BankFixture::in_house(ServiceHarness::taking_in(kafka, topics).await).await
    }

    /// A bank whose facts go to a broker of the test's own.
    pub async fn on(broker: &PrivateBroker) -> BankFixture {
        BankFixture::in_house(ServiceHarness::on_broker(broker).await).await
    }

    async fn in_house(house: ServiceHarness) -> BankFixture {
        let bank = BankFixture { house };
        bank.load_base_data().await;
        bank.open_day(DAY).await;
        bank.open_own_accounts().await;
        bank.fill_tills().await;
        bank
    }

    /// The house, to stop it and start it again.
    pub fn house(&mut self) -> &mut ServiceHarness {
        &mut self.house
    }

    async fn load_base_data(&self) {
        let request = ChangeBaseDataRequest {
            request_id: new_id(),
            branch: HEAD_OFFICE.to_owned(),
            records: base_data::all(),
            reason: "founding".to_owned(),
            validate_only: false,
        };
        self.approved(MAKER, CHECKER, request).await;
    }

    /// Opens a business day.
    pub async fn open_day(&self, date: &str) {
        let request = OpenBusinessDayRequest {
            request_id: new_id(),
            branch: HEAD_OFFICE.to_owned(),
            business_date: date.to_owned(),
            validate_only: false,
        };
        self.approved(BOOK_KEEPER, HEAD_SUPERVISOR, request).await;
    }

    async fn open_own_accounts(&self) {
        let of = |branch, (code, kind), currency| (branch, code, kind, currency);
        let yuan = BRANCHES.iter().flat_map(|branch| OWN_CODES.map(|each| of(*branch, each, "CNY")));
        let dollars = [HEAD_OFFICE, SUB_BRANCH]
            .iter()
            .flat_map(|branch| DOLLAR_CODES.map(|each| of(*branch, each, "USD")));
        let head_office = [("1003", "CNY"), ("4001", "CNY"), ("4001", "USD")]
            .map(|(code, currency)| (HEAD_OFFICE, code, AccountKind::Internal, currency));
        let opened = yuan
            .chain(dollars)
            .chain(head_office)
            .map(|(branch, code, kind, currency)| self.open_own_account(branch, code, kind, currency));
        assert_eq!(join_all(opened).await.len(), OWN_ACCOUNTS);
    }

    /// Opens an account of the bank's own.
    pub async fn open_own_account(&self, branch: &str, code: &str, kind: AccountKind, currency: &str) {
        let request = OpenAccountRequest {
            request_id: new_id(),
            branch: branch.to_owned(),
            kind: kind.into(),
            ledger_code: code.to_owned(),
            currency: currency.to_owned(),
            title: format!("{branch} {code} {currency}"),
            ..OpenAccountRequest::default()
        };
        self.approved(BOOK_KEEPER, HEAD_SUPERVISOR, request).await;
    }

    /// The owners' funds come in as cash.
    async fn fill_tills(&self) {
        let tills = BRANCHES.map(|branch| (branch, "CNY")).into_iter();
        for (branch, currency) in tills.chain([(HEAD_OFFICE, "USD"), (SUB_BRANCH, "USD")]) {
            let cash = Money { currency: currency.to_owned(), amount: CASH.to_owned() };
            let lines =
                [debit(&own(branch, "100101"), cash.clone()), credit(&own(HEAD_OFFICE, "4001"), cash)];
            self.done(BOOK_KEEPER, post(HEAD_OFFICE, "FOUND", lines)).await;
        }
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

/// Asks for a personal demand account.
pub fn personal_account(branch: &str, customer: &str) -> OpenAccountRequest {
    OpenAccountRequest {
        request_id: new_id(),
        branch: branch.to_owned(),
        kind: AccountKind::PersonalDemand.into(),
        ledger_code: "201102".to_owned(),
        currency: "CNY".to_owned(),
        title: format!("account of {customer}"),
        holders: vec![Holder {
            customer: customer.to_owned(),
            title: format!("customer {customer}"),
            role: HolderRole::Owner.into(),
        }],
        ..OpenAccountRequest::default()
    }
}

/// Asks to post these lines.
pub fn post(branch: &str, code: &str, lines: impl Into<Vec<TransactionLine>>) -> PostTransactionRequest {
    let transaction = Transaction {
        code: code.to_owned(),
        source: "TEST".to_owned(),
        narrative: code.to_lowercase(),
        lines: lines.into(),
        ..Transaction::default()
    };
    PostTransactionRequest {
        request_id: new_id(),
        branch: branch.to_owned(),
        transaction: Some(transaction),
        validate_only: false,
    }
}

/// The account that a branch has on a code, in the currency of the line's amount.
pub fn own(branch: &str, code: &str) -> String {
    format!("branches/{branch}/ledgerCodes/{code}")
}

pub fn debit(account: &str, amount: Money) -> TransactionLine {
    line(account, Side::Debit, amount)
}

pub fn credit(account: &str, amount: Money) -> TransactionLine {
    line(account, Side::Credit, amount)
}

fn line(account: &str, side: Side, amount: Money) -> TransactionLine {
    TransactionLine {
        account: account.to_owned(),
        side: side.into(),
        amount: Some(amount),
        narrative: String::new(),
    }
}
