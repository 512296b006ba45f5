use std::{fs, path::Path};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use super::issuer::write_secret;

/// A certificate and its key, as PEM.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub certificate: String,
    pub key: String,
}

impl Certificate {
    /// Writes `<name>.pem` and `<name>.key.pem` into `folder`.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        fs::write(folder.join(format!("{name}.pem")), &self.certificate)?;
        write_secret(&folder.join(format!("{name}.key.pem")), &self.key)
    }
}

/// Signs the certificates by which services know each other.
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// An authority with a new key.
    pub fn generate() -> Self {
        let key = new_key();
        let params = authority_params();
        let certificate = params.self_signed(&key).expect("invariant: the parameters are sound").pem();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// The authority whose key is in `folder`, which is made when it is not there.
    pub fn kept_in(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let (certificate_file, key_file) = (folder.join("ca.pem"), folder.join("ca.key.pem"));
        if let (Ok(certificate), Ok(key)) =
            (fs::read_to_string(&certificate_file), fs::read_to_string(&key_file))
        {
            let key = KeyPair::from_pem(&key).context("read the authority's key")?;
            return Ok(Self { certificate, issuer: Issuer::new(authority_params(), key) });
        }
        let authority = Self::generate();
        fs::write(&certificate_file, &authority.certificate)?;
        write_secret(&key_file, &authority.issuer.key().serialize_pem())?;
        Ok(authority)
    }

    /// The authority's own certificate, as PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate of the service `name`, to serve on the loopback address and to call others with.
    pub fn service(&self, name: &str) -> Certificate {
        let mut params = params(name);
        let identity = format!("spiffe://countinghouse/service/{name}");
        params.subject_alt_names = vec![
            SanType::URI(identity.try_into().expect("invariant: a service's name is ASCII")),
            SanType::DnsName("localhost".try_into().expect("invariant: it is ASCII")),
            SanType::IpAddress([127, 0, 0, 1].into()),
        ];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = new_key();
        let certificate = params.signed_by(&key, &self.issuer).expect("invariant: the parameters are sound");
        Certificate { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn authority_params() -> CertificateParams {
    let mut params = params("Countinghouse local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("invariant: P-256 keys can be made")
}
