//! Which accounts a transfer is between.

use std::rc::Rc;

use rand::{Rng, rngs::SmallRng};

use crate::{customers::Customers, zipf::Zipf};

/// How two accounts of one branch are chosen. Each is as often debited as credited, so that none runs dry.
#[derive(Debug, Clone)]
pub enum Choice {
    /// Each account as often as any other.
    Uniform,
    /// By Zipf's law over all accounts: ranks go round the branches.
    Zipf(Rc<Zipf>),
    /// The hot account, and another of its branch.
    Hot,
}

/// Two accounts and the branch that keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'a> {
    /// Its place among the counters.
    pub counter: usize,
    pub from: &'a str,
    pub to: &'a str,
}

impl Choice {
    /// Two different accounts of one branch, by chance.
    pub fn pair<'a>(&self, customers: &'a Customers, rng: &mut SmallRng) -> Pair<'a> {
        let (counter, one, other) = match self {
            Self::Uniform => return within(customers, any_counter(customers, rng), rng),
            Self::Zipf(zipf) => {
                let round = customers.counters.len();
                let (first, second) = (zipf.rank(rng), zipf.rank(rng));
                let accounts = &customers.counters[first % round].accounts;
                let (one, other) = ((first / round) % accounts.len(), (second / round) % accounts.len());
                let other = if one == other { (one + 1) % accounts.len() } else { other };
                (first % round, accounts[one].as_str(), accounts[other].as_str())
            }
            Self::Hot => {
                let accounts = &customers.counters[0].accounts;
                (0, customers.hot.as_str(), accounts[rng.random_range(0..accounts.len())].as_str())
            }
        };
        let (from, to) = if rng.random() { (one, other) } else { (other, one) };
        Pair { counter, from, to }
    }
}

/// A counter by chance, as its place among them.
pub fn any_counter(customers: &Customers, rng: &mut SmallRng) -> usize {
    rng.random_range(0..customers.counters.len())
}

/// Two different accounts of one counter, each as often as any other.
pub fn within<'a>(customers: &'a Customers, counter: usize, rng: &mut SmallRng) -> Pair<'a> {
    let accounts = &customers.counters[counter].accounts;
    let (from, to) = different(rng, accounts.len());
    Pair { counter, from: &accounts[from], to: &accounts[to] }
}

/// Two accounts of two different branches; the counter is that of the first.
pub fn across<'a>(customers: &'a Customers, rng: &mut SmallRng) -> Pair<'a> {
    let (counter, other) = different(rng, customers.counters.len());
    let mut any = |counter: usize| {
        let accounts = &customers.counters[counter].accounts;
        accounts[rng.random_range(0..accounts.len())].as_str()
    };
    Pair { counter, from: any(counter), to: any(other) }
}

/// Two different places among `length`, which is at least two.
fn different(rng: &mut SmallRng, length: usize) -> (usize, usize) {
    let one = rng.random_range(0..length);
    let step = rng.random_range(1..length);
    (one, (one + step) % length)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::{customers::tests::customers, zipf::STEEPNESS};

    fn pairs(choice: &Choice, check: impl Fn(&Customers, Pair<'_>)) {
        let customers = customers(5);
        let mut rng = SmallRng::seed_from_u64(3);
        for _ in 0..2_000 {
            let pair = choice.pair(&customers, &mut rng);
            assert_ne!(pair.from, pair.to);
            let branch = &customers.counters[pair.counter].branch;
            assert!(
                [pair.from, pair.to].iter().all(|account| account["accounts/".len()..].starts_with(branch))
            );
            check(&customers, pair);
        }
    }

    #[test]
    fn a_pair_is_of_one_branch_and_two_accounts() {
        pairs(&Choice::Uniform, |_, _| ());
        pairs(&Choice::Zipf(Rc::new(Zipf::of(15, STEEPNESS))), |_, _| ());
    }

    #[test]
    fn accounts_across_branches_are_of_two() {
        let customers = customers(5);
        let mut rng = SmallRng::seed_from_u64(3);
        for _ in 0..500 {
            let pair = across(&customers, &mut rng);
            let branch = |account: &str| account["accounts/".len()..][..6].to_owned();
            assert_eq!(branch(pair.from), customers.counters[pair.counter].branch);
            assert_ne!(branch(pair.from), branch(pair.to));
        }
    }

    #[test]
    fn the_hot_account_is_in_every_pair() {
        pairs(&Choice::Hot, |customers, pair| {
            assert!(pair.from == customers.hot || pair.to == customers.hot);
        });
    }

    #[test]
    fn an_account_is_as_often_debited_as_credited() {
        let customers = customers(5);
        let mut rng = SmallRng::seed_from_u64(3);
        let choice = Choice::Zipf(Rc::new(Zipf::of(15, STEEPNESS)));
        let (mut debits, mut credits) = (0_u32, 0_u32);
        for _ in 0..20_000 {
            let pair = choice.pair(&customers, &mut rng);
            debits += u32::from(pair.from == customers.counters[0].accounts[0]);
            credits += u32::from(pair.to == customers.counters[0].accounts[0]);
        }
        let share = f64::from(debits) / f64::from(debits + credits);
        assert!((0.47..0.53).contains(&share), "{share}");
    }
}
