//! Postgres's own benchmark: a bank that updates rows, one transaction at a time.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::Cluster;
use crate::figure::Figure;

const DATABASE: &str = "baseline_pgbench";

/// A million accounts.
const SCALE: u32 = 10;

/// More than two processors keep busy, and so few that the ten branches do not make them queue all the time.
const CLIENTS: u32 = 8;

const THREADS: u32 = 2;

/// Runs `pgbench`'s built-in TPC-B-like script.
pub async fn tpcb(cluster: &Cluster, time: Duration) -> Result<Figure> {
    cluster.make(DATABASE).await?;
    run(cluster, &["--initialize", "--quiet", &format!("--scale={SCALE}")]).await?;
    cluster.settle().await?;
    let report = run(
        cluster,
        &[
            &format!("--client={CLIENTS}"),
            &format!("--jobs={THREADS}"),
            &format!("--time={}", time.as_secs()),
        ],
    )
    .await?;
    cluster.drop(DATABASE).await?;
    let rate = rate(&report).with_context(|| format!("pgbench printed no rate:\n{report}"))?;
    Ok(Figure::of("pgbench_tpcb", rate, "transactions/s"))
}

async fn run(cluster: &Cluster, options: &[&str]) -> Result<String> {
    let mut command = Command::new(testkit::Postgres::program("pgbench")?);
    command.args(["--host", &cluster.host, "--port", &cluster.port, "--username", &cluster.user]);
    command
        .args(options)
        .arg(DATABASE)
        .env("PGPASSWORD", &cluster.password)
        .current_dir("/")
        .kill_on_drop(true);
    let output = command.output().await.context("run pgbench")?;
    ensure!(output.status.success(), "pgbench failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The rate in what pgbench reports.
fn rate(report: &str) -> Option<f64> {
    let line = report.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read() {
        let report = "latency average = 2.1 ms\ninitial connection time = 9.4 ms\ntps = 12.5 (without initial connection time)\n";
        assert_eq!(rate(report), Some(12.5));
        assert_eq!(rate("pgbench: error"), None);
    }
}
