//! `ApprovalService`.

use chrono::{DateTime, Utc};
use proto_common::approval::v1::{
    ApprovalState, ApproveRequestRequest, ApproveRequestResponse, GetApprovalRequest, GetApprovalResponse,
    ListApprovalsRequest, ListApprovalsResponse, RejectRequestRequest, RejectRequestResponse,
    approval_service_server::ApprovalService,
};
use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;

use super::{
    Approval, Approvals, decide,
    rows::{self, Filter},
    view,
};
use crate::{
    auth::Scopes,
    call::{Call, Caller},
    pages::page_size,
    refusal::{Failure, Refusal, reasons},
};

const PAGE_SIZE_DEFAULT: i64 = 50;
const PAGE_SIZE_MAX: i64 = 500;
const REASON_CHARS_MAX: usize = 500;

/// The API of checkers.
#[derive(Clone)]
pub struct ApprovalApi(pub Approvals);

#[async_trait]
impl ApprovalService for ApprovalApi {
    async fn get_approval(
        &self,
        request: Request<GetApprovalRequest>,
    ) -> Result<Response<GetApprovalResponse>, Status> {
        let caller = Call::of(&request)?.caller;
        let name = request.into_inner().name;
        let read = async {
            let approval = self.0.read(id(&name)?, &caller).await?;
            let preview_json = self.0.preview(&approval, &caller).await?;
            let shown = self.0.show(&approval)?;
            Ok::<_, Failure>(proto_common::approval::v1::Approval { preview_json, ..shown })
        };
        let approval = read.await.map_err(|failure| failure.into_status(caller.correlation_id))?;
        Ok(Response::new(GetApprovalResponse { approval: Some(approval) }))
    }

    async fn list_approvals(
        &self,
        request: Request<ListApprovalsRequest>,
    ) -> Result<Response<ListApprovalsResponse>, Status> {
        let caller = Call::of(&request)?.caller;
        let page = self.0.page(&request.into_inner(), &caller).await;
        page.map(Response::new).map_err(|failure| failure.into_status(caller.correlation_id))
    }

    async fn approve_request(
        &self,
        request: Request<ApproveRequestRequest>,
    ) -> Result<Response<ApproveRequestResponse>, Status> {
        let checker = Call::of(&request)?.caller;
        let to_status = |failure: Failure| failure.into_status(checker.correlation_id);
        let id = id(&request.into_inner().name).map_err(|refusal| to_status(refusal.into()))?;
        let approval = self.0.approve(id, &checker).await?;
        let response_json = self.0.response_json(&approval).map_err(to_status)?;
        let approval = Some(self.0.show(&approval).map_err(to_status)?);
        Ok(Response::new(ApproveRequestResponse { approval, response_json }))
    }

    async fn reject_request(
        &self,
        request: Request<RejectRequestRequest>,
    ) -> Result<Response<RejectRequestResponse>, Status> {
        let checker = Call::of(&request)?.caller;
        let to_status = |failure: Failure| failure.into_status(checker.correlation_id);
        let request = request.into_inner();
        let id = id(&request.name).map_err(|refusal| to_status(refusal.into()))?;
        let reason = reason(&request.reason).map_err(|refusal| to_status(refusal.into()))?;
        let approval = self.0.reject(id, reason, &checker).await?;
        Ok(Response::new(RejectRequestResponse {
            approval: Some(self.0.show(&approval).map_err(to_status)?),
        }))
    }
}

impl Approvals {
    async fn read(&self, id: Uuid, caller: &Caller) -> Result<Approval, Failure> {
        let mut conn = self.0.pool.acquire().await?;
        let approval = rows::get(&mut conn, id).await?.ok_or_else(|| decide::unknown(id))?;
        if approval.maker.id != caller.actor.id {
            decide::in_scope(&approval, caller)?;
        }
        Ok(approval)
    }

    /// A page of the approvals in the caller's scopes, and of those that the caller has made.
    async fn page(
        &self,
        request: &ListApprovalsRequest,
        caller: &Caller,
    ) -> Result<ListApprovalsResponse, Failure> {
        let size = page_size(request.page_size, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)?;
        let filter = filter(request, caller)?;
        let scopes = filter.scopes.map(<[String]>::to_vec);
        let bound_to = (request.state, &request.maker, &scopes);
        let after: Option<(DateTime<Utc>, Uuid)> =
            self.0.page_tokens.decode(&bound_to, &request.page_token)?;
        let mut conn = self.0.pool.acquire().await?;
        let mut approvals = rows::page(&mut conn, &filter, after, self.0.clock.now(), size + 1).await?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let has_more = approvals.len() > size;
        approvals.truncate(size);
        let next_page_token = match approvals.last() {
            Some(last) if has_more => self.0.page_tokens.encode(&bound_to, &(last.created_at, last.id)),
            _ => String::new(),
        };
        let approvals = approvals.iter().map(|approval| self.show(approval)).collect::<Result<_, _>>()?;
        Ok(ListApprovalsResponse { approvals, next_page_token })
    }
}

fn filter<'a>(request: &'a ListApprovalsRequest, caller: &'a Caller) -> Result<Filter<'a>, Refusal> {
    let (state, has_expired) = match ApprovalState::try_from(request.state) {
        Ok(ApprovalState::Unspecified) => (None, None),
        Ok(ApprovalState::Pending) => (Some(view::PENDING), Some(false)),
        Ok(ApprovalState::Expired) => (Some(view::PENDING), Some(true)),
        Ok(ApprovalState::Executed) => (Some(view::EXECUTED), None),
        Ok(ApprovalState::Rejected) => (Some(view::REJECTED), None),
        Err(_) => {
            return Err(reasons::FIELD_INVALID
                .refuse("there is no such state")
                .field("state", "must be a state of approvals"));
        }
    };
    if request.maker.chars().any(char::is_control) {
        return Err(reasons::FIELD_INVALID
            .refuse("the maker has a control character in it")
            .field("maker", "must be printable"));
    }
    let scopes = match &caller.actor.scopes {
        Scopes::All => None,
        Scopes::Only(scopes) => Some(scopes.as_slice()),
    };
    let maker = Some(request.maker.as_str()).filter(|maker| !maker.is_empty());
    Ok(Filter { state, has_expired, maker, scopes, viewer: &caller.actor.id })
}

fn id(name: &str) -> Result<Uuid, Refusal> {
    name.strip_prefix("approvals/").and_then(|id| Uuid::try_parse(id).ok()).ok_or_else(|| {
        reasons::FIELD_INVALID
            .refuse("the name is not one of an approval")
            .field("name", "must be `approvals/{uuid}`")
    })
}

fn reason(text: &str) -> Result<&str, Refusal> {
    let is_bounded = (1..=REASON_CHARS_MAX).contains(&text.chars().count());
    if is_bounded && !text.trim().is_empty() && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    Err(reasons::FIELD_INVALID.refuse("a request is not rejected without a reason").field(
        "reason",
        format!(
            "must be 1 to {REASON_CHARS_MAX} characters, not all blank and none of them a control character"
        ),
    ))
}
