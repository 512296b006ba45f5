//! What came of the steps, added up.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Error, Result};

use crate::{
    plan::Step,
    report::{Report, thousands},
};

/// So many steps that ended otherwise than planned are printed.
const SHOWN_MAX: usize = 10;

/// What was done for one step.
#[derive(Debug, Clone, Default)]
pub struct Deeds {
    /// How long each call took.
    pub calls: Vec<Duration>,
    /// The reasons of all refusals.
    pub refusals: Vec<String>,
    pub approved: usize,
    pub rejected: usize,
    /// Approvals that were refused to the second person.
    pub not_approved: usize,
    /// Repeats that got the same answer.
    pub repeats: usize,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub steps: usize,
    pub postings: usize,
    by_label: BTreeMap<&'static str, usize>,
    by_reason: BTreeMap<String, usize>,
    calls: Vec<Duration>,
    approved: usize,
    rejected: usize,
    not_approved: usize,
    repeats: usize,
    otherwise: usize,
    /// The first of those that ended otherwise than planned.
    shown: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, step: &Step, deeds: Deeds, outcome: Result<(), Error>) {
        self.steps += 1;
        *self.by_label.entry(step.label).or_default() += 1;
        for reason in deeds.refusals {
            *self.by_reason.entry(reason).or_default() += 1;
        }
        self.calls.extend(deeds.calls);
        self.approved += deeds.approved;
        self.rejected += deeds.rejected;
        self.not_approved += deeds.not_approved;
        self.repeats += deeds.repeats;
        match outcome {
            Ok(()) => self.postings += step.postings(),
            Err(error) => {
                self.otherwise += 1;
                if self.shown.len() < SHOWN_MAX {
                    self.shown.push(format!(
                        "{} in branch {} ({:?}): {error:#}",
                        step.label, step.branch, step.expected
                    ));
                }
            }
        }
    }

    /// The reasons for which something was refused, and how often each.
    pub fn reasons(&self) -> &BTreeMap<String, usize> {
        &self.by_reason
    }

    /// Whether every step ended as planned.
    pub fn as_planned(&self) -> Result<String> {
        match self.otherwise {
            0 => Ok(format!("all {}", thousands(self.steps))),
            count => Err(anyhow::anyhow!(
                "{} of {} did not:\n    {}",
                thousands(count),
                thousands(self.steps),
                self.shown.join("\n    ")
            )),
        }
    }

    /// Tells it all.
    pub fn tell(&mut self, took: Duration, report: &mut Report<'_>) -> Result<()> {
        self.calls.sort();
        report.title("What was done")?;
        for (label, count) in &self.by_label {
            report.line(format_args!("{:>8}  {label}", thousands(*count)))?;
        }
        report.title(format_args!("Refused, for {} reasons", self.by_reason.len()))?;
        for (reason, count) in &self.by_reason {
            report.line(format_args!("{:>8}  {reason}", thousands(*count)))?;
        }
        report.title("How it went")?;
        report.line(format_args!(
            "approvals: {} approved, {} rejected, {} refused to the one who would approve",
            self.approved, self.rejected, self.not_approved
        ))?;
        report.line(format_args!("repeats of a request that got the same answer: {}", self.repeats))?;
        let seconds = took.as_secs_f64();
        report.line(format_args!(
            "{} postings in {seconds:.1} s: {:.0} a second",
            thousands(self.postings),
            f64::from(u32::try_from(self.postings)?) / seconds.max(f64::EPSILON)
        ))?;
        report.line(format_args!(
            "{} calls: half of them within {:.1} ms, 99 of 100 within {:.1} ms",
            thousands(self.calls.len()),
            millis(self.percentile(50)),
            millis(self.percentile(99))
        ))?;
        Ok(())
    }

    /// The time within which so many of a hundred calls were answered; the calls are sorted.
    fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.calls.len() * percent).div_ceil(100).max(1);
        self.calls.get(rank - 1).copied().unwrap_or_default()
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_calls() {
        let mut tally = Tally { calls: (1..=200).map(Duration::from_millis).collect(), ..Tally::default() };
        assert_eq!(tally.percentile(50), Duration::from_millis(100));
        assert_eq!(tally.percentile(99), Duration::from_millis(198));
        tally.calls.clear();
        assert_eq!(tally.percentile(50), Duration::ZERO);
    }
}
