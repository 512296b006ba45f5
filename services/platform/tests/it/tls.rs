//! Postgres and Kafka over TLS, with a role and a user whose passwords come apart from the address.

use std::{collections::BTreeMap, fs, path::PathBuf};

use platform::{
    config::Secret,
    db::{self, DbConfig},
    facts::{KafkaConfig, TopicSettings, topics},
};
use rdkafka::producer::{FutureProducer, FutureRecord};
use sqlx::migrate::Migrator;
use testkit::{PrivateBroker, PrivatePostgres, SecureListener, keys::Authority, wait_for};

use crate::support::server::{BOUND, Folder};

/// An authority and the file with its certificate.
fn authority(folder: &Folder, name: &str) -> (Authority, PathBuf) {
    let authority = Authority::generate();
    let file = folder.path().join(name);
    fs::write(&file, authority.certificate()).unwrap();
    (authority, file)
}

#[tokio::test]
async fn postgres_is_trusted_by_the_authority_that_is_named() {
    let folder = Folder::new();
    let (bank, bank_file) = authority(&folder, "bank.pem");
    let (_, strange_file) = authority(&folder, "strange.pem");
    let postgres = PrivatePostgres::start().await;
    let database = postgres.database(&Migrator::DEFAULT).await;
    postgres.secure(&bank.service("postgres")).await;

    let (before, role, password, address) = apart(&database.dml_url);
    let config = |tls_ca_file: &PathBuf| DbConfig {
        url: Secret::new(format!("{before}{}", address.replace("127.0.0.1", "localhost"))),
        user: role.clone(),
        password: Secret::new(password.clone()),
        tls_mode: "verify-full".to_owned(),
        tls_ca_file: tls_ca_file.clone(),
        connections_max: 1,
        acquire_timeout_ms: 10_000,
        statement_timeout_ms: 10_000,
    };
    let is_over_tls = || async {
        let pool = db::connect(&config(&bank_file)).unwrap();
        let look = sqlx::query_scalar::<_, bool>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        look.fetch_one(&pool).await.ok()
    };
    // The server takes its certificate up a moment after it was given.
    assert!(wait_for(BOUND, "a connection over TLS", is_over_tls).await);

    let refused = db::connect(&config(&strange_file)).unwrap().acquire().await.unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");
    let wrong = DbConfig { password: Secret::new("guessed"), ..config(&bank_file) };
    let refused = db::connect(&wrong).unwrap().acquire().await.unwrap_err();
    assert!(refused.to_string().contains("password"), "{refused}");
}

/// The scheme, role, password and place of a URL.
fn apart(url: &str) -> (String, String, String, String) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (role, place) = rest.split_once('@').unwrap();
    let (role, password) = role.split_once(':').unwrap();
    (format!("{scheme}://"), role.to_owned(), password.to_owned(), place.to_owned())
}

#[tokio::test]
async fn kafka_is_trusted_by_the_authority_that_is_named_and_shown_a_password() {
    let folder = Folder::new();
    let (bank, bank_file) = authority(&folder, "bank.pem");
    let (_, strange_file) = authority(&folder, "strange.pem");
    let certificate = bank.service("kafka");
    let secure = SecureListener { certificate, user: "accounting".to_owned(), password: "hush".to_owned() };
    let broker = PrivateBroker::with_secure_listener(secure).await;
    let config = |ca: &PathBuf, password: &str| {
        let ca = ca.display().to_string();
        let properties = [
            ("security_protocol", "SASL_SSL"),
            ("sasl_mechanism", "SCRAM-SHA-512"),
            ("sasl_username", "accounting"),
            ("sasl_password", password),
            ("ssl_ca_location", ca.as_str()),
        ];
        let properties = properties.map(|(name, value)| (name.to_owned(), Secret::new(value)));
        KafkaConfig {
            properties: BTreeMap::from(properties),
            ..KafkaConfig::plaintext(broker.secure_brokers(), "")
        }
    };

    let right = config(&bank_file, "hush");
    let topic = TopicSettings { partitions: 1, ..TopicSettings::default() }.topic("over.tls", false);
    topics::ensure(&right, std::slice::from_ref(&topic)).await.unwrap();
    let producer: FutureProducer = right.producer().unwrap().create().unwrap();
    let record = FutureRecord::to("over.tls").key("k").payload("v");
    let sent = producer.send(record, BOUND).await.unwrap();
    assert_eq!((sent.partition, sent.offset), (0, 0));

    let (strange, guessed) = (config(&strange_file, "hush"), config(&bank_file, "guessed"));
    let topics = [topic];
    let (strange, guessed) =
        tokio::join!(topics::ensure(&strange, &topics), topics::ensure(&guessed, &topics));
    strange.unwrap_err();
    guessed.unwrap_err();
}
