//! What a run kills: a Postgres, a Kafka and two replicas of the service on it, of this run alone.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use accounting::service::Accounting;
use anyhow::{Context, Result, ensure};
use day::program;
use platform::{
    facts::{KafkaConfig, topics},
    service,
};
use sqlx::{Executor, PgPool};
use testkit::{PrivateBroker, PrivatePostgres, TestDatabase, folder, keys::Issuer};
use tokio::process::Command;

use crate::{
    reader,
    replica::{Replica, setting},
};

/// A walk over the journal of a long run.
const VERIFIED_WITHIN: Duration = Duration::from_mins(5);

/// As many partitions as show that order holds for each key.
const PARTITIONS: i32 = 3;

/// The stack. Everything in it ends with the value.
pub struct Stack {
    pub replicas: [Replica; 2],
    books: TestDatabase,
    reader: TestDatabase,
    pub kafka: KafkaConfig,
    pub broker: PrivateBroker,
    pub postgres: PrivatePostgres,
    pub keys: PathBuf,
    settings: BTreeMap<String, String>,
    _lock: File,
}

impl Stack {
    /// Starts it all. `name` parts the files of runs that may go on at the same time.
    pub async fn start(name: &str) -> Result<Self> {
        let home = folder::local().join("faults").join(name);
        fs::create_dir_all(&home).with_context(|| format!("create {}", home.display()))?;
        let lock = File::create(home.join("lock"))?;
        lock.try_lock().with_context(|| format!("another run uses {}", home.display()))?;
        // What an earlier run moved in is not in the books of this one.
        folder::delete(&home.join("onboarding"))?;
        let keys = home.join("keys");
        Issuer::kept_in(&keys)?;

        let (postgres, broker) = tokio::join!(PrivatePostgres::start(), PrivateBroker::start());
        let migrator = service::migrator::<Accounting>();
        let books = postgres.database(&migrator).await;
        let reader = postgres.database(&migrator).await;
        reader.owner.execute(reader::TABLE).await?;
        let mut kafka = KafkaConfig::plaintext(broker.brokers(), "");
        kafka.topics.partitions = PARTITIONS;
        topics::ensure(&kafka, &service::topics::<Accounting>(&kafka.topics)).await?;

        let settings = settings(&books, &kafka, &keys);
        let replicas = [
            Replica::in_folder(&home.join("first"), &settings)?,
            Replica::in_folder(&home.join("second"), &settings)?,
        ];
        for replica in &replicas {
            // What a killed run has left.
            replica.kill().await?;
            replica.start().await?;
        }
        Ok(Self { replicas, books, reader, kafka, broker, postgres, keys, settings, _lock: lock })
    }

    /// The books, as the service's role sees them.
    pub fn books(&self) -> &PgPool {
        &self.books.dml
    }

    /// What the reader of facts has taken in.
    pub fn reader(&self) -> &PgPool {
        &self.reader.dml
    }

    /// The replica that writes, and the other.
    pub async fn writer(&self) -> Result<(&Replica, &Replica)> {
        let address: Option<String> = sqlx::query_scalar("SELECT address FROM leader")
            .fetch_optional(self.books())
            .await
            .context("who leads")?;
        let [first, second] = &self.replicas;
        Ok(if address.as_ref() == Some(&second.address) { (second, first) } else { (first, second) })
    }

    /// Starts the replicas that do not run.
    pub async fn start_replicas(&self) -> Result<()> {
        let [first, second] = &self.replicas;
        tokio::try_join!(first.start(), second.start())?;
        Ok(())
    }

    /// Runs `accounting verify`, and gives its last line.
    pub async fn verify(&self) -> Result<String> {
        let mut command = Command::new(program::built("accounting")?);
        command.arg("verify").envs(&self.settings).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(VERIFIED_WITHIN, command.output())
            .await
            .with_context(|| format!("no verdict within {VERIFIED_WITHIN:?}"))??;
        let printed = String::from_utf8_lossy(&output.stdout);
        let last = printed.lines().last().unwrap_or_default().to_owned();
        ensure!(output.status.success(), "{last} {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(last)
    }
}

fn settings(books: &TestDatabase, kafka: &KafkaConfig, keys: &std::path::Path) -> BTreeMap<String, String> {
    [
        ("DATABASE__URL", books.dml_url.clone()),
        ("KAFKA__BROKERS", kafka.brokers.clone()),
        ("KAFKA__TOPICS__PARTITIONS", kafka.topics.partitions.to_string()),
        ("AUTH__JWKS_FILE", keys.join("jwks.json").display().to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (setting(key), value))
    .collect()
}
