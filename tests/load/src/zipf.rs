//! Zipf's law: a few accounts move all day, most hardly ever.

use rand::Rng;

/// How steep: the customary figure, for which the first of 100,000 comes up in one choice of twelve or so.
pub const STEEPNESS: f64 = 0.99;

/// Chooses among the ranks 0, 1, 2 ... such that rank r comes up in proportion to 1 / (r + 1)^s.
#[derive(Debug)]
pub struct Zipf {
    /// The weights up to and with each rank, added up.
    cumulative: Vec<f64>,
}

impl Zipf {
    /// Over so many ranks, at least one.
    pub fn of(ranks: u32, steepness: f64) -> Self {
        let mut sum = 0.0;
        let weights = (1..=ranks.max(1)).map(|rank| f64::from(rank).powf(-steepness));
        let cumulative = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        Self { cumulative }
    }

    /// A rank by chance.
    pub fn rank(&self, rng: &mut impl Rng) -> usize {
        let last = self.cumulative.len() - 1;
        let point = rng.random_range(0.0..self.cumulative[last]);
        self.cumulative.partition_point(|sum| *sum <= point).min(last)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    #[test]
    fn ranks_come_up_by_their_weights() {
        let zipf = Zipf::of(1_000, STEEPNESS);
        let mut rng = SmallRng::seed_from_u64(7);
        let mut counts = vec![0_u32; 1_000];
        for _ in 0..200_000 {
            counts[zipf.rank(&mut rng)] += 1;
        }
        let ratio = |one: usize, other: usize| f64::from(counts[one]) / f64::from(counts[other]);
        assert!((1.8..2.2).contains(&ratio(0, 1)), "{}", ratio(0, 1));
        assert!((8.0..12.5).contains(&ratio(0, 9)), "{}", ratio(0, 9));
        assert!(counts[900..].iter().sum::<u32>() > 0, "the tail never comes up");
    }

    #[test]
    fn one_rank_is_always_the_first() {
        let zipf = Zipf::of(1, STEEPNESS);
        let mut rng = SmallRng::seed_from_u64(7);
        assert!((0..100).all(|_| zipf.rank(&mut rng) == 0));
    }
}
