//! A private Postgres cluster: loopback TCP on a port of its own, password authentication, `fsync` on.

mod backup;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use sqlx::{Connection, PgConnection};

pub use self::backup::Backup;
use crate::{
    account::Account,
    daemon::{Daemon, Pid, Program, Signal},
    folder, ports,
};

/// Crash recovery of what a day of tests leaves in the write-ahead log takes seconds; a minute is a broken disk.
const START_BOUND: Duration = Duration::from_mins(1);

/// A fast shutdown writes one checkpoint.
const STOP_BOUND: Duration = Duration::from_secs(30);

/// Every test holds a few connections, and two test binaries may run at once.
const CONNECTIONS_MAX: &str = "max_connections=400";

/// A Postgres cluster in a folder. The value is a handle: dropping it leaves the server as it is.
#[derive(Debug)]
pub struct Postgres {
    /// The port, the password and the pid.
    folder: PathBuf,
    /// The cluster itself.
    data: PathBuf,
    /// What it listens on.
    address: String,
    account: Option<Account>,
    daemon: Daemon,
}

impl Postgres {
    /// The cluster in `folder`, which is made when it is not there. Starts nothing.
    pub fn at(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let account = Account::for_postgres()?;
        let home = match account {
            Some(account) if !account.can_enter(&folder) => folder::open_to_all(&folder)?,
            _ => folder.clone(),
        };
        if let Some(account) = account {
            account.own(&home)?;
        }
        let data = home.join("data");
        let daemon = Daemon::new("postgres", &folder);
        Ok(Self { folder, data, address: ports::LOOPBACK.to_owned(), account, daemon })
    }

    /// The same, on another address of this machine, which whoever is next to it reaches.
    #[must_use]
    pub fn on(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }

    /// Starts the server unless it runs, and returns when it answers. The first start makes the cluster.
    pub async fn start(&self) -> Result<()> {
        if self.daemon.running().is_none() {
            if !self.data.join("PG_VERSION").exists() {
                self.initialise()?;
            }
            self.forget_stale_pid();
            let port = ports::kept_in(&self.folder.join("port"))?;
            let listen = format!("listen_addresses={}", self.address);
            let mut arguments = vec!["-D".to_owned(), self.data.display().to_string()];
            for setting in [
                &format!("port={port}"),
                &listen,
                "unix_socket_directories=",
                CONNECTIONS_MAX,
                "shared_buffers=1GB",
                "max_wal_size=4GB",
                "timezone=UTC",
                "log_timezone=UTC",
            ] {
                arguments.extend(["-c".to_owned(), setting.to_owned()]);
            }
            self.daemon.spawn(&Program::new(binary("postgres")?, arguments).run_as(self.account))?;
        }
        let url = self.url("postgres")?;
        self.daemon.wait_until_ready(START_BOUND, || async { answers(&url).await }).await
    }

    /// Stops the server in good order; open connections are cut.
    pub async fn stop(&self) -> Result<()> {
        self.daemon.stop(Signal::INT, STOP_BOUND).await
    }

    /// Kills the server and its children, as a power cut would end them.
    pub async fn kill(&self) -> Result<()> {
        self.daemon.kill().await
    }

    /// Whether the server process is there.
    pub fn is_running(&self) -> bool {
        self.daemon.running().is_some()
    }

    /// The server process, if it runs; its connections are its children.
    pub fn process(&self) -> Option<Pid> {
        self.daemon.running()
    }

    /// A program of Postgres: of the newest version that Debian has installed, else from the path.
    pub fn program(name: &str) -> Result<PathBuf> {
        binary(name)
    }

    /// Deletes the cluster. The server must be stopped.
    pub fn delete(&self) -> Result<()> {
        folder::delete(self.data.parent().context("invariant: the cluster is in a folder")?)?;
        folder::delete(&self.folder)
    }

    /// Where `database` is, for the superuser.
    pub fn url(&self, database: &str) -> Result<String> {
        self.url_as("postgres", &self.kept("password")?, database)
    }

    /// Where `database` is, for `role`.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> Result<String> {
        Ok(format!("postgres://{role}:{password}@{}:{}/{database}", self.address, self.kept("port")?))
    }

    fn kept(&self, name: &str) -> Result<String> {
        let file = self.folder.join(name);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("read {}: was Postgres started?", file.display()))?;
        Ok(text.trim().to_owned())
    }

    /// Postgres refuses to start while the pid in its lock file is alive, and after a restart of the machine that may be
    /// any process.
    fn forget_stale_pid(&self) {
        let lock_file = self.data.join("postmaster.pid");
        let text = fs::read_to_string(&lock_file).unwrap_or_default();
        let pid = text.lines().next().and_then(|line| line.trim().parse::<u32>().ok());
        if pid.is_some_and(|pid| is_someone_else(pid, &self.data)) {
            let _ = fs::remove_file(lock_file);
        }
    }

    fn initialise(&self) -> Result<()> {
        // What an interrupted attempt left would be refused.
        folder::delete(&self.data)?;
        let password = self.folder.join("password");
        folder::kept_secret(&password)?;
        if let Some(account) = self.account {
            account.own(&password)?;
        }
        let mut command = Command::new(binary("initdb")?);
        command.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]);
        command.args(["--data-checksums", "--pgdata"]).arg(&self.data).current_dir("/");
        // Read by initdb from its standard input: its path may be closed to the account that initdb runs as.
        command.arg("--pwfile=/dev/stdin").stdin(fs::File::open(&password)?);
        if let Some(account) = self.account {
            account.run(&mut command);
        }
        let output = command.output().context("run initdb")?;
        if !output.status.success() {
            bail!("initdb failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        // For one that listens on more than the loopback address.
        let mut rules = fs::OpenOptions::new().append(true).open(self.data.join("pg_hba.conf"))?;
        writeln!(rules, "host all all samenet scram-sha-256").context("let neighbours in")
    }
}

/// Whether `pid` is alive and is no Postgres of `data`.
fn is_someone_else(pid: u32, data: &Path) -> bool {
    let Ok(arguments) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    !arguments.split(|byte| *byte == 0).any(|argument| argument == data.as_os_str().as_encoded_bytes())
}

async fn answers(url: &str) -> bool {
    match PgConnection::connect(url).await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}

/// A program of Postgres: of the newest version that Debian has installed, else from the path.
fn binary(name: &str) -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin").join(name)))
        })
        .filter(|(_, path)| path.exists())
        .max();
    if let Some((_, path)) = debian {
        return Ok(path);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.exists())
        .with_context(|| format!("there is no `{name}`: run scripts/setup"))
}
