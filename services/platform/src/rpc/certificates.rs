//! The certificates of a server, and of its calls to other replicas. The files are read again while it serves, since a
//! renewal replaces them: new connections use the new certificates, and open connections stay.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{Stream, StreamExt};
use opentelemetry::{global, metrics::Counter};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{io, net::TcpStream, time};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tonic::transport::{Certificate, ClientTlsConfig, Identity, server::TcpIncoming};

use super::{ConfigError, RpcConfig};
use crate::{
    auth::{self, Names},
    clock::SharedClock,
};

/// Handshakes at a time; more connections wait until one of these is done, or has taken too long.
const HANDSHAKES_MAX: usize = 256;

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// The only protocol offered.
const HTTP_2: &[u8] = b"h2";

/// The certificates, as last read.
pub struct Certificates {
    config: RpcConfig,
    current: Mutex<Arc<Material>>,
    failures: Counter<u64>,
}

/// The certificates of one reading.
pub struct Material {
    /// Of the files: another digest means that they have changed.
    pub digest: [u8; 32],
    /// For calls to other replicas. A peer must show the same name as this replica's own certificate, or, when that has none, the
    /// host that was called.
    pub client: ClientTlsConfig,
    /// The service that the certificate names.
    pub service: Option<String>,
    /// Seconds since 1970.
    ends_at_s: i64,
    server: Arc<ServerConfig>,
}

impl Certificates {
    /// Reads the files; none without TLS.
    pub async fn open(config: &RpcConfig, clock: &SharedClock) -> Result<Option<Arc<Self>>, ConfigError> {
        let Some(files) = config.tls_files().await? else { return Ok(None) };
        let failures = global::meter("countinghouse.rpc")
            .u64_counter("countinghouse.rpc.certificate.failures")
            .with_description("times that the certificates had changed and could not be used")
            .build();
        failures.add(0, &[]);
        let current = Mutex::new(Arc::new(Material::of(&files, config)?));
        let certificates = Arc::new(Self { config: config.clone(), current, failures });
        certificates.observe(clock.clone());
        Ok(Some(certificates))
    }

    pub fn current(&self) -> Arc<Material> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files periodically until stopped. When they cannot be used, the earlier ones stay in force: files that are replaced
    /// one after the other do not match for a moment.
    pub async fn keep_fresh(&self, stop: CancellationToken) {
        let every = Duration::from_millis(self.config.tls_reload_every_ms);
        while stop.run_until_cancelled(time::sleep(every)).await.is_some() {
            match self.reload().await {
                Ok(false) => {}
                Ok(true) => {
                    tracing::info!("the certificates have changed, and are in force for new connections");
                }
                Err(error) => {
                    self.failures.add(1, &[]);
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "the certificates cannot be used; the last ones stay in force");
                }
            }
        }
    }

    /// Whether there was something new.
    async fn reload(&self) -> Result<bool, ConfigError> {
        let files = self.config.tls_files().await?.ok_or(ConfigError::HalfTls)?;
        let current = self.current();
        if digest(&files) == current.digest {
            return Ok(false);
        }
        let material = Material::of(&files, &self.config)?;
        if material.service != current.service {
            return Err(ConfigError::OtherService);
        }
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(material);
        Ok(true)
    }

    fn observe(self: &Arc<Self>, clock: SharedClock) {
        let observed = Arc::downgrade(self);
        global::meter("countinghouse.rpc")
            .i64_observable_gauge("countinghouse.rpc.certificate.remaining")
            .with_unit("s")
            .with_description("until the server's certificate ends")
            .with_callback(move |observer| {
                let Some(certificates) = observed.upgrade() else { return };
                observer.observe(certificates.current().ends_at_s - clock.now().timestamp(), &[]);
            })
            .build();
    }
}

impl Material {
    fn of(files: &[Vec<u8>; 3], config: &RpcConfig) -> Result<Self, ConfigError> {
        let [certificate, key, authority] = files;
        let unusable =
            |file: &Path, why: String| ConfigError::Unusable { file: file.display().to_string(), why };
        let of_certificate = |why: String| unusable(&config.tls_certificate_file, why);
        let ends_at_s = auth::end_of_certificate(certificate)
            .ok_or_else(|| of_certificate("it holds no certificate".to_owned()))?;
        let chain = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| of_certificate(error.to_string()))?;
        let private = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| unusable(&config.tls_key_file, error.to_string()))?;
        let roots = roots(authority).map_err(|why| unusable(&config.tls_client_ca_file, why))?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .map_err(|error| unusable(&config.tls_client_ca_file, error.to_string()))?;
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| of_certificate(error.to_string()))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, private)
            .map_err(|error| of_certificate(error.to_string()))?;
        server.alpn_protocols = vec![HTTP_2.to_vec()];

        let Names { service, host } = auth::names_of_certificate(certificate).unwrap_or_default();
        let mut client = ClientTlsConfig::new()
            .identity(Identity::from_pem(certificate, key))
            .ca_certificate(Certificate::from_pem(authority));
        if let Some(host) = host {
            client = client.domain_name(host);
        }
        Ok(Self { digest: digest(files), client, service, ends_at_s, server: Arc::new(server) })
    }
}

/// The TLS of a client that checks the server of these settings. It shows no certificate: what it calls is open to all, and it must
/// work even when the key does not match.
pub async fn trust(config: &RpcConfig) -> Result<Option<ClientTlsConfig>, ConfigError> {
    let Some([certificate, _, authority]) = config.tls_files().await? else { return Ok(None) };
    let Names { host, .. } = auth::names_of_certificate(&certificate).unwrap_or_default();
    let client = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&authority));
    Ok(Some(match host {
        Some(host) => client.domain_name(host),
        None => client,
    }))
}

/// The authorities in a file. There are two while one replaces the other.
fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(roots) }
}

fn digest(files: &[Vec<u8>; 3]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(blake3::hash(file).as_bytes());
    }
    *hasher.finalize().as_bytes()
}

/// The connections of `incoming` after their handshakes, each with the certificates in force when it begins. A handshake that
/// fails, or takes too long, affects no other caller.
pub fn secured(
    incoming: TcpIncoming,
    certificates: Arc<Certificates>,
) -> impl Stream<Item = io::Result<TlsStream<TcpStream>>> {
    let handshakes = incoming.map(move |accepted| {
        let acceptor = TlsAcceptor::from(certificates.current().server.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            let shaken = match accepted {
                Ok(connection) => time::timeout(HANDSHAKE_MAX, acceptor.accept(connection)).await,
                Err(error) => return Some(Err(error)),
            };
            match shaken.map_err(io::Error::from).and_then(|shaken| shaken) {
                Ok(connection) => Some(Ok(connection)),
                Err(error) => {
                    tracing::debug!(%error, "a handshake failed");
                    None
                }
            }
        }))
    });
    handshakes.buffer_unordered(HANDSHAKES_MAX).filter_map(async |done| {
        done.unwrap_or_else(|panicked| {
            tracing::error!(error = %panicked, "a handshake panicked");
            None
        })
    })
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::PathBuf};

    use testkit::keys::Authority;

    use super::*;
    use crate::clock::SystemClock;

    const FILES: [&str; 3] = ["server.pem", "server.key.pem", "ca.pem"];

    fn config(folder: &Path) -> RpcConfig {
        let settings = serde_json::json!({
            "listen": "127.0.0.1:0", "advertise": "", "request_bytes_max": 1, "deadline_default_ms": 1, "deadline_max_ms": 1,
            "in_flight_max": 1, "streams_per_connection_max": 1, "keepalive_interval_ms": 1, "keepalive_timeout_ms": 1,
            "connection_age_max_s": 0, "tls_certificate_file": folder.join(FILES[0]), "tls_key_file": folder.join(FILES[1]),
            "tls_client_ca_file": folder.join(FILES[2]), "tls_reload_every_ms": 100,
        });
        serde_json::from_value(settings).unwrap()
    }

    fn write(folder: &Path, texts: &[String; 3]) {
        for (file, text) in FILES.iter().zip(texts) {
            fs::write(folder.join(file), text).unwrap();
        }
    }

    fn texts(authority: &Authority, service: &str) -> [String; 3] {
        let shown = authority.service(service);
        [shown.certificate, shown.key, authority.certificate().to_owned()]
    }

    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[tokio::test]
    async fn what_is_new_is_taken_and_what_does_not_fit_together_is_not() {
        let folder =
            Folder(env::temp_dir().join(format!("countinghouse-certificates-{}", std::process::id())));
        fs::create_dir_all(&folder.0).unwrap();
        let (old, new) = (Authority::generate(), Authority::generate());
        let first = texts(&old, "accounting");
        write(&folder.0, &first);
        let clock: SharedClock = Arc::new(SystemClock);
        let certificates = Certificates::open(&config(&folder.0), &clock).await.unwrap().unwrap();
        let known = certificates.current().digest;
        assert!(!certificates.reload().await.unwrap(), "nothing is new");

        let bad = |place: usize, text: &str| {
            let mut texts = first.clone();
            text.clone_into(&mut texts[place]);
            texts
        };
        let other_key = texts(&old, "accounting")[1].clone();
        for (texts, why) in [
            (bad(0, ""), "it holds no certificate"),
            (
                bad(0, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                "it holds no certificate",
            ),
            (bad(1, "no key"), "server.key.pem"),
            (bad(1, &other_key), "server.pem"),
            (bad(2, "no certificate"), "ca.pem"),
            (texts(&old, "vault"), "names another service"),
        ] {
            write(&folder.0, &texts);
            let error = certificates.reload().await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert_eq!(certificates.current().digest, known, "{why}");
        }
        fs::remove_file(folder.0.join(FILES[2])).unwrap();
        assert!(certificates.reload().await.unwrap_err().to_string().contains("cannot be read"));

        write(&folder.0, &texts(&new, "accounting"));
        assert!(certificates.reload().await.unwrap());
        assert_ne!(certificates.current().digest, known);
        assert!(certificates.current().ends_at_s > clock.now().timestamp());
    }
}
