//! How a server serves.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// The largest request that any server takes: what the generated codecs decode at most.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How a server serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RpcConfig {
    /// The address to listen on; port 0 for any free one.
    pub listen: SocketAddr,
    /// Where other replicas reach this one, as `host:port`; empty for the address that it listens on.
    pub advertise: String,
    /// The largest request that is taken, unpacked. At most 4 MiB.
    pub request_bytes_max: usize,
    /// The deadline of a call whose caller sets none.
    pub deadline_default_ms: u64,
    /// The longest deadline, whatever the caller sets.
    pub deadline_max_ms: u64,
    /// Calls in flight at most; more are refused at once, never queued.
    pub in_flight_max: u32,
    /// Calls in flight on one connection at most; a client holds more back by itself.
    pub streams_per_connection_max: u32,
    /// How often a connection without traffic is probed.
    pub keepalive_interval_ms: u64,
    /// How long a connection has to answer a probe.
    pub keepalive_timeout_ms: u64,
    /// How long a connection lasts, so that clients find new replicas; 0 for no limit.
    pub connection_age_max_s: u64,
    /// The server's certificate (PEM). Empty, with the two below, for no TLS.
    pub tls_certificate_file: PathBuf,
    /// The key of the server's certificate (PEM).
    pub tls_key_file: PathBuf,
    /// The authority (PEM) that services' certificates are trusted by. Operators show a token and need no certificate.
    pub tls_client_ca_file: PathBuf,
    /// How often these files are read again.
    pub tls_reload_every_ms: u64,
}

/// Invalid settings of a server.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("rpc.{key} must be {rule}")]
    Range { key: &'static str, rule: String },
    #[error("set all of rpc.tls_certificate_file, rpc.tls_key_file and rpc.tls_client_ca_file, or none")]
    HalfTls,
    #[error("the certificate in rpc.tls_certificate_file names no service")]
    NoService,
    #[error("the certificate in rpc.tls_certificate_file now names another service")]
    OtherService,
    #[error("{file} cannot be read")]
    File { file: String, source: std::io::Error },
    #[error("{file} cannot be used: {why}")]
    Unusable { file: String, why: String },
}

impl RpcConfig {
    /// Refuses invalid settings.
    pub fn check(&self) -> Result<(), ConfigError> {
        let range = |holds: bool, key: &'static str, rule: String| {
            if holds { Ok(()) } else { Err(ConfigError::Range { key, rule }) }
        };
        range(
            (1..=REQUEST_BYTES_MAX).contains(&self.request_bytes_max),
            "request_bytes_max",
            format!("from 1 to {REQUEST_BYTES_MAX}"),
        )?;
        range(
            (1..=self.deadline_max_ms).contains(&self.deadline_default_ms),
            "deadline_default_ms",
            format!("from 1 to deadline_max_ms ({})", self.deadline_max_ms),
        )?;
        range(self.in_flight_max > 0, "in_flight_max", "above 0".to_owned())?;
        range(self.streams_per_connection_max > 0, "streams_per_connection_max", "above 0".to_owned())?;
        range(self.keepalive_interval_ms > 0, "keepalive_interval_ms", "above 0".to_owned())?;
        range(self.keepalive_timeout_ms > 0, "keepalive_timeout_ms", "above 0".to_owned())?;
        range(self.tls_reload_every_ms >= 100, "tls_reload_every_ms", "at least 100".to_owned())
    }

    /// Where other replicas reach a server that listens on `address`; empty when it does not say.
    pub fn advertised(&self, address: SocketAddr) -> String {
        if self.advertise.is_empty() && !address.ip().is_unspecified() {
            address.to_string()
        } else {
            self.advertise.clone()
        }
    }

    /// Certificate, key and authority; none without TLS.
    pub(super) async fn tls_files(&self) -> Result<Option<[Vec<u8>; 3]>, ConfigError> {
        let files = [&self.tls_certificate_file, &self.tls_key_file, &self.tls_client_ca_file];
        if files.iter().all(|file| file.as_os_str().is_empty()) {
            return Ok(None);
        }
        if files.iter().any(|file| file.as_os_str().is_empty()) {
            return Err(ConfigError::HalfTls);
        }
        let [mut certificate, mut key, mut authority] = [const { Vec::new() }; 3];
        for (file, text) in files.into_iter().zip([&mut certificate, &mut key, &mut authority]) {
            *text = tokio::fs::read(file)
                .await
                .map_err(|source| ConfigError::File { file: file.display().to_string(), source })?;
        }
        Ok(Some([certificate, key, authority]))
    }

    pub(super) fn connection_age_max(&self) -> Option<Duration> {
        (self.connection_age_max_s > 0).then(|| Duration::from_secs(self.connection_age_max_s))
    }
}
