//! Who may call what: read from the `(countinghouse.common.v1.policy)` option of every method. A method without one stops the
//! start.

use std::{collections::HashMap, sync::Arc};

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, MethodDescriptor};
use proto_common::{common::v1::ApprovalRule, options};

use crate::refusal::{Refusal, reasons};

/// Who may make one call.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `/package.Service/Method`.
    pub path: Arc<str>,
    /// `package.Service/Method`, as telemetry and the audit name it.
    pub method: Arc<str>,
    pub permission: String,
    /// The rpc changes nothing, so that every replica can do it.
    pub only_reads: bool,
    pub approval: ApprovalRule,
    pub checking_permission: String,
    /// The request field that names the scope: its name and number.
    pub scope_field: Option<(String, u32)>,
    /// The request field that names the scope of the second person, where it is another.
    pub checking_scope_field: Option<(String, u32)>,
    /// The number of `request_id`, on rpcs that change something.
    pub request_id_field: Option<u32>,
    /// The number of `validate_only`, on rpcs that have it.
    pub validate_only_field: Option<u32>,
    pub input: MessageDescriptor,
    pub output: MessageDescriptor,
}

impl Policy {
    /// Whether a second person may be needed.
    pub fn needs_approval(&self) -> bool {
        self.approval != ApprovalRule::Unspecified
    }

    /// The same request with `validate_only` set.
    pub fn only_validated(&self, message: &[u8]) -> Vec<u8> {
        // A later field of the same number wins, so it is enough to add one.
        let mut message = message.to_vec();
        if let Some(number) = self.validate_only_field {
            prost::encoding::bool::encode(number, &true, &mut message);
        }
        message
    }
}

/// The policies of a server, by path.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    by_path: HashMap<Arc<str>, Arc<Policy>>,
}

/// A contract that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("the contract has no service {0}")]
    NoService(String),
    #[error("rpc {path}: {problem}")]
    Method { path: String, problem: String },
}

impl Policies {
    /// The policies of these services, by their full names.
    pub fn from_descriptors(pool: &DescriptorPool, services: &[&str]) -> Result<Self, PolicyError> {
        let mut by_path = HashMap::new();
        for name in services {
            let service =
                pool.get_service_by_name(name).ok_or_else(|| PolicyError::NoService((*name).to_owned()))?;
            for method in service.methods() {
                let policy = policy(&method)
                    .map_err(|problem| PolicyError::Method { path: path(&method), problem })?;
                by_path.insert(policy.path.clone(), Arc::new(policy));
            }
        }
        Ok(Self { by_path })
    }

    pub fn get(&self, path: &str) -> Option<&Arc<Policy>> {
        self.by_path.get(path)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.by_path.values().map(AsRef::as_ref)
    }
}

fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn policy(method: &MethodDescriptor) -> Result<Policy, String> {
    if method.is_client_streaming() {
        return Err("streams its request, which cannot be judged before it is read".to_owned());
    }
    let stated = options::policy(method).ok_or("has no policy")?;
    let approval = ApprovalRule::try_from(stated.approval).map_err(|_| "has an unknown approval rule")?;
    let input = method.input();
    if stated.permission.is_empty() {
        return Err("has a policy without permission".to_owned());
    }
    let needs_approval = approval != ApprovalRule::Unspecified;
    let only_reads = options::only_reads(method);
    if only_reads && needs_approval {
        return Err("has no side effects, and needs approval".to_owned());
    }
    if needs_approval == stated.checking_permission.is_empty() {
        return Err("must have a checking_permission exactly when it needs approval".to_owned());
    }
    let scope_field = optional_scope(&input, stated.scope_field)?;
    let checking_scope_field = optional_scope(&input, stated.checking_scope_field)?;
    if checking_scope_field.is_some() && !needs_approval {
        return Err("has a checking_scope_field and needs no approval".to_owned());
    }
    // A checker needs the request's id, and must be able to see what it would do.
    let optional_field = |name: &str, kind: &Kind| match field(&input, name, kind) {
        Ok(number) => Ok(Some(number)),
        Err(problem) if needs_approval => Err(problem),
        Err(_) => Ok(None),
    };
    // A query may have a filter with such a name.
    let field_of_change = |name: &str, kind: &Kind| {
        if only_reads { Ok(None) } else { optional_field(name, kind) }
    };
    Ok(Policy {
        method: path(method).trim_start_matches('/').into(),
        path: path(method).into(),
        permission: stated.permission,
        only_reads,
        approval,
        checking_permission: stated.checking_permission,
        scope_field,
        checking_scope_field,
        request_id_field: field_of_change("request_id", &Kind::String)?,
        validate_only_field: field_of_change("validate_only", &Kind::Bool)?,
        output: method.output(),
        input,
    })
}

fn optional_scope(input: &MessageDescriptor, name: String) -> Result<Option<(String, u32)>, String> {
    if name.is_empty() {
        return Ok(None);
    }
    let number = field(input, &name, &Kind::String)?;
    Ok(Some((name, number)))
}

fn field(message: &MessageDescriptor, name: &str, kind: &Kind) -> Result<u32, String> {
    message
        .get_field_by_name(name)
        .filter(|field| field.kind() == *kind && !field.is_list())
        .map(|field| field.number())
        .ok_or_else(|| format!("needs a field {name} of type {kind:?} in its request"))
}

/// A message as JSON, by the protobuf JSON mapping.
pub fn json(descriptor: &MessageDescriptor, message: &[u8]) -> Result<String, JsonError> {
    let message = DynamicMessage::decode(descriptor.clone(), message)?;
    Ok(serde_json::to_string(&message)?)
}

/// A message that cannot be shown as JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    #[error("the message is malformed")]
    Malformed(#[from] prost::DecodeError),
    #[error("the message has no JSON form")]
    NoForm(#[from] serde_json::Error),
}

/// The refusal of a request that is no message of its rpc.
pub(crate) fn malformed(policy: &Policy, what: &str) -> Refusal {
    let name = policy.input.full_name();
    reasons::FIELD_INVALID
        .refuse(format!("the request is malformed: {what}"))
        .field("request", format!("must be a {name}"))
}
