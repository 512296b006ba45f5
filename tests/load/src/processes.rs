//! What the processes of the stack take of the machine: memory, and time of its processors.

use std::{collections::HashSet, fs};

use anyhow::{Context, Result};

use crate::{arguments::Endpoints, number::real};

/// The unit of `/proc/<pid>/stat`, the same on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// The processes that share the machine.
#[derive(Debug, Clone)]
pub struct Processes {
    accounting: u32,
    postgres: u32,
    kafka: u32,
}

/// Seconds of processor time that each has taken since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProcessorTime {
    pub accounting: f64,
    /// With its children: each connection is one.
    pub postgres: f64,
    pub kafka: f64,
    /// This program.
    pub client: f64,
}

impl ProcessorTime {
    /// What was taken since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            accounting: self.accounting - earlier.accounting,
            postgres: self.postgres - earlier.postgres,
            kafka: self.kafka - earlier.kafka,
            client: self.client - earlier.client,
        }
    }

    /// In words, as microseconds for each of `count` things.
    pub fn each(&self, count: u64) -> String {
        let micros = |seconds: f64| seconds * 1e6 / real(count.max(1));
        format!(
            "processor time of each: accounting {:.1} µs, postgres {:.1} µs, kafka {:.1} µs, client {:.1} µs",
            micros(self.accounting),
            micros(self.postgres),
            micros(self.kafka),
            micros(self.client)
        )
    }
}

impl Processes {
    pub fn of(stack: &Endpoints) -> Self {
        Self { accounting: stack.accounting_pid, postgres: stack.postgres_pid, kafka: stack.kafka_pid }
    }

    /// The most memory that accounting ever had, in MiB.
    pub fn resident_mib_max(&self) -> Result<f64> {
        let pid = self.accounting;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))
            .with_context(|| format!("accounting (process {pid}) does not run any more"))?;
        let kib = resident_kib_max(&status).context("the kernel does not tell a process's memory")?;
        Ok(real(kib) / 1024.0)
    }

    /// Processor time so far.
    pub fn time(&self) -> Result<ProcessorTime> {
        let children = self.children_of_postgres();
        let mut postgres = seconds(&self.postgres.to_string())?;
        // A connection that ends meanwhile is counted by its parent from then on.
        postgres += children.iter().filter_map(|pid| seconds(pid).ok()).sum::<f64>();
        Ok(ProcessorTime {
            accounting: seconds(&self.accounting.to_string())?,
            postgres,
            kafka: seconds(&self.kafka.to_string())?,
            client: seconds("self")?,
        })
    }

    fn children_of_postgres(&self) -> HashSet<String> {
        let pid = self.postgres;
        let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        list.split_whitespace().map(str::to_owned).collect()
    }
}

fn seconds(pid: &str) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} does not run"))?;
    let ticks = ticks(&stat).context("the kernel does not tell a process's time")?;
    Ok(real(ticks) / TICKS_A_SECOND)
}

/// User and system time of a process and of its children that have ended.
fn ticks(stat: &str) -> Option<u64> {
    // The name, in parentheses, may hold anything; the state follows it, and 10 fields later the times.
    let (_, fields) = stat.rsplit_once(") ")?;
    let times: Vec<u64> =
        fields.split(' ').skip(11).take(4).map(str::parse).collect::<Result<_, _>>().ok()?;
    (times.len() == 4).then(|| times.iter().sum())
}

fn resident_kib_max(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_the_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 30 20 20 0 9 0 12345 1000 200";
        assert_eq!(ticks(stat), Some(350));
        assert_eq!(ticks("7 (a) S 1 7"), None);
    }

    #[test]
    fn the_peak_of_memory_is_read() {
        assert_eq!(resident_kib_max("VmPeak:\t 99 kB\nVmHWM:\t   20480 kB\nVmRSS:\t 10 kB\n"), Some(20_480));
        assert_eq!(resident_kib_max("VmRSS:\t 10 kB\n"), None);
    }

    #[test]
    fn time_is_told_for_each() {
        let time = ProcessorTime { accounting: 3.0, postgres: 2.0, kafka: 1.0, client: 0.5 };
        let shown = time.since(&ProcessorTime { accounting: 1.0, ..ProcessorTime::default() }).each(100_000);
        assert_eq!(
            shown,
            "processor time of each: accounting 20.0 µs, postgres 20.0 µs, kafka 10.0 µs, client 5.0 µs"
        );
    }

    #[test]
    fn this_process_has_taken_time() {
        assert!(seconds("self").is_ok());
    }
}
