use std::collections::{BTreeMap, BTreeSet};

use contracts::refusals::registries;
use proto_accounting::v1::{HoldState, NormalSide};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

use super::*;
use crate::run::Order;

const SCALE: Scale = Scale { seed: 7, postings: 2_000 };

/// The bank's own accounts after its founding, as far as the day needs them: cash for every branch.
fn founded(bank: &Bank) -> BTreeMap<Place, Totals> {
    let sides: BTreeMap<&str, NormalSide> =
        bank.ledger_codes().map(|code| (code.code.as_str(), code.normal_side())).collect();
    let cash: BTreeMap<&str, Decimal> =
        bank.funds.iter().map(|funds| (funds.currency.as_str(), funds.branch_cash)).collect();
    let account = |account: &crate::bank::InternalAccount| {
        let mut totals = Totals::new(sides[account.ledger_code.as_str()]);
        if account.ledger_code == "100101" {
            (totals.entries, totals.debit) = (1, cash[account.currency.as_str()]);
        }
        (Place::of(&account.branch, &account.ledger_code, &account.currency), totals)
    };
    bank.internal_accounts.iter().map(account).collect()
}

fn plan(bank: &Bank, scale: Scale) -> Plan {
    let days = Days::around("2026-11-24".parse().unwrap(), bank).unwrap();
    Plan::of(bank, founded(bank), days, scale).unwrap()
}

#[test]
fn the_same_seed_makes_the_same_plan() {
    let bank = Bank::sample().unwrap();
    let one = plan(&bank, SCALE);
    assert_eq!(one.steps, plan(&bank, SCALE).steps);
    assert_ne!(one.steps, plan(&bank, Scale { seed: 8, ..SCALE }).steps);
    assert!(one.postings >= SCALE.postings);
    assert_eq!(one.postings, one.steps.iter().map(Step::postings).sum::<usize>());
}

/// Does the steps as the day does them, many in hand at once, each ending when chance will have it, on books that know nothing
/// of the plan's.
#[test]
fn whatever_the_order_every_account_stands_as_planned() {
    let bank = Bank::sample().unwrap();
    for seed in [1, 2, 3] {
        let plan = plan(&bank, Scale { seed, ..SCALE });
        let mut replay = Replay::of(&bank, &plan);
        let mut order = Order::of(&plan.steps);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut in_hand, mut done) = (Vec::new(), 0);
        loop {
            while in_hand.len() < 64
                && let Some(next) = order.take()
            {
                in_hand.push(next);
            }
            if in_hand.is_empty() {
                break;
            }
            let step = in_hand.swap_remove(rng.random_range(0..in_hand.len()));
            replay.step(&plan.steps[step], &plan);
            order.done(step);
            done += 1;
        }
        assert_eq!(done, plan.steps.len());
        assert_eq!(replay.books.customers, plan.books.customers);
        assert_eq!(replay.books.own(), plan.books.own());
        assert_eq!(replay.books.movements(), plan.books.movements());
        assert_eq!(replay.books.holds, plan.books.holds);
    }
}

/// Books that are kept by doing the steps.
struct Replay {
    books: Books,
}

impl Replay {
    fn of(bank: &Bank, plan: &Plan) -> Self {
        let mut books = Books::new(founded(bank), "300301");
        // Places are given in the order of the plan; the accounts and holds come to be when their steps are done.
        books.customers = plan.books.customers.clone();
        books.holds = plan.books.holds.clone();
        Self { books }
    }

    fn step(&mut self, step: &Step, plan: &Plan) {
        match (&step.action, &step.expected) {
            (Action::Post { dry_run: true, deal }, _) => {
                let mut after = self.books.clone();
                after.book(deal).unwrap();
                assert_eq!(after.standings([deal]), step.after);
            }
            (_, Expected::Refused(reason)) => self.refused(step, reason),
            (_, Expected::Rejected { .. } | Expected::NotApproved { .. }) => assert!(step.after.is_empty()),
            (_, Expected::Verdicts(verdicts)) => {
                let Action::Batch { deals, .. } = &step.action else { panic!("verdicts of a batch") };
                let posted =
                    deals.iter().zip(verdicts).filter(|(_, refused)| refused.is_none()).map(|(deal, _)| deal);
                self.book(posted.collect(), step);
            }
            (_, Expected::Done | Expected::Approved { .. }) => self.done(step, plan),
        }
    }

    fn book(&mut self, deals: Vec<&Deal>, step: &Step) {
        for deal in &deals {
            self.books.book(deal).unwrap();
            for line in &deal.lines {
                let Party::Own(place) = &line.party else { continue };
                let totals = &self.books.own()[place];
                let no_limit = totals.side == NormalSide::Either;
                assert!(no_limit || totals.ledger() >= Decimal::ZERO, "{place} is at {}", totals.ledger());
            }
        }
        assert_eq!(self.books.standings(deals), step.after, "{step:?}");
        assert!(step.after.iter().all(|standing| standing.available >= Decimal::ZERO), "{step:?}");
    }

    fn done(&mut self, step: &Step, plan: &Plan) {
        match &step.action {
            Action::Open { customer, terms } => *self.books.customer_mut(*customer) = Customer::clone(terms),
            Action::Post { deal, .. } => self.book(vec![deal], step),
            Action::Batch { deals, .. } => self.book(deals.iter().collect(), step),
            Action::Hold { hold, account, amount, .. } => {
                let placed = self.books.place_hold(*account, amount.parse().unwrap());
                let held = self.books.holds.remove(placed.0);
                self.books.holds[hold.0] = held;
                assert!(self.books.customer(*account).available() >= Decimal::ZERO);
            }
            Action::Capture { hold, account, deal, keep_rest } => {
                let taken = &deal.lines[0];
                assert_eq!(taken.party, Party::Customer(*account));
                self.books.capture_hold(*hold, taken.amount.parse().unwrap(), *keep_rest);
                self.book(vec![deal], step);
            }
            Action::Release { hold, .. } => self.books.end_hold(*hold, HoldState::Released),
            Action::AwaitExpiry { hold, .. } => self.books.end_hold(*hold, HoldState::Expired),
            Action::Odd(odd) => panic!("{odd:?} is never done"),
            // What changes an account is held against the plan's own end; only what it may do meanwhile matters here.
            Action::Activate { account }
            | Action::MarkDormant { account }
            | Action::Freeze { account, .. }
            | Action::Unfreeze { account }
            | Action::Retitle { account, .. }
            | Action::Close { account } => {
                let end = plan.books.customer(*account);
                let customer = self.books.customer_mut(*account);
                customer.version += 1;
                customer.frozen = match &step.action {
                    Action::Freeze { amount, .. } => amount.unwrap_or_default(),
                    _ => Decimal::ZERO,
                };
                (customer.status, customer.freeze, customer.title) =
                    (end.status, end.freeze, end.title.clone());
            }
        }
    }

    /// What is refused for want of money would in truth take more than there is.
    fn refused(&self, step: &Step, reason: &str) {
        let Action::Post { deal, .. } = &step.action else { return };
        let mut after = self.books.clone();
        match reason {
            "FUNDS_INSUFFICIENT" => {
                after.book(deal).unwrap();
                assert!(
                    after.standings([deal]).iter().any(|standing| standing.available < Decimal::ZERO),
                    "{step:?}"
                );
            }
            "REGISTER_SHORT" => {
                after.book(deal).unwrap();
                let Party::Own(place) = &deal.lines[0].party else { panic!("a register") };
                assert!(after.own_ledger(place).unwrap() < Decimal::ZERO, "{step:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn refusals_are_for_many_reasons_and_all_of_them_are_documented() {
    let bank = Bank::sample().unwrap();
    let plan = plan(&bank, SCALE);
    let mut reasons = BTreeSet::new();
    for step in &plan.steps {
        match &step.expected {
            Expected::Refused(reason) | Expected::NotApproved { reason, .. } => {
                reasons.insert(*reason);
            }
            Expected::Verdicts(verdicts) => reasons.extend(verdicts.iter().flatten()),
            Expected::Rejected { .. } => reasons.extend(["APPROVAL_REJECTED", "APPROVAL_DECIDED"]),
            Expected::Approved { .. } => reasons.extend(["APPROVAL_REQUIRED"]),
            Expected::Done => {}
        }
    }
    assert!(reasons.len() >= 50, "{} reasons: {reasons:?}", reasons.len());
    let documented: BTreeSet<&str> =
        registries().iter().flat_map(|registry| registry.reasons.clone()).map(|reason| reason.name).collect();
    let unknown: Vec<_> = reasons.difference(&documented).collect();
    assert!(unknown.is_empty(), "no service gives these reasons: {unknown:?}");
}

#[test]
fn a_day_of_any_size_and_seed_can_be_planned() {
    let bank = Bank::sample().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for postings in [1, 300, 5_000] {
        let scale = Scale { seed: rng.random(), postings };
        let plan = plan(&bank, scale);
        assert!(plan.postings >= postings, "{scale:?}");
        let steps = plan.steps.iter().filter(|step| step.label == "refused on purpose").count();
        assert!(steps >= 50, "{scale:?} has {steps} refusals");
    }
}
