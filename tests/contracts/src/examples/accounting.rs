//! The facts of accounting: a morning at sub-branch 110101.

use anyhow::Result;
use platform::facts::Fact;
use proto_accounting::v1::{self as accounting, base_record::Content};
use proto_common::common::v1::{Money, Refusal};

use super::{Make, caused_by, time};

pub(super) const EXAMPLES: &[(&str, Make)] = &[
    ("countinghouse.accounting.v1.PostingBooked", posting_booked),
    ("countinghouse.accounting.v1.AccountChanged", account_changed),
    ("countinghouse.accounting.v1.HoldChanged", hold_changed),
    ("countinghouse.accounting.v1.SuspenseItemOpened", suspense_item_opened),
    ("countinghouse.accounting.v1.BusinessDayOpened", business_day_opened),
    ("countinghouse.accounting.v1.BranchChanged", branch_changed),
    ("countinghouse.accounting.v1.OperatorChanged", operator_changed),
    ("countinghouse.accounting.v1.CurrencyChanged", currency_changed),
    ("countinghouse.accounting.v1.ExchangeRateChanged", exchange_rate_changed),
    ("countinghouse.accounting.v1.CalendarYearChanged", calendar_year_changed),
    ("countinghouse.accounting.v1.InterestRateChanged", interest_rate_changed),
    ("countinghouse.accounting.v1.ParameterChanged", parameter_changed),
    ("countinghouse.accounting.v1.LedgerCodeChanged", ledger_code_changed),
    ("countinghouse.accounting.v1.PostingTemplateChanged", posting_template_changed),
];

const BRANCH: &str = "110101";
const TELLER: &str = "T11010103";
const BOOK_KEEPER: &str = "B00000001";
const BUSINESS_DATE: &str = "2026-11-24";
const YEAR_BEGINS: &str = "2026-01-01";

const PAYER: &str = "1101010100000000126";
const PAYEE: &str = "1101010100000000271";

const BASE_DATA_TIME: &str = "2025-12-29T02:15:07.410322Z";
const DAY_TIME: &str = "2026-11-24T00:30:00.000817Z";
const ACCOUNT_TIME: &str = "2026-11-24T01:12:45.120553Z";
const HOLD_TIME: &str = "2026-11-24T01:20:03.771204Z";
const POSTING_TIME: &str = "2026-11-24T01:31:18.604118Z";

fn posting_booked() -> Result<(Fact, String)> {
    let posting = accounting::Posting {
        name: "postings/4211".to_owned(),
        number: 4211,
        request_id: "019ab3f0-6a40-7f0e-8b11-2d3c4b5a6978".to_owned(),
        branch: BRANCH.to_owned(),
        code: "TRANSFER".to_owned(),
        kind: accounting::TransactionKind::Transfer.into(),
        transaction_date: BUSINESS_DATE.to_owned(),
        accounting_date: BUSINESS_DATE.to_owned(),
        value_date: BUSINESS_DATE.to_owned(),
        record_time: Some(time(POSTING_TIME)?),
        operator: TELLER.to_owned(),
        authoriser: String::new(),
        source: "COUNTER".to_owned(),
        narrative: "rent for November".to_owned(),
        voucher: Some(accounting::Voucher { kind: "TRANSFER_SLIP".to_owned(), number: "0018842".to_owned() }),
        hold: String::new(),
        entries: vec![payment(), receipt()],
    };
    let message = accounting::PostingBooked { name: posting.name.clone(), posting: Some(posting) };
    caused_by(TELLER, POSTING_TIME, &message)
}

fn payment() -> accounting::Entry {
    accounting::Entry {
        account: account_name(PAYER),
        branch: BRANCH.to_owned(),
        ledger_code: "201101".to_owned(),
        side: accounting::Side::Debit.into(),
        amount: cny("1250.50"),
        narrative: "rent for November".to_owned(),
        inter_branch: false,
        number: 3,
        debit_total: cny("1750.50"),
        credit_total: cny("10000.00"),
        ledger: cny("8249.50"),
        available: cny("8249.50"),
    }
}

fn receipt() -> accounting::Entry {
    accounting::Entry {
        account: account_name(PAYEE),
        side: accounting::Side::Credit.into(),
        number: 1,
        debit_total: cny("0.00"),
        credit_total: cny("1250.50"),
        ledger: cny("1250.50"),
        available: cny("1250.50"),
        ..payment()
    }
}

fn account_changed() -> Result<(Fact, String)> {
    let owner = accounting::Holder {
        customer: "C0000001842".to_owned(),
        title: "王小明".to_owned(),
        role: accounting::HolderRole::Owner.into(),
    };
    let account = accounting::Account {
        name: account_name(PAYEE),
        number: PAYEE.to_owned(),
        branch: BRANCH.to_owned(),
        ledger_code: "201101".to_owned(),
        currency: "CNY".to_owned(),
        kind: accounting::AccountKind::PersonalDemand.into(),
        title: "王小明".to_owned(),
        holders: vec![owner],
        status: accounting::AccountStatus::Active.into(),
        freeze: accounting::FreezeKind::Unspecified.into(),
        frozen_amount: None,
        overdraft_limit: None,
        normal_side: accounting::NormalSide::Credit.into(),
        open_date: BUSINESS_DATE.to_owned(),
        close_date: String::new(),
        version: 1,
        former_number: "6222020200112233445".to_owned(),
    };
    let message = accounting::AccountChanged {
        name: account.name.clone(),
        account: Some(account),
        reason: "opened at the counter".to_owned(),
    };
    caused_by(TELLER, ACCOUNT_TIME, &message)
}

fn hold_changed() -> Result<(Fact, String)> {
    let hold = accounting::Hold {
        name: "holds/318".to_owned(),
        account: account_name(PAYER),
        state: accounting::HoldState::Open.into(),
        amount: cny("500.00"),
        captured: cny("0.00"),
        remaining: cny("500.00"),
        purpose: "hotel deposit".to_owned(),
        reference: "POS-20261124-0077".to_owned(),
        branch: BRANCH.to_owned(),
        operator: "service/settlement".to_owned(),
        place_time: Some(time(HOLD_TIME)?),
        expire_time: Some(time("2026-12-01T01:20:03Z")?),
        version: 1,
    };
    let message =
        accounting::HoldChanged { name: hold.name.clone(), hold: Some(hold), posting: String::new() };
    caused_by("service/settlement", HOLD_TIME, &message)
}

fn business_day_opened() -> Result<(Fact, String)> {
    let business_day = accounting::BusinessDay {
        business_date: BUSINESS_DATE.to_owned(),
        open_time: Some(time(DAY_TIME)?),
        opened_by: BOOK_KEEPER.to_owned(),
    };
    let message = accounting::BusinessDayOpened {
        business_date: BUSINESS_DATE.to_owned(),
        business_day: Some(business_day),
    };
    caused_by(BOOK_KEEPER, DAY_TIME, &message)
}

fn branch_changed() -> Result<(Fact, String)> {
    let branch = accounting::Branch {
        code: BRANCH.to_owned(),
        title: "城东支行".to_owned(),
        kind: accounting::BranchKind::SubBranch.into(),
        parent: "110100".to_owned(),
        closed: false,
    };
    let (key, effective_date) = dated(BRANCH);
    let versions = standing("branches", &key, &effective_date, Content::Branch(branch.clone()));
    let message =
        accounting::BranchChanged { key, effective_date, version: 1, branch: Some(branch), versions };
    caused_by(BOOK_KEEPER, BASE_DATA_TIME, &message)
}

fn operator_changed() -> Result<(Fact, String)> {
    let limit = |kind: accounting::TransactionKind, amount: &str| accounting::OperatorLimit {
        kind: kind.into(),
        single_max: cny(amount),
    };
    let operator = accounting::Operator {
        code: TELLER.to_owned(),
        title: "李芳".to_owned(),
        branch: BRANCH.to_owned(),
        kind: accounting::OperatorKind::Teller.into(),
        suspended: false,
        limits: vec![
            limit(accounting::TransactionKind::Cash, "50000.00"),
            limit(accounting::TransactionKind::Transfer, "200000.00"),
        ],
    };
    let (key, effective_date) = dated(TELLER);
    let versions = standing("operators", &key, &effective_date, Content::Operator(operator.clone()));
    let message =
        accounting::OperatorChanged { key, effective_date, version: 1, operator: Some(operator), versions };
    caused_by(BOOK_KEEPER, BASE_DATA_TIME, &message)
}

fn currency_changed() -> Result<(Fact, String)> {
    let currency = accounting::Currency {
        code: "CNY".to_owned(),
        numeric_code: "156".to_owned(),
        exponent: 2,
        title: "人民币".to_owned(),
    };
    let (key, effective_date) = dated("CNY");
    let versions = standing("currencies", &key, &effective_date, Content::Currency(currency.clone()));
    let message =
        accounting::CurrencyChanged { key, effective_date, version: 1, currency: Some(currency), versions };
    caused_by(BOOK_KEEPER, BASE_DATA_TIME, &message)
}

fn exchange_rate_changed() -> Result<(Fact, String)> {
    let exchange_rate = accounting::ExchangeRate {
        currency: "USD".to_owned(),
        unit: 100,
        buy: "706.42".to_owned(),
        sell: "709.38".to_owned(),
        middle: "707.90".to_owned(),
    };
    let (key, effective_date) = dated("USD");
    let versions =
        standing("exchangeRates", &key, &effective_date, Content::ExchangeRate(exchange_rate.clone()));
    let message = accounting::ExchangeRateChanged {
        key,
        effective_date,
        version: 1,
        exchange_rate: Some(exchange_rate),
        versions,
    };
    caused_by(BOOK_KEEPER, BASE_DATA_TIME, &message)
}

fn calendar_year_changed() -> Result<(Fact, String)> {
    let calendar_year = accounting::CalendarYear {
        year: 2026,
        holidays: vec!["2026-01-01".to_owned(), "2026-01-02".to_owned()],
        working_weekends: vec!["2026-01-04".to_owned()],
        source: "sample data".to_owned(),
    };
    let (key, effective_date) = dated("2026");
    let versions =
        standing("calendarYears", &key, &effective_date, Content::CalendarYear(calendar_year.clone()));
    let message = accounting::CalendarYearChanged {
        key,
        effective_date,
        version: 1,
        calendar_year: Some(calendar_year),
        versions,
    };
    caused_by(BOOK_KEEPER, BASE_DATA_TIME, &message)
}

fn interest_rate_changed() -> Result<(Fact, String)> {
    let interest_rate = accounting::InterestRate {
        code: "CNY-DEMAND".to_owned(),
        title: "人民币活期".to_owned(),
        currency: "CNY".to_owned(),
        annual_percent: "0.05".to_owned(),
    };
    let (key, effective_date) = dated("CNY-DEMAND");
    let versions =
        standing("interestRates", &key, &effective_date, Content::InterestRate(interest_rate.clone()));
    let message = accounting::InterestRateChanged {
        key,
        effective_date,
        version: 1,
        interest_rate: Some(interest_rate),
        versions,
    };
    caused_by(BOOK_KEEPER, BASE_DATA_TIME, &message)
}

fn parameter_changed() -> Result<(Fact, String)> {
    let parameter = accounting::Parameter { code: "HOLD_DAYS_MAX".to_owned(), value: "30".to_owned() };
    let (key, effective_date) = dated("HOLD_DAYS_MAX");
    let versions = standing("parameters", &key, &effective_date, Content::Parameter(parameter.clone()));
    let message = accounting::ParameterChanged {
        key,
        effective_date,
        version: 1,
        parameter: Some(parameter),
        versions,
    };
    caused_by(BOOK_KEEPER, BASE_DATA_TIME, &message)
}

fn ledger_code_changed() -> Result<(Fact, String)> {
    let ledger_code = accounting::LedgerCode {
        code: "201101".to_owned(),
        title: "个人活期存款".to_owned(),
        title_en: "Personal demand deposits".to_owned(),
        class: accounting::LedgerClass::Liability.into(),
        normal_side: accounting::NormalSide::Credit.into(),
        currencies: Vec::new(),
        has_accounts: true,
        manual_posting: false,
        cash: false,
        closed: false,
        replaces: vec!["211101".to_owned()],
    };
    let (key, effective_date) = dated("201101");
    let versions = standing("ledgerCodes", &key, &effective_date, Content::LedgerCode(ledger_code.clone()));
    let message = accounting::LedgerCodeChanged {
        key,
        effective_date,
        version: 1,
        ledger_code: Some(ledger_code),
        versions,
    };
    caused_by(BOOK_KEEPER, BASE_DATA_TIME, &message)
}

fn suspense_item_opened() -> Result<(Fact, String)> {
    let item = accounting::SuspenseItem {
        name: "suspenseItems/17".to_owned(),
        number: 17,
        branch: BRANCH.to_owned(),
        state: accounting::SuspenseState::Open.into(),
        reason: Some(Refusal {
            reason: "ACCOUNT_CLOSED".to_owned(),
            message: format!("account {PAYEE} is closed"),
            field: "template.lines[1].account".to_owned(),
            metadata: [("account".to_owned(), PAYEE.to_owned())].into(),
        }),
        posting: "postings/4212".to_owned(),
        account: "accounts/1101010700000000314".to_owned(),
        side: accounting::Side::Credit.into(),
        amount: cny("1250.50"),
        meant_account: account_name(PAYEE),
        code: "SETTLEMENT_BATCH".to_owned(),
        fact: Some(accounting::SuspenseFact {
            service: "settlement".to_owned(),
            topic: "countinghouse.settlement.batch.v1".to_owned(),
            r#type: "countinghouse.settlement.batch.v1.BatchClosed".to_owned(),
            id: "019ab3f1-0c11-7a52-8e3f-6d5c4b3a2918".to_owned(),
            key: "batches/20261124-01".to_owned(),
            time: Some(time(POSTING_TIME)?),
        }),
        open_date: BUSINESS_DATE.to_owned(),
        record_time: Some(time(POSTING_TIME)?),
    };
    let message = accounting::SuspenseItemOpened { name: item.name.clone(), item: Some(item) };
    caused_by("service/settlement", POSTING_TIME, &message)
}

fn posting_template_changed() -> Result<(Fact, String)> {
    let field = |name: &str, kind: accounting::TemplateFieldType| accounting::TemplateField {
        name: name.to_owned(),
        r#type: kind.into(),
        required: true,
    };
    let line = |account: &str, side: accounting::Side| accounting::TemplateLine {
        account: account.to_owned(),
        side: side.into(),
        amount: "amount".to_owned(),
        currency: "amount".to_owned(),
        condition: String::new(),
        narrative: "cash from {keeper}".to_owned(),
    };
    let (to, from) = ("branches/{branch}/ledgerCodes/100101", "branches/{keeper}/ledgerCodes/100102");
    let template = accounting::PostingTemplate {
        code: "CASH_DELIVERY".to_owned(),
        title: "金库送款".to_owned(),
        fields: vec![
            field("amount", accounting::TemplateFieldType::Amount),
            field("keeper", accounting::TemplateFieldType::Branch),
        ],
        lines: vec![line(to, accounting::Side::Debit), line(from, accounting::Side::Credit)],
        examples: vec![delivery_example()],
        facts: vec![delivery_fact()],
        narrative: "cash delivery".to_owned(),
        closed: false,
    };
    let (key, effective_date) = dated("CASH_DELIVERY");
    let versions =
        standing("postingTemplates", &key, &effective_date, Content::PostingTemplate(template.clone()));
    let message = accounting::PostingTemplateChanged {
        key,
        effective_date,
        version: 1,
        posting_template: Some(template),
        versions,
    };
    caused_by(BOOK_KEEPER, BASE_DATA_TIME, &message)
}

fn delivery_example() -> accounting::TemplateExample {
    use accounting::business_field::Value;
    let field = |name: &str, value| accounting::BusinessField { name: name.to_owned(), value: Some(value) };
    let line = |account: &str, side: accounting::Side| accounting::TemplateExampleLine {
        account: account.to_owned(),
        side: side.into(),
        amount: cny("50000.00"),
        narrative: String::new(),
    };
    accounting::TemplateExample {
        title: "a van in the morning".to_owned(),
        branch: BRANCH.to_owned(),
        fields: vec![
            field("amount", Value::Amount(cny("50000.00").unwrap_or_default())),
            field("keeper", Value::Text("110000".to_owned())),
        ],
        lines: vec![
            line("branches/110101/ledgerCodes/100101", accounting::Side::Debit),
            line("branches/110000/ledgerCodes/100102", accounting::Side::Credit),
        ],
    }
}

fn delivery_fact() -> accounting::TemplateFact {
    let field = |name: &str, pointer: &str| accounting::TemplateFactField {
        name: name.to_owned(),
        pointer: pointer.to_owned(),
    };
    accounting::TemplateFact {
        r#type: "countinghouse.vault.delivery.v1.CashDelivered".to_owned(),
        branch: "/delivery/branch".to_owned(),
        transaction_date: "/delivery/date".to_owned(),
        fields: vec![field("amount", "/delivery/amount"), field("keeper", "/delivery/keeper")],
    }
}

/// Key and effective date of a record that was set.
fn dated(code: &str) -> (String, String) {
    (code.to_owned(), YEAR_BEGINS.to_owned())
}

/// What stands of a record that was set for the first time.
fn standing(
    collection: &str,
    code: &str,
    effective_date: &str,
    content: Content,
) -> Vec<accounting::BaseRecord> {
    vec![accounting::BaseRecord {
        name: format!("{collection}/{code}"),
        effective_date: effective_date.to_owned(),
        version: 1,
        content: Some(content),
    }]
}

fn account_name(number: &str) -> String {
    format!("accounts/{number}")
}

#[expect(clippy::unnecessary_wraps, reason = "every field of money in a message is an Option")]
fn cny(amount: &str) -> Option<Money> {
    Some(Money { currency: "CNY".to_owned(), amount: amount.to_owned() })
}
