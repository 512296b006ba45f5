//! Batches: a company pays its people, all or none, or each by itself.

use anyhow::Result;
use proto_accounting::v1::{AccountKind, BatchMode, TransactionKind};
use rand::{Rng, seq::IndexedRandom};
use rust_decimal::Decimal;

use super::{
    books::Customer,
    codes::TELLERS_CASH,
    desk::{Desk, limit},
    planner::Planner,
    step::{Action, Again, CustomerId, Deal, Expected, Party, Standing, Step},
};
use crate::{ids, staff::Caller};

/// The most people that a payroll of the day pays.
const PAID_MAX: usize = 12;

/// Wages, in yuan: at least this, and in steps of this.
const WAGE: u32 = 120;

impl Planner<'_> {
    /// A payroll (代发工资), all or none.
    pub fn payroll(&mut self) -> Result<()> {
        let Some((desk, deals)) = self.wages()? else { return Ok(()) };
        for deal in &deals {
            self.books.book(deal)?;
        }
        let after = self.books.standings(&deals);
        self.batch("payroll, all or none", &desk, BatchMode::Atomic, deals, Expected::Done, after);
        Ok(())
    }

    /// A payroll with mistakes in it, each item by itself: the good ones are posted and the others refused.
    pub fn payroll_by_item(&mut self) -> Result<()> {
        let Some((desk, mut deals)) = self.wages()? else { return Ok(()) };
        let Some(payer) = deals.first().and_then(|deal| deal.lines.first()).map(|line| line.party.clone())
        else {
            return Ok(());
        };
        let mut verdicts = vec![None; deals.len()];
        let nobody = ids::account_number(&desk.branch, 1, 9_999_999_999);
        let wage = self.exact("CNY", WAGE)?;
        let mistake =
            Self::payment("PAYROLL", payer.clone(), Party::Named(format!("accounts/{nobody}")), "CNY", wage);
        let at = self.rng.random_range(0..=deals.len());
        deals.insert(at, mistake);
        verdicts.insert(at, Some("ACCOUNT_UNKNOWN"));
        let limit = limit(self.bank, desk.teller(), TransactionKind::Cash, "CNY")?;
        let too_much = self.exact("CNY", limit + Decimal::ONE)?;
        deals.push(Self::payment(
            "CASH_DEPOSIT",
            Self::own(&desk, TELLERS_CASH, "CNY"),
            payer,
            "CNY",
            too_much,
        ));
        verdicts.push(Some("OPERATOR_LIMIT_EXCEEDED"));
        let posted: Vec<&Deal> = deals
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| verdict.is_none())
            .map(|(deal, _)| deal)
            .collect();
        for deal in &posted {
            self.books.book(deal)?;
        }
        let after = self.books.standings(posted);
        self.batch(
            "payroll, item by item",
            &desk,
            BatchMode::ItemByItem,
            deals,
            Expected::Verdicts(verdicts),
            after,
        );
        Ok(())
    }

    /// A payroll with one mistake: nothing of it is posted.
    pub fn payroll_refused(&mut self) -> Result<()> {
        let Some((desk, mut deals)) = self.wages()? else { return Ok(()) };
        let nobody = ids::account_number(&desk.branch, 1, 9_999_999_998);
        if let Some(line) = deals.last_mut().and_then(|deal| deal.lines.last_mut()) {
            line.party = Party::Named(format!("accounts/{nobody}"));
        }
        let action = Action::Batch { mode: BatchMode::Atomic, deals };
        self.refuse(Caller::operator(desk.teller()), &desk.branch, action, "ACCOUNT_UNKNOWN");
        Ok(())
    }

    fn batch(
        &mut self,
        label: &'static str,
        desk: &Desk,
        mode: BatchMode,
        deals: Vec<Deal>,
        expected: Expected,
        after: Vec<Standing>,
    ) {
        let again =
            [Again::No, Again::Same, Again::Other].choose(&mut self.rng).copied().unwrap_or(Again::No);
        self.push(Step {
            label,
            caller: Caller::operator(desk.teller()),
            branch: desk.branch.clone(),
            action: Action::Batch { mode, deals },
            expected,
            after,
            again,
        });
    }

    /// What a company pays its people: as many as it can, one transaction each.
    fn wages(&mut self) -> Result<Option<(Desk, Vec<Deal>)>> {
        let wage = self.exact("CNY", WAGE)?;
        let pays = |_, customer: &Customer| {
            customer.kind == AccountKind::CorporateDemand
                && customer.currency == "CNY"
                && customer.is_active()
                && customer.available() > wage
        };
        let Some(company) = self.any(pays) else { return Ok(None) };
        let mut rest = self.books.customer(company).available();
        let branch = self.books.customer(company).branch.clone();
        let desk = self.desk_at(&branch)?;
        let mut deals = Vec::new();
        for _ in 0..self.rng.random_range(3..=PAID_MAX) {
            let pay = wage * Decimal::from(self.rng.random_range(1..=4_u32));
            let Some(person) = self.employee() else { break };
            if pay > rest {
                break;
            }
            rest -= pay;
            deals.push(Self::payment(
                "PAYROLL",
                Party::Customer(company),
                Party::Customer(person),
                "CNY",
                pay,
            ));
        }
        Ok((!deals.is_empty()).then_some((desk, deals)))
    }

    fn employee(&mut self) -> Option<CustomerId> {
        self.any(|_, customer| {
            customer.kind == AccountKind::PersonalDemand && customer.currency == "CNY" && customer.is_active()
        })
    }
}
