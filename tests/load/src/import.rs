//! A file of transfers, for `accounting import`.

use std::path::Path;

use anyhow::{Context, Result};
use rand::{Rng, SeedableRng, rngs::SmallRng};

use crate::customers::{CURRENCY, Customers};

/// Transfers in the file: half a minute and more at the rate that is the goal.
pub const TRANSFERS: u32 = 600_000;

/// Writes the file: transfers of small amounts, each between two accounts of one branch. `key` makes it another file than those
/// before, which a service that has seen them would answer as repeats.
pub fn write(file: &Path, customers: &Customers, key: u64) -> Result<()> {
    let mut rng = SmallRng::seed_from_u64(key);
    let mut csv = csv::Writer::from_path(file).with_context(|| format!("write {}", file.display()))?;
    csv.write_record(["debit_account", "credit_account", "currency", "amount", "narrative"])?;
    let narrative = format!("moved in after posting {key}");
    for _ in 0..TRANSFERS {
        let accounts = &customers.counters[rng.random_range(0..customers.counters.len())].accounts;
        let from = rng.random_range(0..accounts.len());
        let to = (from + rng.random_range(1..accounts.len())) % accounts.len();
        let [from, to] = [from, to].map(|place| accounts[place].trim_start_matches("accounts/"));
        csv.write_record([from, to, CURRENCY, "0.01", &narrative])?;
    }
    csv.flush()?;
    Ok(())
}
