//! A replica of the service as a process of its own, to kill, halt and wake.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::atomic::{AtomicU32, Ordering},
};

use testkit::{
    Collector,
    daemon::{Daemon, Program, Signal},
    keys::Authority,
    ports, wait_for,
};
use tokio::process::Command;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::{BOUND, BankFixture};

/// A process that serves the books of a bank; killed when dropped.
pub struct Replica {
    pub address: String,
    pub channel: Channel,
    daemon: Daemon,
    folder: PathBuf,
}

impl Replica {
    /// Starts one on the books of `bank`, and waits until it answers.
    pub async fn of(bank: &BankFixture) -> Replica {
        let (folder, address) = place();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address is a URL");
        let settings = settings(bank, &address);
        Replica::start(folder, address, &["serve"], settings, endpoint).await
    }

    /// Starts one that tells all it does to a collector, has a certificate, and takes in the facts on these topics.
    pub async fn telling(bank: &BankFixture, collector: &Collector, facts: &[&str]) -> Replica {
        let (folder, address) = place();
        let authority = Authority::generate();
        authority.service("accounting").write(&folder, "server").expect("certificates can be written");
        fs::write(folder.join("ca.pem"), authority.certificate()).expect("certificates can be written");
        let file = folder.join("config.toml");
        fs::write(&file, format!("[facts]\ntopics = {facts:?}\n")).expect("settings can be written");
        let mut settings = settings(bank, &address);
        let path = |name: &str| folder.join(name).display().to_string();
        settings.extend(
            [
                ("COUNTINGHOUSE_ACCOUNTING__RPC__TLS_CERTIFICATE_FILE", path("server.pem")),
                ("COUNTINGHOUSE_ACCOUNTING__RPC__TLS_KEY_FILE", path("server.key.pem")),
                ("COUNTINGHOUSE_ACCOUNTING__RPC__TLS_CLIENT_CA_FILE", path("ca.pem")),
                ("COUNTINGHOUSE_ACCOUNTING__TELEMETRY__OTLP_ENDPOINT", collector.endpoint().to_owned()),
                ("COUNTINGHOUSE_ACCOUNTING__TELEMETRY__TRACE_RATIO", "0".to_owned()),
                ("COUNTINGHOUSE_ACCOUNTING__TELEMETRY__METRICS_EVERY_MS", "200".to_owned()),
                ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(authority.certificate()))
            .domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://{address}")).expect("an address is a URL");
        let endpoint = endpoint.tls_config(tls).expect("certificates are sound");
        let file = file.display().to_string();
        Replica::start(folder, address, &["serve", "--config", &file], settings, endpoint).await
    }

    async fn start(
        folder: PathBuf,
        address: String,
        arguments: &[&str],
        settings: BTreeMap<String, String>,
        endpoint: Endpoint,
    ) -> Replica {
        let daemon = Daemon::new("accounting", &folder);
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let program = Program::new(env!("CARGO_BIN_EXE_accounting"), arguments);
        daemon.spawn(&program.with_environment(settings)).expect("the replica starts");
        let answers = || async { endpoint.connect().await.is_ok() };
        daemon.wait_until_ready(BOUND, answers).await.expect("the replica serves");
        Replica { address, channel: endpoint.connect_lazy(), daemon, folder }
    }

    /// Waits until it writes the book.
    pub async fn leads(&self, bank: &BankFixture) {
        wait_for(BOUND, "the replica to lead", || async {
            (writer(bank).await.as_ref() == Some(&self.address)).then_some(())
        })
        .await;
    }

    /// What the service's own program says when it is asked how this one is.
    pub async fn probe(&self, bank: &BankFixture, question: &str) -> Output {
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

/// A folder and an address for a replica.
fn place() -> (PathBuf, String) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("replica-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder for the replica");
    let port = ports::kept_in(&folder.join("port")).expect("a free port");
    (folder, format!("127.0.0.1:{port}"))
}

/// The address of the replica that writes the book.
async fn writer(bank: &BankFixture) -> Option<String> {
    sqlx::query_scalar("SELECT address FROM leader")
        .fetch_optional(&bank.database.dml)
        .await
        .expect("the row")
}

fn settings(bank: &BankFixture, address: &str) -> BTreeMap<String, String> {
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
