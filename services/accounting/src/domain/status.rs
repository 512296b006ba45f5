//! The status machine of an account (账户状态). Each transition consumes a status and returns the next, or says why not.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{ids::AccountNumber, refusal::Rule};

/// The status of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Opened, not yet active (待激活).
    Pending,
    /// Active (正常).
    Active,
    /// Dormant (不动户).
    Dormant,
    /// Frozen (冻结), from the status to which lifting returns it.
    Frozen { freeze: Freeze, from: Unfrozen },
    /// Closed (销户).
    Closed { on: NaiveDate },
}

/// How an account is frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freeze {
    /// No debits (只收不付).
    Debit,
    /// Nothing (不收不付).
    Full,
    /// An amount cannot be used (部分冻结).
    Amount(Decimal),
}

/// The statuses that can be frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfrozen {
    Active,
    Dormant,
}

impl AccountStatus {
    /// 激活: of an account that is pending or dormant.
    pub fn activate(self) -> Result<Self, Rule> {
        match self {
            Self::Pending | Self::Dormant => Ok(Self::Active),
            other => Err(other.not_to("active")),
        }
    }

    /// 转不动户: of an active account.
    pub fn mark_dormant(self) -> Result<Self, Rule> {
        match self {
            Self::Active => Ok(Self::Dormant),
            other => Err(other.not_to("dormant")),
        }
    }

    /// 冻结: of an account that is active or dormant. One freeze at a time: to change it, lift it first.
    pub fn freeze(self, freeze: Freeze) -> Result<Self, Rule> {
        match self {
            Self::Active => Ok(Self::Frozen { freeze, from: Unfrozen::Active }),
            Self::Dormant => Ok(Self::Frozen { freeze, from: Unfrozen::Dormant }),
            other => Err(other.not_to("frozen")),
        }
    }

    /// 解冻: back to what the account was.
    pub fn unfreeze(self) -> Result<Self, Rule> {
        match self {
            Self::Frozen { from: Unfrozen::Active, .. } => Ok(Self::Active),
            Self::Frozen { from: Unfrozen::Dormant, .. } => Ok(Self::Dormant),
            other => Err(other.not_to("unfrozen")),
        }
    }

    /// 销户: of any account that is not frozen. It is final.
    pub fn close(self, on: NaiveDate) -> Result<Self, Rule> {
        match self {
            Self::Pending | Self::Active | Self::Dormant => Ok(Self::Closed { on }),
            other => Err(other.not_to("closed")),
        }
    }

    /// What the status is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Dormant => "dormant",
            Self::Frozen { .. } => "frozen",
            Self::Closed { .. } => "closed",
        }
    }

    /// Whether the account, which has this status, takes an entry; `reduces` when the entry takes something from it. A dormant
    /// account takes none, frozen or not.
    pub fn admits(&self, account: &AccountNumber, reduces: bool) -> Result<(), Rule> {
        let account = || account.clone();
        match self {
            Self::Active | Self::Frozen { freeze: Freeze::Amount(_), from: Unfrozen::Active } => Ok(()),
            Self::Frozen { freeze: Freeze::Debit, from: Unfrozen::Active } if !reduces => Ok(()),
            Self::Pending => Err(Rule::AccountPending { account: account() }),
            Self::Dormant
            | Self::Frozen { freeze: Freeze::Debit | Freeze::Amount(_), from: Unfrozen::Dormant } => {
                Err(Rule::AccountDormant { account: account() })
            }
            Self::Frozen { .. } => Err(Rule::AccountFrozen { account: account() }),
            Self::Closed { .. } => Err(Rule::AccountClosed { account: account() }),
        }
    }

    /// How much of the account cannot be used.
    pub fn frozen_amount(&self) -> Decimal {
        match self {
            Self::Frozen { freeze: Freeze::Amount(amount), .. } => *amount,
            _ => Decimal::ZERO,
        }
    }

    fn not_to(&self, to: &'static str) -> Rule {
        Rule::TransitionNotAllowed { from: self.name().into(), to: to.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frozen(freeze: Freeze, from: Unfrozen) -> AccountStatus {
        AccountStatus::Frozen { freeze, from }
    }

    fn all() -> [AccountStatus; 6] {
        [
            AccountStatus::Pending,
            AccountStatus::Active,
            AccountStatus::Dormant,
            frozen(Freeze::Full, Unfrozen::Active),
            frozen(Freeze::Debit, Unfrozen::Dormant),
            AccountStatus::Closed { on: NaiveDate::MIN },
        ]
    }

    /// What each status becomes by a step, in the order of `all`; none when it is refused.
    fn outcomes(step: impl Fn(AccountStatus) -> Result<AccountStatus, Rule>) -> [Option<AccountStatus>; 6] {
        all().map(|status| {
            let name = status.name();
            match step(status) {
                Ok(next) => Some(next),
                Err(Rule::TransitionNotAllowed { from, .. }) if from == name => None,
                Err(rule) => panic!("{rule}"),
            }
        })
    }

    #[test]
    fn each_step_leads_from_few_statuses() {
        use AccountStatus::{Active, Closed, Dormant};
        let closed = || Some(Closed { on: NaiveDate::MAX });
        let full = |from| Some(frozen(Freeze::Full, from));
        assert_eq!(outcomes(AccountStatus::activate), [Some(Active), None, Some(Active), None, None, None]);
        assert_eq!(outcomes(AccountStatus::mark_dormant), [None, Some(Dormant), None, None, None, None]);
        assert_eq!(
            outcomes(|status| status.freeze(Freeze::Full)),
            [None, full(Unfrozen::Active), full(Unfrozen::Dormant), None, None, None]
        );
        assert_eq!(outcomes(AccountStatus::unfreeze), [None, None, None, Some(Active), Some(Dormant), None]);
        assert_eq!(
            outcomes(|status| status.close(NaiveDate::MAX)),
            [closed(), closed(), closed(), None, None, None]
        );
    }

    #[test]
    fn entries_are_admitted_by_side_and_status() {
        let number = AccountNumber::new("1");
        let admits =
            |status: &AccountStatus| [true, false].map(|reduces| status.admits(&number, reduces).is_ok());
        let expected = [[false; 2], [true; 2], [false; 2], [false; 2], [false; 2], [false; 2]];
        assert_eq!(all().each_ref().map(admits), expected);
        assert_eq!(admits(&frozen(Freeze::Debit, Unfrozen::Active)), [false, true]);
        assert_eq!(admits(&frozen(Freeze::Amount(Decimal::ONE), Unfrozen::Active)), [true, true]);
        assert_eq!(admits(&frozen(Freeze::Amount(Decimal::ONE), Unfrozen::Dormant)), [false, false]);
    }
}
