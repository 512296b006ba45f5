//! The base data of the small bank.

use proto_accounting::v1::{
    BaseRecord, Branch, BranchKind, CalendarYear, Currency, ExchangeRate, LedgerClass, LedgerCode,
    NormalSide, Operator, OperatorKind, OperatorLimit, Parameter, PostingTemplate, TransactionKind,
    base_record::Content,
};
use proto_common::common::v1::Money;

use super::people::{BRANCH, HEAD_OFFICE, OTHER_SUB_BRANCH, SUB_BRANCH};

/// The date from which all of it holds.
pub const FROM: &str = "2026-01-01";

/// A record as it shall be from a date on.
pub fn record(from: &str, content: Content) -> BaseRecord {
    BaseRecord { effective_date: from.to_owned(), content: Some(content), ..BaseRecord::default() }
}

/// All records.
pub fn all() -> Vec<BaseRecord> {
    let contents = currencies()
        .chain(parameters())
        .chain(calendars())
        .chain(chart())
        .chain(branches())
        .chain(operators())
        .chain([exchange_rate()])
        .chain(templates().into_iter().map(Content::PostingTemplate));
    contents.map(|content| record(FROM, content)).collect()
}

fn currencies() -> impl Iterator<Item = Content> {
    [("CNY", "156", 2, "人民币"), ("USD", "840", 2, "美元"), ("JPY", "392", 0, "日元")].into_iter().map(
        |(code, numeric_code, exponent, title)| {
            Content::Currency(Currency {
                code: code.to_owned(),
                numeric_code: numeric_code.to_owned(),
                exponent,
                title: title.to_owned(),
            })
        },
    )
}

fn parameters() -> impl Iterator<Item = Content> {
    [
        ("BASE_CURRENCY", "CNY"),
        ("BANK_ZONE", "Asia/Shanghai"),
        ("INTER_BRANCH_CODE", "300301"),
        ("EXCHANGE_CODE", "3002"),
        ("SUSPENSE_RECEIVABLE_CODE", "1221"),
        ("SUSPENSE_PAYABLE_CODE", "2241"),
        ("VALUE_DATE_BACK_DAYS_MAX", "30"),
        ("VALUE_DATE_FORWARD_DAYS_MAX", "5"),
        ("HOLD_DAYS_MAX", "365"),
        ("OPEN_HOLDS_MAX", "1000"),
        ("AMOUNT_MAX", "1000000000000"),
        ("OPENING_PERIOD_UNTIL", "2026-03-31"),
        ("OPENING_HISTORY_FROM", "2015-01-01"),
    ]
    .into_iter()
    .map(|(code, value)| Content::Parameter(Parameter { code: code.to_owned(), value: value.to_owned() }))
}

fn calendars() -> impl Iterator<Item = Content> {
    [2026, 2027].into_iter().map(|year| {
        Content::CalendarYear(CalendarYear {
            year,
            holidays: if year == 2026 { vec!["2026-01-01".to_owned()] } else { Vec::new() },
            working_weekends: if year == 2026 { vec!["2026-01-04".to_owned()] } else { Vec::new() },
            source: "made up for tests".to_owned(),
        })
    })
}

/// Codes with accounts but for those with codes below them.
fn chart() -> impl Iterator<Item = Content> {
    use LedgerClass::{Asset, Common, Contingent, Equity, Liability, ProfitAndLoss, Register};
    use NormalSide::{Credit, Debit, Either};
    [
        ("1001", "库存现金", Asset, Debit),
        ("100101", "业务现金", Asset, Debit),
        ("1003", "存放中央银行款项", Asset, Debit),
        ("1011", "存放同业", Asset, Debit),
        ("1221", "其他应收款", Asset, Debit),
        ("2011", "吸收存款", Liability, Credit),
        ("201101", "单位活期存款", Liability, Credit),
        ("201102", "个人活期存款", Liability, Credit),
        ("2012", "同业存放", Liability, Credit),
        ("2241", "其他应付款", Liability, Credit),
        ("3002", "货币兑换", Common, Either),
        ("3003", "系统内往来", Common, Either),
        ("300301", "辖内往来", Common, Either),
        ("4001", "实收资本", Equity, Credit),
        ("6021", "手续费及佣金收入", ProfitAndLoss, Credit),
        ("6602", "业务及管理费", ProfitAndLoss, Debit),
        ("7001", "开出保函", Contingent, Credit),
        ("8001", "重要空白凭证", Register, Debit),
    ]
    .into_iter()
    .map(|(code, title, class, normal_side)| {
        Content::LedgerCode(LedgerCode {
            code: code.to_owned(),
            title: title.to_owned(),
            class: class.into(),
            normal_side: normal_side.into(),
            has_accounts: !["1001", "2011", "3003"].contains(&code),
            // Nobody posts to the bank's income by hand.
            manual_posting: !["6021"].contains(&code),
            cash: code.starts_with("1001"),
            ..LedgerCode::default()
        })
    })
}

fn branches() -> impl Iterator<Item = Content> {
    [
        (HEAD_OFFICE, "总行", BranchKind::HeadOffice, ""),
        (BRANCH, "分行", BranchKind::Branch, HEAD_OFFICE),
        (SUB_BRANCH, "支行", BranchKind::SubBranch, BRANCH),
        (OTHER_SUB_BRANCH, "另一支行", BranchKind::SubBranch, BRANCH),
    ]
    .into_iter()
    .map(|(code, title, kind, parent)| {
        Content::Branch(Branch {
            code: code.to_owned(),
            title: title.to_owned(),
            kind: kind.into(),
            parent: parent.to_owned(),
            closed: false,
        })
    })
}

fn operators() -> impl Iterator<Item = Content> {
    use OperatorKind::{BookKeeper, Supervisor, System, Teller};
    let none: fn() -> Vec<OperatorLimit> = Vec::new;
    [
        ("B100003", HEAD_OFFICE, BookKeeper, none()),
        ("S100003", HEAD_OFFICE, Supervisor, none()),
        ("B100001", HEAD_OFFICE, BookKeeper, limits("100000000000", "100000000000")),
        ("S100001", HEAD_OFFICE, Supervisor, limits("100000000000", "100000000000")),
        ("T110101", SUB_BRANCH, Teller, limits("50000", "200000")),
        ("T110102", SUB_BRANCH, Teller, limits("50000", "200000")),
        ("S110101", SUB_BRANCH, Supervisor, limits("1000000", "5000000")),
        ("T110201", OTHER_SUB_BRANCH, Teller, limits("50000", "200000")),
        ("service/vault", HEAD_OFFICE, System, limits("1000000", "1000000")),
        ("service/voucher", HEAD_OFFICE, System, limits("1000000", "1000000")),
        ("service/settlement", HEAD_OFFICE, System, limits("1000000", "1000000")),
        ("X100001", HEAD_OFFICE, System, limits("100000000000", "100000000000")),
        ("M100001", HEAD_OFFICE, System, none()),
    ]
    .into_iter()
    .map(|(code, branch, kind, limits)| {
        Content::Operator(Operator {
            code: code.to_owned(),
            title: format!("operator {code}"),
            branch: branch.to_owned(),
            kind: kind.into(),
            suspended: false,
            limits,
        })
    })
}

/// What one may post in cash, and otherwise, in each currency.
fn limits(cash: &str, other: &str) -> Vec<OperatorLimit> {
    let kinds = [
        (TransactionKind::Cash, cash),
        (TransactionKind::Transfer, other),
        (TransactionKind::Internal, other),
    ];
    ["CNY", "USD", "JPY"]
        .into_iter()
        .flat_map(|currency| kinds.map(|(kind, most)| (currency, kind, most)))
        .map(|(currency, kind, most)| OperatorLimit {
            kind: kind.into(),
            single_max: Some(Money { currency: currency.to_owned(), amount: most.to_owned() }),
        })
        .collect()
}

/// The posting templates.
pub fn templates() -> Vec<PostingTemplate> {
    serde_json::from_str(include_str!("templates.json")).expect("the templates are as the contract says")
}

fn exchange_rate() -> Content {
    Content::ExchangeRate(ExchangeRate {
        currency: "USD".to_owned(),
        unit: 100,
        buy: "701.20".to_owned(),
        sell: "704.15".to_owned(),
        middle: "702.88".to_owned(),
    })
}
