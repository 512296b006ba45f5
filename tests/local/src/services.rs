//! The services of the house, as `services.toml` lists them, and the stack with all that they need: each has a database, roles, a
//! certificate and a port of its own.

use std::collections::BTreeMap;

use anyhow::Result;
use testkit::{
    keys::Issuer,
    ports,
    services::{booked, names},
    stack::Stack,
};

use crate::{
    certificates, databases,
    endpoints::{self, Endpoints},
    run,
};

/// Partitions of each topic: as many as one machine's consumers can share. A cluster in earnest has its own setting.
const PARTITIONS: i32 = 4;

/// The service that books facts of the others.
const BOOKS: &str = "accounting";

/// Who calls the services from outside by mTLS, as another system of the bank would.
pub const CLIENTS: &[&str] = &["core-banking"];

/// Starts Postgres and Kafka, and makes what the services need in them; but no topics.
pub async fn up(stack: &Stack) -> Result<Endpoints> {
    stack.up().await?;
    let keys = certificates::folder(stack);
    Issuer::kept_in(&keys)?;
    certificates::provide(stack, &[&names(), CLIENTS].concat())?;

    let mut endpoints = Endpoints::default();
    endpoints.add("POSTGRES_URL", stack.postgres.url("postgres")?);
    endpoints.add("KAFKA_BROKERS", stack.broker.brokers()?);
    endpoints.add("KEYS", keys.display().to_string());
    endpoints.add("JWKS_FILE", keys.join("jwks.json").display().to_string());
    endpoints.add("CA_FILE", keys.join("ca.pem").display().to_string());
    for service in names() {
        databases::provide(stack, service, &mut endpoints).await?;
        let port = ports::kept_in(&stack.folder().join(format!("{service}.port")))?;
        endpoints.add(format!("{}_GRPC", service.to_uppercase()), format!("127.0.0.1:{port}"));
    }
    endpoints.write(stack)?;
    Ok(endpoints)
}

/// The environment variable of one of `service`'s settings.
pub fn setting(service: &str, key: &str) -> String {
    format!("COUNTINGHOUSE_{}__{key}", service.to_uppercase())
}

/// The settings of a service that this stack makes; all else is in its defaults.
pub fn settings(service: &str, endpoints: &Endpoints) -> Result<BTreeMap<String, String>> {
    let prefix = service.to_uppercase();
    let partitions = PARTITIONS.to_string();
    let mut settings = vec![
        ("DATABASE__URL", endpoints.get(&format!("{prefix}_DATABASE_URL"))?),
        ("KAFKA__BROKERS", endpoints.get("KAFKA_BROKERS")?),
        ("KAFKA__TOPICS__PARTITIONS", &partitions),
        ("RPC__LISTEN", endpoints.get(&format!("{prefix}_GRPC"))?),
        ("AUTH__JWKS_FILE", endpoints.get("JWKS_FILE")?),
    ];
    let booked = booked().join(",");
    if service == BOOKS {
        settings.push(("FACTS__TOPICS", &booked));
    }
    Ok(settings.into_iter().map(|(key, value)| (setting(service, key), value.to_owned())).collect())
}

/// Stops everything and keeps the data.
pub async fn down(stack: &Stack) -> Result<()> {
    run::stop_services(stack).await?;
    stack.down().await?;
    testkit::sweep().await
}

/// Stops everything and deletes the data.
pub async fn clean(stack: &Stack) -> Result<()> {
    let endpoints = endpoints::file(stack);
    if endpoints.exists() {
        std::fs::remove_file(endpoints)?;
    }
    run::stop_services(stack).await?;
    stack.clean().await?;
    testkit::sweep().await
}

/// Says what runs.
pub fn status(stack: &Stack) {
    let word = |runs: bool| if runs { "runs" } else { "stopped" };
    println!("{:<12} {}", "postgres", word(stack.postgres.is_running()));
    println!("{:<12} {}", "kafka", word(stack.broker.is_running()));
    for service in names() {
        println!("{service:<12} {}", word(run::daemon(stack, service).running().is_some()));
    }
}
