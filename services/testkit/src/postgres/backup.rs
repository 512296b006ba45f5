//! Back-up and restore, as an installation would have them: a base backup, and the write-ahead log that is received beside it before
//! any commit is answered.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{Postgres, binary};
use crate::{
    daemon::{Daemon, Program, Signal},
    folder,
    wait::poll,
};

/// What names the receiver of the log to the server, unless it is given another name.
const RECEIVER: &str = "pg_receivewal";

/// A cluster of a test is some hundred megabytes.
const BACKED_UP_WITHIN: Duration = Duration::from_mins(2);
const RESTORED_WITHIN: Duration = Duration::from_mins(2);
const RECEIVED_WITHIN: Duration = Duration::from_secs(30);
const STOP_BOUND: Duration = Duration::from_secs(10);

/// A base backup, and the log since.
#[derive(Debug)]
pub struct Backup {
    base: PathBuf,
    log: PathBuf,
    receiver: Daemon,
}

impl Postgres {
    /// Receives the log from here on, so that each commit waits until it is there too, and then takes a base backup.
    pub async fn back_up(&self) -> Result<Backup> {
        let home = self.home()?;
        let (base, log) = (home.join("base"), home.join("log"));
        for place in [&base, &log] {
            folder::delete(place)?;
            fs::create_dir(place).with_context(|| format!("create {}", place.display()))?;
            if let Some(account) = self.account {
                account.own(place)?;
            }
        }
        let receiver = Daemon::new(RECEIVER, &self.folder);
        receiver.spawn(&self.client(RECEIVER, &log, &["--synchronous", "--no-loop"])?)?;
        self.execute(format!("ALTER SYSTEM SET synchronous_standby_names = '{RECEIVER}'")).await?;
        self.execute("SELECT pg_reload_conf()".to_owned()).await?;
        let in_step =
            poll(RECEIVED_WITHIN, || async { self.is_received().await.unwrap_or(false).then_some(()) });
        in_step
            .await
            .with_context(|| format!("no {RECEIVER} is in step: see {}", receiver.log_file().display()))?;

        let base_backup = Daemon::new("pg_basebackup", &self.folder);
        let _ = fs::remove_dir(&base);
        base_backup.spawn(&self.client(
            "pg_basebackup",
            &base,
            &["--wal-method=none", "--checkpoint=fast"],
        )?)?;
        let done = poll(BACKED_UP_WITHIN, || async { base_backup.running().is_none().then_some(()) });
        done.await.with_context(|| format!("no base backup within {BACKED_UP_WITHIN:?}"))?;
        ensure!(
            base.join("backup_manifest").exists(),
            "there is no base backup:\n{}",
            fs::read_to_string(base_backup.log_file()).unwrap_or_default()
        );
        Ok(Backup { base, log, receiver })
    }

    /// Kills the server and deletes all that it had written.
    pub async fn lose_the_disk(&self) -> Result<()> {
        self.daemon.kill().await?;
        folder::delete(&self.data)
    }

    /// Puts the base backup in the place of what was lost, and has the server read the log to its end. It answers when it takes
    /// writes again, under the address that it had, and nobody receives its log then.
    pub async fn restore(&self, backup: Backup) -> Result<()> {
        backup.receiver.stop(Signal::INT, STOP_BOUND).await?;
        fs::rename(&backup.base, &self.data).context("put the base backup in its place")?;
        let log = backup.log.display();
        // The last file of the log is not whole, and is called so.
        let restore = format!("restore_command = 'cp {log}/%f \"%p\" || cp {log}/%f.partial \"%p\"'\n");
        fs::write(self.data.join("postgresql.auto.conf"), restore)?;
        fs::write(self.data.join("recovery.signal"), "")?;
        if let Some(account) = self.account {
            account.own(&self.data.join("recovery.signal"))?;
        }
        self.start().await?;
        let writes =
            poll(RESTORED_WITHIN, || async { self.takes_writes().await.unwrap_or(false).then_some(()) });
        writes.await.with_context(|| format!("not restored within {RESTORED_WITHIN:?}"))
    }

    /// A client program that writes into a folder.
    fn client(&self, name: &str, into: &Path, options: &[&str]) -> Result<Program> {
        let url = self.url("postgres")?;
        let mut arguments = vec![format!("--dbname={url}"), "-D".to_owned(), into.display().to_string()];
        arguments.extend(options.iter().map(|&option| option.to_owned()));
        let environment = BTreeMap::from([("PGAPPNAME".to_owned(), name.to_owned())]);
        Ok(Program::new(binary(name)?, arguments).with_environment(environment).run_as(self.account))
    }

    fn home(&self) -> Result<&Path> {
        self.data.parent().context("invariant: the cluster is in a folder")
    }

    async fn execute(&self, statement: String) -> Result<()> {
        let mut superuser = PgConnection::connect(&self.url("postgres")?).await?;
        superuser.execute(AssertSqlSafe(statement)).await?;
        Ok(superuser.close().await?)
    }

    async fn is_received(&self) -> Result<bool> {
        let found = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = $1 AND sync_state = 'sync')";
        let mut superuser = PgConnection::connect(&self.url("postgres")?).await?;
        Ok(sqlx::query_scalar(found).bind(RECEIVER).fetch_one(&mut superuser).await?)
    }

    async fn takes_writes(&self) -> Result<bool> {
        let mut superuser = PgConnection::connect(&self.url("postgres")?).await?;
        Ok(sqlx::query_scalar("SELECT NOT pg_is_in_recovery()").fetch_one(&mut superuser).await?)
    }
}
