//! Approvals as the API shows them.

use chrono::{DateTime, Utc};
use pbjson_types::Timestamp;
use proto_common::approval::v1 as pb;
use serde_json::{Value, json};
use tonic::Status;
use tonic_types::StatusExt;

use super::{
    Approval, Approvals,
    rows::{Decision, State},
};
use crate::{
    call::{self, Caller},
    refusal::Failure,
};

/// States as they are stored.
pub const PENDING: &str = "pending";
pub const EXECUTED: &str = "executed";
pub const REJECTED: &str = "rejected";

impl Approvals {
    /// Without a preview.
    pub(super) fn show(&self, approval: &Approval) -> Result<pb::Approval, Failure> {
        let (state, by, reason) = match &approval.state {
            State::Pending if approval.has_expired(self.0.clock.now()) => {
                (pb::ApprovalState::Expired, None, "")
            }
            State::Pending => (pb::ApprovalState::Pending, None, ""),
            State::Executed { by, .. } => (pb::ApprovalState::Executed, Some(by), ""),
            State::Rejected { by, reason } => (pb::ApprovalState::Rejected, Some(by), reason.as_str()),
        };
        let policy = self.0.policies.get(&approval.method);
        let request_json = policy.map(|policy| call::json(&policy.input, &approval.request)).transpose();
        Ok(pb::Approval {
            name: approval.name(),
            method: approval.method.clone(),
            request_id: approval.request_id.to_string(),
            request_json: request_json.map_err(Failure::fault)?.unwrap_or_default(),
            preview_json: String::new(),
            maker: approval.maker.id.clone(),
            scope: approval.scope.clone(),
            state: state.into(),
            checker: by.map(|by| by.checker.clone()).unwrap_or_default(),
            reason: reason.to_owned(),
            create_time: Some(timestamp(approval.created_at)),
            expire_time: Some(timestamp(approval.expires_at)),
            decide_time: by.map(|Decision { at, .. }| timestamp(*at)),
        })
    }

    /// The answer that the request would get now; empty once it can no longer run.
    pub(super) async fn preview(&self, approval: &Approval, reader: &Caller) -> Result<String, Failure> {
        if approval.state != State::Pending || approval.has_expired(self.0.clock.now()) {
            return Ok(String::new());
        }
        let policy = self.policy(approval)?;
        let caller =
            Caller { actor: approval.maker.clone().into(), approver: None, preview: true, ..reader.clone() };
        match self.0.runner.run(&policy, &policy.only_validated(&approval.request), caller).await {
            Ok(response) => call::json(&policy.output, &response).map_err(Failure::fault),
            Err(status) if status.details().is_empty() => Err(Failure::fault(status)),
            Err(status) => Ok(status_json(&status).to_string()),
        }
    }

    /// The answer of an executed request.
    pub(super) fn response_json(&self, approval: &Approval) -> Result<String, Failure> {
        let State::Executed { response, .. } = &approval.state else { return Ok(String::new()) };
        let policy = self.policy(approval)?;
        call::json(&policy.output, response).map_err(Failure::fault)
    }
}

/// A `google.rpc.Status` in the Protobuf JSON mapping.
fn status_json(status: &Status) -> Value {
    let details = status.get_error_details();
    let mut shown = Vec::new();
    if let Some(info) = details.error_info() {
        shown.push(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": info.reason, "domain": info.domain, "metadata": info.metadata,
        }));
    }
    if let Some(request) = details.bad_request() {
        let violations = request.field_violations.iter();
        let violations: Vec<Value> = violations
            .map(|violation| json!({ "field": violation.field, "description": violation.description }))
            .collect();
        shown.push(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations,
        }));
    }
    if let Some(failure) = details.precondition_failure() {
        let violations = failure.violations.iter();
        let violations: Vec<Value> = violations
            .map(|violation| {
                json!({ "type": violation.r#type, "subject": violation.subject, "description": violation.description })
            })
            .collect();
        shown.push(json!({
            "@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": violations,
        }));
    }
    json!({ "code": i32::from(status.code()), "message": status.message(), "details": shown })
}

fn timestamp(at: DateTime<Utc>) -> Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    Timestamp { seconds: at.timestamp(), nanos }
}
