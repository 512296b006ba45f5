//! Servers of one test's own, to stop, kill and start again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, migrate::Migrator};

use crate::{
    broker::{Broker, SecureListener},
    daemon::Daemon,
    database::{self, TestDatabase},
    folder,
    keys::Certificate,
    names,
    postgres::{Backup, Postgres},
};

/// Where they are: one folder a server, named after the process that it belongs to.
fn home() -> PathBuf {
    folder::local().join("private")
}

/// A folder for what ends with this process at the latest. It is not made yet.
pub(crate) fn new_folder() -> PathBuf {
    home().join(format!("{}-{}", names::this_process(), names::unique()))
}

/// The replica of a service that keeps its pid and log in `folder`.
pub(crate) fn replica_in(folder: &Path) -> Daemon {
    Daemon::new("replica", folder)
}

/// A Kafka broker of a test's own; gone when dropped.
#[derive(Debug)]
pub struct PrivateBroker(Broker, PathBuf);

impl PrivateBroker {
    /// A new broker, which answers.
    pub async fn start() -> Self {
        let folder = new_folder();
        let private = Self(Broker::at(&folder.join("kafka")).expect("a folder for the broker"), folder);
        private.start_again().await;
        private
    }

    /// A new broker with a further listener, over TLS and for one user.
    pub async fn with_secure_listener(listener: SecureListener) -> Self {
        let folder = new_folder();
        let broker = Broker::at(&folder.join("kafka"))
            .expect("a folder for the broker")
            .with_secure_listener(listener);
        let private = Self(broker, folder);
        private.start_again().await;
        private
    }

    /// `bootstrap.servers` of the further listener.
    pub fn secure_brokers(&self) -> String {
        self.0.secure_brokers().expect("invariant: the broker was started with one")
    }

    /// `bootstrap.servers`; the same after a restart.
    pub fn brokers(&self) -> String {
        self.0.brokers().expect("invariant: the broker was started")
    }

    /// Starts the stopped or killed broker, with all that it had written, and returns when it answers.
    pub async fn start_again(&self) {
        self.0.start().await.expect("the broker starts");
    }

    /// Stops the broker in good order.
    pub async fn stop(&self) {
        self.0.stop().await.expect("the broker stops");
    }

    /// Kills the broker, as a power cut would end it.
    pub async fn kill(&self) {
        self.0.kill().await.expect("the broker can be killed");
    }
}

impl Drop for PrivateBroker {
    fn drop(&mut self) {
        database::block_on_a_thread(async {
            self.0.kill().await?;
            self.0.delete()?;
            folder::delete(&self.1)
        });
    }
}

/// A Postgres of a test's own; gone when dropped.
#[derive(Debug)]
pub struct PrivatePostgres(Postgres, PathBuf);

impl PrivatePostgres {
    /// A new server, which answers.
    pub async fn start() -> Self {
        let folder = new_folder();
        let private = Self(Postgres::at(&folder.join("postgres")).expect("a folder for Postgres"), folder);
        private.start_again().await;
        private
    }

    /// A database in it, as [`database()`](crate::database()) makes in the shared server.
    pub async fn database(&self, migrator: &Migrator) -> TestDatabase {
        let url = self.0.url("postgres").expect("invariant: the server was started");
        TestDatabase::in_server(&url, migrator).await.expect("a database in the private server")
    }

    /// Has it speak TLS, and show this certificate.
    pub async fn secure(&self, shown: &Certificate) {
        let url = self.0.url("postgres").expect("invariant: the server was started");
        let mut superuser = PgConnection::connect(&url).await.expect("the server answers");
        // The server's own account must own the files, and it alone may read the key.
        for (file, pem) in [("server.crt", &shown.certificate), ("server.key", &shown.key)] {
            let program = format!("umask 077; cat > {file}");
            let lines = format!("SELECT regexp_split_to_table(trim('{pem}'), E'\\r?\\n')");
            let statement = format!("COPY ({lines}) TO PROGRAM '{program}'");
            superuser.execute(AssertSqlSafe(statement)).await.expect("the file is written");
        }
        for statement in ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
            superuser.execute(statement).await.expect("the server takes it up");
        }
    }

    /// Starts the stopped or killed server, with all that was committed, and returns when it answers.
    pub async fn start_again(&self) {
        self.0.start().await.expect("Postgres starts");
    }

    /// Stops the server in good order; open connections are cut.
    pub async fn stop(&self) {
        self.0.stop().await.expect("Postgres stops");
    }

    /// Kills the server, as a power cut would end it.
    pub async fn kill(&self) {
        self.0.kill().await.expect("Postgres can be killed");
    }

    /// Takes a base backup, and receives the log from here on: no commit is answered that is not there too.
    pub async fn back_up(&self) -> Result<Backup> {
        self.0.back_up().await
    }

    /// Kills the server and deletes all that it had written, as a burnt disk would.
    pub async fn lose_the_disk(&self) -> Result<()> {
        self.0.lose_the_disk().await
    }

    /// Starts the server again from what was backed up, with the log to its end, and returns when it takes writes.
    pub async fn restore(&self, backup: Backup) -> Result<()> {
        self.0.restore(backup).await
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        database::block_on_a_thread(async {
            self.0.kill().await?;
            self.0.delete()?;
            folder::delete(&self.1)
        });
    }
}

/// Ends the private servers and the replicas of test processes that are gone, and deletes their files.
pub async fn sweep() -> Result<()> {
    for entry in fs::read_dir(home()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let belongs_to = name.to_str().and_then(|name| name.split_once('-')).map_or("", |(mark, _)| mark);
        if names::is_running(belongs_to) {
            continue;
        }
        let folder = entry.path();
        if folder.join("postgres").is_dir() {
            let postgres = Postgres::at(&folder.join("postgres"))?;
            postgres.kill().await?;
            postgres.delete()?;
        }
        if folder.join("kafka").is_dir() {
            Broker::at(&folder.join("kafka"))?.kill().await?;
        }
        replica_in(&folder).kill().await?;
        folder::delete(&folder)?;
    }
    Ok(())
}
