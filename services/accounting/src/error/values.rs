//! The values that a rule speaks of, by name, for programs that act on a refusal.

use crate::domain::refusal::Rule;

type Values = Vec<(&'static str, String)>;

/// The values of a broken rule.
pub fn of(rule: &Rule) -> Values {
    match rule {
        Rule::BaseRecordUnknown { kind, code, on } => {
            vec![("kind", kind.to_string()), ("code", code.to_string()), ("on", on.to_string())]
        }
        Rule::EffectiveDatePast { effective_date, business_date } => {
            vec![("effective_date", effective_date.to_string()), ("business_date", business_date.to_string())]
        }
        Rule::CalendarMissing { year } => vec![("year", year.to_string())],
        Rule::NotBusinessDay { date } => vec![("date", date.to_string())],
        Rule::BusinessDayClosed { date, open } => {
            vec![("date", date.to_string()), ("open", open.to_string())]
        }
        Rule::BusinessDayNotOpen { date, open } => {
            vec![("date", date.to_string()), ("open", open.to_string())]
        }
        Rule::DateOutOfRange { date, earliest, latest } => vec![
            ("date", date.to_string()),
            ("earliest", earliest.to_string()),
            ("latest", latest.to_string()),
        ],
        Rule::OperatorUnknown { operator } => vec![("operator", operator.to_string())],
        Rule::OperatorSuspended { operator } => vec![("operator", operator.to_string())],
        Rule::OperatorMayNotPost { operator } => vec![("operator", operator.to_string())],
        Rule::ApprovalRequired { operator, kind, currency, amount, limit } => vec![
            ("operator", operator.to_string()),
            ("kind", format!("{kind:?}").to_uppercase()),
            ("currency", currency.to_string()),
            ("amount", amount.to_string()),
            ("limit", limit.to_string()),
        ],
        Rule::SecondPersonRequired { what } => vec![("what", what.to_string())],
        Rule::OperatorLimitExceeded { operator, kind, currency, amount, limit } => vec![
            ("operator", operator.to_string()),
            ("kind", format!("{kind:?}").to_uppercase()),
            ("currency", currency.to_string()),
            ("amount", amount.to_string()),
            ("limit", limit.to_string()),
        ],
        Rule::BranchUnknown { branch } => vec![("branch", branch.to_string())],
        Rule::BranchClosed { branch } => vec![("branch", branch.to_string())],
        Rule::AccountOfAnotherBranch { account, branch, keeper } => vec![
            ("account", account.to_string()),
            ("branch", branch.to_string()),
            ("keeper", keeper.to_string()),
        ],
        Rule::HeadOfficeOnly { branch } => vec![("branch", branch.to_string())],
        Rule::AccountUnknown { account } => vec![("account", account.to_string())],
        Rule::LedgerAccountMissing { branch, ledger_code, currency } => vec![
            ("branch", branch.to_string()),
            ("ledger_code", ledger_code.to_string()),
            ("currency", currency.to_string()),
        ],
        Rule::LedgerAccountExists { branch, ledger_code, currency, account } => vec![
            ("branch", branch.to_string()),
            ("ledger_code", ledger_code.to_string()),
            ("currency", currency.to_string()),
            ("account", account.to_string()),
        ],
        Rule::AccountPending { account } => vec![("account", account.to_string())],
        Rule::AccountDormant { account } => vec![("account", account.to_string())],
        Rule::AccountFrozen { account } => vec![("account", account.to_string())],
        Rule::AccountClosed { account } => vec![("account", account.to_string())],
        Rule::TransitionNotAllowed { from, to } => vec![("from", from.to_string()), ("to", to.to_string())],
        Rule::AccountNotEmpty { account, balance } => {
            vec![("account", account.to_string()), ("balance", balance.to_string())]
        }
        Rule::AccountHeld { account, holds } => {
            vec![("account", account.to_string()), ("holds", holds.to_string())]
        }
        Rule::AccountChanged { account, version, expected } => vec![
            ("account", account.to_string()),
            ("version", version.to_string()),
            ("expected", expected.to_string()),
        ],
        Rule::LedgerCodeNotAllowed { ledger_code } => vec![("ledger_code", ledger_code.to_string())],
        Rule::LedgerCodeUnknown { ledger_code } => vec![("ledger_code", ledger_code.to_string())],
        Rule::LedgerCodeClosed { ledger_code } => vec![("ledger_code", ledger_code.to_string())],
        Rule::ManualPostingNotAllowed { ledger_code } => vec![("ledger_code", ledger_code.to_string())],
        Rule::CurrencyNotAllowed { ledger_code, currency } => {
            vec![("ledger_code", ledger_code.to_string()), ("currency", currency.to_string())]
        }
        Rule::CurrencyUnknown { currency } => vec![("currency", currency.to_string())],
        Rule::CurrencyMismatch { account, currency, expected } => vec![
            ("account", account.to_string()),
            ("currency", currency.to_string()),
            ("expected", expected.to_string()),
        ],
        Rule::AmountNotPositive { amount } => vec![("amount", amount.to_string())],
        Rule::AmountTooPrecise { amount, currency, decimals_max } => vec![
            ("amount", amount.to_string()),
            ("currency", currency.to_string()),
            ("decimals_max", decimals_max.to_string()),
        ],
        Rule::AmountTooLarge { amount, amount_max } => {
            vec![("amount", amount.to_string()), ("amount_max", amount_max.to_string())]
        }
        Rule::NotBalanced { currency, difference } => {
            vec![("currency", currency.to_string()), ("difference", difference.to_string())]
        }
        Rule::CurrenciesMixed { exchange_code } => vec![("exchange_code", exchange_code.to_string())],
        Rule::InterBranchAccountMissing { branch, currency } => {
            vec![("branch", branch.to_string()), ("currency", currency.to_string())]
        }
        Rule::FundsInsufficient { account, available, shortage } => vec![
            ("account", account.to_string()),
            ("available", available.to_string()),
            ("shortage", shortage.to_string()),
        ],
        Rule::RegisterShort { account, side, amount, balance } => vec![
            ("account", account.to_string()),
            ("side", format!("{side:?}").to_uppercase()),
            ("amount", amount.to_string()),
            ("balance", balance.to_string()),
        ],
        Rule::Empty { what } => vec![("what", what.to_string())],
        Rule::TooMany { what, count, max } => {
            vec![("what", what.to_string()), ("count", count.to_string()), ("max", max.to_string())]
        }
        Rule::HoldUnknown { hold } => vec![("hold", hold.to_string())],
        Rule::HoldNotOpen { hold } => vec![("hold", hold.to_string())],
        Rule::HoldExpired { hold, expired_at } => {
            vec![("hold", hold.to_string()), ("expired_at", expired_at.to_string())]
        }
        Rule::HoldExceeded { hold, remaining, amount } => vec![
            ("hold", hold.to_string()),
            ("remaining", remaining.to_string()),
            ("amount", amount.to_string()),
        ],
        Rule::HoldNotDebited { account } => vec![("account", account.to_string())],
        Rule::HoldExpiryInvalid { expires_at, latest } => {
            vec![("expires_at", expires_at.to_string()), ("latest", latest.to_string())]
        }
        Rule::RequestIdReused
        | Rule::FieldInvalid(_)
        | Rule::BaseRecordInvalid(_)
        | Rule::NoBusinessDay
        | Rule::BatchRefused(_) => Vec::new(),
    }
}
