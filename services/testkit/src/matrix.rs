//! The authorisation matrix: every rpc of a server, called by nobody, by each role, and for another branch.
//!
//! A service's test has a table with a row for each rpc: the roles that may call it. The [`Matrix`] calls the running server
//! through all its layers and names each rpc that let in whom it should not, kept out whom it should let in, or has no row. The
//! requests are empty but for the branch and the request's id, so that whoever is let in is refused by the rules of the rpc,
//! and nothing happens.

use std::{collections::BTreeSet, fmt};

use chrono::TimeDelta;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use proto_common::{common::v1::Policy, options};
use tonic::{
    Request, Status,
    body::Body,
    client::{Grpc, GrpcService},
    codegen::{Body as HttpBody, Bytes, StdError, http::uri::PathAndQuery},
    metadata::{Ascii, MetadataValue},
};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::{
    contract,
    keys::{Claims, Issuer},
};

/// A role that no service's configuration knows.
const UNKNOWN_ROLE: &str = "role-of-nothing";

/// The operator of all calls.
const OPERATOR: &str = "T00000000";

/// The reasons by which authorisation refuses a call.
const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
const TOKEN_EXPIRED: &str = "TOKEN_EXPIRED";
const PERMISSION_DENIED: &str = "PERMISSION_DENIED";
const SCOPE_DENIED: &str = "SCOPE_DENIED";

/// Who may call an rpc.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The rpc, as `PostingService/PostTransaction`.
    pub rpc: &'a str,
    /// The roles that may call it. Every other role may not.
    pub roles: &'a [&'a str],
}

/// The authorisation that a server must have.
#[derive(Debug, Clone)]
pub struct Matrix<'a> {
    /// The packages whose services the server serves.
    pub packages: &'a [&'a str],
    /// A row for each rpc of these packages.
    pub rows: &'a [Row<'a>],
    /// All roles that the server's configuration knows.
    pub roles: &'a [&'a str],
    /// The branch that requests act in.
    pub branch: &'a str,
    /// A branch that does not cover it.
    pub other_branch: &'a str,
}

/// What a server answered to a call.
enum Answer {
    /// Authorisation let the call in.
    LetIn,
    /// Authorisation refused it, for this reason.
    Refused(String),
    /// The call failed in a way that no call should.
    Failed(Status),
}

/// One call: by whom, and how it must end.
struct Call {
    caller: String,
    token: Option<String>,
    /// The reason to be refused for; `None` to be let in.
    refused: Option<&'static str>,
}

impl Matrix<'_> {
    /// Calls every rpc of the server as everyone, with tokens that `issuer` signs, and says what is wrong; empty when the
    /// server keeps to the matrix.
    pub async fn faults<S>(&self, server: S, issuer: &Issuer) -> Vec<String>
    where
        S: GrpcService<Body> + Clone,
        S::Error: Into<StdError>,
        S::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
        <S::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
    {
        let rpcs: Vec<MethodDescriptor> = contract::pool()
            .services()
            .filter(|service| self.packages.contains(&service.package_name()))
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .collect();
        let mut faults = self.gaps(&rpcs);
        for rpc in &rpcs {
            let name = name_of(rpc);
            let Some(row) = self.rows.iter().find(|row| row.rpc == name) else { continue };
            for call in self.calls(rpc, row, issuer) {
                let answer = attempt(server.clone(), rpc, self.request(rpc), call.token.as_deref()).await;
                if !answer.is(call.refused) {
                    let wanted =
                        call.refused.map_or("let in".to_owned(), |reason| format!("refused {reason}"));
                    faults.push(format!("{name} by {}: should be {wanted}, was {answer}", call.caller));
                }
            }
        }
        faults
    }

    /// Rows that the table lacks, or should not have.
    fn gaps(&self, rpcs: &[MethodDescriptor]) -> Vec<String> {
        let served: BTreeSet<String> = rpcs.iter().map(name_of).collect();
        let rows: BTreeSet<String> = self.rows.iter().map(|row| row.rpc.to_owned()).collect();
        let mut gaps: Vec<String> = Vec::new();
        gaps.extend(served.difference(&rows).map(|rpc| format!("{rpc} has no row")));
        gaps.extend(
            rows.difference(&served).map(|rpc| format!("{rpc} has a row and is no rpc of the server")),
        );
        for row in self.rows {
            let unknown = row.roles.iter().filter(|role| !self.roles.contains(role));
            gaps.extend(unknown.map(|role| format!("{} names the role {role}, which is none", row.rpc)));
            if row.roles.is_empty() {
                gaps.push(format!("{} may be called by no role", row.rpc));
            }
        }
        if rows.len() != self.rows.len() {
            gaps.push("an rpc has two rows".to_owned());
        }
        gaps
    }

    fn calls(&self, rpc: &MethodDescriptor, row: &Row<'_>, issuer: &Issuer) -> Vec<Call> {
        let call = |caller: &str, claims: &Claims, refused| Call {
            caller: caller.to_owned(),
            token: Some(issuer.sign(claims)),
            refused,
        };
        let claims = |role: &str, branch: &str| Claims::of(OPERATOR, &[role]).within(&[branch]);
        let role = row.roles.first().copied().unwrap_or(UNKNOWN_ROLE);

        let mut expired = claims(role, self.branch);
        expired.iat -= TimeDelta::days(2).num_seconds();
        expired.exp -= TimeDelta::days(2).num_seconds();
        let forged = Issuer::generate().sign(&claims(role, self.branch));
        let mut calls = vec![
            Call { caller: "nobody".to_owned(), token: None, refused: Some(UNAUTHENTICATED) },
            Call {
                caller: "a token of another issuer".to_owned(),
                token: Some(forged),
                refused: Some(UNAUTHENTICATED),
            },
            call("an expired token", &expired, Some(TOKEN_EXPIRED)),
        ];
        for &role in self.roles.iter().chain([&UNKNOWN_ROLE]) {
            let refused = (!row.roles.contains(&role)).then_some(PERMISSION_DENIED);
            calls.push(call(role, &claims(role, self.branch), refused));
        }
        if !policy_of(rpc).scope_field.is_empty() {
            let caller = format!("{role} of branch {}", self.other_branch);
            calls.push(call(&caller, &claims(role, self.other_branch), Some(SCOPE_DENIED)));
        }
        calls
    }

    /// A request that authorisation can decide on, and that changes nothing.
    fn request(&self, rpc: &MethodDescriptor) -> DynamicMessage {
        let mut request = DynamicMessage::new(rpc.input());
        let scope_field = policy_of(rpc).scope_field;
        if !scope_field.is_empty() {
            request.set_field_by_name(&scope_field, Value::String(self.branch.to_owned()));
        }
        if rpc.input().get_field_by_name("request_id").is_some() {
            request.set_field_by_name("request_id", Value::String(new_id().to_string()));
        }
        request
    }
}

impl Answer {
    fn of(status: Status) -> Answer {
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        match reason.as_str() {
            UNAUTHENTICATED | TOKEN_EXPIRED | PERMISSION_DENIED | SCOPE_DENIED => Answer::Refused(reason),
            // Refused with a reason of the rpc's own: authorisation is passed.
            _ if !reason.is_empty() => Answer::LetIn,
            _ => Answer::Failed(status),
        }
    }

    fn is(&self, refused: Option<&str>) -> bool {
        match (self, refused) {
            (Answer::LetIn, None) => true,
            (Answer::Refused(reason), Some(wanted)) => reason == wanted,
            _ => false,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::LetIn => formatter.write_str("let in"),
            Answer::Refused(reason) => write!(formatter, "refused {reason}"),
            Answer::Failed(status) => {
                write!(formatter, "{:?} without a reason: {}", status.code(), status.message())
            }
        }
    }
}

/// Makes one call, and reads nothing of an answer but whether there is one.
async fn attempt<S>(server: S, rpc: &MethodDescriptor, message: DynamicMessage, token: Option<&str>) -> Answer
where
    S: GrpcService<Body>,
    S::Error: Into<StdError>,
    S::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <S::ResponseBody as HttpBody>::Error: Into<StdError> + Send,
{
    let path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
    let path = PathAndQuery::try_from(path).expect("invariant: an rpc's path is a path");
    let mut request = Request::new(message);
    if let Some(token) = token {
        let bearer: MetadataValue<Ascii> =
            format!("Bearer {token}").parse().expect("invariant: a token is ASCII");
        request.metadata_mut().insert("authorization", bearer);
    }
    let mut client = Grpc::new(server);
    if let Err(error) = client.ready().await {
        return Answer::Failed(Status::from_error(error.into()));
    }
    match client.unary(request, path, ProstCodec::<DynamicMessage, ()>::default()).await {
        Ok(_) => Answer::LetIn,
        Err(status) => Answer::of(status),
    }
}

fn name_of(rpc: &MethodDescriptor) -> String {
    format!("{}/{}", rpc.parent_service().name(), rpc.name())
}

fn policy_of(rpc: &MethodDescriptor) -> Policy {
    options::policy(rpc).expect("invariant: every rpc has a policy")
}

fn new_id() -> Uuid {
    Uuid::from_u128(rand::random())
}
