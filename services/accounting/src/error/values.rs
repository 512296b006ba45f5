//! The values that a rule speaks of, by name, for programs that act on a refusal.

use std::fmt::Display;

use crate::domain::refusal::Rule;

type Values = Vec<(&'static str, String)>;

/// The values of a broken rule.
pub fn of(rule: &Rule) -> Values {
    match rule {
        Rule::BaseRecordUnknown { kind, code, on } => named(&[("kind", kind), ("code", code), ("on", on)]),
        Rule::EffectiveDatePast { effective_date, business_date } => {
            named(&[("effective_date", effective_date), ("business_date", business_date)])
        }
        Rule::TemplateUnknown { code, on } => named(&[("code", code), ("on", on)]),
        Rule::FactUnknown { kind, on } => named(&[("type", kind), ("on", on)]),
        Rule::TemplateClosed { code } => named(&[("code", code)]),
        Rule::FieldMissing { name } | Rule::FieldUnknown { name } => named(&[("name", name)]),
        Rule::CalendarMissing { year } => named(&[("year", year)]),
        Rule::NotBusinessDay { date } => named(&[("date", date)]),
        Rule::BusinessDayClosed { date, open } | Rule::BusinessDayNotOpen { date, open } => {
            named(&[("date", date), ("open", open)])
        }
        Rule::DateOutOfRange { date, earliest, latest } => {
            named(&[("date", date), ("earliest", earliest), ("latest", latest)])
        }
        Rule::OpeningPeriodOver { until, open } => named(&[("until", until), ("open", open)]),
        Rule::OperatorUnknown { operator }
        | Rule::OperatorSuspended { operator }
        | Rule::OperatorMayNotPost { operator } => named(&[("operator", operator)]),
        Rule::ApprovalRequired { operator, kind, currency, amount, limit }
        | Rule::OperatorLimitExceeded { operator, kind, currency, amount, limit } => named(&[
            ("operator", operator),
            ("kind", &format!("{kind:?}").to_uppercase()),
            ("currency", currency),
            ("amount", amount),
            ("limit", limit),
        ]),
        Rule::SecondPersonRequired { what } | Rule::Empty { what } => named(&[("what", what)]),
        Rule::TooMany { what, count, max } => named(&[("what", what), ("count", count), ("max", max)]),
        Rule::BranchUnknown { branch } | Rule::BranchClosed { branch } | Rule::HeadOfficeOnly { branch } => {
            named(&[("branch", branch)])
        }
        rule => of_account(rule),
    }
}

fn of_account(rule: &Rule) -> Values {
    match rule {
        Rule::AccountUnknown { account }
        | Rule::AccountPending { account }
        | Rule::AccountDormant { account }
        | Rule::AccountFrozen { account }
        | Rule::AccountClosed { account }
        | Rule::HoldNotDebited { account } => named(&[("account", account)]),
        Rule::AccountOfAnotherBranch { account, branch, keeper } => {
            named(&[("account", account), ("branch", branch), ("keeper", keeper)])
        }
        Rule::FormerNumberUnknown { former_number } => named(&[("former_number", former_number)]),
        Rule::FormerNumberTaken { former_number, account } => {
            named(&[("former_number", former_number), ("account", account)])
        }
        Rule::LedgerAccountMissing { branch, ledger_code, currency } => {
            named(&[("branch", branch), ("ledger_code", ledger_code), ("currency", currency)])
        }
        Rule::LedgerAccountExists { branch, ledger_code, currency, account } => named(&[
            ("branch", branch),
            ("ledger_code", ledger_code),
            ("currency", currency),
            ("account", account),
        ]),
        Rule::TransitionNotAllowed { from, to } => named(&[("from", from), ("to", to)]),
        Rule::AccountNotEmpty { account, balance } => named(&[("account", account), ("balance", balance)]),
        Rule::AccountHeld { account, holds } => named(&[("account", account), ("holds", holds)]),
        Rule::AccountChanged { account, version, expected } => {
            named(&[("account", account), ("version", version), ("expected", expected)])
        }
        Rule::LedgerCodeNotAllowed { ledger_code }
        | Rule::LedgerCodeUnknown { ledger_code }
        | Rule::LedgerCodeClosed { ledger_code }
        | Rule::ManualPostingNotAllowed { ledger_code } => named(&[("ledger_code", ledger_code)]),
        Rule::CurrencyNotAllowed { ledger_code, currency } => {
            named(&[("ledger_code", ledger_code), ("currency", currency)])
        }
        rule => of_posting(rule),
    }
}

/// The rules that are left and are not here speak of nothing besides their message.
fn of_posting(rule: &Rule) -> Values {
    match rule {
        Rule::CurrencyUnknown { currency } => named(&[("currency", currency)]),
        Rule::CurrencyMismatch { account, currency, expected } => {
            named(&[("account", account), ("currency", currency), ("expected", expected)])
        }
        Rule::AmountNotPositive { amount } => named(&[("amount", amount)]),
        Rule::AmountTooPrecise { amount, currency, decimals_max } => {
            named(&[("amount", amount), ("currency", currency), ("decimals_max", decimals_max)])
        }
        Rule::AmountTooLarge { amount, amount_max } => {
            named(&[("amount", amount), ("amount_max", amount_max)])
        }
        Rule::NotBalanced { currency, difference } => {
            named(&[("currency", currency), ("difference", difference)])
        }
        Rule::CurrenciesMixed { exchange_code } => named(&[("exchange_code", exchange_code)]),
        Rule::InterBranchAccountMissing { branch, currency } => {
            named(&[("branch", branch), ("currency", currency)])
        }
        Rule::FundsInsufficient { account, available, shortage } => {
            named(&[("account", account), ("available", available), ("shortage", shortage)])
        }
        Rule::RegisterShort { account, side, amount, balance } => named(&[
            ("account", account),
            ("side", &format!("{side:?}").to_uppercase()),
            ("amount", amount),
            ("balance", balance),
        ]),
        Rule::HoldUnknown { hold } | Rule::HoldNotOpen { hold } => named(&[("hold", hold)]),
        Rule::HoldExpired { hold, expired_at } => named(&[("hold", hold), ("expired_at", expired_at)]),
        Rule::HoldExceeded { hold, remaining, amount } => {
            named(&[("hold", hold), ("remaining", remaining), ("amount", amount)])
        }
        Rule::OpenHoldsTooMany { account, holds, holds_max } => {
            named(&[("account", account), ("holds", holds), ("holds_max", holds_max)])
        }
        Rule::HoldExpiryInvalid { expires_at, latest } => {
            named(&[("expires_at", expires_at), ("latest", latest)])
        }
        _ => Vec::new(),
    }
}

fn named(values: &[(&'static str, &dyn Display)]) -> Values {
    values.iter().map(|(name, value)| (*name, value.to_string())).collect()
}
