//! Holds: one, and lists.

use platform::refusal::Failure;
use proto_accounting::v1 as pb;

use super::{Enquiries, not_found};
use crate::{
    store::{accounts, holds},
    wire::{self, hold},
};

/// Reads one hold.
pub async fn get(on: &Enquiries, request: pb::GetHoldRequest) -> Result<pb::GetHoldResponse, Failure> {
    let number = hold::hold_number("name", &request.name)?;
    let found = holds::get(&mut *on.connection().await?, number.0).await?;
    let found = found.ok_or_else(|| not_found(&request.name))?;
    Ok(pb::GetHoldResponse { hold: Some(hold::to_proto(&found)) })
}

/// Lists the holds of an account, newest first.
pub async fn list(on: &Enquiries, request: pb::ListHoldsRequest) -> Result<pb::ListHoldsResponse, Failure> {
    let number = wire::account_name("account", &request.account)?;
    let state = hold::state(request.state());
    let key = ("holds", &request.account, request.state);
    let (below, size) = on.page(&key, request.page_size, &request.page_token, i64::MAX)?;
    let mut conn = on.connection().await?;
    let account =
        accounts::get(&mut conn, number.as_str()).await?.ok_or_else(|| not_found(&request.account))?.account;
    let found = holds::list(&mut conn, account.id.0, state, below, size).await?;
    Ok(pb::ListHoldsResponse {
        next_page_token: on.next(&key, &found, size, |hold| hold.number.0),
        holds: found.iter().map(hold::to_proto).collect(),
    })
}
