//! A private Kafka: one process that is broker and controller (KRaft), on loopback ports of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

use crate::{
    daemon::{Daemon, Pid, Program, Signal},
    folder,
    keys::Certificate,
    ports,
};

/// The one place where Kafka's version stands is the pom that fetches it.
const POM: &str = include_str!("../../../deploy/kafka/pom.xml");

/// 3 s on an idle machine; log recovery after a kill and two busy cores take more.
const START_BOUND: Duration = Duration::from_secs(90);

/// A controlled shutdown flushes every log.
const STOP_BOUND: Duration = Duration::from_secs(30);

/// One look for the broker's answer.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// A Kafka broker in a folder. The value is a handle: dropping it leaves the server as it is.
#[derive(Debug)]
pub struct Broker {
    folder: PathBuf,
    properties: PathBuf,
    /// What it listens on.
    address: String,
    daemon: Daemon,
    secure: Option<SecureListener>,
}

/// A further listener, over TLS, for one user with a password (SCRAM-SHA-512).
#[derive(Debug)]
pub struct SecureListener {
    pub certificate: Certificate,
    pub user: String,
    pub password: String,
}

impl Broker {
    /// The broker in `folder`, which is made when it is not there. Starts nothing.
    pub fn at(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let properties = folder.join("server.properties");
        let daemon = Daemon::new("kafka", &folder);
        Ok(Self { folder, properties, address: ports::LOOPBACK.to_owned(), daemon, secure: None })
    }

    /// The same, on another address of this machine, which whoever is next to it reaches.
    #[must_use]
    pub fn on(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }

    /// The same, with a further listener from its first start on.
    #[must_use]
    pub fn with_secure_listener(self, secure: SecureListener) -> Self {
        Self { secure: Some(secure), ..self }
    }

    /// Starts the broker unless it runs, and returns when it answers. The first start formats its storage.
    pub async fn start(&self) -> Result<()> {
        if self.daemon.running().is_none() {
            let broker_port = ports::kept_in(&self.folder.join("port"))?;
            let controller_port = ports::kept_in(&self.folder.join("controller-port"))?;
            fs::write(
                &self.properties,
                self.settings(broker_port, controller_port) + &self.secure_settings()?,
            )?;
            if !self.folder.join("data/meta.properties").exists() {
                self.format()?;
            }
            let mut arguments = java_arguments()?;
            arguments.extend(["kafka.Kafka".to_owned(), self.properties.display().to_string()]);
            self.daemon.spawn(&Program::new("java", arguments))?;
        }
        let brokers = self.brokers()?;
        self.daemon.wait_until_ready(START_BOUND, || answers(brokers.clone())).await
    }

    /// Stops the broker in good order.
    pub async fn stop(&self) -> Result<()> {
        self.daemon.stop(Signal::TERM, STOP_BOUND).await
    }

    /// Kills the broker, as a power cut would end it.
    pub async fn kill(&self) -> Result<()> {
        self.daemon.kill().await
    }

    /// Whether the broker's process is there.
    pub fn is_running(&self) -> bool {
        self.daemon.running().is_some()
    }

    /// The broker process, if it runs.
    pub fn process(&self) -> Option<Pid> {
        self.daemon.running()
    }

    /// Deletes all topics and the broker with them. It must be stopped.
    pub fn delete(&self) -> Result<()> {
        folder::delete(&self.folder)
    }

    /// `bootstrap.servers`.
    pub fn brokers(&self) -> Result<String> {
        Ok(format!("{}:{}", self.address, self.kept("port")?))
    }

    /// `bootstrap.servers` of the further listener.
    pub fn secure_brokers(&self) -> Result<String> {
        Ok(format!("localhost:{}", self.kept("secure-port")?))
    }

    fn kept(&self, name: &str) -> Result<String> {
        let file = self.folder.join(name);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("read {}: was Kafka started?", file.display()))?;
        Ok(text.trim().to_owned())
    }

    /// Of two settings of one name the later counts.
    fn secure_settings(&self) -> Result<String> {
        let Some(secure) = &self.secure else { return Ok(String::new()) };
        let store = self.folder.join("secure.pem");
        fs::write(&store, format!("{}{}", secure.certificate.key, secure.certificate.certificate))?;
        let (broker, controller) = (self.kept("port")?, self.kept("controller-port")?);
        let port = ports::kept_in(&self.folder.join("secure-port"))?;
        Ok(format!(
            "listeners=PLAINTEXT://127.0.0.1:{broker},SECURE://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},SECURE://localhost:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={}
",
            store.display()
        ))
    }

    /// A client that finds its broker restarted must not wait for the dead one's session (9 s by default), and one
    /// broker can keep no second copy of anything.
    fn settings(&self, broker_port: u16, controller_port: u16) -> String {
        format!(
            "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{address}:{broker_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://{address}:{broker_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=4194304
",
            address = self.address,
            data = self.folder.join("data").display()
        )
    }

    fn format(&self) -> Result<()> {
        // What an interrupted attempt left would be refused.
        folder::delete(&self.folder.join("data"))?;
        let mut cluster: [u8; 16] = rand::random();
        // Written as `A..`: an id that begins with `-` would be taken for an option.
        cluster[0] = 0;
        let cluster = URL_SAFE_NO_PAD.encode(cluster);
        let mut command = Command::new("java");
        command.args(java_arguments()?).args(["kafka.tools.StorageTool", "format", "-t", &cluster, "-c"]);
        command.arg(&self.properties);
        if let Some(SecureListener { user, password, .. }) = &self.secure {
            command.args(["--add-scram", &format!("SCRAM-SHA-512=[name={user},password={password}]")]);
        }
        let output = command.output().context("run java: run scripts/setup first")?;
        if !output.status.success() {
            bail!("Kafka's storage was not formatted:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}

async fn answers(brokers: String) -> bool {
    let look = tokio::task::spawn_blocking(move || {
        let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().ok()?;
        client.fetch_metadata(None, METADATA_TIMEOUT).ok().map(|metadata| metadata.brokers().len())
    });
    matches!(look.await, Ok(Some(1)))
}

fn java_arguments() -> Result<Vec<String>> {
    let version = POM
        .split_once("<kafka.version>")
        .and_then(|(_, rest)| rest.split_once("</kafka.version>"))
        .map(|(version, _)| version)
        .expect("invariant: the pom names Kafka's version");
    let jars = folder::local().join("cache").join(format!("kafka-{version}"));
    if !jars.is_dir() {
        bail!("Kafka is not here ({}): run scripts/setup", jars.display());
    }
    let log_settings = folder::workspace().join("deploy/kafka/log4j2.properties");
    Ok(vec![
        "-Xms256m".to_owned(),
        "-Xmx384m".to_owned(),
        "-XX:+UseSerialGC".to_owned(),
        format!("-Dlog4j2.configurationFile={}", log_settings.display()),
        "-cp".to_owned(),
        format!("{}/*", jars.display()),
    ])
}
