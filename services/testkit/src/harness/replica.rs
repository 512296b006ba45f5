use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use platform::service::Service;
use tokio::process::Command;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::{BOUND, ServiceHarness};
use crate::{
    Collector,
    daemon::{Daemon, Program, Signal},
    keys::Authority,
    ports, private,
};

/// A replica of a service as a process of its own, to kill, halt and wake; killed when dropped.
pub struct Replica {
    pub address: String,
    pub channel: Channel,
    program: PathBuf,
    settings: BTreeMap<String, String>,
    daemon: Daemon,
    folder: PathBuf,
}

impl Replica {
    /// Starts `program` on the data of a harness, and waits until it answers.
    pub async fn of<S: Service>(harness: &ServiceHarness<S>, program: &str) -> Replica {
        let (folder, address) = place();
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address is a URL");
        let settings = settings(harness, &address);
        Replica::start(folder, address, program, &["serve"], settings, endpoint).await
    }

    /// The same, with a certificate, traces and metrics sent to a collector, and `own` settings (TOML).
    pub async fn observed_by<S: Service>(
        collector: &Collector,
        harness: &ServiceHarness<S>,
        program: &str,
        own: &str,
    ) -> Replica {
        let (folder, address) = place();
        let authority = Authority::generate();
        authority.service(S::NAME).write(&folder, "server").expect("certificates can be written");
        fs::write(folder.join("ca.pem"), authority.certificate()).expect("certificates can be written");
        let file = folder.join("config.toml");
        fs::write(&file, own).expect("settings can be written");
        let mut settings = settings(harness, &address);
        let path = |name: &str| folder.join(name).display().to_string();
        settings.extend(
            [
                ("RPC__TLS_CERTIFICATE_FILE", path("server.pem")),
                ("RPC__TLS_KEY_FILE", path("server.key.pem")),
                ("RPC__TLS_CLIENT_CA_FILE", path("ca.pem")),
                ("TELEMETRY__OTLP_ENDPOINT", collector.endpoint().to_owned()),
                ("TELEMETRY__TRACE_RATIO", "0".to_owned()),
                ("TELEMETRY__METRICS_EVERY_MS", "200".to_owned()),
            ]
            .map(|(key, value)| (variable::<S>(key), value)),
        );
        settings.insert("OTEL_BSP_SCHEDULE_DELAY".to_owned(), "100".to_owned());
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(authority.certificate()))
            .domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://{address}")).expect("an address is a URL");
        let endpoint = endpoint.tls_config(tls).expect("certificates are sound");
        let file = file.display().to_string();
        Replica::start(folder, address, program, &["serve", "--config", &file], settings, endpoint).await
    }

    async fn start(
        folder: PathBuf,
        address: String,
        program: &str,
        arguments: &[&str],
        settings: BTreeMap<String, String>,
        endpoint: Endpoint,
    ) -> Replica {
        let daemon = private::replica_in(&folder);
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let started = Program::new(program, arguments).with_environment(settings.clone());
        daemon.spawn(&started).expect("the replica starts");
        let answers = || async { endpoint.connect().await.is_ok() };
        daemon.wait_until_ready(BOUND, answers).await.expect("the replica serves");
        let (channel, program) = (endpoint.connect_lazy(), Path::new(program).to_owned());
        Replica { address, channel, program, settings, daemon, folder }
    }

    /// The output of its own program's `probe`.
    pub async fn probe(&self, question: &str) -> Output {
        let mut program = Command::new(&self.program);
        program.args(["probe", question]).envs(&self.settings);
        program.output().await.expect("the program runs")
    }

    /// Ends it as a power cut would.
    pub async fn kill(&self) {
        self.daemon.kill().await.expect("the replica can be killed");
    }

    /// Suspends it, with all connections open.
    pub fn halt(&self) {
        self.daemon.signal(Signal::STOP).expect("the replica can be halted");
    }

    /// Resumes it.
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
    let folder = private::new_folder();
    fs::create_dir_all(&folder).expect("a folder for the replica");
    let port = ports::kept_in(&folder.join("port")).expect("a free port");
    (folder, format!("{}:{port}", ports::LOOPBACK))
}

fn settings<S: Service>(harness: &ServiceHarness<S>, address: &str) -> BTreeMap<String, String> {
    let settings = &harness.settings;
    [
        ("DATABASE__URL", settings.database.url.expose().to_owned()),
        ("KAFKA__BROKERS", settings.kafka.brokers.clone()),
        ("KAFKA__TOPIC_PREFIX", settings.kafka.topic_prefix.clone()),
        ("KAFKA__TOPICS__PARTITIONS", settings.kafka.topics.partitions.to_string()),
        ("RPC__LISTEN", address.to_owned()),
        ("AUTH__JWKS_FILE", settings.auth.jwks_file.display().to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (variable::<S>(key), value))
    .collect()
}

/// The environment variable of a setting.
fn variable<S: Service>(key: &str) -> String {
    format!("COUNTINGHOUSE_{}__{key}", S::NAME.to_uppercase())
}
