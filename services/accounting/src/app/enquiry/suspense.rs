//! Suspense items: one, and lists.

use platform::refusal::Failure;
use proto_accounting::v1 as pb;

use super::{Enquiries, not_found};
use crate::{store, wire::suspense};

/// Reads one item.
pub async fn get(
    on: &Enquiries,
    request: pb::GetSuspenseItemRequest,
) -> Result<pb::GetSuspenseItemResponse, Failure> {
    let number = form::numbered_name("name", "suspenseItems", &request.name)?;
    let found = store::suspense::get(&mut *on.connection().await?, number).await?;
    let found = found.ok_or_else(|| not_found(&request.name))?;
    Ok(pb::GetSuspenseItemResponse {
        item: Some(suspense::to_proto(&found.item)),
        fact_json: found.payload.map(|payload| payload.to_string()).unwrap_or_default(),
    })
}

/// Lists items, newest first.
pub async fn list(
    on: &Enquiries,
    request: pb::ListSuspenseItemsRequest,
) -> Result<pb::ListSuspenseItemsResponse, Failure> {
    let branch = form::filter("branch", &request.branch)?;
    let state = suspense::state(request.state());
    let key = ("suspense items", &request.branch, request.state);
    let (below, size) = on.page(&key, request.page_size, &request.page_token, i64::MAX)?;
    let found = store::suspense::list(&mut *on.connection().await?, branch, state, below, size).await?;
    Ok(pb::ListSuspenseItemsResponse {
        next_page_token: on.next(&key, &found, size, |item| item.number.0),
        items: found.iter().map(suspense::to_proto).collect(),
    })
}
