//! A replica of the service as a process of its own, to kill, halt and wake.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::atomic::{AtomicU32, Ordering},
};

use testkit::{
    daemon::{Daemon, Program, Signal},
    ports, wait_for,
};
use tokio::process::Command;
use tonic::transport::{Channel, Endpoint};

use super::{BOUND, Bank};

/// A process that serves the books of a bank; killed when dropped.
pub struct Replica {
    pub address: String,
    pub channel: Channel,
    daemon: Daemon,
    folder: PathBuf,
}

impl Replica {
    /// Starts one on the books of `bank`, and waits until it answers.
    pub async fn of(bank: &Bank) -> Replica {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("replica-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("a folder for the replica");
        let port = ports::kept_in(&folder.join("port")).expect("a free port");
        let address = format!("127.0.0.1:{port}");
        let daemon = Daemon::new("accounting", &folder);
        let program = Program::new(env!("CARGO_BIN_EXE_accounting"), vec!["serve".to_owned()]);
        daemon.spawn(&program.with_environment(settings(bank, &address))).expect("the replica starts");
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address is a URL");
        let answers = || async { endpoint.connect().await.is_ok() };
        daemon.wait_until_ready(BOUND, answers).await.expect("the replica serves");
        Replica { address, channel: endpoint.connect_lazy(), daemon, folder }
    }

    /// Waits until it writes the book.
    pub async fn leads(&self, bank: &Bank) {
        wait_for(BOUND, "the replica to lead", || async {
            (writer(bank).await.as_ref() == Some(&self.address)).then_some(())
        })
        .await;
    }

    /// What the service's own program says when it is asked how this one is.
    pub async fn asked(&self, bank: &Bank, question: &str) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_accounting"));
        program.args(["probe", question]).envs(settings(bank, &self.address));
        program.output().await.expect("the program runs")
    }

    /// Ends it as a power cut would.
    pub async fn kill(&self) {
        self.daemon.kill().await.expect("the replica can be killed");
    }

    /// Halts it, with all connections open.
    pub fn halt(&self) {
        self.daemon.signal(Signal::STOP).expect("the replica can be halted");
    }

    /// Lets it go on where it was halted.
    pub fn wake(&self) {
        self.daemon.signal(Signal::CONT).expect("the replica can be woken");
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // One that was killed already has no process to signal.
        drop(self.daemon.signal(Signal::KILL));
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The address of the replica that writes the book.
async fn writer(bank: &Bank) -> Option<String> {
    sqlx::query_scalar("SELECT address FROM leader")
        .fetch_optional(&bank.database.dml)
        .await
        .expect("the row")
}

fn settings(bank: &Bank, address: &str) -> BTreeMap<String, String> {
    let config = &bank.config;
    [
        ("DATABASE__URL", config.database.url.expose().to_owned()),
        ("KAFKA__BROKERS", config.kafka.brokers.clone()),
        ("KAFKA__TOPIC_PREFIX", config.kafka.topic_prefix.clone()),
        ("KAFKA__TOPICS__PARTITIONS", config.kafka.topics.partitions.to_string()),
        ("RPC__LISTEN", address.to_owned()),
        ("AUTH__JWKS_FILE", config.auth.jwks_file.display().to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (format!("COUNTINGHOUSE_ACCOUNTING__{key}"), value))
    .collect()
}
