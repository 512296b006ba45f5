//! The ordinary work of a day: cash, transfers, exchange, fees, expenses and registers.

use anyhow::{Context, Result};
use proto_accounting::v1::TransactionKind;
use rand::Rng;
use rust_decimal::Decimal;

use super::{
    books::Customer,
    codes::{
        BANK_ACCEPTANCES, CHEQUE_FORMS, CUSTOMER_EXCHANGE, EXCHANGE_FEES, OFFICE_EXPENSES, PASSBOOK_FORMS,
        PAYABLES_IN_SUSPENSE, SETTLEMENT_FEES, TELLERS_CASH,
    },
    desk::{Desk, limit},
    planner::Planner,
    step::{Action, Again, CustomerId, Deal, Expected, Line, Party, Place, Step},
};
use crate::staff::Caller;

/// What a customer pays for a transfer, in yuan.
const TRANSFER_FEE: Decimal = Decimal::from_parts(550, 0, 0, false, 2);

/// The cheques in a book, and its price in yuan.
const CHEQUES_A_BOOK: i64 = 25;

/// The most forms that a branch receives at once.
const FORMS_RECEIVED_MAX: i64 = 500;

impl Planner<'_> {
    /// Cash in (现金存入).
    pub fn deposit(&mut self) -> Result<()> {
        let Some(account) = self.any(|_, customer| customer.is_active()) else { return Ok(()) };
        let desk = self.serving(account)?;
        let currency = self.books.customer(account).currency.clone();
        let max = self.ordinary_max(&currency)?;
        let amount = self.amount(&currency, max)?;
        self.deposit_of("cash deposit", &desk, account, amount, Expected::Done)
    }

    /// A deposit of an amount.
    pub fn deposit_of(
        &mut self,
        label: &'static str,
        desk: &Desk,
        account: CustomerId,
        amount: Decimal,
        expected: Expected,
    ) -> Result<()> {
        let currency = self.books.customer(account).currency.clone();
        let cash = Self::own(desk, TELLERS_CASH, &currency);
        let deal = Self::payment("CASH_DEPOSIT", cash, Party::Customer(account), &currency, amount);
        match expected {
            Expected::Done => self.post(label, desk, deal),
            expected => self.post_as(label, Caller::operator(desk.teller()), &desk.branch, deal, expected),
        }
    }

    /// Cash out (现金支取).
    pub fn withdrawal(&mut self) -> Result<()> {
        let Some(account) = self.any_funded(|_| true) else { return Ok(()) };
        let desk = self.serving(account)?;
        let amount = self.spendable(account)?;
        let deal = self.withdrawal_of(&desk, account, amount);
        self.post("cash withdrawal", &desk, deal)
    }

    /// What takes an amount from an account in cash.
    pub fn withdrawal_of(&self, desk: &Desk, account: CustomerId, amount: Decimal) -> Deal {
        let currency = &self.books.customer(account).currency;
        let mut deal = Self::payment(
            "CASH_WITHDRAWAL",
            Party::Customer(account),
            Self::own(desk, TELLERS_CASH, currency),
            currency,
            amount,
        );
        deal.voucher = Some(("WITHDRAWAL_SLIP", format!("{:08}", self.steps.len())));
        deal
    }

    /// From one customer to another (转账), within a branch or across branches, with a fee or without.
    pub fn transfer(&mut self) -> Result<()> {
        let Some((from, to)) = self.two_of_a_currency() else { return Ok(()) };
        let desk = self.serving(from)?;
        let amount = self.spendable(from)?;
        let currency = self.books.customer(from).currency.clone();
        let mut deal =
            Self::payment("TRANSFER", Party::Customer(from), Party::Customer(to), &currency, amount);
        let label = if self.books.customer(from).branch == self.books.customer(to).branch {
            "transfer within a branch"
        } else {
            "transfer across branches"
        };
        let pays_fee = currency == "CNY"
            && self.books.customer(from).available() >= amount + TRANSFER_FEE
            && self.rng.random_ratio(1, 3);
        if pays_fee {
            let income = Self::own(&desk, SETTLEMENT_FEES, &currency);
            deal.lines.push(Line::debit(Party::Customer(from), &currency, TRANSFER_FEE));
            deal.lines.push(Line::credit(income, &currency, TRANSFER_FEE));
        }
        if self.rng.random_ratio(1, 10) {
            // A late slip of the business day before.
            deal.transaction_date = self.days.previous.to_string();
            deal.value_date = self.days.previous.to_string();
        }
        self.post(label, &desk, deal)
    }

    /// Two active accounts in one currency, the first with something to spend; often of one branch.
    pub fn two_of_a_currency(&mut self) -> Option<(CustomerId, CustomerId)> {
        let from = self.any_funded(|_| true)?;
        let (branch, currency) = {
            let customer = self.books.customer(from);
            (customer.branch.clone(), customer.currency.clone())
        };
        let takes =
            |id, customer: &Customer| id != from && customer.is_active() && customer.currency == currency;
        let near = self.rng.random_bool(0.5);
        let neighbour = if near { self.any(|id, it| takes(id, it) && it.branch == branch) } else { None };
        let to = match neighbour {
            Some(neighbour) => neighbour,
            None => self.any(takes)?,
        };
        Some((from, to))
    }

    /// A customer buys or sells foreign currency (结售汇).
    pub fn exchange(&mut self) -> Result<()> {
        let into_yuan = self.rng.random_bool(0.5);
        let spends = |customer: &Customer| (customer.currency != "CNY") == into_yuan;
        let Some(from) = self.any_funded(spends) else { return Ok(()) };
        let receives =
            |customer: &Customer| customer.is_active() && (customer.currency == "CNY") == into_yuan;
        let Some(to) = self.any(|_, customer| receives(customer)) else { return Ok(()) };
        let desk = self.serving(from)?;
        let paid = self.spendable(from)?;
        let (pays, gets) =
            (self.books.customer(from).currency.clone(), self.books.customer(to).currency.clone());
        let got = self.converted(paid, &pays, &gets)?;
        if got.is_zero() {
            return Ok(());
        }
        let deal = Deal {
            code: if into_yuan { "FX_SALE" } else { "FX_PURCHASE" },
            narrative: (if into_yuan { "结汇" } else { "售汇" }).to_owned(),
            lines: vec![
                Line::debit(Party::Customer(from), &pays, paid),
                Line::credit(Self::own(&desk, CUSTOMER_EXCHANGE, &pays), &pays, paid),
                Line::debit(Self::own(&desk, CUSTOMER_EXCHANGE, &gets), &gets, got),
                Line::credit(Party::Customer(to), &gets, got),
            ],
            ..Deal::default()
        };
        self.post("currency exchange", &desk, deal)
    }

    /// What the bank gives in `gets` for `paid` in `pays`, one of which is yuan.
    fn converted(&self, paid: Decimal, pays: &str, gets: &str) -> Result<Decimal> {
        let foreign = if pays == "CNY" { gets } else { pays };
        let rate = self.bank.rate(foreign, self.days.business)?;
        let unit = Decimal::from(rate.unit);
        let (bid, ask): (Decimal, Decimal) = (rate.buy.parse()?, rate.sell.parse()?);
        self.exact(gets, if pays == "CNY" { paid * unit / ask } else { paid * bid / unit })
    }

    /// A fee for an account (账户管理费), or for currency business.
    pub fn fee(&mut self) -> Result<()> {
        let Some(account) = self.any_funded(|customer| customer.currency == "CNY") else { return Ok(()) };
        let branch = self.books.customer(account).branch.clone();
        let desk = self.desk_at(&branch)?;
        let income = if self.rng.random_bool(0.5) { SETTLEMENT_FEES } else { EXCHANGE_FEES };
        let income = Self::own(&desk, income, "CNY");
        let amount = self.exact("CNY", 10)?;
        let deal = Self::payment("FEE", Party::Customer(account), income, "CNY", amount);
        let deal = Deal { by_template: true, ..deal };
        self.post("fee", &desk, deal)
    }

    /// An expense that is owed (办公费用), posted by a book-keeper.
    pub fn expense(&mut self) -> Result<()> {
        let desk = self.any_desk();
        let Some(book_keeper) = desk.book_keeper.clone() else { return Ok(()) };
        let max = self.ordinary_max("CNY")?;
        let amount = self.amount("CNY", max)?;
        let (from, to) =
            (Self::own(&desk, OFFICE_EXPENSES, "CNY"), Self::own(&desk, PAYABLES_IN_SUSPENSE, "CNY"));
        let deal = Self::payment("EXPENSE", from, to, "CNY", amount);
        self.post_as("internal posting", Caller::Operator(book_keeper), &desk.branch, deal, Expected::Done)
    }

    /// Forms received or issued, or a bank acceptance given (表外): one line, with nothing against it.
    pub fn register(&mut self) -> Result<()> {
        let desk = self.any_desk();
        let code = [CHEQUE_FORMS, PASSBOOK_FORMS, BANK_ACCEPTANCES][self.rng.random_range(0..3)];
        let place = Place::of(&desk.branch, code, "CNY");
        let Some(registered) = self.books.own_ledger(&place) else { return Ok(()) };
        let count = Decimal::from(self.rng.random_range(1..=FORMS_RECEIVED_MAX));
        let issue = registered >= count && self.rng.random_bool(0.5);
        let party = Party::Own(place);
        let amount = self.exact("CNY", count)?;
        let line = if issue { Line::credit(party, "CNY", amount) } else { Line::debit(party, "CNY", amount) };
        let deal = Deal {
            code: if issue { "REGISTER_ISSUE" } else { "REGISTER_RECEIPT" },
            narrative: (if issue { "表外付出" } else { "表外收入" }).to_owned(),
            lines: vec![line],
            ..Deal::default()
        };
        self.post("off-balance register", &desk, deal)
    }

    /// A cheque book sold: the fee on the balance sheet and the forms off it, in one transaction.
    pub fn cheque_book(&mut self) -> Result<()> {
        let Some(account) = self.any_funded(|customer| customer.currency == "CNY") else { return Ok(()) };
        let price = self.exact("CNY", CHEQUES_A_BOOK)?;
        let branch = self.books.customer(account).branch.clone();
        let forms = Place::of(&branch, CHEQUE_FORMS, "CNY");
        let short = self.books.own_ledger(&forms).is_none_or(|registered| registered < price);
        if short || self.books.customer(account).available() < price {
            return Ok(());
        }
        let desk = self.desk_at(&branch)?;
        let mut deal = Self::payment(
            "FEE",
            Party::Customer(account),
            Self::own(&desk, SETTLEMENT_FEES, "CNY"),
            "CNY",
            price,
        );
        deal.lines.push(Line::credit(Party::Own(forms), "CNY", price));
        self.post("cheque book sold", &desk, deal)
    }

    /// A deposit above the teller's limit, which the supervisor approves or rejects.
    pub fn above_limit(&mut self) -> Result<()> {
        if self.rng.random_ratio(3, 4) { self.above_limit_approved() } else { self.above_limit_rejected() }
    }

    /// Above the limit, and approved.
    pub fn above_limit_approved(&mut self) -> Result<()> {
        let (desk, deal) = self.deal_above_limit()?;
        let (teller, by) = (Caller::operator(desk.teller()), Caller::operator(&desk.supervisor));
        self.post_as("above the limit, approved", teller, &desk.branch, deal, Expected::Approved { by })
    }

    /// Above the limit, and rejected.
    pub fn above_limit_rejected(&mut self) -> Result<()> {
        let (desk, deal) = self.deal_above_limit()?;
        let by = Caller::operator(&desk.supervisor);
        let action = Action::Post { deal, dry_run: false };
        self.act("above the limit, rejected", desk.teller(), &desk.branch, action, Expected::Rejected { by });
        Ok(())
    }

    fn deal_above_limit(&mut self) -> Result<(Desk, Deal)> {
        let account = self.any(|_, customer| customer.is_active() && customer.currency == "CNY");
        let account = account.context("an active account in yuan")?;
        let branch = self.books.customer(account).branch.clone();
        let desk = self.desk_at(&branch)?;
        let limit = limit(self.bank, desk.teller(), TransactionKind::Cash, "CNY")?;
        let amount = self.exact("CNY", limit * Decimal::new(15, 1))?;
        let cash = Self::own(&desk, TELLERS_CASH, "CNY");
        let deal = Self::payment("CASH_DEPOSIT", cash, Party::Customer(account), "CNY", amount);
        Ok((desk, deal))
    }

    /// A withdrawal that is only checked: the answer says how the account would stand, and nothing has changed.
    pub fn dry_run(&mut self) -> Result<()> {
        let Some(account) = self.any_funded(|_| true) else { return Ok(()) };
        let desk = self.serving(account)?;
        let amount = self.spendable(account)?;
        let deal = self.withdrawal_of(&desk, account, amount);
        let mut books = self.books.clone();
        books.book(&deal)?;
        let after = books.standings([&deal]);
        let teller = desk.tellers.first().context("a desk has a teller")?;
        self.push(Step {
            label: "dry run",
            caller: Caller::operator(teller),
            branch: desk.branch.clone(),
            action: Action::Post { deal, dry_run: true },
            expected: Expected::Done,
            after,
            again: Again::No,
        });
        Ok(())
    }
}
