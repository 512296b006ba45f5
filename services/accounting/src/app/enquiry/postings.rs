//! Postings: one, and lists.

use platform::refusal::Failure;
use proto_accounting::v1 as pb;

use super::{Enquiries, not_found};
use crate::{
    store::postings::{self, Filter},
    wire::posting::posting_to_proto,
};

/// Reads one posting.
pub async fn get(on: &Enquiries, request: pb::GetPostingRequest) -> Result<pb::GetPostingResponse, Failure> {
    let number = form::numbered_name("name", "postings", &request.name)?;
    let found = postings::by_numbers(&mut *on.connection().await?, &[number]).await?;
    let posting = found.first().ok_or_else(|| not_found(&request.name))?;
    Ok(pb::GetPostingResponse { posting: Some(posting_to_proto(posting)) })
}

/// Lists postings, newest first.
pub async fn list(
    on: &Enquiries,
    request: pb::ListPostingsRequest,
) -> Result<pb::ListPostingsResponse, Failure> {
    let filter = Filter {
        accounting_date: form::date("accounting_date", &request.accounting_date)?,
        branch: form::filter("branch", &request.branch)?,
        operator: form::filter("operator", &request.operator)?,
        code: form::filter("code", &request.code)?,
        request_id: form::filter("request_id", &request.request_id)?
            .map(|id| form::uuid("request_id", id))
            .transpose()?,
    };
    let key = (
        "postings",
        &request.accounting_date,
        &request.branch,
        &request.operator,
        &request.code,
        &request.request_id,
    );
    let (below, size) = on.page(&key, request.page_size, &request.page_token, i64::MAX)?;
    let found = postings::list(&mut *on.connection().await?, &filter, below, size).await?;
    Ok(pb::ListPostingsResponse {
        next_page_token: on.next(&key, &found, size, |posting| posting.number.0),
        postings: found.iter().map(posting_to_proto).collect(),
    })
}
