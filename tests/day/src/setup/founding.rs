//! The founding: capital, foreign funds, cash for the vault and for every branch.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use proto_accounting::v1::Side;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Setup, own_accounts::former_number};
use crate::{
    bank::Funds,
    plan::{Line, Party, Place, Totals},
    report::Report,
};

/// 业务现金, 金库现金, 超额存款准备金, 存放境外同业, 外汇买卖, 实收资本.
const TELLERS_CASH: &str = "100101";
const VAULT_CASH: &str = "100102";
const CENTRAL_BANK: &str = "100302";
const CORRESPONDENT: &str = "101103";
const DEALING: &str = "300202";
const CAPITAL: &str = "4001";

/// A posting of the founding, and the account on which nothing is as long as it has not been made.
struct Founding {
    code: &'static str,
    narrative: &'static str,
    marks: Place,
    lines: Vec<Line>,
}

impl Setup<'_> {
    /// Moves in those postings of the founding that have not been made.
    pub(super) async fn found(&self, own: &BTreeMap<Place, Totals>, report: &mut Report<'_>) -> Result<()> {
        let missing: Vec<Founding> =
            self.foundings()?.into_iter().filter(|founding| is_untouched(own, &founding.marks)).collect();
        if !missing.is_empty() {
            let header = ["交易号", "交易码", "摘要", "来源", "原账号", "借贷", "币种", "金额"];
            let rows = missing.iter().enumerate().map(|(number, founding)| founding.rows(number));
            let rows: Vec<Vec<String>> = rows.collect::<Result<Vec<_>>>()?.concat();
            self.import("postings", &header, &rows).await?;
        }
        let state = if missing.is_empty() {
            "was founded before".to_owned()
        } else {
            format!("{} postings moved in", missing.len())
        };
        report.line(format_args!("founding: {state}"))?;
        Ok(())
    }

    /// All postings of the founding, in order.
    fn foundings(&self) -> Result<Vec<Founding>> {
        let base = self.bank.parameter("BASE_CURRENCY")?;
        let mut foundings = Vec::new();
        for funds in &self.bank.funds {
            let is_base = funds.currency == base;
            foundings.push(if is_base { self.capital(funds) } else { self.bought(funds, base)? });
            let from = if is_base { CENTRAL_BANK } else { CORRESPONDENT };
            foundings.push(self.vault(funds, from));
            foundings.push(self.cash_for_branches(funds));
        }
        Ok(foundings)
    }

    /// 收到资本金.
    fn capital(&self, funds: &Funds) -> Founding {
        Founding {
            code: "CAPITAL",
            narrative: "收到资本金",
            marks: self.at_head_office(CAPITAL, funds),
            lines: vec![
                line(&self.office.code, CENTRAL_BANK, Side::Debit, &funds.currency, funds.amount),
                line(&self.office.code, CAPITAL, Side::Credit, &funds.currency, funds.amount),
            ],
        }
    }

    /// Foreign funds (外汇资金), bought at the middle rate of the first day of the sample.
    fn bought(&self, funds: &Funds, base: &str) -> Result<Founding> {
        let founded = self.bank.records.iter().map(|record| record.effective_date.as_str()).min();
        let rate = self.bank.rate(&funds.currency, founded.context("a bank with base data")?.parse()?)?;
        let middle: Decimal = rate.middle.parse()?;
        let cost = (funds.amount * middle / Decimal::from(rate.unit))
            .round_dp_with_strategy(self.bank.decimals(base)?, RoundingStrategy::MidpointAwayFromZero);
        let here = &self.office.code;
        Ok(Founding {
            code: "FX_FUNDING",
            narrative: "购入外汇资金",
            marks: self.at_head_office(CORRESPONDENT, funds),
            lines: vec![
                line(here, CORRESPONDENT, Side::Debit, &funds.currency, funds.amount),
                line(here, DEALING, Side::Credit, &funds.currency, funds.amount),
                line(here, DEALING, Side::Debit, base, cost),
                line(here, CENTRAL_BANK, Side::Credit, base, cost),
            ],
        })
    }

    /// 现金入库.
    fn vault(&self, funds: &Funds, from: &str) -> Founding {
        Founding {
            code: "VAULT_CASH",
            narrative: "现金入库",
            marks: self.at_head_office(VAULT_CASH, funds),
            lines: vec![
                line(&self.office.code, VAULT_CASH, Side::Debit, &funds.currency, funds.vault_cash),
                line(&self.office.code, from, Side::Credit, &funds.currency, funds.vault_cash),
            ],
        }
    }

    /// 现金调拨: one posting for all branches.
    fn cash_for_branches(&self, funds: &Funds) -> Founding {
        let places = self
            .bank
            .internal_accounts
            .iter()
            .filter(|account| account.ledger_code == TELLERS_CASH && account.currency == funds.currency);
        let mut lines: Vec<Line> = places
            .map(|place| line(&place.branch, TELLERS_CASH, Side::Debit, &funds.currency, funds.branch_cash))
            .collect();
        let all = lines.iter().map(|_| funds.branch_cash).sum();
        lines.push(line(&self.office.code, VAULT_CASH, Side::Credit, &funds.currency, all));
        Founding {
            code: "BRANCH_CASH",
            narrative: "现金调拨",
            marks: self.at_head_office(TELLERS_CASH, funds),
            lines,
        }
    }

    fn at_head_office(&self, ledger_code: &str, funds: &Funds) -> Place {
        Place::of(&self.office.code, ledger_code, &funds.currency)
    }
}

fn line(branch: &str, ledger_code: &str, side: Side, currency: &str, amount: Decimal) -> Line {
    let party = Party::Own(Place::of(branch, ledger_code, currency));
    Line { party, side, currency: currency.to_owned(), amount: amount.to_string() }
}

impl Founding {
    /// Its lines, as rows of the file.
    fn rows(&self, number: usize) -> Result<Vec<Vec<String>>> {
        let row = |line: &Line| {
            let Party::Own(place) = &line.party else { bail!("{line:?} is on no account of the bank") };
            let side = if line.side == Side::Debit { "借" } else { "贷" };
            let (number, account) = (number.to_string(), former_number(place));
            let cells = [
                &number,
                self.code,
                self.narrative,
                "FOUNDING",
                &account,
                side,
                &line.currency,
                &line.amount,
            ];
            Ok(cells.map(str::to_owned).into())
        };
        self.lines.iter().map(row).collect()
    }
}

fn is_untouched(own: &BTreeMap<Place, Totals>, place: &Place) -> bool {
    own.get(place).is_none_or(|totals| totals.entries == 0)
}
