//! What the program can be asked to do.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::{Subcommand, ValueEnum};
use platform::{
    clock::SystemClock,
    db::{self, DbConfig},
    dead_letters,
    facts::topics,
    ids::UuidV7Ids,
    lifecycle::Lifecycle,
    rpc::probe::{self, Question},
    telemetry,
};
use tracing::{error, info};

use crate::{
    SERVICE,
    app::verify::{self, Failed, Progress},
    config::Config,
    events, import,
    startup::{self, Basis},
};

/// Dead letters that one call lists.
const LETTERS_MAX: i64 = 500;

/// What the program can be asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves until it is told to stop.
    Serve,
    /// Applies the migrations that have not run, as the owner of the tables, and makes the topics that are missing.
    Migrate {
        /// Only this, for roles that may do no more.
        #[arg(long)]
        only: Option<Part>,
    },
    /// Asks the service that runs here, with the same settings, how it is: for the probes of an orchestrator.
    Probe {
        question: Question,
        /// Asks the one at this address (host:port) instead.
        #[arg(long)]
        at: Option<String>,
    },
    /// Says which settings are in force, secrets aside, or what is wrong with them.
    CheckConfig,
    /// Lists the records that a handler refused for good and nobody has dealt with, oldest first.
    DeadLetters {
        /// The handler's name.
        handler: String,
        /// Begins after the letter of this number.
        #[arg(long, default_value_t = 0)]
        after: i64,
    },
    /// Walks the whole journal and the whole audit, and recomputes every balance.
    Verify,
    /// Moves accounts or postings in from a file, through the API of a service that runs.
    Import(Box<import::arguments::Arguments>),
}

/// What `migrate` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The tables, in the database.
    Tables,
    /// The topics, on Kafka.
    Topics,
}

impl Command {
    /// Does it. The exit code says whether all is well.
    pub async fn run(self, config: &Config) -> Result<ExitCode> {
        config.check()?;
        let out = &mut io::stdout();
        match self {
            Command::Serve => return serve(config).await,
            Command::Migrate { only } => migrate(config, only).await?,
            Command::Probe { question, at } => {
                return answer(probe::ask(&config.rpc, question, at).await, &mut io::stderr());
            }
            Command::CheckConfig => writeln!(out, "{config:#?}")?,
            Command::DeadLetters { handler, after } => list_letters(config, &handler, after, out).await?,
            Command::Verify => return verify(config, out).await,
            Command::Import(arguments) => return import::run(&arguments, out).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn serve(config: &Config) -> Result<ExitCode> {
    let _telemetry = telemetry::init(&config.telemetry, SERVICE, env!("CARGO_PKG_VERSION"))?;
    let lifecycle = Lifecycle::new();
    let basis = Basis { clock: Arc::new(SystemClock), ids: Arc::new(UuidV7Ids) };
    let address = startup::start(config, basis, &lifecycle).await?;
    info!(%address, "serving");
    let ending = lifecycle.run_until_signal(config.lifecycle.drain_max()).await;
    if ending.is_clean() {
        info!("stopped");
        return Ok(ExitCode::SUCCESS);
    }
    error!(?ending, "stopped, and not as asked");
    Ok(ExitCode::FAILURE)
}

/// Both may be there already: then nothing happens.
async fn migrate(config: &Config, only: Option<Part>) -> Result<()> {
    if only != Some(Part::Topics) {
        let owner = db::connect(&config.database)?;
        db::migrate(&owner, &startup::migrator()).await.context("apply the migrations")?;
    }
    if only != Some(Part::Tables) {
        let declared = events::topics(&config.kafka.topics);
        topics::ensure(&config.kafka, &declared).await.context("make the topics")?;
    }
    Ok(())
}

/// Says on one line why the answer is no.
fn answer(answered: Result<(), probe::Unwell>, out: &mut impl Write) -> Result<ExitCode> {
    match answered {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(unwell) => {
            writeln!(out, "{unwell}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn list_letters(config: &Config, handler: &str, after: i64, out: &mut impl Write) -> Result<()> {
    let pool = db::connect(&config.database)?;
    let letters = dead_letters::list(&pool, handler, after, LETTERS_MAX).await?;
    for letter in &letters {
        let record = &letter.record;
        let place = format!("{}[{}]@{}", record.topic, record.partition, record.offset);
        writeln!(out, "{:>8}  {}  {place}  {}", letter.number, letter.failed_at, letter.reason)?;
    }
    writeln!(out, "{} letters", letters.len())?;
    Ok(())
}

async fn verify(config: &Config, out: &mut impl Write) -> Result<ExitCode> {
    // It reads everything, and may take as long as that takes.
    let pool = db::connect(&DbConfig { statement_timeout_ms: 0, ..config.database.clone() })?;
    let pending = db::pending(&pool, &startup::migrator()).await?;
    if !pending.is_empty() {
        bail!("migrations have not run: {}", pending.join(", "));
    }
    let told = |progress: Progress| writeln!(io::stderr(), "{progress}");
    match verify::all(&pool, told).await {
        Ok(sound) => {
            writeln!(out, "{sound}")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(Failed::Unsound(unsound)) => {
            writeln!(out, "broken: {unsound}")?;
            Ok(ExitCode::FAILURE)
        }
        Err(failed) => Err(failed.into()),
    }
}
