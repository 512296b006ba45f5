//! The trial balance (试算平衡): totals by ledger code and currency, and the proof that debits equal credits.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use money::Currency;
use rust_decimal::Decimal;

use super::base::LedgerCode;

/// Which accounts are added up, and how finely.
#[derive(Debug)]
pub struct TrialBalanceQuery<'a> {
    /// The last business date that counts; none for all.
    pub up_to: Option<NaiveDate>,
    pub branch: Option<&'a str>,
    pub currency: Option<&'a str>,
    /// How many leading digits of the ledger code a row stands for.
    pub digits: i32,
}

/// The totals of a ledger code in a currency.
#[derive(Debug)]
pub struct CodeTotals {
    pub ledger_code: String,
    pub currency: Currency,
    pub off_balance: bool,
    pub debit_total: Decimal,
    pub credit_total: Decimal,
    pub debit_balance: Decimal,
    pub credit_balance: Decimal,
    pub accounts: i64,
}

/// Debits and credits of one currency, without off-balance codes.
#[derive(Debug)]
pub struct Proof {
    pub currency: Currency,
    pub debit_total: Decimal,
    pub credit_total: Decimal,
}

impl Proof {
    pub fn difference(&self) -> Decimal {
        self.debit_total - self.credit_total
    }
}

/// A trial balance, with the chart of accounts that names its rows.
#[derive(Debug)]
pub struct TrialBalance {
    pub rows: Vec<CodeTotals>,
    pub chart: HashMap<String, LedgerCode>,
    /// The last posting that counts; 0 when there is none.
    pub last_posting: i64,
}

impl TrialBalance {
    /// Debits and credits of each currency, by currency code.
    pub fn proofs(&self) -> Vec<Proof> {
        let mut proofs: BTreeMap<&str, Proof> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| !row.off_balance) {
            let proof = proofs.entry(row.currency.code()).or_insert(Proof {
                currency: row.currency,
                debit_total: Decimal::ZERO,
                credit_total: Decimal::ZERO,
            });
            proof.debit_total += row.debit_total;
            proof.credit_total += row.credit_total;
        }
        proofs.into_values().collect()
    }
}
