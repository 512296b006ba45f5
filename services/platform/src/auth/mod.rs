//! Who calls. Operators show a token of the bank's issuer (JWT), services a certificate (mutual TLS). What each may do follows
//! from roles, and roles are configuration.

mod certificates;
mod keys;
mod tokens;

use std::{collections::HashMap, path::PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use self::certificates::{Names, end_of_certificate, names_of_certificate};
pub use self::{certificates::actor_of_certificate, keys::KeyError, tokens::Authenticator};

/// How callers are authenticated.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// File with the issuer's public keys (JWKS); read again when it changes. Empty when `jwks_url` is set, or no token is taken.
    pub jwks_file: PathBuf,
    /// URL of the issuer's public keys (JWKS). Empty when `jwks_file` is set, or no token is taken.
    pub jwks_url: String,
    /// File with the authorities (PEM) that the server of `jwks_url` is trusted by; the system's own when empty.
    #[serde(default)]
    pub jwks_ca_file: PathBuf,
    /// How often the keys are read again.
    pub jwks_refresh_ms: u64,
    /// The issuer that tokens must name.
    pub issuer: String,
    /// The audience that tokens must name.
    pub audience: String,
    /// How far the clocks of issuer and service may differ.
    pub leeway_s: u32,
    /// Verified tokens remembered at most.
    pub tokens_max: usize,
    /// Role to permissions. A permission may end in `*`.
    pub roles: HashMap<String, Vec<String>>,
    /// Service (by its certificate) to permissions.
    pub services: HashMap<String, Vec<String>>,
}

/// Whether a person or a service calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    Operator,
    Service,
}

/// The scopes (branches) in which an actor may act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scopes {
    All,
    Only(Vec<String>),
}

/// Who calls, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The operator's code, or `service/<name>`.
    pub id: String,
    pub kind: ActorKind,
    pub scopes: Scopes,
    pub roles: Vec<String>,
    /// The permissions of all roles together; one that ends in `*` stands for all with that prefix.
    pub permissions: Vec<String>,
}

impl Actor {
    /// Whether a permission is held.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| match held.strip_suffix('*') {
            Some(beginning) => permission.starts_with(beginning),
            None => held == permission,
        })
    }

    /// The name of a service; none for an operator.
    pub fn service_name(&self) -> Option<&str> {
        self.id.strip_prefix(SERVICE_ID_PREFIX)
    }

    /// Whether the actor may act in a scope. Where there is no scope, only those may act who may act in all.
    pub fn covers(&self, scope: &str) -> bool {
        match &self.scopes {
            Scopes::All => true,
            Scopes::Only(scopes) => !scope.is_empty() && scopes.iter().any(|covered| covered == scope),
        }
    }
}

/// What every service's id begins with, and no operator's.
const SERVICE_ID_PREFIX: &str = "service/";

/// The longest id of an operator.
const OPERATOR_ID_CHARS_MAX: usize = 64;

/// Whether this is a valid id of an operator: not that of a service, and without characters that would break a log or a list.
fn is_operator_id(id: &str) -> bool {
    (1..=OPERATOR_ID_CHARS_MAX).contains(&id.chars().count())
        && !id.chars().any(|c| c == '/' || c.is_control() || c.is_whitespace())
}

/// The permissions of some roles; roles that are not configured add none.
fn permissions(roles: &[String], configured: &HashMap<String, Vec<String>>) -> Vec<String> {
    let mut permissions: Vec<String> =
        roles.iter().filter_map(|role| configured.get(role)).flatten().cloned().collect();
    permissions.sort_unstable();
    permissions.dedup();
    permissions
}
