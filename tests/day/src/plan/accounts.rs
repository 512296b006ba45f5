//! Accounts: opened, and taken through every status.

use anyhow::Result;
use proto_accounting::v1::{AccountKind, AccountStatus, FreezeKind, NormalSide};
use rand::{Rng, seq::IndexedRandom};
use rust_decimal::Decimal;

use super::{
    books::{Customer, Totals},
    codes::{
        CORPORATE_DEMAND, CORPORATE_MARGIN, CORPORATE_TERM, PERSONAL_DEMAND, PERSONAL_MARGIN, PERSONAL_TERM,
    },
    desk::Desk,
    people,
    planner::Planner,
    step::{Action, CustomerId, Expected},
};
use crate::staff::Caller;

/// Which accounts customers open: kind, ledger code, and how many of a hundred.
const KINDS: &[(AccountKind, &str, u32)] = &[
    (AccountKind::PersonalDemand, PERSONAL_DEMAND, 55),
    (AccountKind::CorporateDemand, CORPORATE_DEMAND, 25),
    (AccountKind::PersonalTerm, PERSONAL_TERM, 8),
    (AccountKind::CorporateTerm, CORPORATE_TERM, 4),
    (AccountKind::PersonalMargin, PERSONAL_MARGIN, 4),
    (AccountKind::CorporateMargin, CORPORATE_MARGIN, 4),
];

/// In which currencies, and how many of a hundred.
const CURRENCIES: &[(&str, u32)] = &[("CNY", 76), ("USD", 9), ("HKD", 5), ("JPY", 5), ("EUR", 5)];

/// How far a company may go beyond zero, in yuan.
pub(super) const OVERDRAFT: u32 = 20_000;

impl Planner<'_> {
    /// Opens accounts at all desks, and puts something on each.
    pub fn open_customers(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let desk = self.any_desk();
            let &(kind, ledger_code, _) = self.weighted(KINDS, |(.., weight)| *weight);
            let &(currency, _) = self.weighted(CURRENCIES, |(_, weight)| *weight);
            let customer = self.customer(&desk, kind, ledger_code, currency);
            let account = self.open(&desk, customer, Expected::Done);
            let max = self.ordinary_max(currency)?;
            let amount = self.amount(currency, max)?;
            self.deposit_of("first deposit", &desk, account, amount, Expected::Done)?;
        }
        Ok(())
    }

    /// Opens a person's account with so many yuan on it, for what happens to it next.
    pub fn fresh(&mut self, balance: u32) -> Result<(CustomerId, Desk)> {
        let desk = self.any_desk();
        let customer = self.customer(&desk, AccountKind::PersonalDemand, PERSONAL_DEMAND, "CNY");
        let account = self.open(&desk, customer, Expected::Done);
        if balance > 0 {
            let amount = self.exact("CNY", balance)?;
            self.deposit_of("first deposit", &desk, account, amount, Expected::Done)?;
        }
        Ok((account, desk))
    }

    /// Opens a company's account that may go beyond zero, which needs a second person.
    pub fn fresh_with_overdraft(&mut self) -> (CustomerId, Desk) {
        let desk = self.any_desk();
        let mut customer = self.customer(&desk, AccountKind::CorporateDemand, CORPORATE_DEMAND, "CNY");
        customer.overdraft = Decimal::from(OVERDRAFT);
        let by = Caller::operator(&desk.supervisor);
        (self.open(&desk, customer, Expected::Approved { by }), desk)
    }

    /// An account as it is before it has any entry.
    pub fn customer(
        &mut self,
        desk: &Desk,
        kind: AccountKind,
        ledger_code: &'static str,
        currency: &str,
    ) -> Customer {
        let title = match kind {
            AccountKind::PersonalDemand | AccountKind::PersonalTerm | AccountKind::PersonalMargin => {
                people::person(&mut self.rng)
            }
            _ => people::company(&mut self.rng),
        };
        Customer {
            branch: desk.branch.clone(),
            kind,
            ledger_code,
            currency: currency.to_owned(),
            title,
            owner: format!("C{:09}", self.rng.random_range(0..1_000_000_000_u32)),
            overdraft: Decimal::ZERO,
            totals: Totals::new(NormalSide::Credit),
            held: Decimal::ZERO,
            frozen: Decimal::ZERO,
            status: AccountStatus::Active,
            freeze: FreezeKind::Unspecified,
            version: 1,
        }
    }

    /// Opens an account.
    pub fn open(&mut self, desk: &Desk, customer: Customer, expected: Expected) -> CustomerId {
        let id = CustomerId(self.books.customers.len());
        self.books.customers.push(customer.clone());
        let action = Action::Open { customer: id, terms: Box::new(customer) };
        self.act("account opened", desk.teller(), &desk.branch, action, expected);
        id
    }

    /// One of a table, each as often as its weight.
    pub fn weighted<'t, T>(&mut self, table: &'t [T], weight: impl Fn(&T) -> u32) -> &'t T {
        table.choose_weighted(&mut self.rng, weight).expect("invariant: the table has weights")
    }

    /// Makes a change of an account, and notes how it stands then.
    fn change(
        &mut self,
        label: &'static str,
        desk: &Desk,
        account: CustomerId,
        action: Action,
        expected: Expected,
    ) {
        let customer = self.books.customer_mut(account);
        customer.version += 1;
        match &action {
            Action::Activate { .. } => customer.status = AccountStatus::Active,
            Action::MarkDormant { .. } => customer.status = AccountStatus::Dormant,
            Action::Close { .. } => customer.status = AccountStatus::Closed,
            Action::Freeze { freeze, amount, .. } => {
                (customer.status, customer.freeze) = (AccountStatus::Frozen, *freeze);
                customer.frozen = amount.unwrap_or_default();
            }
            Action::Unfreeze { .. } => {
                (customer.status, customer.freeze) = (AccountStatus::Active, FreezeKind::Unspecified);
                customer.frozen = Decimal::ZERO;
            }
            Action::Retitle { title, .. } => customer.title.clone_from(title),
            _ => {}
        }
        self.act(label, desk.teller(), &desk.branch, action, expected);
    }

    /// Opened pending, refused a deposit, activated, and then used.
    pub fn pending_account(&mut self) -> Result<()> {
        let desk = self.any_desk();
        let mut customer = self.customer(&desk, AccountKind::CorporateDemand, CORPORATE_DEMAND, "CNY");
        customer.status = AccountStatus::Pending;
        let account = self.open(&desk, customer, Expected::Done);
        self.refuse_deposit(&desk, account, "ACCOUNT_PENDING")?;
        self.change("account activated", &desk, account, Action::Activate { account }, Expected::Done);
        let refused = Action::Activate { account };
        self.refuse(Caller::operator(desk.teller()), &desk.branch, refused, "TRANSITION_NOT_ALLOWED");
        let amount = self.exact("CNY", 500)?;
        self.deposit_of("first deposit", &desk, account, amount, Expected::Done)
    }

    /// Dormant, refused, awake again.
    pub fn dormant_account(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(800)?;
        self.change("account made dormant", &desk, account, Action::MarkDormant { account }, Expected::Done);
        self.refuse_deposit(&desk, account, "ACCOUNT_DORMANT")?;
        self.change("account activated", &desk, account, Action::Activate { account }, Expected::Done);
        self.withdraw(&desk, account, 300)
    }

    /// Frozen against debits: it takes credits and gives nothing, until a second person agrees to lift it.
    pub fn debit_frozen_account(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(900)?;
        self.freeze(&desk, account, FreezeKind::Debit, None);
        let amount = self.exact("CNY", 50)?;
        self.deposit_of("cash deposit", &desk, account, amount, Expected::Done)?;
        self.refuse_withdrawal(&desk, account, 100, "ACCOUNT_FROZEN")?;
        self.unfreeze(&desk, account);
        self.withdraw(&desk, account, 100)
    }

    /// Frozen whole: it takes nothing either.
    pub fn fully_frozen_account(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(900)?;
        self.freeze(&desk, account, FreezeKind::Full, None);
        self.refuse_deposit(&desk, account, "ACCOUNT_FROZEN")?;
        let again = Action::Freeze { account, freeze: FreezeKind::Debit, amount: None };
        self.refuse(Caller::operator(desk.teller()), &desk.branch, again, "TRANSITION_NOT_ALLOWED");
        Ok(())
    }

    /// An amount frozen: the rest can be spent.
    pub fn partly_frozen_account(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(1_000)?;
        let frozen = self.exact("CNY", 600)?;
        self.freeze(&desk, account, FreezeKind::Amount, Some(frozen));
        self.refuse_withdrawal(&desk, account, 500, "FUNDS_INSUFFICIENT")?;
        self.withdraw(&desk, account, 400)?;
        self.unfreeze(&desk, account);
        self.withdraw(&desk, account, 600)
    }

    /// Renamed, with a second person; then a change by someone who read it before.
    pub fn renamed_account(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(100)?;
        let title = people::person(&mut self.rng);
        let version = self.books.customer(account).version;
        let action = Action::Retitle { account, title: title.clone(), version };
        let by = Caller::operator(&desk.supervisor);
        self.change("account renamed", &desk, account, action, Expected::Approved { by });
        let stale = Action::Retitle { account, title, version };
        self.refuse(Caller::operator(desk.teller()), &desk.branch, stale, "ACCOUNT_CHANGED");
        Ok(())
    }

    /// Closed once it is empty, and for ever.
    pub fn closed_account(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(700)?;
        let teller = Caller::operator(desk.teller());
        self.refuse(teller.clone(), &desk.branch, Action::Close { account }, "ACCOUNT_NOT_EMPTY");
        self.withdraw(&desk, account, 700)?;
        self.change("account closed", &desk, account, Action::Close { account }, Expected::Done);
        self.refuse_deposit(&desk, account, "ACCOUNT_CLOSED")?;
        self.refuse(teller, &desk.branch, Action::Activate { account }, "TRANSITION_NOT_ALLOWED");
        Ok(())
    }

    /// Overdrawn within its line, which has an end.
    pub fn overdrawn_account(&mut self) -> Result<()> {
        let (account, desk) = self.fresh_with_overdraft();
        let amount = self.exact("CNY", 1_000)?;
        self.deposit_of("first deposit", &desk, account, amount, Expected::Done)?;
        self.withdraw(&desk, account, 9_000)?;
        self.refuse_withdrawal(&desk, account, 13_000, "FUNDS_INSUFFICIENT")
    }

    fn freeze(&mut self, desk: &Desk, account: CustomerId, freeze: FreezeKind, amount: Option<Decimal>) {
        let action = Action::Freeze { account, freeze, amount };
        self.change("account frozen", desk, account, action, Expected::Done);
    }

    fn unfreeze(&mut self, desk: &Desk, account: CustomerId) {
        let by = Caller::operator(&desk.supervisor);
        self.change(
            "account unfrozen",
            desk,
            account,
            Action::Unfreeze { account },
            Expected::Approved { by },
        );
    }

    fn withdraw(&mut self, desk: &Desk, account: CustomerId, amount: u32) -> Result<()> {
        let amount = self.exact("CNY", amount)?;
        let deal = self.withdrawal_of(desk, account, amount);
        self.post("cash withdrawal", desk, deal)
    }
}
