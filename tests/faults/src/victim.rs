//! What is killed, and in which order.

use std::fmt;

use clap::ValueEnum;
use rand::{Rng, seq::SliceRandom};

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Victim {
    /// The replica that writes is killed, and the other takes over.
    Writer,
    /// Both replicas are killed.
    Service,
    /// The replica that writes is halted with its connections open, and goes on when the other has taken over.
    Stop,
    /// Postgres is killed with all its children.
    Postgres,
    /// The broker is killed.
    Kafka,
    /// Postgres is killed and all that it had written deleted; it is restored from a backup. The drill after the kills.
    #[value(skip)]
    Disk,
}

impl Victim {
    /// Those that are killed unless it is said which.
    pub const ALL: [Victim; 5] =
        [Victim::Writer, Victim::Service, Victim::Stop, Victim::Postgres, Victim::Kafka];
}

impl fmt::Display for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Victim::Writer => "writer",
            Victim::Service => "service",
            Victim::Stop => "stop",
            Victim::Postgres => "postgres",
            Victim::Kafka => "kafka",
            Victim::Disk => "disk",
        })
    }
}

/// An order of so many kills, in which each victim has its turn before any has another.
pub fn order(victims: &[Victim], kills: u32, rng: &mut impl Rng) -> Vec<Victim> {
    let kills = usize::try_from(kills).unwrap_or(usize::MAX);
    let mut order = Vec::with_capacity(kills);
    while order.len() < kills && !victims.is_empty() {
        let mut turn = victims.to_vec();
        turn.shuffle(rng);
        order.extend(turn);
    }
    order.truncate(kills);
    order
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn each_victim_has_its_turn_and_a_seed_repeats_the_order() {
        let of = |seed| order(&Victim::ALL, 12, &mut StdRng::seed_from_u64(seed));
        let first = of(7);
        assert_eq!(first.len(), 12);
        for turn in first.chunks_exact(Victim::ALL.len()) {
            let mut turn = turn.to_vec();
            turn.sort_unstable();
            assert_eq!(turn, Victim::ALL);
        }
        assert_eq!(first, of(7));
        assert!((8..30).any(|seed| of(seed) != first));
    }

    #[test]
    fn without_victims_nothing_is_killed() {
        assert!(order(&[], 5, &mut StdRng::seed_from_u64(1)).is_empty());
    }
}
