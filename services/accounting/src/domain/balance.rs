//! Balances (余额): an account's totals, and the balance that follows from them.

use rust_decimal::Decimal;

use super::side::{NormalSide, Side};

/// The largest total of an account: with four decimals, the most that a currency has, it is still exact.
pub const TOTAL_MAX: Decimal = Decimal::from_parts(0xa100_0000, 0x1bce_cced, 0xd3c2, false, 0);

/// Totals of an account after its last entry (ACC-2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunningBalance {
    /// How many entries the account has.
    pub n: i64,
    /// All debits.
    pub debit: Decimal,
    /// All credits.
    pub credit: Decimal,
}

impl RunningBalance {
    /// Ledger balance, positive on the normal side; on accounts of either side, debits less credits.
    pub fn ledger(&self, normal_side: NormalSide) -> Decimal {
        match normal_side {
            NormalSide::Debit | NormalSide::Either => self.debit - self.credit,
            NormalSide::Credit => self.credit - self.debit,
        }
    }

    /// The totals after one more entry; `None` when they would be above [`TOTAL_MAX`].
    pub fn after(mut self, side: Side, amount: Decimal) -> Option<Self> {
        let total = match side {
            Side::Debit => &mut self.debit,
            Side::Credit => &mut self.credit,
        };
        *total = total.checked_add(amount).filter(|total| *total <= TOTAL_MAX)?;
        self.n += 1;
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_add_to_their_side() {
        let balance = RunningBalance::default();
        let balance =
            balance.after(Side::Debit, 70.into()).and_then(|it| it.after(Side::Credit, 100.into())).unwrap();
        assert_eq!(balance, RunningBalance { n: 2, debit: 70.into(), credit: 100.into() });
        assert_eq!(balance.ledger(NormalSide::Credit), 30.into());
        assert_eq!(balance.ledger(NormalSide::Debit), Decimal::from(-30));
        assert_eq!(balance.ledger(NormalSide::Either), Decimal::from(-30));
    }

    #[test]
    fn totals_stay_exact() {
        assert_eq!(TOTAL_MAX.to_string(), format!("1{}", "0".repeat(24)));
        let mut most = TOTAL_MAX;
        most.rescale(4);
        assert_eq!((most.scale(), most), (4, TOTAL_MAX), "four decimals fit");
        let full = RunningBalance { debit: TOTAL_MAX, ..RunningBalance::default() };
        assert_eq!(full.after(Side::Debit, Decimal::new(1, 4)), None);
    }
}
