//! The cluster's own authority, a certificate for each part of it, and their settings as clients (kubeconfig).

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use serde_json::json;

use crate::home;

/// Who the API server takes a client for: the file's name, the user, and the group that gives it its rights.
const CLIENTS: [(&str, &str, &str); 6] = [
    ("admin", "countinghouse:admin", "system:masters"),
    ("controller-manager", "system:kube-controller-manager", ""),
    ("scheduler", "system:kube-scheduler", ""),
    ("kube-proxy", "system:kube-proxy", "system:node-proxier"),
    ("kubelet", "system:node:countinghouse", "system:nodes"),
    ("apiserver", "countinghouse:api-server", "system:masters"),
];

/// Makes new ones each time: they are valid for one life of the cluster.
pub fn make() -> Result<()> {
    let folder = home::keys();
    fs::create_dir_all(&folder)?;
    let mut params = named("countinghouse cluster");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    fs::write(folder.join("ca.pem"), params.self_signed(&key)?.pem())?;
    let authority = Issuer::new(params, key);

    let tokens = KeyPair::generate()?;
    write_secret(&folder.join("service-accounts.key.pem"), &tokens.serialize_pem())?;
    fs::write(folder.join("service-accounts.pem"), tokens.public_key_pem())?;
    write(&folder, "server", &server()?, &authority)?;
    for (name, user, group) in CLIENTS {
        let mut params = named(user);
        if !group.is_empty() {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        write(&folder, name, &params, &authority)?;
        kubeconfig(&folder, name)?;
    }
    Ok(())
}

fn server() -> Result<CertificateParams> {
    let mut params = named("kube-apiserver");
    for name in
        ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    {
        params.subject_alt_names.push(SanType::DnsName(name.try_into()?));
    }
    for address in [home::NODE_ADDRESS, home::API_SERVICE, "127.0.0.1"] {
        params.subject_alt_names.push(SanType::IpAddress(address.parse()?));
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn write(
    folder: &Path,
    name: &str,
    params: &CertificateParams,
    authority: &Issuer<'_, KeyPair>,
) -> Result<()> {
    let key = KeyPair::generate()?;
    fs::write(folder.join(format!("{name}.pem")), params.signed_by(&key, authority)?.pem())?;
    write_secret(&folder.join(format!("{name}.key.pem")), &key.serialize_pem())
}

fn kubeconfig(keys: &Path, name: &str) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "countinghouse", "cluster": {
            "server": format!("https://{}:{}", home::NODE_ADDRESS, home::API_PORT),
            "certificate-authority": keys.join("ca.pem"),
        }}],
        "users": [{"name": name, "user": {
            "client-certificate": keys.join(format!("{name}.pem")),
            "client-key": keys.join(format!("{name}.key.pem")),
        }}],
        "contexts": [{"name": name, "context": {"cluster": "countinghouse", "user": name}}],
        "current-context": name,
    });
    write_secret(&home::run().join(format!("{name}.kubeconfig")), &config.to_string())
}

fn write_secret(path: &Path, text: &str) -> Result<()> {
    fs::write(path, "").with_context(|| format!("write {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(fs::write(path, text)?)
}
