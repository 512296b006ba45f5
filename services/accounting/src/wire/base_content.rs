//! What each kind of base data says, in and out.

use ::refusal::{Refusal, field_invalid};
use form::{amount, choice, code, currency_code, decimal, required_date, required_text, text};
use pb::base_record::Content;
use proto_accounting::v1 as pb;
use proto_common::common::v1 as common;

use super::{account::normal_side_to_proto, line::TITLE_CHARS_MAX, posting::kind_to_proto, template};
use crate::domain::{
    base::{
        BaseContent, Branch, BranchKind, CalendarYear, CurrencyRecord, ExchangeRate, InterestRate,
        LedgerClass, LedgerCode, Operator, OperatorKind, OperatorLimit, Parameter, TransactionKind,
    },
    ids::{BranchCode, CurrencyCode, LedgerCodeNumber, OperatorCode},
    side::NormalSide,
};

/// The content of a request's record.
pub fn from_proto(field: &str, content: Content) -> Result<BaseContent, Refusal> {
    Ok(match content {
        Content::Branch(value) => BaseContent::Branch(branch(&format!("{field}.branch"), value)?),
        Content::Operator(value) => BaseContent::Operator(operator(&format!("{field}.operator"), value)?),
        Content::Currency(value) => BaseContent::Currency(currency(&format!("{field}.currency"), value)?),
        Content::ExchangeRate(value) => {
            BaseContent::ExchangeRate(exchange_rate(&format!("{field}.exchange_rate"), &value)?)
        }
        Content::CalendarYear(value) => {
            BaseContent::CalendarYear(calendar_year(&format!("{field}.calendar_year"), value)?)
        }
        Content::InterestRate(value) => {
            BaseContent::InterestRate(interest_rate(&format!("{field}.interest_rate"), value)?)
        }
        Content::Parameter(value) => BaseContent::Parameter(Parameter {
            code: code(&format!("{field}.parameter.code"), value.code, 64)?,
            value: required_text(&format!("{field}.parameter.value"), value.value, 200)?,
        }),
        Content::LedgerCode(value) => {
            BaseContent::LedgerCode(ledger_code(&format!("{field}.ledger_code"), value)?)
        }
        Content::PostingTemplate(value) => {
            BaseContent::PostingTemplate(template::from_proto(&format!("{field}.posting_template"), value)?)
        }
    })
}

fn branch(field: &str, value: pb::Branch) -> Result<Branch, Refusal> {
    Ok(Branch {
        code: BranchCode::new(code(&format!("{field}.code"), value.code, 6)?),
        title: required_text(&format!("{field}.title"), value.title, TITLE_CHARS_MAX)?,
        kind: choice(&format!("{field}.kind"), value.kind, |kind| match kind {
            pb::BranchKind::Unspecified => None,
            pb::BranchKind::HeadOffice => Some(BranchKind::HeadOffice),
            pb::BranchKind::Branch => Some(BranchKind::Branch),
            pb::BranchKind::SubBranch => Some(BranchKind::SubBranch),
            pb::BranchKind::Counter => Some(BranchKind::Counter),
        })?,
        parent: (!value.parent.is_empty())
            .then(|| code(&format!("{field}.parent"), value.parent, 6).map(BranchCode::new))
            .transpose()?,
        closed: value.closed,
    })
}

fn operator(field: &str, value: pb::Operator) -> Result<Operator, Refusal> {
    let limits = value
        .limits
        .into_iter()
        .enumerate()
        .map(|(i, limit)| operator_limit(&format!("{field}.limits[{i}]"), limit))
        .collect::<Result<_, _>>()?;
    Ok(Operator {
        code: OperatorCode::new(code(&format!("{field}.code"), value.code, 64)?),
        title: required_text(&format!("{field}.title"), value.title, TITLE_CHARS_MAX)?,
        branch: BranchCode::new(code(&format!("{field}.branch"), value.branch, 6)?),
        kind: choice(&format!("{field}.kind"), value.kind, |kind| match kind {
            pb::OperatorKind::Unspecified => None,
            pb::OperatorKind::Teller => Some(OperatorKind::Teller),
            pb::OperatorKind::Supervisor => Some(OperatorKind::Supervisor),
            pb::OperatorKind::BookKeeper => Some(OperatorKind::BookKeeper),
            pb::OperatorKind::System => Some(OperatorKind::System),
        })?,
        suspended: value.suspended,
        limits,
    })
}

fn operator_limit(field: &str, value: pb::OperatorLimit) -> Result<OperatorLimit, Refusal> {
    let (currency, single_max) = amount(&format!("{field}.single_max"), value.single_max)?;
    Ok(OperatorLimit {
        kind: choice(&format!("{field}.kind"), value.kind, |kind| match kind {
            pb::TransactionKind::Unspecified => None,
            pb::TransactionKind::Cash => Some(TransactionKind::Cash),
            pb::TransactionKind::Transfer => Some(TransactionKind::Transfer),
            pb::TransactionKind::Internal => Some(TransactionKind::Internal),
        })?,
        currency,
        single_max,
    })
}

fn currency(field: &str, value: pb::Currency) -> Result<CurrencyRecord, Refusal> {
    Ok(CurrencyRecord {
        code: currency_code(&format!("{field}.code"), &value.code)?,
        numeric_code: code(&format!("{field}.numeric_code"), value.numeric_code, 3)?,
        exponent: u8::try_from(value.exponent)
            .map_err(|_| field_invalid(format!("{field}.exponent"), "must be between 0 and 4"))?,
        title: required_text(&format!("{field}.title"), value.title, TITLE_CHARS_MAX)?,
    })
}

fn exchange_rate(field: &str, value: &pb::ExchangeRate) -> Result<ExchangeRate, Refusal> {
    Ok(ExchangeRate {
        currency: currency_code(&format!("{field}.currency"), &value.currency)?,
        unit: value.unit,
        buy: decimal(&format!("{field}.buy"), &value.buy)?,
        sell: decimal(&format!("{field}.sell"), &value.sell)?,
        middle: decimal(&format!("{field}.middle"), &value.middle)?,
    })
}

fn calendar_year(field: &str, value: pb::CalendarYear) -> Result<CalendarYear, Refusal> {
    let dates = |name: &str, dates: &[String]| {
        dates
            .iter()
            .enumerate()
            .map(|(i, date)| required_date(&format!("{field}.{name}[{i}]"), date))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(CalendarYear {
        year: value.year,
        holidays: dates("holidays", &value.holidays)?,
        working_weekends: dates("working_weekends", &value.working_weekends)?,
        source: text(&format!("{field}.source"), value.source, 200)?,
    })
}

fn interest_rate(field: &str, value: pb::InterestRate) -> Result<InterestRate, Refusal> {
    Ok(InterestRate {
        code: code(&format!("{field}.code"), value.code, 64)?,
        title: required_text(&format!("{field}.title"), value.title, TITLE_CHARS_MAX)?,
        currency: currency_code(&format!("{field}.currency"), &value.currency)?,
        annual_percent: decimal(&format!("{field}.annual_percent"), &value.annual_percent)?,
    })
}

fn ledger_code(field: &str, value: pb::LedgerCode) -> Result<LedgerCode, Refusal> {
    let codes = |name: &str, codes: Vec<String>| {
        codes
            .into_iter()
            .enumerate()
            .map(|(i, each)| code(&format!("{field}.{name}[{i}]"), each, 16).map(LedgerCodeNumber::new))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(LedgerCode {
        code: LedgerCodeNumber::new(code(&format!("{field}.code"), value.code, 16)?),
        title: required_text(&format!("{field}.title"), value.title, TITLE_CHARS_MAX)?,
        title_en: text(&format!("{field}.title_en"), value.title_en, TITLE_CHARS_MAX)?,
        class: choice(&format!("{field}.class"), value.class, ledger_class)?,
        normal_side: choice(&format!("{field}.normal_side"), value.normal_side, |side| match side {
            pb::NormalSide::Unspecified => None,
            pb::NormalSide::Debit => Some(NormalSide::Debit),
            pb::NormalSide::Credit => Some(NormalSide::Credit),
            pb::NormalSide::Either => Some(NormalSide::Either),
        })?,
        currencies: value
            .currencies
            .iter()
            .enumerate()
            .map(|(i, each)| currency_code(&format!("{field}.currencies[{i}]"), each))
            .collect::<Result<Vec<CurrencyCode>, _>>()?,
        has_accounts: value.has_accounts,
        manual_posting: value.manual_posting,
        cash: value.cash,
        closed: value.closed,
        replaces: codes("replaces", value.replaces)?,
    })
}

fn ledger_class(class: pb::LedgerClass) -> Option<LedgerClass> {
    Some(match class {
        pb::LedgerClass::Unspecified => return None,
        pb::LedgerClass::Asset => LedgerClass::Asset,
        pb::LedgerClass::Liability => LedgerClass::Liability,
        pb::LedgerClass::Common => LedgerClass::Common,
        pb::LedgerClass::Equity => LedgerClass::Equity,
        pb::LedgerClass::Cost => LedgerClass::Cost,
        pb::LedgerClass::ProfitAndLoss => LedgerClass::ProfitAndLoss,
        pb::LedgerClass::Contingent => LedgerClass::Contingent,
        pb::LedgerClass::Register => LedgerClass::Register,
    })
}

/// The class of a ledger code, for the contract.
pub fn class_to_proto(class: LedgerClass) -> pb::LedgerClass {
    match class {
        LedgerClass::Asset => pb::LedgerClass::Asset,
        LedgerClass::Liability => pb::LedgerClass::Liability,
        LedgerClass::Common => pb::LedgerClass::Common,
        LedgerClass::Equity => pb::LedgerClass::Equity,
        LedgerClass::Cost => pb::LedgerClass::Cost,
        LedgerClass::ProfitAndLoss => pb::LedgerClass::ProfitAndLoss,
        LedgerClass::Contingent => pb::LedgerClass::Contingent,
        LedgerClass::Register => pb::LedgerClass::Register,
    }
}

/// What a record says, for the contract.
pub fn to_proto(content: &BaseContent) -> Content {
    match content {
        BaseContent::Branch(branch) => Content::Branch(branch_to_proto(branch)),
        BaseContent::Operator(operator) => Content::Operator(operator_to_proto(operator)),
        BaseContent::Currency(currency) => Content::Currency(pb::Currency {
            code: currency.code.to_string(),
            numeric_code: currency.numeric_code.clone(),
            exponent: currency.exponent.into(),
            title: currency.title.clone(),
        }),
        BaseContent::ExchangeRate(rate) => Content::ExchangeRate(pb::ExchangeRate {
            currency: rate.currency.to_string(),
            unit: rate.unit,
            buy: rate.buy.to_string(),
            sell: rate.sell.to_string(),
            middle: rate.middle.to_string(),
        }),
        BaseContent::CalendarYear(calendar) => Content::CalendarYear(pb::CalendarYear {
            year: calendar.year,
            holidays: calendar.holidays.iter().map(ToString::to_string).collect(),
            working_weekends: calendar.working_weekends.iter().map(ToString::to_string).collect(),
            source: calendar.source.clone(),
        }),
        BaseContent::InterestRate(rate) => Content::InterestRate(pb::InterestRate {
            code: rate.code.clone(),
            title: rate.title.clone(),
            currency: rate.currency.to_string(),
            annual_percent: rate.annual_percent.to_string(),
        }),
        BaseContent::Parameter(parameter) => {
            Content::Parameter(pb::Parameter { code: parameter.code.clone(), value: parameter.value.clone() })
        }
        BaseContent::LedgerCode(code) => Content::LedgerCode(ledger_code_to_proto(code)),
        BaseContent::PostingTemplate(posting) => Content::PostingTemplate(template::to_proto(posting)),
    }
}

fn branch_to_proto(branch: &Branch) -> pb::Branch {
    let kind = match branch.kind {
        BranchKind::HeadOffice => pb::BranchKind::HeadOffice,
        BranchKind::Branch => pb::BranchKind::Branch,
        BranchKind::SubBranch => pb::BranchKind::SubBranch,
        BranchKind::Counter => pb::BranchKind::Counter,
    };
    pb::Branch {
        code: branch.code.to_string(),
        title: branch.title.clone(),
        kind: kind.into(),
        parent: branch.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        closed: branch.closed,
    }
}

fn operator_to_proto(operator: &Operator) -> pb::Operator {
    let kind = match operator.kind {
        OperatorKind::Teller => pb::OperatorKind::Teller,
        OperatorKind::Supervisor => pb::OperatorKind::Supervisor,
        OperatorKind::BookKeeper => pb::OperatorKind::BookKeeper,
        OperatorKind::System => pb::OperatorKind::System,
    };
    let limit = |limit: &OperatorLimit| pb::OperatorLimit {
        kind: kind_to_proto(limit.kind).into(),
        single_max: Some(common::Money {
            currency: limit.currency.to_string(),
            amount: limit.single_max.to_string(),
        }),
    };
    pb::Operator {
        code: operator.code.to_string(),
        title: operator.title.clone(),
        branch: operator.branch.to_string(),
        kind: kind.into(),
        suspended: operator.suspended,
        limits: operator.limits.iter().map(limit).collect(),
    }
}

fn ledger_code_to_proto(code: &LedgerCode) -> pb::LedgerCode {
    pb::LedgerCode {
        code: code.code.to_string(),
        title: code.title.clone(),
        title_en: code.title_en.clone(),
        class: class_to_proto(code.class).into(),
        normal_side: normal_side_to_proto(code.normal_side).into(),
        currencies: code.currencies.iter().map(ToString::to_string).collect(),
        has_accounts: code.has_accounts,
        manual_posting: code.manual_posting,
        cash: code.cash,
        closed: code.closed,
        replaces: code.replaces.iter().map(ToString::to_string).collect(),
    }
}
