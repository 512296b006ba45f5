//! Checks the health of a server on this host, for the probes of an orchestrator. The server's own program does it, since those
//! probes cannot use our TLS. Health needs no credentials.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use clap::ValueEnum;
use tokio::time;
use tonic::{Code, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{
    ConfigError, RpcConfig, certificates,
    public::{CHANGES, WHOLE_SERVER},
};

/// How long a server has to answer. Less than what orchestrators give a probe, so that it can still say what is wrong.
const ANSWER_MAX: Duration = Duration::from_secs(4);

/// What a probe checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Question {
    /// Whether it has begun: it serves, and knows which replica makes changes. Until then nothing else is checked.
    Started,
    /// Whether calls may be sent to it. A replica that reads and passes changes on is ready, and a lost database changes
    /// nothing: what can still be done is done, and the rest is refused with its reason. One that stops is not.
    Ready,
    /// Whether it answers at all. One that does not is stuck, and must be restarted.
    Alive,
}

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
pub enum Unwell {
    #[error("rpc.listen names no port, so the probe knows no port to connect to")]
    NoPort,
    #[error("the certificates cannot be used: {0}")]
    Certificates(#[from] ConfigError),
    #[error("not alive: nothing answers at {address} within {ANSWER_MAX:?}")]
    Slow { address: String },
    #[error("not alive: {address} cannot be reached: {reason}")]
    Unreachable { address: String, reason: String },
    #[error("not alive: {address} does not report its health: {reason}")]
    HealthUnknown { address: String, reason: String },
    #[error("not ready: {address} takes no calls, because it has not begun or is stopping")]
    NotServing { address: String },
    #[error(
        "not started: {address} does not know which replica makes changes: it learns that from the database"
    )]
    NoLeader { address: String },
}

/// Checks the server at `at` (`host:port`), with the certificates of the configuration; without `at`, the one on this host that
/// has this configuration.
pub async fn probe(config: &RpcConfig, question: Question, at: Option<String>) -> Result<(), Unwell> {
    let address = match at {
        Some(address) => address,
        None => reached(config.listen)?.to_string(),
    };
    time::timeout(ANSWER_MAX, answer(config, &address, question))
        .await
        .unwrap_or_else(|_| Err(Unwell::Slow { address: address.clone() }))
}

async fn answer(config: &RpcConfig, at: &str, question: Question) -> Result<(), Unwell> {
    let address = at.to_owned();
    let unreachable = |error: tonic::transport::Error| Unwell::Unreachable {
        address: at.to_owned(),
        reason: causes(&error),
    };
    let tls = certificates::trust(config).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}")).map_err(unreachable)?;
    if let Some(tls) = tls {
        endpoint = endpoint.tls_config(tls).map_err(unreachable)?;
    }
    let mut health = HealthClient::new(endpoint.connect().await.map_err(unreachable)?);
    let mut is_serving = async |name: &str| {
        let request = HealthCheckRequest { service: name.to_owned() };
        match health.check(request).await {
            Ok(answer) => Ok(answer.into_inner().status() == ServingStatus::Serving),
            // It answers, and does not know yet.
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => {
                Err(Unwell::HealthUnknown { address: at.to_owned(), reason: status.message().to_owned() })
            }
        }
    };
    let serves = is_serving(WHOLE_SERVER).await?;
    if question == Question::Alive {
        return Ok(());
    }
    if !serves {
        return Err(Unwell::NotServing { address });
    }
    if question == Question::Started && !is_serving(CHANGES).await? {
        return Err(Unwell::NoLeader { address });
    }
    Ok(())
}

/// Where a server that listens so is reached on its own host.
fn reached(listen: SocketAddr) -> Result<SocketAddr, Unwell> {
    if listen.port() == 0 {
        return Err(Unwell::NoPort);
    }
    let host = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    Ok(SocketAddr::new(host, listen.port()))
}

/// An error with its causes, on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_all_addresses_is_checked_on_its_own_host() {
        let of = |listen: &str| reached(listen.parse().unwrap()).map(|address| address.to_string()).ok();
        assert_eq!(of("0.0.0.0:50051").as_deref(), Some("127.0.0.1:50051"));
        assert_eq!(of("[::]:50051").as_deref(), Some("[::1]:50051"));
        assert_eq!(of("10.0.0.7:50051").as_deref(), Some("10.0.0.7:50051"));
        assert_eq!(of("127.0.0.1:0"), None);
    }
}
