//! The release, as an operator has it: Secrets made beforehand, a file of few values, and Helm.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::{folder, services::names};

use super::{ROLLED_OUT_WITHIN, SERVICE, VERSION, pods};
use crate::{home, kubectl};

/// The release's name and namespace.
pub const NAME: &str = "bank";
pub const NAMESPACE: &str = "bank";

/// A pod that does not become ready within this has failed. Short, since a test waits for it.
const PROGRESS_WITHIN_S: u32 = 60;

/// The release, and where what it needs is.
#[derive(Debug)]
pub struct Release {
    /// Where everything is, by name.
    pub places: BTreeMap<String, String>,
    /// The folder of the key that signs operators' tokens.
    pub keys: PathBuf,
}

impl Release {
    pub fn on(places: &BTreeMap<String, String>) -> Result<Self> {
        let keys = places.get("KEYS").context("where the keys are is missing")?.into();
        Ok(Self { places: places.clone(), keys })
    }

    /// Where something is.
    pub fn place(&self, name: &str) -> Result<&str> {
        self.places.get(name).map(String::as_str).with_context(|| format!("{name} is missing"))
    }

    /// Makes the namespace, which takes pods of the strictest kind only, and what the release's values name. A release that an
    /// earlier test has left is removed; its data stay.
    pub async fn prepare(&self) -> Result<()> {
        let remove = ["uninstall", NAME, "--namespace", NAMESPACE, "--ignore-not-found", "--wait"];
        kubectl::helm(&remove).await?;
        kubectl::apply(&json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        }))
        .await?;
        let roles = names().into_iter().flat_map(|service| {
            let place = service.to_uppercase();
            [
                (secret(service), format!("{place}_DATABASE_URL")),
                (owner_secret(service), format!("{place}_OWNER_URL")),
            ]
        });
        for (name, url) in roles {
            let role = Role::of(self.place(&url)?)?;
            kubectl::apply(&json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": NAMESPACE},
                "stringData": {"username": role.user, "password": role.password},
            }))
            .await?;
        }
        let jwks = fs::read_to_string(self.place("JWKS_FILE")?).context("read the published keys")?;
        kubectl::apply(&json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "issuer", "namespace": NAMESPACE},
            "data": {"jwks.json": jwks},
        }))
        .await
    }

    fn values(&self) -> Result<Value> {
        let address = Role::of(self.place("ACCOUNTING_DATABASE_URL")?)?.address;
        let mut values = json!({
            "global": {
                "database": {"address": address},
                "kafka": {"brokers": self.place("KAFKA_BROKERS")?},
                "auth": {"jwks": {"configMap": "issuer"}},
            },
        });
        for service in names() {
            values[service] = json!({
                "database": {"secret": secret(service), "ownerSecret": owner_secret(service)},
                "rollout": {"progressDeadlineSeconds": PROGRESS_WITHIN_S},
            });
        }
        Ok(values)
    }

    /// Installs the release, or brings it to this version, and waits until it serves.
    pub async fn install(&self) -> Result<String> {
        self.upgrade(&[]).await?;
        kubectl::helm(&["test", NAME, "--namespace", NAMESPACE, "--timeout", "2m"]).await?;
        Ok(format!("version {VERSION}"))
    }

    /// `helm upgrade --install` with further values, as `accounting.image.tag=0.2.0`.
    pub async fn upgrade(&self, settings: &[&str]) -> Result<()> {
        let values = home::run().join("values.json");
        fs::write(&values, self.values()?.to_string())?;
        let chart = folder::workspace().join("charts/countinghouse").display().to_string();
        let (values, timeout) = (values.display().to_string(), format!("{}s", ROLLED_OUT_WITHIN.as_secs()));
        let mut arguments =
            vec!["upgrade", "--install", NAME, &chart, "--namespace", NAMESPACE, "--values", &values];
        arguments.extend(["--wait", "--timeout", &timeout]);
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        kubectl::helm(&arguments).await.map(drop)
    }

    /// Back to the version before.
    pub async fn roll_back(&self) -> Result<()> {
        let timeout = format!("{}s", ROLLED_OUT_WITHIN.as_secs());
        kubectl::helm(&["rollback", NAME, "--namespace", NAMESPACE, "--wait", "--timeout", &timeout])
            .await
            .map(drop)
    }

    /// Removes it, and waits until its pods are gone.
    pub async fn uninstall(&self) -> Result<()> {
        kubectl::helm(&["uninstall", NAME, "--namespace", NAMESPACE, "--wait", "--timeout", "2m"]).await?;
        kubectl::wait_gone(&[
            "--for=delete",
            "pod",
            "--selector",
            &pods::of_release(),
            "--namespace",
            NAMESPACE,
        ])
        .await
    }

    /// Where the service is reached, as host:port: the address of its Service, which belongs to no pod.
    pub async fn address(&self) -> Result<String> {
        let services =
            kubectl::get(&["service", "--namespace", NAMESPACE, "--selector", &pods::selector()]).await?;
        let [service] = services["items"].as_array().map(Vec::as_slice).unwrap_or_default() else {
            anyhow::bail!("{SERVICE} has not one Service: {services}");
        };
        let spec = &service["spec"];
        let address = spec["clusterIP"].as_str().context("the Service has no address")?;
        let port = spec["ports"][0]["port"].as_u64().context("the Service has no port")?;
        Ok(format!("{address}:{port}"))
    }
}

/// The Secret of the role that reads and writes a service's rows.
fn secret(service: &str) -> String {
    format!("{service}-database")
}

/// The Secret of the role that owns its tables.
fn owner_secret(service: &str) -> String {
    format!("{service}-database-owner")
}

/// A role of the database.
#[derive(Debug, PartialEq, Eq)]
struct Role {
    user: String,
    password: String,
    address: String,
}

impl Role {
    /// Of `postgres://user:password@host:port/database`.
    fn of(url: &str) -> Result<Self> {
        let parts = || {
            let (who, place) = url.strip_prefix("postgres://")?.split_once('@')?;
            let (user, password) = who.split_once(':')?;
            let (address, _) = place.split_once('/')?;
            Some([user, password, address].map(str::to_owned))
        };
        let [user, password, address] = parts().context("the database's URL is of another form")?;
        ensure!(!password.is_empty(), "the database's URL has no password");
        Ok(Self { user, password, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_from_its_url() {
        let role = Role::of("postgres://accounting:secret@10.0.0.1:5432/accounting").unwrap();
        let [user, password, address] = ["accounting", "secret", "10.0.0.1:5432"].map(str::to_owned);
        assert_eq!(role, Role { user, password, address });
        assert!(Role::of("postgres://accounting@10.0.0.1/accounting").is_err());
        assert!(Role::of("mysql://a:b@c/d").is_err());
    }
}
