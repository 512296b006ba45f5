//! `make kube-test`: the release is installed on the cluster as a bank would install it, and then killed, drained, upgraded,
//! misconfigured and removed, under load where that matters. Each figure is printed; a goal that is missed is an error.
//!
//! | module | what it is for |
//! |---|---|
//! | [`image`] | what is in the image, and what is not |
//! | [`release`] | the release, by Helm |
//! | [`pods`] | its pods, and which of them writes |
//! | [`load`] | callers that ask for a posting every so often, and repeat until it is acknowledged |
//! | [`round`] | something done to the release under load, and the proof that nothing was lost or doubled |
//! | [`acts`] | what is done |
//! | [`trials`] | what is tried without load: a wrong value, removing and installing again |

mod acts;
mod image;
mod load;
mod pods;
mod release;
mod round;
mod trials;

use std::{io, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use day::{program, report::Report};
use faults::customers::Customers;
use sqlx::{PgPool, postgres::PgPoolOptions};
use testkit::services::names;
use tokio::process::Command;

use crate::{home, images, namespace, progress::Progress, up};
use acts::Act;
use release::Release;
use round::{Ground, Round};

/// The service that is tried.
const SERVICE: &str = "accounting";

/// The version that is installed first: the workspace's, which is the chart's own default.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The part of the rate that must really come about.
const RATE_PERCENT_MIN: u64 = 90;

/// How long a rollout may take: pods are replaced one by one, each drained and started.
const ROLLED_OUT_WITHIN: Duration = Duration::from_mins(4);

/// What it is upgraded to: another image of the same programs.
fn next_version() -> String {
    format!("{VERSION}-next")
}

/// What the test does with the cluster.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Transfers sent in a second.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub rate: u32,
    /// How long the load runs before and after what is done to the release, in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub steady_s: u64,
    /// The longest time without an answer that is let pass, in milliseconds.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub gap_max_ms: u64,
    /// What is done to the release under load, parted by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Act::ALL)]
    pub acts: Vec<Act>,
    /// Leaves the banking day out.
    #[arg(long)]
    pub without_day: bool,
    /// Uses the images that are there, rather than building them.
    #[arg(long)]
    pub images_as_they_are: bool,
}

impl Options {
    fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!("--rate={}", self.rate),
            format!("--steady-s={}", self.steady_s),
            format!("--gap-max-ms={}", self.gap_max_ms),
            "--images-as-they-are".to_owned(),
        ];
        words.extend(self.acts.iter().map(|act| format!("--acts={act}")));
        words.extend(self.without_day.then(|| "--without-day".to_owned()));
        words
    }
}

/// Builds the images where the registries are, and goes on in the cluster's network. Whether everything held.
pub async fn test(options: &Options) -> Result<bool> {
    if home::named_kubeconfig().is_some() {
        bail!(
            "kube-test puts load on a cluster and kills what runs in it, so it uses none but its own: unset KUBECONFIG and run \
             `make cluster`"
        );
    }
    if !namespace::is_here() {
        if !options.images_as_they_are {
            let progress = Progress::start();
            for version in [VERSION.to_owned(), next_version()] {
                progress.say(format_args!("building the images, version {version}"));
                print!("{}", images::build(&version).await?);
            }
        }
        let words: Vec<String> = ["test".to_owned()].into_iter().chain(options.words()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        return Ok(namespace::again(&words).await?.success());
    }
    let mut out = io::stdout();
    let mut report = Report::to(&mut out);
    let outcome = within(options, &mut report).await;
    if let Err(error) = &outcome {
        report.line(format_args!("what the pods say:\n{}", pods::last_words().await))?;
        report.check("the test ran to its end", Err(anyhow::anyhow!("{error:#}")))?;
    }
    report.title(match report.failed() {
        [] => "Every check held.".to_owned(),
        failed => format!("FAILED: {}", failed.join(", ")),
    })?;
    Ok(report.failed().is_empty())
}

async fn within(options: &Options, report: &mut Report<'_>) -> Result<()> {
    report.title("The images")?;
    for version in [VERSION.to_owned(), next_version()] {
        images::load(&version).await?;
    }
    for service in names() {
        image::check(service, VERSION, report).await?;
    }

    report.title("The release")?;
    let places = up::stack().await?;
    let release = Release::on(&places)?;
    release.prepare().await?;
    report.check("Helm installs it, and its own test passes", release.install().await)?;
    pods::check(report).await?;

    if !options.without_day {
        report.check("the banking day", banking_day(&release).await)?;
    }

    report.title(format_args!("Under {} transfers a second", options.rate))?;
    let address = release.address().await?;
    let customers = Arc::new(Customers::provide(&address, &release.keys, report).await?);
    let pool = books(&release).await?;
    let ground = Ground { release: &release, address, customers, books: pool, options };
    let mut rounds = Vec::new();
    for act in options.acts.iter().copied() {
        let round = ground.round(act).await;
        report.check(
            act.name(),
            round.as_ref().map(ToString::to_string).map_err(|error| anyhow::anyhow!("{error:#}")),
        )?;
        // What a round has left half done would be taken for the next one's doing.
        rounds.push(round.with_context(|| act.name())?);
    }
    report.check("the longest time without an answer", gap(&rounds, options))?;
    report.check("the load was as requested", rate(&rounds, options))?;

    report.title("A wrong value, and removing and installing again")?;
    report.check("a wrong value stops the rollout", trials::wrong_value(&ground).await)?;
    report.check("data outlive the release", trials::install_again(&ground).await)?;
    Ok(())
}

fn gap(rounds: &[Round], options: &Options) -> Result<String> {
    let gap = rounds.iter().map(|round| round.gap.as_millis()).max().unwrap_or_default();
    ensure!(
        gap < u128::from(options.gap_max_ms),
        "{gap} ms, and less than {} ms is the goal",
        options.gap_max_ms
    );
    Ok(format!("{gap} ms"))
}

/// Less than was meant would be another test.
fn rate(rounds: &[Round], options: &Options) -> Result<String> {
    let rate = rounds.iter().map(|round| round.rate).min().unwrap_or_default();
    let rate_min = u64::from(options.rate) * RATE_PERCENT_MIN / 100;
    ensure!(rate >= rate_min, "{rate} postings a second in the slowest round, and {rate_min} are the least");
    Ok(format!("{rate} postings a second in the slowest round"))
}

/// The bank's day against the cluster, as `make run` has it on this machine.
async fn banking_day(release: &Release) -> Result<String> {
    let mut command = Command::new(program::built("day")?);
    command.args(["--grpc", &release.address().await?]).envs(&release.places).kill_on_drop(true);
    namespace::succeeded(command.status().await?)?;
    Ok("every check of it held (above)".to_owned())
}

/// The books, to look at the journal behind the service's back.
async fn books(release: &Release) -> Result<PgPool> {
    let url = release.place("ACCOUNTING_DATABASE_URL")?;
    PgPoolOptions::new().max_connections(4).connect(url).await.context("the books")
}
