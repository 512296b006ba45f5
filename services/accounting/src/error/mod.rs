//! How a refusal of the book becomes one that callers understand: code, reason, field, values.

use std::{fmt::Display, time::Duration};

use platform::refusal::{Failure, Reason, Refusal as Told, reasons as platform_reasons};

mod reasons;
mod values;

pub use reasons::*;

use crate::domain::refusal::{Refusal, Rule};

/// How long a caller waits before it repeats a request that met a change of writer.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// How long a caller waits before it repeats a request for which the database had no room or no time.
const RETRY_BUSY_AFTER: Duration = Duration::from_secs(1);

/// The refusal of a request that found no writer here.
pub fn not_the_writer() -> Failure {
    NOT_THE_WRITER
        .refuse("this replica does not write the book at the moment")
        .retry_after(RETRY_AFTER)
        .into()
}

/// The refusal of a request that the database could not take, and that may be taken later.
pub fn database_busy() -> Failure {
    DATABASE_BUSY.refuse("the database cannot take this at the moment").retry_after(RETRY_BUSY_AFTER).into()
}

/// The refusal of a request of which nobody knows yet whether it was written.
pub fn outcome_unknown() -> Failure {
    OUTCOME_UNKNOWN
        .refuse("the connection to the database was lost while the request was being written")
        .retry_after(RETRY_AFTER)
        .into()
}

/// A field that the contract's form forbids.
pub fn field_invalid(field: impl Display, rule: impl Into<String>) -> Failure {
    Refusal::from(Rule::FieldInvalid(rule.into())).at(field.to_string()).tell().into()
}

impl Refusal {
    /// The same refusal, of that field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The refusal as callers know it.
    pub fn tell(&self) -> Told {
        let mut told = reason(&self.rule).refuse(self.rule.to_string());
        if let Some(field) = &self.field {
            told = told.field(field.clone(), self.rule.to_string());
        }
        values::of(&self.rule).into_iter().fold(told, |told, (name, value)| told.with(name, value))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.tell().into()
    }
}

fn reason(rule: &Rule) -> &'static Reason {
    match rule {
        Rule::RequestIdReused => &platform_reasons::REQUEST_ID_REUSED,
        Rule::FieldInvalid(_) => &platform_reasons::FIELD_INVALID,
        Rule::ApprovalRequired { .. } | Rule::SecondPersonRequired { .. } => {
            &platform_reasons::APPROVAL_REQUIRED
        }
        Rule::BaseRecordUnknown { .. } => &BASE_RECORD_UNKNOWN,
        Rule::EffectiveDatePast { .. } => &EFFECTIVE_DATE_PAST,
        Rule::BaseRecordInvalid(_) => &BASE_RECORD_INVALID,
        Rule::TemplateUnknown { .. } | Rule::FactUnknown { .. } => &TEMPLATE_UNKNOWN,
        Rule::TemplateClosed { .. } => &TEMPLATE_CLOSED,
        Rule::FieldMissing { .. } => &FIELD_MISSING,
        Rule::FieldUnknown { .. } => &FIELD_UNKNOWN,
        Rule::ExpressionFailed { .. } => &EXPRESSION_FAILED,
        Rule::CalendarMissing { .. } => &CALENDAR_MISSING,
        Rule::NotBusinessDay { .. } => &NOT_BUSINESS_DAY,
        Rule::NoBusinessDay => &NO_BUSINESS_DAY,
        Rule::BusinessDayClosed { .. } => &BUSINESS_DAY_CLOSED,
        Rule::BusinessDayNotOpen { .. } => &BUSINESS_DAY_NOT_OPEN,
        Rule::DateOutOfRange { .. } => &DATE_OUT_OF_RANGE,
        Rule::OpeningPeriodOver { .. } => &OPENING_PERIOD_OVER,
        Rule::OperatorUnknown { .. } => &OPERATOR_UNKNOWN,
        Rule::OperatorSuspended { .. } => &OPERATOR_SUSPENDED,
        Rule::OperatorMayNotPost { .. } => &OPERATOR_MAY_NOT_POST,
        Rule::OperatorLimitExceeded { .. } => &OPERATOR_LIMIT_EXCEEDED,
        Rule::BranchUnknown { .. } => &BRANCH_UNKNOWN,
        Rule::BranchClosed { .. } => &BRANCH_CLOSED,
        Rule::AccountOfAnotherBranch { .. } => &ACCOUNT_OF_ANOTHER_BRANCH,
        Rule::HeadOfficeOnly { .. } => &HEAD_OFFICE_ONLY,
        Rule::CurrencyUnknown { .. } => &CURRENCY_UNKNOWN,
        Rule::CurrencyMismatch { .. } => &CURRENCY_MISMATCH,
        Rule::AmountNotPositive { .. } => &AMOUNT_NOT_POSITIVE,
        Rule::AmountTooPrecise { .. } => &AMOUNT_TOO_PRECISE,
        Rule::AmountTooLarge { .. } => &AMOUNT_TOO_LARGE,
        Rule::NotBalanced { .. } => &NOT_BALANCED,
        Rule::CurrenciesMixed { .. } => &CURRENCIES_MIXED,
        Rule::InterBranchAccountMissing { .. } => &INTER_BRANCH_ACCOUNT_MISSING,
        Rule::FundsInsufficient { .. } => &FUNDS_INSUFFICIENT,
        Rule::RegisterShort { .. } => &REGISTER_SHORT,
        Rule::Empty { .. } => &EMPTY,
        Rule::TooMany { .. } => &TOO_MANY,
        Rule::BatchRefused(_) => &BATCH_REFUSED,
        Rule::HoldUnknown { .. } => &HOLD_UNKNOWN,
        Rule::HoldNotOpen { .. } => &HOLD_NOT_OPEN,
        Rule::HoldExpired { .. } => &HOLD_EXPIRED,
        Rule::HoldExceeded { .. } => &HOLD_EXCEEDED,
        Rule::HoldNotDebited { .. } => &HOLD_NOT_DEBITED,
        Rule::OpenHoldsTooMany { .. } => &OPEN_HOLDS_TOO_MANY,
        Rule::HoldExpiryInvalid { .. } => &HOLD_EXPIRY_INVALID,
        Rule::AccountUnknown { .. } => &ACCOUNT_UNKNOWN,
        Rule::FormerNumberUnknown { .. } => &FORMER_NUMBER_UNKNOWN,
        Rule::FormerNumberTaken { .. } => &FORMER_NUMBER_TAKEN,
        Rule::LedgerAccountMissing { .. } => &LEDGER_ACCOUNT_MISSING,
        Rule::LedgerAccountExists { .. } => &LEDGER_ACCOUNT_EXISTS,
        Rule::AccountPending { .. } => &ACCOUNT_PENDING,
        Rule::AccountDormant { .. } => &ACCOUNT_DORMANT,
        Rule::AccountFrozen { .. } => &ACCOUNT_FROZEN,
        Rule::AccountClosed { .. } => &ACCOUNT_CLOSED,
        Rule::TransitionNotAllowed { .. } => &TRANSITION_NOT_ALLOWED,
        Rule::AccountNotEmpty { .. } => &ACCOUNT_NOT_EMPTY,
        Rule::AccountHeld { .. } => &ACCOUNT_HELD,
        Rule::AccountChanged { .. } => &ACCOUNT_CHANGED,
        Rule::LedgerCodeNotAllowed { .. } => &LEDGER_CODE_NOT_ALLOWED,
        Rule::LedgerCodeUnknown { .. } => &LEDGER_CODE_UNKNOWN,
        Rule::LedgerCodeClosed { .. } => &LEDGER_CODE_CLOSED,
        Rule::ManualPostingNotAllowed { .. } => &MANUAL_POSTING_NOT_ALLOWED,
        Rule::CurrencyNotAllowed { .. } => &CURRENCY_NOT_ALLOWED,
    }
}
