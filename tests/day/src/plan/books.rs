//! The day's own books: a naive model of every account that the day moves, to hold against what the service says.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use proto_accounting::v1::{AccountKind, AccountStatus, FreezeKind, HoldState, NormalSide, Side};
use rust_decimal::Decimal;

use super::step::{CustomerId, Deal, HoldId, Line, Party, Place, Standing};

/// Totals of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    pub side: NormalSide,
    pub entries: i64,
    pub debit: Decimal,
    pub credit: Decimal,
}

impl Totals {
    pub fn new(side: NormalSide) -> Self {
        Self { side, entries: 0, debit: Decimal::ZERO, credit: Decimal::ZERO }
    }

    /// Positive on the normal side; debits less credits when there is none.
    pub fn ledger(&self) -> Decimal {
        match self.side {
            NormalSide::Credit => self.credit - self.debit,
            _ => self.debit - self.credit,
        }
    }

    fn add(&mut self, side: Side, amount: Decimal) {
        self.entries += 1;
        match side {
            Side::Debit => self.debit += amount,
            _ => self.credit += amount,
        }
    }
}

/// A customer's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub branch: String,
    pub kind: AccountKind,
    pub ledger_code: &'static str,
    pub currency: String,
    pub title: String,
    /// The owner's customer number.
    pub owner: String,
    pub overdraft: Decimal,
    pub totals: Totals,
    pub held: Decimal,
    pub frozen: Decimal,
    pub status: AccountStatus,
    pub freeze: FreezeKind,
    pub version: i32,
}

impl Customer {
    pub fn available(&self) -> Decimal {
        self.totals.ledger() - self.held - self.frozen + self.overdraft
    }

    /// Whether it takes any ordinary posting.
    pub fn is_active(&self) -> bool {
        self.status == AccountStatus::Active
    }
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub account: CustomerId,
    pub state: HoldState,
    pub amount: Decimal,
    pub captured: Decimal,
    pub remaining: Decimal,
}

/// What was debited and credited on a ledger code in a currency.
pub type Movements = BTreeMap<(String, String), (Decimal, Decimal)>;

/// All accounts that the day moves.
#[derive(Debug, Clone)]
pub struct Books {
    pub customers: Vec<Customer>,
    pub holds: Vec<Held>,
    own: BTreeMap<Place, Totals>,
    movements: Movements,
    inter_branch_code: String,
}

impl Books {
    /// The books with the bank's own accounts as they are at the beginning.
    pub fn new(own: BTreeMap<Place, Totals>, inter_branch_code: &str) -> Self {
        Self {
            customers: Vec::new(),
            holds: Vec::new(),
            own,
            movements: Movements::new(),
            inter_branch_code: inter_branch_code.to_owned(),
        }
    }

    pub fn customer(&self, id: CustomerId) -> &Customer {
        &self.customers[id.0]
    }

    pub fn customer_mut(&mut self, id: CustomerId) -> &mut Customer {
        &mut self.customers[id.0]
    }

    pub fn hold(&self, id: HoldId) -> &Held {
        &self.holds[id.0]
    }

    /// The bank's own accounts.
    pub fn own(&self) -> &BTreeMap<Place, Totals> {
        &self.own
    }

    /// What is on one of the bank's own accounts.
    pub fn own_ledger(&self, place: &Place) -> Option<Decimal> {
        self.own.get(place).map(Totals::ledger)
    }

    /// What the day has moved, by ledger code and currency.
    pub fn movements(&self) -> &Movements {
        &self.movements
    }

    /// Books a deal, with the inter-branch entries that it causes.
    pub fn book(&mut self, deal: &Deal) -> Result<()> {
        let added = self.between_branches(deal)?;
        for line in &deal.lines {
            self.add(&line.party, &line.currency, line.side, amount(line)?)?;
        }
        for (place, difference) in added {
            let side = if difference > Decimal::ZERO { Side::Credit } else { Side::Debit };
            let currency = place.currency.clone();
            self.add(&Party::Own(place), &currency, side, difference.abs())?;
        }
        Ok(())
    }

    fn add(&mut self, party: &Party, currency: &str, side: Side, amount: Decimal) -> Result<()> {
        self.totals(party)?.add(side, amount);
        let ledger_code = match party {
            Party::Customer(id) => self.customer(*id).ledger_code,
            Party::Own(place) => &place.ledger_code,
            Party::Named(_) => "",
        };
        let moved = self.movements.entry((ledger_code.to_owned(), currency.to_owned())).or_default();
        match side {
            Side::Debit => moved.0 += amount,
            _ => moved.1 += amount,
        }
        Ok(())
    }

    /// How each customer's account of a deal stands.
    pub fn standings<'a>(&self, deals: impl IntoIterator<Item = &'a Deal>) -> Vec<Standing> {
        let mut ids: Vec<CustomerId> = deals
            .into_iter()
            .flat_map(|deal| &deal.lines)
            .filter_map(|line| match &line.party {
                Party::Customer(id) => Some(*id),
                Party::Own(_) | Party::Named(_) => None,
            })
            .collect();
        ids.sort();
        ids.dedup();
        ids.into_iter().map(|id| self.standing(id)).collect()
    }

    fn standing(&self, account: CustomerId) -> Standing {
        let customer = self.customer(account);
        Standing {
            account,
            entries: customer.totals.entries,
            ledger: customer.totals.ledger(),
            available: customer.available(),
        }
    }

    /// Sets money aside.
    pub fn place_hold(&mut self, account: CustomerId, amount: Decimal) -> HoldId {
        self.customer_mut(account).held += amount;
        let hold =
            Held { account, state: HoldState::Open, amount, captured: Decimal::ZERO, remaining: amount };
        self.holds.push(hold);
        HoldId(self.holds.len() - 1)
    }

    /// Takes some of what is set aside, and lets go of the rest unless it is kept.
    pub fn capture_hold(&mut self, id: HoldId, amount: Decimal, keep_rest: bool) {
        let hold = &mut self.holds[id.0];
        hold.captured += amount;
        let rest = if keep_rest { hold.remaining - amount } else { Decimal::ZERO };
        self.keep(id, rest, HoldState::Captured);
    }

    /// Lets go of what is set aside: it is released, or it lapses.
    pub fn end_hold(&mut self, id: HoldId, state: HoldState) {
        self.keep(id, Decimal::ZERO, state);
    }

    /// Keeps so much set aside; with nothing left the hold has come to its end.
    fn keep(&mut self, id: HoldId, rest: Decimal, end: HoldState) {
        let hold = &mut self.holds[id.0];
        let freed = hold.remaining - rest;
        hold.remaining = rest;
        if rest.is_zero() {
            hold.state = end;
        }
        let account = hold.account;
        self.customer_mut(account).held -= freed;
    }

    fn totals(&mut self, party: &Party) -> Result<&mut Totals> {
        match party {
            Party::Customer(id) => Ok(&mut self.customer_mut(*id).totals),
            Party::Own(place) => {
                self.own.get_mut(place).with_context(|| format!("the bank has no account at {place}"))
            }
            Party::Named(name) => anyhow::bail!("{name} is no account that a deal can be booked on"),
        }
    }

    /// By how much each branch's debits exceed its credits, at the place where that is set right; nothing for a deal within
    /// one branch.
    fn between_branches(&self, deal: &Deal) -> Result<Vec<(Place, Decimal)>> {
        let mut differences: BTreeMap<Place, Decimal> = BTreeMap::new();
        for line in &deal.lines {
            let branch = match &line.party {
                Party::Customer(id) => &self.customer(*id).branch,
                Party::Own(place) if place.is_off_balance() => continue,
                Party::Own(place) => &place.branch,
                Party::Named(name) => anyhow::bail!("{name} is of no branch"),
            };
            let place = Place::of(branch, &self.inter_branch_code, &line.currency);
            let amount = amount(line)?;
            let signed = if line.side == Side::Debit { amount } else { -amount };
            *differences.entry(place).or_default() += signed;
        }
        ensure!(balances(&differences), "the deal {} does not balance", deal.code);
        Ok(differences.into_iter().filter(|(_, difference)| !difference.is_zero()).collect())
    }
}

/// Whether each currency's differences add up to nothing.
fn balances(differences: &BTreeMap<Place, Decimal>) -> bool {
    let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
    for (place, difference) in differences {
        *sums.entry(&place.currency).or_default() += difference;
    }
    sums.values().all(Decimal::is_zero)
}

fn amount(line: &Line) -> Result<Decimal> {
    line.amount.parse().with_context(|| format!("{} is no amount", line.amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books() -> Books {
        let own = [("110100", "100101"), ("110200", "100101"), ("110100", "300301"), ("110200", "300301")]
            .map(|(branch, code)| (Place::of(branch, code, "CNY"), Totals::new(NormalSide::Debit)));
        let mut books = Books::new(BTreeMap::from(own), "300301");
        books.customers.push(Customer {
            branch: "110200".to_owned(),
            kind: AccountKind::PersonalDemand,
            ledger_code: "201101",
            currency: "CNY".to_owned(),
            title: "王敏".to_owned(),
            owner: "C1".to_owned(),
            overdraft: Decimal::ZERO,
            totals: Totals::new(NormalSide::Credit),
            held: Decimal::ZERO,
            frozen: Decimal::ZERO,
            status: AccountStatus::Active,
            freeze: FreezeKind::Unspecified,
            version: 1,
        });
        books
    }

    fn deposit(branch: &str, amount: i64) -> Deal {
        let cash = Party::Own(Place::of(branch, "100101", "CNY"));
        let lines = vec![
            Line::debit(cash, "CNY", amount.into()),
            Line::credit(Party::Customer(CustomerId(0)), "CNY", amount.into()),
        ];
        Deal { code: "CASH_DEPOSIT", lines, ..Deal::default() }
    }

    #[test]
    fn a_deal_across_branches_moves_both_inter_branch_accounts() {
        let mut books = books();
        books.book(&deposit("110100", 100)).unwrap();
        let of = |branch| &books.own()[&Place::of(branch, "300301", "CNY")];
        assert_eq!((of("110100").debit, of("110100").credit), (Decimal::ZERO, 100.into()));
        assert_eq!((of("110200").debit, of("110200").credit), (100.into(), Decimal::ZERO));
        assert_eq!(books.customer(CustomerId(0)).available(), 100.into());
    }

    #[test]
    fn a_deal_within_a_branch_moves_none() {
        let mut books = books();
        books.book(&deposit("110200", 100)).unwrap();
        assert!(
            books
                .own()
                .iter()
                .filter(|(place, _)| place.ledger_code == "300301")
                .all(|(_, it)| it.entries == 0)
        );
    }

    #[test]
    fn an_unbalanced_deal_is_a_mistake_of_the_plan() {
        let mut deal = deposit("110200", 100);
        deal.lines.pop();
        assert!(books().book(&deal).is_err());
    }

    #[test]
    fn holds_lessen_what_is_available() {
        let mut books = books();
        let account = CustomerId(0);
        books.book(&deposit("110200", 100)).unwrap();
        let hold = books.place_hold(account, 60.into());
        let lapsing = books.place_hold(account, 30.into());
        assert_eq!(books.customer(account).available(), 10.into());
        books.capture_hold(hold, 20.into(), true);
        assert_eq!((books.hold(hold).remaining, books.hold(hold).state), (40.into(), HoldState::Open));
        books.capture_hold(hold, 30.into(), false);
        assert_eq!((books.hold(hold).captured, books.hold(hold).state), (50.into(), HoldState::Captured));
        books.end_hold(lapsing, HoldState::Expired);
        assert_eq!(
            (books.hold(lapsing).remaining, books.hold(lapsing).state),
            (Decimal::ZERO, HoldState::Expired)
        );
        assert_eq!(books.customer(account).available(), 100.into());
    }

    #[test]
    fn movements_are_told_by_code_and_currency() {
        let mut books = books();
        books.book(&deposit("110100", 100)).unwrap();
        let moved = |code: &str| books.movements()[&(code.to_owned(), "CNY".to_owned())];
        assert_eq!(moved("100101"), (100.into(), Decimal::ZERO));
        assert_eq!(moved("201101"), (Decimal::ZERO, 100.into()));
        assert_eq!(moved("300301"), (100.into(), 100.into()));
    }
}
