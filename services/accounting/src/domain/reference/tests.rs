//! Base data: rules of each kind, effective dates, changes.

use chrono::NaiveDate;
use dated::Content;
use rust_decimal::Decimal;

use super::{PARAMETERS, RECORDS_MAX, Reference};
use crate::domain::{
    base::{
        BaseChange, BaseContent, BaseKind, BaseVersion, BranchKind, CalendarYear, ExchangeRate, InterestRate,
        LedgerClass, LedgerCode, Operator, OperatorKind,
    },
    book::tests::bank::{TODAY, base_data, branch, currency, day, operator, parameter},
    ids::{BranchCode, CurrencyCode, LedgerCodeNumber},
    refusal::{Refusal, Rule},
    side::NormalSide,
};

const LATER: NaiveDate = NaiveDate::from_ymd_opt(2026, 2, 2).unwrap();

fn reference() -> Reference {
    Reference::from_versions(base_data()).unwrap()
}

fn from(effective_date: NaiveDate, content: BaseContent) -> BaseVersion {
    BaseVersion { version: 0, effective_date, content }
}

fn change(contents: impl IntoIterator<Item = BaseContent>) -> Result<Vec<BaseChange>, Refusal> {
    let records: Vec<BaseVersion> = contents.into_iter().map(|content| from(LATER, content)).collect();
    reference().change(&records, Some(TODAY))
}

#[track_caller]
fn refuses(content: BaseContent, message: &str) {
    assert_eq!(change([content]).unwrap_err().to_string(), format!("records[0].{message}"));
}

fn code(number: &str, set: impl FnOnce(&mut LedgerCode)) -> BaseContent {
    let mut code = LedgerCode {
        code: LedgerCodeNumber::new(number),
        title: "科目".to_owned(),
        title_en: String::new(),
        class: LedgerClass::of(&LedgerCodeNumber::new(number)).unwrap_or(LedgerClass::Asset),
        normal_side: NormalSide::Debit,
        currencies: Vec::new(),
        has_accounts: true,
        manual_posting: false,
        cash: false,
        closed: false,
        replaces: Vec::new(),
    };
    set(&mut code);
    BaseContent::LedgerCode(code)
}

#[test]
fn ledger_codes_have_levels_a_class_and_accounts_only_at_the_leaves() {
    for number in ["1", "100", "10010", "0001", "9001", "1001a1", "10010101010101010"] {
        refuses(
            code(number, |_| ()),
            "ledger_code.code: must be four digits, then two a level, and begin with a class: 1 to 8",
        );
    }
    let message = "ledger_code.class: must be the class of 1002, which its first digit says";
    refuses(code("1002", |code| code.class = LedgerClass::Equity), message);
    refuses(code("100201", |_| ()), "ledger_code.code: base data has no ledger code 1002 on 2026-02-02");
    refuses(code("10010101", |_| ()), "ledger_code.code: 100101 above it has accounts");
    refuses(code("1001", |_| ()), "ledger_code.has_accounts: 100101 lies below it, so it has none");
    let closed = |code: &mut LedgerCode| (code.has_accounts, code.closed) = (false, true);
    refuses(code("1001", closed), "ledger_code.closed: 100101 below it is open");
    let message = "ledger_code.normal_side: never changes: accounts stand on it";
    refuses(code("1011", |code| code.normal_side = NormalSide::Either), message);
    let currencies = |codes: &[&str]| codes.iter().map(|code| CurrencyCode::new(*code)).collect::<Vec<_>>();
    let message = "ledger_code.currencies[1]: base data has no currency GBP on 2026-02-02";
    refuses(code("1002", |code| code.currencies = currencies(&["CNY", "GBP"])), message);
    let message = "ledger_code.currencies[1]: CNY is given twice";
    refuses(code("1002", |code| code.currencies = currencies(&["CNY", "CNY"])), message);
    let message = "ledger_code.replaces[0]: must be another ledger code";
    refuses(code("1002", |code| code.replaces = vec![LedgerCodeNumber::new("1002")]), message);
    let tree = [code("100201", |_| ()), code("1002", |code| code.has_accounts = false)];
    assert_eq!(change(tree).unwrap()[0].after.content.code(), "100201", "parents first, whatever the order");
}

#[test]
fn branches_make_a_tree_with_one_root() {
    refuses(branch("11010", BranchKind::Counter, Some("110100"), false), "branch.code: must be six digits");
    refuses(branch("11010x", BranchKind::Counter, Some("110100"), false), "branch.code: must be six digits");
    let message = "branch.kind: 100000 is head office, and there is one";
    refuses(branch("200000", BranchKind::HeadOffice, None, false), message);
    let message = "branch.parent: head office has none above it";
    refuses(branch("100000", BranchKind::HeadOffice, Some("110000"), false), message);
    refuses(branch("100000", BranchKind::HeadOffice, None, true), "branch.closed: head office stays open");
    let message = "branch.kind: it is head office, and there must be one";
    refuses(branch("100000", BranchKind::Branch, Some("110000"), false), message);
    let message = "branch.parent: every branch but head office has one above it";
    refuses(branch("120000", BranchKind::Branch, None, false), message);
    let message = "branch.parent: base data has no branch 119999 on 2026-02-02";
    refuses(branch("110101", BranchKind::Counter, Some("119999"), false), message);
    let message = "branch.parent: a branch does not stand under itself";
    refuses(branch("110100", BranchKind::Counter, Some("110100"), false), message);
    for (kind, parent) in [
        (BranchKind::Branch, "110000"),
        (BranchKind::SubBranch, "100000"),
        (BranchKind::SubBranch, "110100"),
        (BranchKind::Counter, "100000"),
    ] {
        let message = format!("branch.parent: {parent} is no branch that such a one stands under");
        refuses(branch("110101", kind, Some(parent), false), &message);
    }
    refuses(branch("110301", BranchKind::Counter, Some("110300"), false), "branch.parent: 110300 is closed");
    let message =
        change([branch("110000", BranchKind::Branch, Some("100000"), true)]).unwrap_err().to_string();
    assert!(
        message.starts_with("records[0].branch.closed: 110") && message.ends_with("below it is open"),
        "{message}"
    );
    change([branch("110101", BranchKind::Counter, Some("110100"), false)]).unwrap();
    change([branch("110002", BranchKind::Counter, Some("110000"), false)]).unwrap();
}

#[test]
fn operators_work_somewhere_within_limits_that_fit() {
    let with = |set: fn(&mut Operator)| match operator("T7", "110100", OperatorKind::Teller, Some(100)) {
        BaseContent::Operator(mut operator) => {
            set(&mut operator);
            BaseContent::Operator(operator)
        }
        other => other,
    };
    change([with(|_| ())]).unwrap();
    let message = "operator.branch: base data has no branch 119999 on 2026-02-02";
    refuses(with(|it| it.branch = BranchCode::new("119999")), message);
    refuses(with(|it| it.branch = BranchCode::new("110300")), "operator.branch: 110300 is closed");
    let message = "operator.limits[0].single_max.currency: base data has no currency GBP on 2026-02-02";
    refuses(with(|it| it.limits[0].currency = CurrencyCode::new("GBP")), message);
    let message = "operator.limits[1].single_max: must not be below zero";
    refuses(with(|it| it.limits[1].single_max = Decimal::NEGATIVE_ONE), message);
    let message = "operator.limits[0].single_max: 0.001 has more decimals than CNY has: 2";
    refuses(with(|it| it.limits[0].single_max = Decimal::new(1, 3)), message);
    refuses(
        with(|it| it.limits[1] = it.limits[0].clone()),
        "operator.limits[1]: limits this kind and currency twice",
    );
}

#[test]
fn currencies_keep_their_decimals() {
    change([currency("EUR", "978", 2)]).unwrap();
    refuses(currency("EUR", "978", 5), "currency.exponent: must be between 0 and 4");
    refuses(
        currency("eur", "978", 2),
        "currency.code: \"eur\" is no currency code: three capital letters (ISO 4217)",
    );
    refuses(currency("EUR", "97", 2), "currency.numeric_code: must be three digits");
    refuses(currency("CNY", "156", 3), "currency.exponent: is 2, and amounts stand on it for ever");
}

#[test]
fn rates_are_above_zero_and_in_order() {
    let with = |set: fn(&mut ExchangeRate)| {
        let (currency, unit) = (CurrencyCode::new("USD"), 100);
        let mut rate = ExchangeRate { currency, unit, buy: 7.into(), middle: 8.into(), sell: 9.into() };
        set(&mut rate);
        BaseContent::ExchangeRate(rate)
    };
    change([with(|rate| (rate.buy, rate.sell) = (rate.middle, rate.middle))]).unwrap();
    let message = "exchange_rate.currency: is the base currency, against which rates are quoted";
    refuses(with(|rate| rate.currency = CurrencyCode::new("CNY")), message);
    let message = "exchange_rate.currency: base data has no currency GBP on 2026-02-02";
    refuses(with(|rate| rate.currency = CurrencyCode::new("GBP")), message);
    refuses(with(|rate| rate.unit = 0), "exchange_rate.unit: must be from 1 to 1000000");
    refuses(with(|rate| rate.buy = 0.into()), "exchange_rate.buy: must be above zero");
    refuses(
        with(|rate| rate.sell = Decimal::new(900_000_001, 9)),
        "exchange_rate.sell: must have at most 8 decimals",
    );
    refuses(with(|rate| rate.buy = 10.into()), "exchange_rate.buy: must not be above the middle rate");
    refuses(with(|rate| rate.sell = 7.into()), "exchange_rate.sell: must not be below the middle rate");
    let interest = |currency: &str, percent: &str| {
        BaseContent::InterestRate(InterestRate {
            code: "DEMAND".to_owned(),
            title: "活期".to_owned(),
            currency: CurrencyCode::new(currency),
            annual_percent: percent.parse().unwrap(),
        })
    };
    change([interest("CNY", "0.05")]).unwrap();
    refuses(interest("CNY", "101"), "interest_rate.annual_percent: must be from -100 to 100");
    refuses(interest("CNY", "0.000000001"), "interest_rate.annual_percent: must have at most 8 decimals");
    refuses(interest("GBP", "1"), "interest_rate.currency: base data has no currency GBP on 2026-02-02");
}

#[test]
fn calendars_name_days_that_differ_from_the_week() {
    let with = |holidays: &[NaiveDate], working_weekends: &[NaiveDate]| {
        let (holidays, working_weekends) = (holidays.to_vec(), working_weekends.to_vec());
        BaseContent::CalendarYear(CalendarYear {
            year: 2027,
            holidays,
            working_weekends,
            source: String::new(),
        })
    };
    let (friday, saturday) = (day(2027, 1, 1), day(2027, 1, 2));
    change([with(&[friday], &[saturday])]).unwrap();
    refuses(with(&[saturday], &[]), "calendar_year.holidays[0]: 2027-01-02 must be a weekday");
    refuses(
        with(&[], &[friday]),
        "calendar_year.working_weekends[0]: 2027-01-01 must be a Saturday or Sunday",
    );
    refuses(with(&[day(2026, 12, 31)], &[]), "calendar_year.holidays[0]: 2026-12-31 is not in 2027");
    refuses(with(&[friday, friday], &[]), "calendar_year.holidays[1]: 2027-01-01 is given twice");
    let too_early = BaseContent::CalendarYear(CalendarYear {
        year: 19,
        holidays: vec![],
        working_weekends: vec![],
        source: String::new(),
    });
    refuses(too_early, "calendar_year.year: must be from 1900 to 9999");
    let reference = reference();
    let open = [(2, false), (3, false), (4, true), (5, true), (10, false), (12, true)];
    for (date, is) in open {
        assert_eq!(reference.is_business_day(day(2026, 1, date)), Ok(is), "January {date}");
    }
    assert_eq!(reference.is_business_day(friday), Err(Rule::CalendarMissing { year: 2027 }));
}

#[test]
fn parameters_are_known_and_have_a_form() {
    refuses(parameter("OTHER", "1"), "parameter.code: OTHER is no parameter that the books know");
    for (code, values) in [
        ("HOLD_DAYS_MAX", vec!["", "-1", "+1", "1.0", "3654", "x", "99999999999999999999"]),
        ("OPEN_HOLDS_MAX", vec!["", "-1", "1.0", "10001"]),
        ("AMOUNT_MAX", vec!["0", "-1", "1e3", "1000000000000001", ""]),
        ("BANK_ZONE", vec!["", "Asia", "Mars/Olympus"]),
        ("EXCHANGE_CODE", vec!["", "30", "3002x"]),
        ("OPENING_PERIOD_UNTIL", vec!["", "2026-1-9", "2026-02-30", "20260109", " 2026-01-09"]),
    ] {
        let form = PARAMETERS.iter().find(|rule| rule.code == code).unwrap().form;
        for value in values {
            refuses(parameter(code, value), &format!("parameter.value: must be {form}"));
        }
    }
    for (code, value) in [("BASE_CURRENCY", "USD"), ("INTER_BRANCH_CODE", "3002")] {
        refuses(
            parameter(code, value),
            &format!("parameter.value: {code} is set for ever: the books stand on it"),
        );
    }
    let message = "parameter.value: base data has no currency GBP on 2026-02-02";
    refuses(parameter("BASE_CURRENCY", "GBP"), message);
    change([parameter("AMOUNT_MAX", "1000000000000000"), parameter("BANK_ZONE", "UTC")]).unwrap();
}

#[test]
fn what_is_missing_is_no_guess() {
    let empty = Reference::default();
    let missing =
        |code: &str| Rule::BaseRecordUnknown { kind: "parameter".into(), code: code.to_owned(), on: TODAY };
    assert_eq!(empty.amount_max(TODAY), Err(missing("AMOUNT_MAX")));
    assert_eq!(empty.exchange_code(TODAY), Err(missing("EXCHANGE_CODE")));
    let before = day(2025, 12, 31);
    assert!(reference().amount_max(before).is_err(), "not yet in force");
    let rate = || ExchangeRate {
        currency: CurrencyCode::new("USD"),
        unit: 1,
        buy: 1.into(),
        middle: 1.into(),
        sell: 1.into(),
    };
    let records = [from(TODAY, currency("USD", "840", 2)), from(TODAY, BaseContent::ExchangeRate(rate()))];
    let refusal = empty.change(&records, None).unwrap_err();
    assert_eq!(refusal.rule, missing("BASE_CURRENCY"));
}

#[test]
fn a_change_has_one_to_a_thousand_records_each_named_once() {
    assert!(matches!(change([]).unwrap_err().rule, Rule::Empty { .. }));
    let many = (0..=RECORDS_MAX).map(|_| parameter("HOLD_DAYS_MAX", "1"));
    assert!(matches!(change(many).unwrap_err().rule, Rule::TooMany { count: 1_001, max: 1_000, .. }));
    let twice = change([parameter("HOLD_DAYS_MAX", "1"), parameter("HOLD_DAYS_MAX", "2")]).unwrap_err();
    assert_eq!(twice.to_string(), "records[1]: parameter HOLD_DAYS_MAX is given twice from 2026-02-02");
}

#[test]
fn kinds_are_checked_in_their_order_and_answered_in_the_order_asked() {
    let records = [
        operator("T7", "110101", OperatorKind::Teller, Some(1)),
        branch("110101", BranchKind::Counter, Some("110100"), false),
        currency("EUR", "978", 2),
    ];
    let changes = change(records).unwrap();
    let kinds: Vec<BaseKind> = changes.iter().map(|change| change.after.content.kind()).collect();
    assert_eq!(kinds, [BaseKind::Operator, BaseKind::Branch, BaseKind::Currency]);
    let refusal =
        change([parameter("HOLD_DAYS_MAX", "1"), branch("1", BranchKind::Branch, None, false)]).unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("records[1].branch.code"));
}

#[test]
fn versions_hold_from_their_dates_on() {
    let mut reference = reference();
    let amounts = |reference: &Reference| {
        [TODAY, LATER, day(2026, 3, 1)].map(|on| reference.amount_max(on).unwrap().to_string())
    };
    let march = day(2026, 3, 1);
    for (date, value) in [(march, "3"), (LATER, "1"), (LATER, "2")] {
        let changes = reference.change(&[from(date, parameter("AMOUNT_MAX", value))], Some(TODAY)).unwrap();
        reference.apply(&changes);
    }
    assert_eq!(amounts(&reference), ["1000000", "2", "3"]);
    let changes = reference.change(&[from(LATER, parameter("AMOUNT_MAX", "9"))], Some(TODAY)).unwrap();
    assert_eq!((changes[0].before.as_ref().map(|it| it.version), changes[0].after.version), (Some(3 + 1), 5));
}

#[test]
fn recorded_versions_have_no_gap() {
    let mut versions = base_data();
    versions[0].version = 2;
    let error = Reference::from_versions(versions).unwrap_err();
    assert_eq!(error.to_string(), "the versions of currency CNY are not 1, 2, 3 ...: [2]");
}

#[test]
fn every_parameter_is_said_what_it_means() {
    for rule in PARAMETERS {
        assert!(rule.meaning.ends_with('.'), "{}", rule.code);
    }
    let codes: std::collections::HashSet<&str> = PARAMETERS.iter().map(|rule| rule.code).collect();
    assert_eq!(codes.len(), PARAMETERS.len());
}
