//! Account commands: opening (开户) and every change (变更, 激活, 转不动户, 冻结, 解冻, 销户), only by the branch that keeps the account.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use money::Currency;
use rust_decimal::Decimal;

use super::{
    AccountState, Book,
    acting::{Acting, two_persons},
    amounts,
};
use crate::domain::{
    account::{Account, AccountKind, Holder, HolderRole},
    account_number,
    balance::RunningBalance,
    base::{LedgerClass, LedgerCode},
    command::{AccountChange, AccountVersion, Answer, OpenAccount, Origin, Records},
    ids::{AccountId, AccountNumber, BranchCode, CurrencyCode},
    refusal::{Refusal, Rule},
    side::NormalSide,
    status::{AccountStatus, Freeze},
};

impl Book {
    pub(super) fn open_account(
        &mut self,
        origin: &Origin,
        open: &OpenAccount,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let acting = Acting::on(&self.reference, origin, self.business_date()?)?;
        let mut account = self.account_to_open(&acting, &origin.branch, open)?;
        if !open.kind.is_customer() {
            two_persons(origin, "opening an account of the bank's own")?;
        } else if !open.overdraft_limit.is_zero() {
            two_persons(origin, "an overdraft line")?;
        }
        if !origin.dry_run {
            self.enter(&mut account);
            records.accounts.push(first_version(&account, origin, now));
        }
        Ok(Answer::Account { before: None, account })
    }

    /// Gives the account the next number, and adds it to memory.
    pub(super) fn enter(&mut self, account: &mut Account) {
        self.heads.account += 1;
        account.id = AccountId(self.heads.account);
        account.number = account_number::make(&account.branch, account.kind, account.id);
        let state = AccountState::new(Arc::new(account.clone()), RunningBalance::default(), Vec::new());
        self.memory.insert(state);
    }

    /// The account as it will be, except for its number.
    pub(super) fn account_to_open(
        &self,
        acting: &Acting<'_>,
        branch: &BranchCode,
        open: &OpenAccount,
    ) -> Result<Account, Refusal> {
        let code = acting.reference.ledger_code(&open.ledger_code, acting.on).ok_or_else(|| {
            Rule::LedgerCodeUnknown { ledger_code: open.ledger_code.clone() }.at("ledger_code")
        })?;
        check_code(acting, open.kind, code).map_err(|rule| rule.at("ledger_code"))?;
        let currency = currency_on(acting, &open.currency, code).map_err(|rule| rule.at("currency"))?;
        check_holders(open.kind, &open.holders)?;
        let account = Account {
            id: AccountId(0),
            number: AccountNumber::new(""),
            branch: branch.clone(),
            ledger_code: open.ledger_code.clone(),
            currency,
            kind: open.kind,
            title: open.title.clone(),
            holders: open.holders.clone(),
            status: if open.pending { AccountStatus::Pending } else { AccountStatus::Active },
            overdraft_limit: open.overdraft_limit,
            normal_side: code.normal_side,
            off_balance: code.class.is_off_balance(),
            open_date: acting.on,
            version: 1,
            former_number: None,
        };
        check_overdraft(acting, &account, open.overdraft_limit)?;
        self.check_alone(&account)?;
        Ok(account)
    }

    /// Checks that a branch does not have the account yet, when it may have only one of its kind.
    fn check_alone(&self, account: &Account) -> Result<(), Refusal> {
        let currency = amounts::code(account.currency);
        let place = (account.branch.clone(), account.ledger_code.clone(), currency.clone());
        let there = match account.kind {
            AccountKind::Internal => self.memory.of_branch(&place),
            AccountKind::InterBranch => {
                let between = self.memory.inter_branch(&account.branch, account.currency);
                between.or_else(|| self.memory.of_branch(&place))
            }
            _ => None,
        };
        match there {
            Some(there) => Err(Rule::LedgerAccountExists {
                branch: account.branch.clone(),
                ledger_code: there.account.ledger_code.clone(),
                currency,
                account: there.account.number.clone(),
            }
            .at("ledger_code")),
            None => Ok(()),
        }
    }

    pub(super) fn change_account(
        &mut self,
        origin: &Origin,
        number: &AccountNumber,
        change: &AccountChange,
        reason: &str,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let acting = Acting::on(&self.reference, origin, self.business_date()?)?;
        let state = self.memory.by_number(number);
        let state = state.ok_or_else(|| Rule::AccountUnknown { account: number.clone() }.at("account"))?;
        let before = (*state.account).clone();
        if before.branch != origin.branch {
            let (branch, keeper) = (origin.branch.clone(), before.branch);
            return Err(
                Rule::AccountOfAnotherBranch { account: number.clone(), branch, keeper }.at("account")
            );
        }
        let mut account = changed(&acting, state, change, now)?;
        account.version += 1;
        match change {
            AccountChange::Terms { .. } => two_persons(origin, "a change of an account")?,
            AccountChange::Unfreeze => two_persons(origin, "lifting a freeze")?,
            AccountChange::Activate
            | AccountChange::MarkDormant
            | AccountChange::Freeze { .. }
            | AccountChange::Close => {}
        }
        if !origin.dry_run {
            self.memory.replace(Arc::new(account.clone()));
            let version = AccountVersion {
                account: account.clone(),
                reason: reason.to_owned(),
                origin: origin.recorded(now),
            };
            records.accounts.push(version);
        }
        Ok(Answer::Account { before: Some(before), account })
    }
}

/// What the history keeps of an account that was opened.
pub(super) fn first_version(account: &Account, origin: &Origin, now: DateTime<Utc>) -> AccountVersion {
    AccountVersion { account: account.clone(), reason: String::new(), origin: origin.recorded(now) }
}

/// The account after a change, except for its version.
fn changed(
    acting: &Acting<'_>,
    state: &AccountState,
    change: &AccountChange,
    now: DateTime<Utc>,
) -> Result<Account, Refusal> {
    let account = (*state.account).clone();
    let status = account.status.clone();
    let status = match change {
        AccountChange::Terms { .. } => return terms(acting, account, change),
        AccountChange::Activate => status.activate()?,
        AccountChange::MarkDormant => status.mark_dormant()?,
        AccountChange::Freeze { freeze, currency } => {
            let status = status.freeze(freeze.clone())?;
            check_freeze(acting, &account, freeze, currency.as_ref())?;
            status
        }
        AccountChange::Unfreeze => status.unfreeze()?,
        AccountChange::Close => {
            let status = status.close(acting.on)?;
            check_empty(state, now)?;
            status
        }
    };
    Ok(Account { status, ..account })
}

fn terms(acting: &Acting<'_>, mut account: Account, change: &AccountChange) -> Result<Account, Refusal> {
    let AccountChange::Terms { title, holders, overdraft_limit, if_version } = change else {
        return Ok(account);
    };
    if let Some(expected) = if_version.filter(|expected| *expected != account.version) {
        let (account, version) = (account.number, account.version);
        return Err(Rule::AccountChanged { account, version, expected }.at("version"));
    }
    if matches!(account.status, AccountStatus::Closed { .. }) {
        return Err(Rule::AccountClosed { account: account.number }.at("account"));
    }
    if title.is_none() && holders.is_empty() && overdraft_limit.is_none() {
        return Err(
            Rule::FieldInvalid("a change names a title, holders or an overdraft line".to_owned()).into()
        );
    }
    if let Some(title) = title {
        account.title.clone_from(title);
    }
    if !holders.is_empty() {
        check_holders(account.kind, holders)?;
        account.holders.clone_from(holders);
    }
    if let Some((currency, limit)) = overdraft_limit {
        amounts::in_currency_of(&account, currency).map_err(|rule| rule.at("overdraft_limit.currency"))?;
        check_overdraft(acting, &account, *limit)?;
        account.overdraft_limit = *limit;
    }
    Ok(account)
}

/// Checks that accounts of a kind stand on a code: customers' on liabilities, ours at other banks on assets, theirs with us
/// on liabilities, inter-branch ones on their own code, internal ones on any other.
fn check_code(acting: &Acting<'_>, kind: AccountKind, code: &LedgerCode) -> Result<(), Rule> {
    if code.closed {
        return Err(Rule::LedgerCodeClosed { ledger_code: code.code.clone() });
    }
    let between_branches = code.code.is_within(&acting.reference.inter_branch_code(acting.on)?);
    let fits = match kind {
        AccountKind::InterBranch => between_branches && code.normal_side == NormalSide::Either,
        AccountKind::Internal => !between_branches,
        AccountKind::Nostro => code.class == LedgerClass::Asset,
        AccountKind::Vostro
        | AccountKind::PersonalDemand
        | AccountKind::PersonalTerm
        | AccountKind::PersonalMargin
        | AccountKind::CorporateDemand
        | AccountKind::CorporateTerm
        | AccountKind::CorporateMargin => code.class == LedgerClass::Liability,
    };
    if fits && code.has_accounts {
        Ok(())
    } else {
        Err(Rule::LedgerCodeNotAllowed { ledger_code: code.code.clone() })
    }
}

fn currency_on(acting: &Acting<'_>, currency: &CurrencyCode, code: &LedgerCode) -> Result<Currency, Rule> {
    let known = acting.reference.currency(currency, acting.on);
    let known = known.and_then(|known| Currency::new(known.code.as_str(), known.exponent).ok());
    let known = known.ok_or_else(|| Rule::CurrencyUnknown { currency: currency.clone() })?;
    if !code.currencies.is_empty() && !code.currencies.contains(currency) {
        return Err(Rule::CurrencyNotAllowed { ledger_code: code.code.clone(), currency: currency.clone() });
    }
    Ok(known)
}

fn check_holders(kind: AccountKind, holders: &[Holder]) -> Result<(), Refusal> {
    let owners = holders.iter().filter(|holder| holder.role == HolderRole::Owner).count();
    let message = match kind.is_customer() {
        true if owners != 1 => "must have exactly one owner",
        false if !holders.is_empty() => "must be empty: the bank's own accounts have no holders",
        _ => return Ok(()),
    };
    Err(Rule::FieldInvalid(message.to_owned()).at("holders"))
}

fn check_overdraft(acting: &Acting<'_>, account: &Account, limit: Decimal) -> Result<(), Refusal> {
    if limit.is_zero() {
        return Ok(());
    }
    check_limited(account).map_err(|rule| rule.at("overdraft_limit"))?;
    let amount_max = acting.reference.amount_max(acting.on)?;
    amounts::check(limit, account.currency, amount_max).map_err(|rule| rule.at("overdraft_limit"))
}

fn check_freeze(
    acting: &Acting<'_>,
    account: &Account,
    freeze: &Freeze,
    currency: Option<&CurrencyCode>,
) -> Result<(), Refusal> {
    let Freeze::Amount(amount) = freeze else { return Ok(()) };
    check_limited(account).map_err(|rule| rule.at("amount"))?;
    if let Some(currency) = currency {
        amounts::in_currency_of(account, currency).map_err(|rule| rule.at("amount.currency"))?;
    }
    let amount_max = acting.reference.amount_max(acting.on)?;
    amounts::check(*amount, account.currency, amount_max).map_err(|rule| rule.at("amount"))
}

/// Checks that the account has a limit that can be changed.
fn check_limited(account: &Account) -> Result<(), Rule> {
    if account.normal_side == NormalSide::Either || account.off_balance {
        return Err(Rule::FieldInvalid(
            "accounts of either side and off-balance ones have no limit".to_owned(),
        ));
    }
    Ok(())
}

/// Checks that an account to close has a zero balance and no open holds.
fn check_empty(state: &AccountState, now: DateTime<Utc>) -> Result<(), Rule> {
    let account = state.account.number.clone();
    let balance = state.balance.ledger(state.account.normal_side);
    if !balance.is_zero() {
        return Err(Rule::AccountNotEmpty { account, balance });
    }
    match state.holds.iter().filter(|hold| hold.expires_at > now).count() {
        0 => Ok(()),
        holds => Err(Rule::AccountHeld { account, holds }),
    }
}
