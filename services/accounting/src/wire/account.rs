//! Accounts.

use ::refusal::{Refusal, field_invalid};
use form::{amount, choice, code, currency_code, filter, money, required_text, text, timestamp};
use platform::refusal::Failure;
use proto_accounting::v1 as pb;
use proto_common::common::v1 as common;
use rust_decimal::Decimal;

use super::{
    account_name,
    line::side_to_proto,
    posting::{ledger_balance, posting_name, unexpected},
};
use crate::domain::{
    account::{Account, AccountKind, Holder, HolderRole},
    book::AccountState,
    command::{AccountChange, Action, Answer, OpenAccount},
    enquiry::{AccountEntry, AccountFilter, AccountVersion},
    ids::LedgerCodeNumber,
    side::NormalSide,
    status::{AccountStatus, Freeze},
};

/// Most holders of an account.
const HOLDERS_MAX: usize = 20;
/// Longest name on an account, in characters.
const TITLE_CHARS_MAX: usize = 120;
/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;

/// The command of `OpenAccount`.
pub fn open(request: pb::OpenAccountRequest) -> Result<Action, Refusal> {
    let terms = Terms {
        field: String::new(),
        kind: request.kind,
        ledger_code: request.ledger_code,
        currency: request.currency,
        title: request.title,
        holders: request.holders,
        overdraft_limit: request.overdraft_limit,
        pending: request.pending,
    };
    terms.checked().map(Action::OpenAccount)
}

/// What an account is to be, as a request says it.
pub(super) struct Terms {
    /// What stands before the name of each field.
    pub field: String,
    pub kind: i32,
    pub ledger_code: String,
    pub currency: String,
    pub title: String,
    pub holders: Vec<pb::Holder>,
    pub overdraft_limit: Option<common::Money>,
    pub pending: bool,
}

impl Terms {
    /// The same, each field in its form.
    pub fn checked(self) -> Result<OpenAccount, Refusal> {
        let at = |name: &str| format!("{}{name}", self.field);
        let currency = currency_code(&at("currency"), &self.currency)?;
        let overdraft_limit = match self.overdraft_limit {
            None => Decimal::ZERO,
            limit => {
                let (limit_currency, limit) = amount(&at("overdraft_limit"), limit)?;
                if limit_currency != currency {
                    return Err(field_invalid(
                        at("overdraft_limit.currency"),
                        "must be the account's currency",
                    ));
                }
                limit
            }
        };
        Ok(OpenAccount {
            kind: choice(&at("kind"), self.kind, kind)?,
            ledger_code: LedgerCodeNumber::new(code(&at("ledger_code"), self.ledger_code, 16)?),
            currency,
            title: required_text(&at("title"), self.title, TITLE_CHARS_MAX)?,
            holders: holders(&at("holders"), self.holders)?,
            overdraft_limit,
            pending: self.pending,
        })
    }
}

/// The command of `ChangeAccount`.
pub fn change(request: pb::ChangeAccountRequest) -> Result<Action, Refusal> {
    let change = AccountChange::Terms {
        title: request.title.map(|title| required_text("title", title, TITLE_CHARS_MAX)).transpose()?,
        holders: holders("holders", request.holders)?,
        overdraft_limit: match request.overdraft_limit {
            None => None,
            limit => Some(amount("overdraft_limit", limit)?),
        },
        if_version: (request.version != 0).then_some(request.version),
    };
    Ok(Action::ChangeAccount {
        account: account_name("account", &request.account)?,
        change,
        reason: String::new(),
    })
}

/// The command of `ActivateAccount`, `MarkAccountDormant` and `CloseAccount`.
pub fn step(account: &str, change: AccountChange, reason: String) -> Result<Action, Refusal> {
    Ok(Action::ChangeAccount {
        account: account_name("account", account)?,
        change,
        reason: text("reason", reason, REASON_CHARS_MAX)?,
    })
}

/// The command of `FreezeAccount`.
pub fn freeze(request: pb::FreezeAccountRequest) -> Result<Action, Refusal> {
    let kind = choice("freeze", request.freeze, Some)?;
    let (freeze, currency) = match (kind, request.amount) {
        (pb::FreezeKind::Unspecified, _) => return Err(field_invalid("freeze", "is required")),
        (pb::FreezeKind::Debit, None) => (Freeze::Debit, None),
        (pb::FreezeKind::Full, None) => (Freeze::Full, None),
        (pb::FreezeKind::Amount, frozen) => {
            let (currency, frozen) = amount("amount", frozen)?;
            (Freeze::Amount(frozen), Some(currency))
        }
        (_, Some(_)) => return Err(field_invalid("amount", "goes with FREEZE_KIND_AMOUNT only")),
    };
    let reason = required_text("reason", request.reason, REASON_CHARS_MAX)?;
    step(&request.account, AccountChange::Freeze { freeze, currency }, reason)
}

/// The command of `UnfreezeAccount`.
pub fn unfreeze(request: pb::UnfreezeAccountRequest) -> Result<Action, Refusal> {
    let reason = required_text("reason", request.reason, REASON_CHARS_MAX)?;
    step(&request.account, AccountChange::Unfreeze, reason)
}

fn holders(field: &str, values: Vec<pb::Holder>) -> Result<Vec<Holder>, Refusal> {
    if values.len() > HOLDERS_MAX {
        return Err(field_invalid(field, format!("must have at most {HOLDERS_MAX}")));
    }
    let holder = |(i, value): (usize, pb::Holder)| {
        let at = |name: &str| format!("{field}[{i}].{name}");
        Ok(Holder {
            customer: code(&at("customer"), value.customer, 32)?,
            title: required_text(&at("title"), value.title, TITLE_CHARS_MAX)?,
            role: choice(&at("role"), value.role, |role| match role {
                pb::HolderRole::Unspecified => None,
                pb::HolderRole::Owner => Some(HolderRole::Owner),
                pb::HolderRole::Joint => Some(HolderRole::Joint),
                pb::HolderRole::Agent => Some(HolderRole::Agent),
            })?,
        })
    };
    values.into_iter().enumerate().map(holder).collect()
}

/// The kind of an account; none when not set.
fn kind(value: pb::AccountKind) -> Option<AccountKind> {
    Some(match value {
        pb::AccountKind::Unspecified => return None,
        pb::AccountKind::PersonalDemand => AccountKind::PersonalDemand,
        pb::AccountKind::PersonalTerm => AccountKind::PersonalTerm,
        pb::AccountKind::PersonalMargin => AccountKind::PersonalMargin,
        pb::AccountKind::CorporateDemand => AccountKind::CorporateDemand,
        pb::AccountKind::CorporateTerm => AccountKind::CorporateTerm,
        pb::AccountKind::CorporateMargin => AccountKind::CorporateMargin,
        pb::AccountKind::Internal => AccountKind::Internal,
        pb::AccountKind::Nostro => AccountKind::Nostro,
        pb::AccountKind::Vostro => AccountKind::Vostro,
        pb::AccountKind::InterBranch => AccountKind::InterBranch,
    })
}

fn kind_to_proto(kind: AccountKind) -> pb::AccountKind {
    match kind {
        AccountKind::PersonalDemand => pb::AccountKind::PersonalDemand,
        AccountKind::PersonalTerm => pb::AccountKind::PersonalTerm,
        AccountKind::PersonalMargin => pb::AccountKind::PersonalMargin,
        AccountKind::CorporateDemand => pb::AccountKind::CorporateDemand,
        AccountKind::CorporateTerm => pb::AccountKind::CorporateTerm,
        AccountKind::CorporateMargin => pb::AccountKind::CorporateMargin,
        AccountKind::Internal => pb::AccountKind::Internal,
        AccountKind::Nostro => pb::AccountKind::Nostro,
        AccountKind::Vostro => pb::AccountKind::Vostro,
        AccountKind::InterBranch => pb::AccountKind::InterBranch,
    }
}

/// The name under which the store keeps a status; none when not set.
fn status_text(value: pb::AccountStatus) -> Option<&'static str> {
    Some(match value {
        pb::AccountStatus::Unspecified => return None,
        pb::AccountStatus::Pending => "pending",
        pb::AccountStatus::Active => "active",
        pb::AccountStatus::Dormant => "dormant",
        pb::AccountStatus::Frozen => "frozen",
        pb::AccountStatus::Closed => "closed",
    })
}

/// Which accounts a list shows.
pub fn filter_from_proto(request: &pb::ListAccountsRequest) -> Result<AccountFilter<'_>, Refusal> {
    Ok(AccountFilter {
        branch: filter("branch", &request.branch)?,
        customer: filter("customer", &request.customer)?,
        ledger_code: filter("ledger_code", &request.ledger_code)?,
        currency: filter("currency", &request.currency)?,
        kind: kind(request.kind()),
        status: status_text(request.status()),
        title_prefix: filter("title_prefix", &request.title_prefix)?,
    })
}

/// The account that a command answers, and the account before it.
pub fn changed(answer: Answer) -> Result<(Option<pb::Account>, Option<pb::Account>), Failure> {
    match answer {
        Answer::Account { before, account } => Ok((before.as_ref().map(to_proto), Some(to_proto(&account)))),
        other => Err(unexpected(&other)),
    }
}

/// An account, for the contract.
pub fn to_proto(account: &Account) -> pb::Account {
    let (status, freeze, frozen_amount, close_date) = status_to_proto(account);
    pb::Account {
        name: format!("accounts/{}", account.number),
        number: account.number.to_string(),
        branch: account.branch.to_string(),
        ledger_code: account.ledger_code.to_string(),
        currency: account.currency.code().to_owned(),
        kind: kind_to_proto(account.kind).into(),
        title: account.title.clone(),
        holders: account.holders.iter().map(holder_to_proto).collect(),
        status: status.into(),
        freeze: freeze.into(),
        frozen_amount: frozen_amount.map(|amount| money(account.currency, amount)),
        overdraft_limit: Some(money(account.currency, account.overdraft_limit)),
        normal_side: normal_side_to_proto(account.normal_side).into(),
        open_date: account.open_date.to_string(),
        close_date,
        version: account.version,
        former_number: account.former_number.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

fn status_to_proto(account: &Account) -> (pb::AccountStatus, pb::FreezeKind, Option<Decimal>, String) {
    let none = pb::FreezeKind::Unspecified;
    match &account.status {
        AccountStatus::Pending => (pb::AccountStatus::Pending, none, None, String::new()),
        AccountStatus::Active => (pb::AccountStatus::Active, none, None, String::new()),
        AccountStatus::Dormant => (pb::AccountStatus::Dormant, none, None, String::new()),
        AccountStatus::Closed { on } => (pb::AccountStatus::Closed, none, None, on.to_string()),
        AccountStatus::Frozen { freeze, .. } => {
            let (kind, amount) = match freeze {
                Freeze::Debit => (pb::FreezeKind::Debit, None),
                Freeze::Full => (pb::FreezeKind::Full, None),
                Freeze::Amount(amount) => (pb::FreezeKind::Amount, Some(*amount)),
            };
            (pb::AccountStatus::Frozen, kind, amount, String::new())
        }
    }
}

fn holder_to_proto(holder: &Holder) -> pb::Holder {
    let role = match holder.role {
        HolderRole::Owner => pb::HolderRole::Owner,
        HolderRole::Joint => pb::HolderRole::Joint,
        HolderRole::Agent => pb::HolderRole::Agent,
    };
    pb::Holder { customer: holder.customer.clone(), title: holder.title.clone(), role: role.into() }
}

/// The normal side, for the contract.
pub fn normal_side_to_proto(side: NormalSide) -> pb::NormalSide {
    match side {
        NormalSide::Debit => pb::NormalSide::Debit,
        NormalSide::Credit => pb::NormalSide::Credit,
        NormalSide::Either => pb::NormalSide::Either,
    }
}

/// The balance of an account at a time, for the contract.
pub fn balance_to_proto(state: &AccountState, now: chrono::DateTime<chrono::Utc>) -> pb::Balance {
    let currency = state.account.currency;
    let balance = &state.balance;
    pb::Balance {
        entries: balance.n,
        debit_total: Some(money(currency, balance.debit)),
        credit_total: Some(money(currency, balance.credit)),
        ledger: Some(money(
            currency,
            ledger_balance(state.account.normal_side, balance.debit, balance.credit),
        )),
        held: Some(money(currency, state.held(now))),
        available: state.available(now).map(|available| money(currency, available)),
    }
}

/// A version with who made it and why, for the contract.
pub fn version_to_proto(version: AccountVersion) -> pb::AccountVersion {
    pb::AccountVersion {
        account: Some(to_proto(&version.account)),
        operator: version.operator,
        authoriser: version.authoriser.unwrap_or_default(),
        reason: version.reason,
        record_time: Some(timestamp(version.recorded_at)),
    }
}

/// An entry of an account, for the contract.
pub fn entry_to_proto(account: &Account, entry: AccountEntry) -> pb::AccountEntry {
    let ledger = ledger_balance(account.normal_side, entry.debit_total, entry.credit_total);
    pb::AccountEntry {
        posting: posting_name(entry.posting),
        number: entry.n,
        accounting_date: entry.accounting_date.to_string(),
        value_date: entry.value_date.to_string(),
        side: side_to_proto(entry.side).into(),
        amount: Some(money(account.currency, entry.amount)),
        ledger: Some(money(account.currency, ledger)),
        narrative: entry.narrative,
        record_time: Some(timestamp(entry.recorded_at)),
    }
}
