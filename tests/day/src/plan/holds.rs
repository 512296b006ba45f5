//! Holds: placed, captured in part or whole, released, left to expire.

use std::time::Duration;

use anyhow::{Context, Result};
use proto_accounting::v1::HoldState;
use rand::{Rng, seq::IteratorRandom};
use rust_decimal::Decimal;

use super::{
    codes::TELLERS_CASH,
    desk::Desk,
    planner::Planner,
    step::{Action, Again, CustomerId, Deal, Expected, HoldId, OddRequest, Party, Step},
};
use crate::staff::Caller;

/// A hold that is not meant to expire on the day.
const LONG: Duration = Duration::from_hours(7 * 24);

/// A hold that is: long enough that it has been placed, short enough to wait for.
const SHORT: Duration = Duration::from_secs(4);

/// Longer than any hold may be.
const TOO_LONG: Duration = Duration::from_hours(400 * 24);

impl Planner<'_> {
    /// Sets money aside on some account (预授权).
    pub fn hold(&mut self) -> Result<()> {
        let Some(account) = self.any_funded(|customer| customer.currency == "CNY") else { return Ok(()) };
        let branch = self.books.customer(account).branch.clone();
        let desk = self.desk_at(&branch)?;
        let amount = self.spendable(account)?;
        let hold = self.place(&desk, account, amount, LONG);
        self.open_holds.push(hold);
        Ok(())
    }

    /// Takes what is set aside, whole or in part, or lets it go.
    pub fn settle_hold(&mut self) -> Result<()> {
        let Some(at) = (0..self.open_holds.len()).choose(&mut self.rng) else { return Ok(()) };
        let hold = self.open_holds[at];
        let (account, remaining) = (self.books.hold(hold).account, self.books.hold(hold).remaining);
        let branch = self.books.customer(account).branch.clone();
        let desk = self.desk_at(&branch)?;
        let merchant =
            self.any(|id, customer| id != account && customer.is_active() && customer.currency == "CNY");
        let merchant = merchant.context("somebody to pay")?;
        match self.rng.random_range(0..4) {
            0 => self.release(&desk, hold),
            1 => self.capture(&desk, hold, merchant, remaining, false)?,
            kind => {
                let part = self.amount("CNY", remaining)?;
                self.capture(&desk, hold, merchant, part, kind == 2)?;
            }
        }
        if self.books.hold(hold).state != HoldState::Open {
            self.open_holds.swap_remove(at);
        }
        Ok(())
    }

    /// A hold that nobody takes: it lapses, its money is free again, and it cannot be captured any more.
    pub fn lapsing_hold(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(400)?;
        let amount = self.exact("CNY", 400)?;
        let hold = self.place(&desk, account, amount, SHORT);
        self.act(
            "hold expired",
            desk.teller(),
            &desk.branch,
            Action::AwaitExpiry { hold, account },
            Expected::Done,
        );
        self.books.end_hold(hold, HoldState::Expired);
        let deal = self.withdrawal_of(&desk, account, amount);
        self.refuse_capture(&desk, hold, deal.clone(), "HOLD_NOT_OPEN");
        self.post("cash withdrawal", &desk, deal)
    }

    /// Captured in two parts, and mistaken captures before and between.
    pub fn mistaken_captures(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(1_000)?;
        let (merchant, _) = self.fresh(0)?;
        let (part, more) = (self.exact("CNY", 200)?, self.exact("CNY", 500)?);
        let hold = self.place(&desk, account, self.exact("CNY", 600)?, LONG);
        let paid = Party::Customer(merchant);
        let cash = Self::own(&desk, TELLERS_CASH, "CNY");
        let deal = Self::payment("PREAUTH_CAPTURE", cash, paid, "CNY", part);
        self.refuse_capture(&desk, hold, deal, "HOLD_NOT_DEBITED");
        self.capture(&desk, hold, merchant, part, true)?;
        let deal = self.captured_deal(account, Party::Customer(merchant), more)?;
        self.refuse_capture(&desk, hold, deal, "HOLD_EXCEEDED");
        let rest = self.exact("CNY", 400)?;
        self.capture(&desk, hold, merchant, rest, false)?;
        let deal = self.captured_deal(account, Party::Customer(merchant), part)?;
        self.refuse_capture(&desk, hold, deal, "HOLD_NOT_OPEN");
        Ok(())
    }

    /// Held money cannot be spent, nor held again; a hold cannot last for ever.
    pub fn mistaken_holds(&mut self) -> Result<()> {
        let (account, desk) = self.fresh(500)?;
        let amount = self.exact("CNY", 450)?;
        let hold = self.place(&desk, account, amount, LONG);
        self.refuse_withdrawal(&desk, account, 100, "FUNDS_INSUFFICIENT")?;
        self.refuse_hold(&desk, account, "100.00", LONG, "FUNDS_INSUFFICIENT");
        self.refuse_hold(&desk, account, "10.00", TOO_LONG, "HOLD_EXPIRY_INVALID");
        self.refuse_hold(&desk, account, "0.00", LONG, "AMOUNT_NOT_POSITIVE");
        self.release(&desk, hold);
        let unknown = Action::Odd(OddRequest::ReleaseUnknownHold);
        self.refuse(Caller::operator(desk.teller()), &desk.branch, unknown, "HOLD_UNKNOWN");
        let again = Action::Release { hold, account };
        self.refuse(Caller::operator(desk.teller()), &desk.branch, again, "HOLD_NOT_OPEN");
        Ok(())
    }

    /// An account that is empty and yet held, by its overdraft line, is not closed.
    pub fn held_account(&mut self) -> Result<()> {
        let (account, desk) = self.fresh_with_overdraft();
        let amount = self.exact("CNY", 100)?;
        let hold = self.place(&desk, account, amount, LONG);
        self.refuse(Caller::operator(desk.teller()), &desk.branch, Action::Close { account }, "ACCOUNT_HELD");
        self.release(&desk, hold);
        Ok(())
    }

    fn place(&mut self, desk: &Desk, account: CustomerId, amount: Decimal, life: Duration) -> HoldId {
        let hold = self.books.place_hold(account, amount);
        let action = Action::Hold { hold, account, amount: amount.to_string(), life };
        self.act("hold placed", desk.teller(), &desk.branch, action, Expected::Done);
        hold
    }

    fn release(&mut self, desk: &Desk, hold: HoldId) {
        let account = self.books.hold(hold).account;
        self.books.end_hold(hold, HoldState::Released);
        self.act(
            "hold released",
            desk.teller(),
            &desk.branch,
            Action::Release { hold, account },
            Expected::Done,
        );
    }

    fn capture(
        &mut self,
        desk: &Desk,
        hold: HoldId,
        to: CustomerId,
        amount: Decimal,
        keep_rest: bool,
    ) -> Result<()> {
        let account = self.books.hold(hold).account;
        let deal = self.captured_deal(account, Party::Customer(to), amount)?;
        self.books.book(&deal)?;
        self.books.capture_hold(hold, amount, keep_rest);
        let after = self.books.standings([&deal]);
        let label = if self.books.hold(hold).state == HoldState::Open {
            "hold captured in part"
        } else {
            "hold captured"
        };
        let again = if self.rng.random_ratio(1, 8) { Again::Same } else { Again::No };
        self.push(Step {
            label,
            caller: Caller::operator(desk.teller()),
            branch: desk.branch.clone(),
            action: Action::Capture { hold, account, deal, keep_rest },
            expected: Expected::Done,
            after,
            again,
        });
        Ok(())
    }

    fn captured_deal(&self, from: CustomerId, to: Party, amount: Decimal) -> Result<Deal> {
        let amount = self.exact("CNY", amount)?;
        Ok(Self::payment("PREAUTH_CAPTURE", Party::Customer(from), to, "CNY", amount))
    }

    fn refuse_capture(&mut self, desk: &Desk, hold: HoldId, deal: Deal, reason: &'static str) {
        let account = self.books.hold(hold).account;
        let action = Action::Capture { hold, account, deal, keep_rest: false };
        self.refuse(Caller::operator(desk.teller()), &desk.branch, action, reason);
    }

    fn refuse_hold(
        &mut self,
        desk: &Desk,
        account: CustomerId,
        amount: &str,
        life: Duration,
        reason: &'static str,
    ) {
        // Never placed, so that no hold of the books has this place.
        let action = Action::Hold { hold: HoldId(usize::MAX), account, amount: amount.to_owned(), life };
        self.refuse(Caller::operator(desk.teller()), &desk.branch, action, reason);
    }
}
