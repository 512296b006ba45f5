//! Services, authenticated by their certificate in mutual TLS: its subject's alternative name is a URI
//! `spiffe://countinghouse/service/<name>`.

use std::sync::{Arc, PoisonError};

use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, pem::parse_x509_pem, prelude::FromDer,
};

use super::{Actor, ActorKind, Authenticator, SERVICE_ID_PREFIX, Scopes};
use crate::refusal::{Refusal, reasons};

const NAME_PREFIX: &str = "spiffe://countinghouse/service/";

impl Authenticator {
    /// The service of a certificate, which TLS has verified already.
    pub fn service(&self, certificate_der: &[u8]) -> Result<Arc<Actor>, Refusal> {
        let digest = *blake3::hash(certificate_der).as_bytes();
        let mut known = self.certificates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(actor) = known.get(&digest) {
            return Ok(actor.clone());
        }
        let actor = self.read(certificate_der)?;
        known.put(digest, actor.clone());
        Ok(actor)
    }

    /// The service of this name, which called another replica that passes the call on.
    pub fn service_called(&self, name: &str) -> Arc<Actor> {
        Arc::new(actor_of_certificate(name, self.services.get(name).cloned().unwrap_or_default()))
    }

    fn read(&self, certificate_der: &[u8]) -> Result<Arc<Actor>, Refusal> {
        let name = service_name(certificate_der).ok_or_else(|| {
            reasons::UNAUTHENTICATED.refuse(format!("the client certificate has no name {NAME_PREFIX}<name>"))
        })?;
        Ok(self.service_called(&name))
    }
}

/// A service as an actor.
pub fn actor_of_certificate(service: &str, permissions: Vec<String>) -> Actor {
    Actor {
        id: format!("{SERVICE_ID_PREFIX}{service}"),
        kind: ActorKind::Service,
        scopes: Scopes::All,
        roles: Vec::new(),
        permissions,
    }
}

/// The names in a certificate: the service, and the first host name.
#[derive(Debug, Default)]
pub struct Names {
    pub service: Option<String>,
    pub host: Option<String>,
}

/// The names on the first certificate of a PEM file.
pub fn names_of_certificate(pem: &[u8]) -> Option<Names> {
    let (_, pem) = parse_x509_pem(pem).ok()?;
    let (_, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let host = names.value.general_names.iter().find_map(|name| match name {
        GeneralName::DNSName(host) => Some((*host).to_owned()),
        _ => None,
    });
    Some(Names { service: service_name(&pem.contents), host })
}

/// When the first certificate of a PEM file ends, in seconds since 1970.
pub fn end_of_certificate(pem: &[u8]) -> Option<i64> {
    let (_, pem) = parse_x509_pem(pem).ok()?;
    let (_, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

fn service_name(certificate_der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate_der).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    names.value.general_names.iter().find_map(|name| match name {
        GeneralName::URI(uri) => {
            uri.strip_prefix(NAME_PREFIX).filter(|name| !name.is_empty()).map(str::to_owned)
        }
        _ => None,
    })
}
