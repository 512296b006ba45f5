//! What a run found, by victim.

use std::{collections::BTreeMap, time::Duration};

use crate::{round::Round, victim::Victim};

/// Rounds added up.
#[derive(Debug, Default)]
pub struct Summary(BTreeMap<Victim, Row>);

#[derive(Debug, Default)]
struct Row {
    kills: u32,
    acknowledged: usize,
    lost: usize,
    lost_and_there: usize,
    served_after: Vec<Duration>,
}

impl Summary {
    pub fn add(&mut self, round: &Round) {
        let row = self.0.entry(round.victim).or_default();
        row.kills += 1;
        row.acknowledged += round.acknowledged;
        row.lost += round.lost;
        row.lost_and_there += round.lost_and_there;
        row.served_after.push(round.served_after);
    }

    /// A table in Markdown.
    pub fn table(&self) -> Vec<String> {
        let mut lines = vec![
            "| victim | kills | acknowledged | lost | of them written | served again after, median | longest |".to_owned(),
            "|---|---:|---:|---:|---:|---:|---:|".to_owned(),
        ];
        for (victim, row) in &self.0 {
            let mut served = row.served_after.clone();
            served.sort_unstable();
            let millis = |time: Option<&Duration>| time.map_or(0, Duration::as_millis);
            lines.push(format!(
                "| {victim} | {} | {} | {} | {} | {} ms | {} ms |",
                row.kills,
                row.acknowledged,
                row.lost,
                row.lost_and_there,
                millis(served.get(served.len() / 2)),
                millis(served.last())
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_added_up_by_victim() {
        let round = |victim, served_ms| Round {
            victim,
            after: Duration::ZERO,
            acknowledged: 10,
            lost: 2,
            lost_and_there: 1,
            served_after: Duration::from_millis(served_ms),
        };
        let mut summary = Summary::default();
        for served_ms in [30, 10, 20] {
            summary.add(&round(Victim::Kafka, served_ms));
        }
        summary.add(&round(Victim::Writer, 5));
        assert_eq!(
            summary.table()[2..],
            ["| writer | 1 | 10 | 2 | 1 | 5 ms | 5 ms |", "| kafka | 3 | 30 | 6 | 3 | 20 ms | 30 ms |"]
        );
    }
}
