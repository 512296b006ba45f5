//! A replica of the service, as a process of its own.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use day::program;
use testkit::{
    daemon::{Daemon, Program, Signal},
    ports,
};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};

/// A service checks its migrations and listens; on two busy cores that takes seconds.
const START_BOUND: Duration = Duration::from_mins(1);

/// How long one connection may take, so that a dead replica is found out.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// A replica. The process is killed when this is dropped.
pub struct Replica {
    pub address: String,
    pub channel: Channel,
    daemon: Daemon,
    settings: BTreeMap<String, String>,
}

impl Replica {
    /// A replica that keeps its port, pid and log in `folder`. It is not started.
    pub fn in_folder(folder: &Path, settings: &BTreeMap<String, String>) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let address = format!("127.0.0.1:{}", ports::kept_in(&folder.join("port"))?);
        let mut settings = settings.clone();
        settings.insert(setting("RPC__LISTEN"), address.clone());
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.connect_timeout(CONNECT_MAX);
        let daemon = Daemon::new("accounting", folder);
        Ok(Self { address, channel: endpoint.connect_lazy(), daemon, settings })
    }

    /// Starts it unless it runs, and returns when it listens.
    pub async fn start(&self) -> Result<()> {
        if self.daemon.running().is_some() {
            return Ok(());
        }
        let program = Program::new(program::built("accounting")?, vec!["serve".to_owned()]);
        self.daemon.spawn(&program.with_environment(self.settings.clone()))?;
        let listens = || async { TcpStream::connect(&self.address).await.is_ok() };
        self.daemon.wait_until_ready(START_BOUND, listens).await
    }

    /// Kills it, as a power cut would.
    pub async fn kill(&self) -> Result<()> {
        self.daemon.kill().await
    }

    /// Halts it, with its connections open.
    pub fn halt(&self) -> Result<()> {
        self.daemon.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn wake(&self) -> Result<()> {
        self.daemon.signal(Signal::CONT)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // One that does not run has nothing to kill.
        drop(self.daemon.signal(Signal::KILL));
    }
}

/// The environment variable of a setting of the service.
pub fn setting(key: &str) -> String {
    format!("COUNTINGHOUSE_ACCOUNTING__{key}")
}
