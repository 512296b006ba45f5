//! The services of the house, and the stack with all that they need.

use anyhow::Result;
use testkit::{keys::Issuer, ports, stack::Stack};

use crate::{
    certificates, databases,
    endpoints::{self, Endpoints},
    topics,
};

/// The services that there are. A new one is one name here: its database, roles, certificate and port follow.
pub const SERVICES: &[&str] = &["accounting"];

/// Who calls the services from outside by mTLS, as another system of the bank would.
pub const CLIENTS: &[&str] = &["core-banking"];

/// Starts Postgres and Kafka, and makes what the services need in them.
pub async fn up(stack: &Stack) -> Result<Endpoints> {
    stack.up().await?;
    let keys = certificates::folder(stack);
    Issuer::kept_in(&keys)?;
    certificates::provide(stack, &[SERVICES, CLIENTS].concat())?;

    let mut endpoints = Endpoints::default();
    endpoints.add("POSTGRES_URL", stack.postgres.url("postgres")?);
    endpoints.add("KAFKA_BROKERS", stack.broker.brokers()?);
    endpoints.add("KEYS", keys.display().to_string());
    endpoints.add("JWKS_FILE", keys.join("jwks.json").display().to_string());
    endpoints.add("CA_FILE", keys.join("ca.pem").display().to_string());
    for service in SERVICES {
        databases::provide(stack, service, &mut endpoints).await?;
        let port = ports::kept_in(&stack.folder().join(format!("{service}.port")))?;
        endpoints.add(format!("{}_GRPC", service.to_uppercase()), format!("127.0.0.1:{port}"));
    }
    topics::provide(&stack.broker.brokers()?).await?;
    endpoints.write(stack)?;
    Ok(endpoints)
}

/// Stops everything and keeps the data.
pub async fn down(stack: &Stack) -> Result<()> {
    stack.down().await?;
    testkit::sweep().await
}

/// Stops everything and deletes the data.
pub async fn clean(stack: &Stack) -> Result<()> {
    let endpoints = endpoints::file(stack);
    if endpoints.exists() {
        std::fs::remove_file(endpoints)?;
    }
    stack.clean().await?;
    testkit::sweep().await
}

/// Says what runs.
pub fn status(stack: &Stack) -> Result<()> {
    let word = |runs: bool| if runs { "runs" } else { "stopped" };
    println!("{:<12} {}", "postgres", word(stack.postgres.is_running()));
    println!("{:<12} {}", "kafka", word(stack.broker.is_running()));
    Ok(())
}
