//! A small bank: its base data, its accounts by short names, and ways to ask it things.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{records::Recorded, templates::templates};
use crate::domain::{
    Digest,
    account::{AccountKind, Holder, HolderRole},
    base::{
        BaseContent, BaseVersion, Branch, BranchKind, CalendarYear, CurrencyRecord, ExchangeRate,
        LedgerClass, LedgerCode, Operator, OperatorKind, OperatorLimit, Parameter, TransactionKind,
    },
    book::{AccountState, Book, Needs},
    command::{Action, Answer, BusinessDay, Command, OpenAccount, Origin, Records, Verdict},
    ids::{AccountNumber, BranchCode, CurrencyCode, LedgerCodeNumber, OperatorCode},
    refusal::Refusal,
    side::{NormalSide, Side},
    template::Given,
    transaction::{AccountRef, Line, Posting, Transaction},
};

/// The open day, a Monday.
pub const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap();

/// The bank, with its book, and with what was recorded of it.
pub struct Bank {
    pub book: Book,
    pub recorded: Recorded,
    pub now: DateTime<Utc>,
    names: BTreeMap<&'static str, AccountNumber>,
    requests: u128,
}

impl Bank {
    /// Base data and an open day; no accounts.
    pub fn without_accounts() -> Self {
        let now = DateTime::from_timestamp(1_767_571_200, 0).unwrap();
        let day = BusinessDay { date: TODAY, opened_at: now, opened_by: OperatorCode::new("B0") };
        let recorded =
            Recorded { base: base_data(), day: Some(day), first_day: Some(TODAY), ..Recorded::default() };
        Self { book: recorded.open_book(1_000), recorded, now, names: BTreeMap::new(), requests: 0 }
    }

    /// The bank with accounts: `a` (with 10,000), `c` and `line` (overdraft 500) at 110100, `b` at 110200, `usd` and `jpy` at
    /// 110100, and the bank's own.
    pub fn new() -> Self {
        let mut bank = Self::without_accounts();
        for (branch, code, kind, currencies) in OWN_ACCOUNTS {
            for currency in currencies.split(' ') {
                bank.done(&format!("B0@{branch}+S0"), open(*kind, code, currency));
            }
        }
        for (name, who, currency) in [
            ("a", "T1@110100", "CNY"),
            ("c", "T1@110100", "CNY"),
            ("b", "T2@110200", "CNY"),
            ("usd", "T1@110100", "USD"),
            ("jpy", "T1@110100", "JPY"),
        ] {
            bank.open_as(name, who, open(AccountKind::PersonalDemand, "201101", currency));
        }
        let Action::OpenAccount(with_line) = open(AccountKind::CorporateDemand, "201101", "CNY") else {
            unreachable!()
        };
        let with_line = OpenAccount { overdraft_limit: 500.into(), ..with_line };
        bank.open_as("line", "T1@110100+S1", Action::OpenAccount(with_line));
        bank.done("T1@110100", post([dr("110100/100101", "10000 CNY"), cr("a", "10000 CNY")]));
        bank
    }

    pub fn open_as(&mut self, name: &'static str, who: &str, action: Action) {
        let Answer::Account { account, .. } = self.done(who, action) else { panic!("an account") };
        self.names.insert(name, account.number);
    }

    pub fn number(&self, name: &str) -> AccountNumber {
        self.names[name].clone()
    }

    pub fn state(&self, name: &str) -> AccountState {
        self.recorded.state(&self.number(name)).unwrap()
    }

    /// What an account has available, as text.
    pub fn available(&self, name: &str) -> String {
        self.state(name).available(self.now).unwrap().normalize().to_string()
    }

    /// The next request of somebody: `T1@110100`, or with whoever authorises `T1@110100+S1`.
    pub fn command(&mut self, who: &str, mut action: Action) -> Command {
        self.requests += 1;
        self.resolve(&mut action);
        let (operator, place) = who.split_once('@').unwrap();
        let (branch, authoriser) =
            place.split_once('+').map_or((place, None), |(branch, by)| (branch, Some(by)));
        let origin = Origin {
            request_id: Uuid::from_u128(self.requests),
            digest: Digest(blake3::hash(format!("{who} {action:?}").as_bytes()).into()),
            branch: BranchCode::new(branch),
            operator: OperatorCode::new(operator),
            authoriser: authoriser.map(OperatorCode::new),
            assume_authorised: false,
            dry_run: false,
            traceparent: None,
        };
        Command { origin, action }
    }

    /// Decides commands in one append, and records what they decided.
    pub fn decide(&mut self, commands: &[Command]) -> Vec<Verdict> {
        let mut needs = Needs::default();
        for command in commands {
            self.book.needs(command, &mut needs);
        }
        self.book.learn(self.recorded.load(&needs));
        let mut records = Records::default();
        let now = self.book.time(self.now);
        let decide = |command: &Command| self.book.decide(command, now, &mut records);
        let verdicts = commands.iter().map(decide).collect();
        if !records.is_bare() {
            let row = self.book.seal(&records, now);
            self.recorded.append(row, records);
        }
        self.now += TimeDelta::seconds(1);
        verdicts
    }

    pub fn ask(&mut self, who: &str, action: Action) -> Verdict {
        let command = self.command(who, action);
        self.decide(&[command]).remove(0)
    }

    pub fn done(&mut self, who: &str, action: Action) -> Answer {
        let request = format!("{who} {action:?}");
        match self.ask(who, action) {
            Verdict::Done(answer) => answer,
            other => panic!("{request}: {other:?}"),
        }
    }

    pub fn posted(&mut self, who: &str, action: Action) -> std::sync::Arc<Posting> {
        match self.done(who, action) {
            Answer::Posted(posting) => posting,
            other => panic!("{other:?}"),
        }
    }

    /// Asks what must be refused, with nothing changed by it (ACC-9).
    pub fn refused(&mut self, who: &str, action: Action) -> Refusal {
        let heads = *self.book.heads();
        let request = format!("{who} {action:?}");
        match self.ask(who, action) {
            Verdict::Refused(refusal) => {
                assert_eq!(*self.book.heads(), heads, "a refusal leaves no trace");
                refusal
            }
            other => panic!("{request}: {other:?}"),
        }
    }

    /// The accounts that short names mean.
    fn resolve(&self, action: &mut Action) {
        let real = |number: &mut AccountNumber| {
            if let Some(real) = self.names.get(number.as_str()) {
                *number = real.clone();
            }
        };
        let in_lines = |transaction: &mut Transaction| {
            for line in &mut transaction.lines {
                if let AccountRef::Number(number) = &mut line.account {
                    real(number);
                }
            }
        };
        match action {
            Action::Post(transaction) | Action::CaptureHold { transaction, .. } => in_lines(transaction),
            Action::PostBatch { transactions, .. } => transactions.iter_mut().for_each(in_lines),
            Action::ImportPostings { transactions } => transactions.iter_mut().flatten().for_each(in_lines),
            Action::PlaceHold { account, .. } | Action::ChangeAccount { account, .. } => real(account),
            Action::PostBusiness(business) => {
                for field in &mut business.fields {
                    if let Given::Text(text) = &mut field.value
                        && let Some(number) = self.names.get(text.as_str())
                    {
                        *text = number.to_string();
                    }
                }
            }
            _ => {}
        }
    }
}

/// Accounts of the bank's own: branch, code, kind and currencies.
const OWN_ACCOUNTS: &[(&str, &str, AccountKind, &str)] = &[
    ("100000", "100101", AccountKind::Internal, "CNY"),
    ("100000", "4001", AccountKind::Internal, "CNY"),
    ("100000", "300301", AccountKind::InterBranch, "CNY"),
    ("110100", "100101", AccountKind::Internal, "CNY USD JPY"),
    ("110100", "223101", AccountKind::Internal, "CNY"),
    ("110100", "300201", AccountKind::Internal, "CNY USD"),
    ("110100", "300301", AccountKind::InterBranch, "CNY USD"),
    ("110100", "602101", AccountKind::Internal, "CNY"),
    ("110100", "800101", AccountKind::Internal, "CNY"),
    ("110100", "122102", AccountKind::Internal, "CNY"),
    ("110100", "224101", AccountKind::Internal, "CNY"),
    ("110200", "100101", AccountKind::Internal, "CNY USD"),
    ("110200", "300301", AccountKind::InterBranch, "CNY"),
];

pub fn open(kind: AccountKind, code: &str, currency: &str) -> Action {
    let owner = Holder { customer: "C1".to_owned(), title: "王敏".to_owned(), role: HolderRole::Owner };
    Action::OpenAccount(OpenAccount {
        kind,
        ledger_code: LedgerCodeNumber::new(code),
        currency: CurrencyCode::new(currency),
        title: "账户".to_owned(),
        holders: if kind.is_customer() { vec![owner] } else { Vec::new() },
        overdraft_limit: Decimal::ZERO,
        pending: false,
    })
}

/// A debit: of an account by name, or by place as `110100/100101`; money as `10 CNY`.
pub fn dr(account: &str, money: &str) -> Line {
    line(Side::Debit, account, money)
}

pub fn cr(account: &str, money: &str) -> Line {
    line(Side::Credit, account, money)
}

fn line(side: Side, account: &str, money: &str) -> Line {
    let (amount, currency) = money.split_once(' ').unwrap();
    let account = match account.split_once('/') {
        Some((branch, code)) => {
            AccountRef::OfBranch { branch: BranchCode::new(branch), ledger_code: LedgerCodeNumber::new(code) }
        }
        None => AccountRef::Number(AccountNumber::new(account)),
    };
    let (currency, amount) = (CurrencyCode::new(currency), amount.parse().unwrap());
    Line { account, side, currency, amount, narrative: String::new() }
}

pub fn transaction(lines: impl Into<Vec<Line>>) -> Transaction {
    Transaction {
        code: "TEST".to_owned(),
        transaction_date: None,
        accounting_date: None,
        value_date: None,
        source: "COUNTER".to_owned(),
        narrative: "测试".to_owned(),
        voucher: None,
        lines: lines.into(),
    }
}

pub fn post(lines: impl Into<Vec<Line>>) -> Action {
    Action::Post(transaction(lines))
}

/// All base data of the small bank.
pub fn base_data() -> Vec<BaseVersion> {
    let mut contents = Vec::new();
    for (code, numeric_code, exponent) in [("CNY", "156", 2), ("USD", "840", 2), ("JPY", "392", 0)] {
        contents.push(currency(code, numeric_code, exponent));
    }
    for (code, value) in PARAMETERS {
        contents.push(parameter(code, value));
    }
    contents.push(BaseContent::CalendarYear(CalendarYear {
        year: 2026,
        holidays: vec![day(2026, 1, 1), day(2026, 1, 2)],
        working_weekends: vec![day(2026, 1, 4)],
        source: "a test".to_owned(),
    }));
    contents.extend(CHART.iter().map(ledger_code));
    for (code, kind, parent) in [
        ("100000", BranchKind::HeadOffice, None),
        ("110000", BranchKind::Branch, Some("100000")),
        ("110100", BranchKind::SubBranch, Some("110000")),
        ("110200", BranchKind::SubBranch, Some("110000")),
        ("110300", BranchKind::SubBranch, Some("110000")),
    ] {
        contents.push(branch(code, kind, parent, code == "110300"));
    }
    for (code, at, kind, most) in [
        ("B0", "100000", OperatorKind::BookKeeper, Some(1_000_000_000)),
        ("S0", "100000", OperatorKind::Supervisor, Some(1_000_000_000)),
        ("T1", "110100", OperatorKind::Teller, Some(50_000)),
        ("T2", "110200", OperatorKind::Teller, Some(50_000)),
        ("T9", "110100", OperatorKind::Teller, Some(50_000)),
        ("S1", "110100", OperatorKind::Supervisor, Some(200_000)),
        ("S2", "110200", OperatorKind::Supervisor, None),
        ("service/vault", "100000", OperatorKind::System, Some(1_000)),
        ("SYS", "100000", OperatorKind::System, Some(1_000_000_000)),
    ] {
        contents.push(operator(code, at, kind, most));
    }
    contents.push(BaseContent::ExchangeRate(ExchangeRate {
        currency: CurrencyCode::new("USD"),
        unit: 100,
        buy: 700.into(),
        middle: 702.into(),
        sell: 704.into(),
    }));
    contents.extend(templates().into_iter().map(BaseContent::PostingTemplate));
    contents
        .into_iter()
        .map(|content| BaseVersion { version: 1, effective_date: day(2026, 1, 1), content })
        .collect()
}

const PARAMETERS: [(&str, &str); 13] = [
    ("BASE_CURRENCY", "CNY"),
    ("BANK_ZONE", "Asia/Shanghai"),
    ("INTER_BRANCH_CODE", "3003"),
    ("EXCHANGE_CODE", "3002"),
    ("SUSPENSE_RECEIVABLE_CODE", "122102"),
    ("SUSPENSE_PAYABLE_CODE", "224101"),
    ("VALUE_DATE_BACK_DAYS_MAX", "30"),
    ("VALUE_DATE_FORWARD_DAYS_MAX", "5"),
    ("HOLD_DAYS_MAX", "10"),
    ("OPEN_HOLDS_MAX", "20"),
    ("AMOUNT_MAX", "1000000"),
    ("OPENING_PERIOD_UNTIL", "2026-01-09"),
    ("OPENING_HISTORY_FROM", "2020-01-01"),
];

/// Code, class, normal side, and of: accounts, by hand, cash, closed.
type ChartRow = (&'static str, LedgerClass, NormalSide, &'static str);

const CHART: &[ChartRow] = &[
    ("1001", LedgerClass::Asset, NormalSide::Debit, "cash"),
    ("100101", LedgerClass::Asset, NormalSide::Debit, "accounts by-hand cash"),
    ("1011", LedgerClass::Asset, NormalSide::Debit, "accounts by-hand"),
    ("1012", LedgerClass::Asset, NormalSide::Debit, "accounts by-hand closed"),
    ("1221", LedgerClass::Asset, NormalSide::Debit, ""),
    ("122102", LedgerClass::Asset, NormalSide::Debit, "accounts"),
    ("2241", LedgerClass::Liability, NormalSide::Credit, ""),
    ("224101", LedgerClass::Liability, NormalSide::Credit, "accounts"),
    ("2011", LedgerClass::Liability, NormalSide::Credit, ""),
    ("201101", LedgerClass::Liability, NormalSide::Credit, "accounts"),
    ("2012", LedgerClass::Liability, NormalSide::Credit, "accounts by-hand CNY"),
    ("2231", LedgerClass::Liability, NormalSide::Credit, ""),
    ("223101", LedgerClass::Liability, NormalSide::Credit, "accounts"),
    ("3002", LedgerClass::Common, NormalSide::Either, ""),
    ("300201", LedgerClass::Common, NormalSide::Either, "accounts by-hand"),
    ("3003", LedgerClass::Common, NormalSide::Either, ""),
    ("300301", LedgerClass::Common, NormalSide::Either, "accounts"),
    ("300302", LedgerClass::Common, NormalSide::Either, "accounts"),
    ("4001", LedgerClass::Equity, NormalSide::Credit, "accounts by-hand"),
    ("6021", LedgerClass::ProfitAndLoss, NormalSide::Credit, ""),
    ("602101", LedgerClass::ProfitAndLoss, NormalSide::Credit, "accounts by-hand"),
    ("8001", LedgerClass::Register, NormalSide::Debit, ""),
    ("800101", LedgerClass::Register, NormalSide::Debit, "accounts by-hand CNY"),
];

fn ledger_code((code, class, normal_side, of): &ChartRow) -> BaseContent {
    let is = |word: &str| of.split(' ').any(|of| of == word);
    BaseContent::LedgerCode(LedgerCode {
        code: LedgerCodeNumber::new(*code),
        title: (*code).to_owned(),
        title_en: String::new(),
        class: *class,
        normal_side: *normal_side,
        currencies: if is("CNY") { vec![CurrencyCode::new("CNY")] } else { Vec::new() },
        has_accounts: is("accounts"),
        manual_posting: is("by-hand"),
        cash: is("cash"),
        closed: is("closed"),
        replaces: Vec::new(),
    })
}

pub fn currency(code: &str, numeric_code: &str, exponent: u8) -> BaseContent {
    let (title, numeric_code) = (code.to_owned(), numeric_code.to_owned());
    BaseContent::Currency(CurrencyRecord { code: CurrencyCode::new(code), numeric_code, exponent, title })
}

pub fn parameter(code: &str, value: &str) -> BaseContent {
    BaseContent::Parameter(Parameter { code: code.to_owned(), value: value.to_owned() })
}

pub fn branch(code: &str, kind: BranchKind, parent: Option<&str>, closed: bool) -> BaseContent {
    let (title, parent) = (code.to_owned(), parent.map(BranchCode::new));
    BaseContent::Branch(Branch { code: BranchCode::new(code), title, kind, parent, closed })
}

/// An operator with one limit for every kind and currency: three times as much for transfers as for cash. `T9` is suspended.
pub fn operator(code: &str, at: &str, kind: OperatorKind, most: Option<i64>) -> BaseContent {
    let kinds = [(TransactionKind::Cash, 1), (TransactionKind::Transfer, 3), (TransactionKind::Internal, 1)];
    let limit = |most: i64| {
        let limits = kinds.iter().flat_map(move |(kind, times)| {
            ["CNY", "USD"].map(|currency| OperatorLimit {
                kind: *kind,
                currency: CurrencyCode::new(currency),
                single_max: (most * times).into(),
            })
        });
        limits.collect()
    };
    BaseContent::Operator(Operator {
        code: OperatorCode::new(code),
        title: code.to_owned(),
        branch: BranchCode::new(at),
        kind,
        suspended: code == "T9",
        limits: most.map(limit).unwrap_or_default(),
    })
}

pub fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}
