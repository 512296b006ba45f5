//! The program of a service: its commands.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use tracing::{error, info};

use super::{
    NoCommand, Proof, Service, Settings, host, letters, migrator, republish, topics as declared_topics,
};
use crate::{
    audit,
    clock::SystemClock,
    db::{self, DbConfig},
    facts::topics,
    ids::UuidV7Ids,
    lifecycle::Lifecycle,
    rpc::probe::{self, Question},
    telemetry,
};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    Well,
    /// It has printed why already.
    Badly,
    /// With an exit code of its own.
    With(u8),
}

#[derive(Debug, Parser)]
struct Arguments<Own: Subcommand> {
    /// A file with settings (TOML), over the defaults and under the environment.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command<Own>,
}

#[derive(Debug, Subcommand)]
enum Command<Own: Subcommand> {
    /// Serves until it is stopped.
    Serve,
    /// Applies the migrations that have not run, as the owner of the tables, and makes the topics that are missing.
    Migrate {
        /// Only this part, for roles that may not do the other.
        #[arg(long)]
        only: Option<Part>,
    },
    /// Makes the topics that are missing, and checks those that exist.
    Topics,
    /// Checks the health of the service that runs here with the same settings: for the probes of an orchestrator.
    Probe {
        question: Question,
        /// Checks the one at this address (host:port) instead.
        #[arg(long)]
        at: Option<String>,
    },
    /// Prints the settings in force, without secrets, or what is wrong with them.
    CheckConfig,
    /// The records that a handler refused permanently.
    #[command(subcommand)]
    DeadLetters(letters::Command),
    /// Publishes what stands on compacted topics again, for readers of a topic that has lost records.
    Republish(republish::Arguments),
    /// Verifies all data of the service, the audit included.
    Verify,
    #[command(flatten)]
    Own(Own),
}

/// The parts of `migrate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The tables, in the database.
    Tables,
    /// The topics, on Kafka.
    Topics,
}

/// Runs the program as its arguments say. The exit code says whether all is well.
pub fn main<S: Service>() -> ExitCode {
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")
        .and_then(|runtime| runtime.block_on(run::<S>()));
    match outcome {
        Ok(Ran::Well) => ExitCode::SUCCESS,
        Ok(Ran::Badly) => ExitCode::FAILURE,
        Ok(Ran::With(code)) => code.into(),
        Err(error) => {
            // When standard error is closed, only the exit code is left.
            drop(writeln!(io::stderr(), "Error: {error:?}"));
            ExitCode::FAILURE
        }
    }
}

async fn run<S: Service>() -> Result<Ran> {
    let matches = Arguments::<S::Command>::command().name(S::NAME).version(S::VERSION).get_matches();
    let arguments = Arguments::<S::Command>::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let settings = Settings::load::<S>(arguments.config.as_deref())?;
    settings.check()?;
    S::check(&settings)?;
    let out = &mut io::stdout();
    match arguments.command {
        Command::Serve => return serve::<S>(&settings).await,
        Command::Migrate { only } => migrate::<S>(&settings, only).await?,
        Command::Topics => migrate::<S>(&settings, Some(Part::Topics)).await?,
        Command::Probe { question, at } => {
            if let Err(unwell) = probe::probe(&settings.rpc, question, at).await {
                writeln!(io::stderr(), "{unwell}")?;
                return Ok(Ran::Badly);
            }
        }
        Command::CheckConfig => writeln!(out, "{settings:#?}")?,
        Command::DeadLetters(command) => {
            return letters::run(&db::connect(&settings.database)?, command, out).await;
        }
        Command::Republish(arguments) => {
            let pool = db::connect(&settings.database)?;
            host::refuse_pending::<S>(&pool).await?;
            republish::run::<S>(&pool, arguments, out).await?;
        }
        Command::Verify => return verify::<S>(&settings, out).await,
        Command::Own(command) => return S::run(command, &settings).await,
    }
    Ok(Ran::Well)
}

async fn serve<S: Service>(settings: &Settings<S::Settings>) -> Result<Ran> {
    let _telemetry = telemetry::init(&settings.telemetry, S::NAME, S::VERSION)?;
    let lifecycle = Lifecycle::new();
    let address = host::start::<S>(settings, Arc::new(SystemClock), Arc::new(UuidV7Ids), &lifecycle).await?;
    info!(%address, "serving");
    let ending = lifecycle.run_until_signal(settings.lifecycle.drain_max()).await;
    if ending.is_clean() {
        info!("stopped");
        return Ok(Ran::Well);
    }
    error!(?ending, "stopped, and not cleanly");
    Ok(Ran::Badly)
}

/// What exists already stays as it is.
async fn migrate<S: Service>(settings: &Settings<S::Settings>, only: Option<Part>) -> Result<()> {
    if only != Some(Part::Topics) {
        let owner = db::connect(&settings.database)?;
        db::migrate(&owner, &migrator::<S>()).await.context("apply the migrations")?;
    }
    if only != Some(Part::Tables) {
        topics::ensure(&settings.kafka, &declared_topics::<S>(&settings.kafka.topics))
            .await
            .context("make the topics")?;
    }
    Ok(())
}

async fn verify<S: Service>(settings: &Settings<S::Settings>, out: &mut impl Write) -> Result<Ran> {
    // It reads everything, however long that takes.
    let pool = db::connect(&DbConfig { statement_timeout_ms: 0, ..settings.database.clone() })?;
    host::refuse_pending::<S>(&pool).await?;
    let mut progress = |line: String| drop(writeln!(io::stderr(), "{line}"));
    let own = match S::verify(&pool, &mut progress).await? {
        Proof::Sound(own) => own,
        Proof::Broken(what) => {
            writeln!(out, "broken: {what}")?;
            return Ok(Ran::Badly);
        }
    };
    match audit::verify(&pool).await {
        Ok(audit) if own.is_empty() => writeln!(out, "sound: {audit}")?,
        Ok(audit) => writeln!(out, "sound: {own}; {audit}")?,
        Err(audit::VerifyError::Broken(broken)) => {
            writeln!(out, "broken: {broken}")?;
            return Ok(Ran::Badly);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Ran::Well)
}

impl NoCommand {
    /// Never called: there is no such command.
    pub fn run(self) -> ! {
        match self {}
    }
}
