//! Identifiers, as a parameter.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use uuid::Uuid;

/// Where new identifiers come from.
pub trait Ids: Send + Sync + Debug {
    fn next(&self) -> Uuid;
}

/// A source of identifiers, shared.
pub type SharedIds = Arc<dyn Ids>;

/// UUIDs of version 7: in the order of time, so that index pages fill from one end.
#[derive(Clone, Copy, Debug, Default)]
pub struct UuidV7Ids;

impl Ids for UuidV7Ids {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that makes identifiers from time and chance"
    )]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// 1, 2, 3 ... as UUIDs, for tests and simulations.
#[derive(Debug, Default)]
pub struct SequentialIds {
    last: AtomicU64,
}

impl Ids for SequentialIds {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.last.fetch_add(1, Ordering::Relaxed)) + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_version_7_in_order_and_never_the_same() {
        let ids: Vec<Uuid> = (0..10_000).map(|_| UuidV7Ids.next()).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.is_sorted());
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn sequential_ids_count_from_one() {
        let ids = SequentialIds::default();
        assert_eq!([ids.next(), ids.next()], [Uuid::from_u128(1), Uuid::from_u128(2)]);
    }
}
