//! The files of base data, as the records that `ChangeBaseData` takes.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use chrono::{Datelike, NaiveDate};
use proto_accounting::v1::{
    BaseRecord, Branch, BranchKind, CalendarYear, Currency, ExchangeRate, InterestRate, LedgerClass,
    LedgerCode, NormalSide, Operator, OperatorKind, OperatorLimit, Parameter, PostingTemplate,
    TransactionKind, base_record::Content,
};
use proto_common::common::v1::Money;

use super::{
    rows::{
        BranchRow, CalendarDayKind, CalendarDayRow, CalendarYearRow, CurrencyRow, ExchangeRateRow,
        InterestRateRow, LedgerCodeRow, OperatorLimitRow, OperatorRow, ParameterRow,
    },
    table::{self, Row},
};

/// All base data, each kind after those that it refers to.
pub(super) fn read(folder: &Path, chart: &Path) -> Result<Vec<BaseRecord>> {
    let branches: Vec<Row<BranchRow>> = table::read(&folder.join("branches.csv"))?;
    // The chart has no dates of its own: it holds since the bank does.
    let founded =
        branches.iter().map(|row| row.is.effective_date).min().context("branches.csv has no rows")?;
    let mut records = Vec::new();
    records.extend(table::read(&folder.join("currencies.csv"))?.into_iter().map(currency));
    records.extend(table::read(&folder.join("parameters.csv"))?.into_iter().map(parameter));
    records.extend(calendars(folder)?);
    for row in table::read(chart)? {
        records.push(ledger_code(founded, row)?);
    }
    for row in branches {
        records.push(branch(row)?);
    }
    records.extend(operators(folder)?);
    records.extend(table::read(&folder.join("exchange_rates.csv"))?.into_iter().map(exchange_rate));
    records.extend(table::read(&folder.join("interest_rates.csv"))?.into_iter().map(interest_rate));
    records.extend(posting_templates(founded, &folder.join("posting_templates.json"))?);
    Ok(records)
}

/// Templates are no table: they stand in a file as the JSON of the contract, and hold since the bank does.
fn posting_templates(founded: NaiveDate, path: &Path) -> Result<Vec<BaseRecord>> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let templates: Vec<PostingTemplate> = serde_json::from_str(&text).context("posting_templates.json")?;
    let each = |template: PostingTemplate| {
        let code = template.code.clone();
        record("postingTemplates", &code, founded, Content::PostingTemplate(template))
    };
    Ok(templates.into_iter().map(each).collect())
}

fn record(collection: &str, code: &str, effective_date: NaiveDate, content: Content) -> BaseRecord {
    BaseRecord {
        name: format!("{collection}/{code}"),
        effective_date: effective_date.to_string(),
        version: 0,
        content: Some(content),
    }
}

fn currency(Row { is, .. }: Row<CurrencyRow>) -> BaseRecord {
    let CurrencyRow { effective_date, code, numeric_code, exponent, title } = is;
    let content = Currency { code: code.clone(), numeric_code, exponent: exponent.into(), title };
    record("currencies", &code, effective_date, Content::Currency(content))
}

fn parameter(Row { is, .. }: Row<ParameterRow>) -> BaseRecord {
    let ParameterRow { effective_date, code, value } = is;
    record("parameters", &code.clone(), effective_date, Content::Parameter(Parameter { code, value }))
}

fn calendars(folder: &Path) -> Result<Vec<BaseRecord>> {
    let years: Vec<Row<CalendarYearRow>> = table::read(&folder.join("calendar_years.csv"))?;
    let days: Vec<Row<CalendarDayRow>> = table::read(&folder.join("calendar_days.csv"))?;
    if let Some(day) = days.iter().find(|day| years.iter().all(|year| year.is.year != day.is.date.year())) {
        return Err(day.error(format_args!("{} is not in calendar_years.csv", day.is.date.year())));
    }
    let of_kind = |year: i32, kind: CalendarDayKind| -> Vec<String> {
        let days = days.iter().filter(|day| day.is.date.year() == year && day.is.kind == kind);
        days.map(|day| day.is.date.to_string()).collect()
    };
    let calendar = |Row { is: CalendarYearRow { effective_date, year, source }, .. }| {
        let content = CalendarYear {
            year,
            holidays: of_kind(year, CalendarDayKind::Holiday),
            working_weekends: of_kind(year, CalendarDayKind::WorkingWeekend),
            source,
        };
        record("calendarYears", &year.to_string(), effective_date, Content::CalendarYear(content))
    };
    Ok(years.into_iter().map(calendar).collect())
}

fn ledger_code(effective_date: NaiveDate, row: Row<LedgerCodeRow>) -> Result<BaseRecord> {
    let class = named(&row, "LEDGER_CLASS", &row.is.class, LedgerClass::from_str_name)?;
    let normal_side = named(&row, "NORMAL_SIDE", &row.is.normal_side, NormalSide::from_str_name)?;
    let is = row.is;
    let content = LedgerCode {
        code: is.code.clone(),
        title: is.title,
        title_en: is.title_en,
        class: class.into(),
        normal_side: normal_side.into(),
        currencies: is.currencies,
        has_accounts: is.has_accounts,
        manual_posting: is.manual_posting,
        cash: is.cash,
        closed: false,
        replaces: is.replaces,
    };
    Ok(record("ledgerCodes", &is.code, effective_date, Content::LedgerCode(content)))
}

fn branch(row: Row<BranchRow>) -> Result<BaseRecord> {
    let kind = named(&row, "BRANCH_KIND", &row.is.kind, BranchKind::from_str_name)?;
    let BranchRow { effective_date, code, title, parent, closed, .. } = row.is;
    let content = Branch { code: code.clone(), title, kind: kind.into(), parent, closed };
    Ok(record("branches", &code, effective_date, Content::Branch(content)))
}

fn operators(folder: &Path) -> Result<Vec<BaseRecord>> {
    let mut sets: BTreeMap<String, Vec<OperatorLimit>> = BTreeMap::new();
    for row in table::read::<OperatorLimitRow>(&folder.join("operator_limits.csv"))? {
        let kind = named(&row, "TRANSACTION_KIND", &row.is.kind, TransactionKind::from_str_name)?;
        let single_max = Money { currency: row.is.currency, amount: row.is.single_max.to_string() };
        let limit = OperatorLimit { kind: kind.into(), single_max: Some(single_max) };
        sets.entry(row.is.limits).or_default().push(limit);
    }
    sets.insert("none".to_owned(), Vec::new());
    let rows: Vec<Row<OperatorRow>> = table::read(&folder.join("operators.csv"))?;
    rows.into_iter().map(|row| operator(row, &sets)).collect()
}

fn operator(row: Row<OperatorRow>, sets: &BTreeMap<String, Vec<OperatorLimit>>) -> Result<BaseRecord> {
    let kind = named(&row, "OPERATOR_KIND", &row.is.kind, OperatorKind::from_str_name)?;
    let limits = sets
        .get(&row.is.limits)
        .ok_or_else(|| row.error(format_args!("{} is not in operator_limits.csv", row.is.limits)))?
        .clone();
    let OperatorRow { effective_date, code, title, branch, suspended, .. } = row.is;
    let content = Operator { code: code.clone(), title, branch, kind: kind.into(), suspended, limits };
    Ok(record("operators", &code, effective_date, Content::Operator(content)))
}

fn exchange_rate(Row { is, .. }: Row<ExchangeRateRow>) -> BaseRecord {
    let content = ExchangeRate {
        currency: is.currency.clone(),
        unit: is.unit,
        buy: is.buy.to_string(),
        sell: is.sell.to_string(),
        middle: is.middle.to_string(),
    };
    record("exchangeRates", &is.currency, is.effective_date, Content::ExchangeRate(content))
}

fn interest_rate(Row { is, .. }: Row<InterestRateRow>) -> BaseRecord {
    let InterestRateRow { effective_date, code, title, currency, annual_percent, .. } = is;
    let content =
        InterestRate { code: code.clone(), title, currency, annual_percent: annual_percent.to_string() };
    record("interestRates", &code, effective_date, Content::InterestRate(content))
}

/// The value of an enumeration that a file writes as `sub_branch` and the contract as `BRANCH_KIND_SUB_BRANCH`.
pub(super) fn named<T, E>(
    row: &Row<T>,
    prefix: &str,
    word: &str,
    of: impl Fn(&str) -> Option<E>,
) -> Result<E> {
    of(&format!("{prefix}_{}", word.to_uppercase()))
        .ok_or_else(|| row.error(format_args!("{word} is no {}", prefix.to_lowercase().replace('_', " "))))
}
