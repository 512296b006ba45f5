//! Transactions that the bank must refuse, each for one reason.

use anyhow::{Context, Result};
use chrono::TimeDelta;
use proto_accounting::v1::{AccountKind, BatchMode, TransactionKind};
use rust_decimal::Decimal;

use super::{
    books::Customer,
    codes::{AGREEMENT_DEPOSITS, CHEQUE_FORMS, INTEREST_PAYABLE, PERSONAL_DEMAND, TELLERS_CASH, VAULT_CASH},
    desk::{Desk, limit},
    planner::Planner,
    step::{Action, Again, CustomerId, Deal, Expected, Line, OddRequest, Party, Place, Step},
};
use crate::{
    ids,
    staff::{Caller, HeadOffice},
};

/// More lines than a transaction may have.
const TOO_MANY_LINES: usize = 102;

impl Planner<'_> {
    /// A deposit that is refused.
    pub fn refuse_deposit(&mut self, desk: &Desk, account: CustomerId, reason: &'static str) -> Result<()> {
        let deal = self.small_deposit(desk, account)?;
        self.refuse_deal(desk, deal, reason);
        Ok(())
    }

    /// A withdrawal that is refused.
    pub fn refuse_withdrawal(
        &mut self,
        desk: &Desk,
        account: CustomerId,
        amount: u32,
        reason: &'static str,
    ) -> Result<()> {
        let amount = self.exact("CNY", amount)?;
        let deal = self.withdrawal_of(desk, account, amount);
        self.refuse_deal(desk, deal, reason);
        Ok(())
    }

    fn refuse_deal(&mut self, desk: &Desk, deal: Deal, reason: &'static str) {
        let action = Action::Post { deal, dry_run: false };
        self.refuse(Caller::operator(desk.teller()), &desk.branch, action, reason);
    }

    fn small_deposit(&self, desk: &Desk, account: CustomerId) -> Result<Deal> {
        let currency = &self.books.customer(account).currency;
        let cash = Self::own(desk, TELLERS_CASH, currency);
        Ok(Self::payment("CASH_DEPOSIT", cash, Party::Customer(account), currency, self.exact(currency, 10)?))
    }

    /// Some account in yuan that could be used, and its desk.
    fn target(&mut self) -> Result<(CustomerId, Desk)> {
        self.target_in(|customer| customer.currency == "CNY")
    }

    fn target_in(&mut self, fits: impl Fn(&Customer) -> bool) -> Result<(CustomerId, Desk)> {
        let account = self.any_funded(fits).context("an account with something on it")?;
        let branch = self.books.customer(account).branch.clone();
        Ok((account, self.desk_at(&branch)?))
    }

    /// A small deposit, spoiled.
    fn spoiled_deposit(&mut self, reason: &'static str, spoil: impl FnOnce(&mut Deal)) -> Result<()> {
        let (account, desk) = self.target()?;
        let mut deal = self.small_deposit(&desk, account)?;
        spoil(&mut deal);
        self.refuse_deal(&desk, deal, reason);
        Ok(())
    }

    /// Amounts that are none.
    pub fn wrong_amounts(&mut self) -> Result<()> {
        let amounts = [
            ("1,000.00", "AMOUNT_MALFORMED"),
            ("1e3", "AMOUNT_MALFORMED"),
            ("0.00", "AMOUNT_NOT_POSITIVE"),
            ("-10.00", "AMOUNT_NOT_POSITIVE"),
            ("10.001", "AMOUNT_TOO_PRECISE"),
            ("1000000000000.01", "AMOUNT_TOO_LARGE"),
        ];
        for (amount, reason) in amounts {
            self.spoiled_deposit(reason, |deal| {
                deal.lines.iter_mut().for_each(|line| amount.clone_into(&mut line.amount));
            })?;
        }
        Ok(())
    }

    /// Debits and credits that differ.
    pub fn unbalanced(&mut self) -> Result<()> {
        self.spoiled_deposit("NOT_BALANCED", |deal| "9.99".clone_into(&mut deal.lines[0].amount))
    }

    /// Two currencies, each in balance, without the exchange code.
    pub fn mixed_currencies(&mut self) -> Result<()> {
        let (account, desk) = self.target()?;
        let (foreign, _) = self.target_in(|customer| customer.currency != "CNY")?;
        let mut deal = self.small_deposit(&desk, account)?;
        deal.lines.extend(self.small_deposit(&desk, foreign)?.lines);
        self.refuse_deal(&desk, deal, "CURRENCIES_MIXED");
        Ok(())
    }

    /// Dollars for an account in yuan.
    pub fn wrong_currency(&mut self) -> Result<()> {
        self.spoiled_deposit("CURRENCY_MISMATCH", |deal| {
            let Some(Party::Own(place)) = deal.lines.first_mut().map(|line| &mut line.party) else { return };
            "USD".clone_into(&mut place.currency);
            deal.lines.iter_mut().for_each(|line| "USD".clone_into(&mut line.currency));
        })
    }

    /// Too few lines, and too many.
    pub fn wrong_number_of_lines(&mut self) -> Result<()> {
        self.spoiled_deposit("EMPTY", |deal| deal.lines.clear())?;
        self.spoiled_deposit("TOO_MANY", |deal| {
            deal.lines = deal.lines.iter().cycle().take(TOO_MANY_LINES).cloned().collect();
        })?;
        let desk = self.any_desk();
        let action = Action::Batch { mode: BatchMode::Atomic, deals: Vec::new() };
        self.refuse(Caller::operator(desk.teller()), &desk.branch, action, "EMPTY");
        Ok(())
    }

    /// Dates on which nothing can be booked.
    pub fn wrong_dates(&mut self) -> Result<()> {
        let days = self.days;
        self.spoiled_deposit("BUSINESS_DAY_CLOSED", |deal| deal.accounting_date = days.previous.to_string())?;
        self.spoiled_deposit("BUSINESS_DAY_NOT_OPEN", |deal| deal.accounting_date = days.next.to_string())?;
        let long_ago = (days.business - TimeDelta::days(60)).to_string();
        self.spoiled_deposit("DATE_OUT_OF_RANGE", |deal| deal.value_date = long_ago)?;
        let ahead = days.next.to_string();
        self.spoiled_deposit("DATE_OUT_OF_RANGE", |deal| deal.transaction_date = ahead)?;
        self.spoiled_deposit("FIELD_INVALID", |deal| "2026-02-30".clone_into(&mut deal.value_date))
    }

    /// Accounts that nobody has, or not there.
    pub fn unknown_accounts(&mut self) -> Result<()> {
        let nobody = Party::Named(format!("accounts/{}", ids::account_number("110100", 1, 9_999_999_997)));
        self.spoiled_deposit("ACCOUNT_UNKNOWN", |deal| deal.lines[1].party = nobody)?;
        let malformed = Party::Named("accounts/12AB".to_owned());
        self.spoiled_deposit("FIELD_INVALID", |deal| deal.lines[1].party = malformed)?;
        self.spoiled_deposit("LEDGER_ACCOUNT_MISSING", |deal| {
            // A counter has no vault.
            deal.lines[0].party = Party::Own(Place::of("110101", VAULT_CASH, "CNY"));
        })
    }

    /// More than is there.
    pub fn short_of_funds(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(300)?;
        self.refuse_withdrawal(&desk, account, 301, "FUNDS_INSUFFICIENT")
    }

    /// More forms issued than there are.
    pub fn short_register(&mut self) -> Result<()> {
        let desk = self.any_desk();
        let place = Place::of(&desk.branch, CHEQUE_FORMS, "CNY");
        let registered = self.books.own_ledger(&place).context("a register of cheque forms at every desk")?;
        let count = self.exact("CNY", registered + Decimal::ONE)?;
        let deal = Deal {
            code: "REGISTER_ISSUE",
            lines: vec![Line::credit(Party::Own(place), "CNY", count)],
            ..Deal::default()
        };
        self.refuse_deal(&desk, deal, "REGISTER_SHORT");
        Ok(())
    }

    /// By hand to a code that only systems post to.
    pub fn by_hand_to_a_system_code(&mut self) -> Result<()> {
        let (account, desk) = self.target()?;
        let to = Self::own(&desk, INTEREST_PAYABLE, "CNY");
        let deal = Self::payment("ADJUSTMENT", Party::Customer(account), to, "CNY", self.exact("CNY", 1)?);
        self.refuse_deal(&desk, deal, "MANUAL_POSTING_NOT_ALLOWED");
        Ok(())
    }

    /// Without a request id that is one.
    pub fn without_request_id(&mut self) -> Result<()> {
        let (account, desk) = self.target()?;
        let deal = self.small_deposit(&desk, account)?;
        let action = Action::Odd(OddRequest::MalformedRequestId(deal));
        self.refuse(Caller::operator(desk.teller()), &desk.branch, action, "REQUEST_ID_MISSING");
        Ok(())
    }

    /// Callers who may not: without a token, with an old one, in another branch, with another role, unknown to the bank.
    pub fn wrong_callers(&mut self) -> Result<()> {
        let (account, desk) = self.target()?;
        let other = self.another_desk(&desk)?;
        let holding = |operator: &str, role: &str| Caller::Holding {
            operator: operator.to_owned(),
            roles: vec![role.to_owned()],
            scopes: vec!["*".to_owned()],
        };
        let callers = [
            (Caller::Nobody, "UNAUTHENTICATED"),
            (Caller::Expired(desk.teller().to_owned()), "TOKEN_EXPIRED"),
            (Caller::operator(other.teller()), "SCOPE_DENIED"),
            (Caller::operator("B100003"), "PERMISSION_DENIED"),
            (holding("T999999", "teller"), "OPERATOR_UNKNOWN"),
            (holding("T110103", "teller"), "OPERATOR_SUSPENDED"),
            (holding(&desk.supervisor, "teller"), "OPERATOR_MAY_NOT_POST"),
        ];
        for (caller, reason) in callers {
            let action = Action::Post { deal: self.small_deposit(&desk, account)?, dry_run: false };
            self.refuse(caller, &desk.branch, action, reason);
        }
        let action = Action::Post { deal: self.small_deposit(&desk, account)?, dry_run: false };
        self.refuse(holding(desk.teller(), "teller"), "999999", action, "BRANCH_UNKNOWN");
        let mark = Action::MarkDormant { account };
        self.refuse(Caller::operator(other.teller()), &other.branch, mark, "ACCOUNT_OF_ANOTHER_BRANCH");
        Ok(())
    }

    /// Second persons who may not agree: the maker, one of another branch, one whose limit is too low.
    pub fn wrong_approvers(&mut self) -> Result<()> {
        let (account, desk) = self.target()?;
        let other = self.another_desk(&desk)?;
        let maker = Caller::Holding {
            operator: desk.teller().to_owned(),
            roles: vec!["teller".to_owned(), "supervisor".to_owned()],
            scopes: vec![desk.branch.clone()],
        };
        let teller = Caller::operator(desk.teller());
        let supervisor = Caller::operator(&desk.supervisor);
        let above = limit(self.bank, desk.teller(), TransactionKind::Cash, "CNY")? + Decimal::ONE;
        let far_above = limit(self.bank, &desk.supervisor, TransactionKind::Cash, "CNY")? + Decimal::ONE;
        let tries = [
            (maker.clone(), maker, above, "SELF_APPROVAL"),
            (teller.clone(), Caller::operator(&other.supervisor), above, "SCOPE_DENIED"),
            (teller, supervisor, far_above, "OPERATOR_LIMIT_EXCEEDED"),
        ];
        for (caller, by, amount, reason) in tries {
            let mut deal = self.small_deposit(&desk, account)?;
            let amount = self.exact("CNY", amount)?;
            deal.lines.iter_mut().for_each(|line| line.amount = amount.to_string());
            self.push_refused_approval(caller, &desk, deal, Expected::NotApproved { by, reason });
        }
        Ok(())
    }

    fn push_refused_approval(&mut self, caller: Caller, desk: &Desk, deal: Deal, expected: Expected) {
        let action = Action::Post { deal, dry_run: false };
        self.push(Step {
            label: "approval refused",
            caller,
            branch: desk.branch.clone(),
            action,
            expected,
            after: Vec::new(),
            again: Again::No,
        });
    }

    /// A desk that another supervisor is over.
    fn another_desk(&self, desk: &Desk) -> Result<Desk> {
        let apart = |other: &&Desk| {
            other.branch[..2] != desk.branch[..2]
                && other.branch.ends_with("00")
                && !other.branch.ends_with("0000")
        };
        self.desks.iter().find(apart).cloned().context("a sub-branch of another branch")
    }

    /// Accounts that cannot be opened.
    pub fn wrong_openings(&mut self) -> Result<()> {
        let desk = self.any_desk();
        let openings = [
            (AccountKind::PersonalDemand, TELLERS_CASH, "CNY", "LEDGER_CODE_NOT_ALLOWED"),
            (AccountKind::PersonalDemand, "201199", "CNY", "LEDGER_CODE_UNKNOWN"),
            (AccountKind::CorporateDemand, AGREEMENT_DEPOSITS, "USD", "CURRENCY_NOT_ALLOWED"),
            (AccountKind::PersonalDemand, PERSONAL_DEMAND, "GBP", "CURRENCY_UNKNOWN"),
        ];
        for (kind, ledger_code, currency, reason) in openings {
            let action = Action::Odd(OddRequest::OpenOnCode { kind, ledger_code, currency });
            self.refuse(Caller::operator(desk.teller()), &desk.branch, action, reason);
        }
        let office = HeadOffice::of(self.bank)?;
        let again = OddRequest::OpenInternalAgain(Place::of(&office.code, TELLERS_CASH, "CNY"));
        self.refuse(office.book_keeper, &office.code, Action::Odd(again), "LEDGER_ACCOUNT_EXISTS");
        Ok(())
    }
}
