//! Postings: one, and lists.

use countinghouse_proto::accounting::v1 as pb;
use platform::refusal::Failure;

use super::{Enquiries, not_found};
use crate::{
    store::postings::{self, Filter},
    wire::{self, posting::told_posting},
};

/// Reads one posting.
pub async fn get(on: &Enquiries, request: pb::GetPostingRequest) -> Result<pb::GetPostingResponse, Failure> {
    let number = wire::numbered_name("name", "postings", &request.name)?;
    let found = postings::by_numbers(&mut *on.connection().await?, &[number]).await?;
    let posting = found.first().ok_or_else(|| not_found(&request.name))?;
    Ok(pb::GetPostingResponse { posting: Some(told_posting(posting)) })
}

/// Lists postings, newest first.
pub async fn list(
    on: &Enquiries,
    request: pb::ListPostingsRequest,
) -> Result<pb::ListPostingsResponse, Failure> {
    let filter = Filter {
        accounting_date: wire::date("accounting_date", &request.accounting_date)?,
        branch: wire::filter("branch", &request.branch)?,
        operator: wire::filter("operator", &request.operator)?,
        code: wire::filter("code", &request.code)?,
        request_id: wire::filter("request_id", &request.request_id)?
            .map(|id| wire::uuid("request_id", id))
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
        postings: found.iter().map(told_posting).collect(),
    })
}
