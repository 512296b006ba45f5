//! `HoldService`.

use platform::call;
use proto_accounting::v1::{self as pb, hold_service_server::HoldService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::wire::{self, hold};

#[async_trait]
impl HoldService for Api {
    async fn place_hold(
        &self,
        request: Request<pb::PlaceHoldRequest>,
    ) -> Result<Response<pb::PlaceHoldResponse>, Status> {
        self.command(request, hold::place, |answer| {
            Ok(pb::PlaceHoldResponse { hold: Some(hold::held(answer)?) })
        })
        .await
    }

    async fn capture_hold(
        &self,
        request: Request<pb::CaptureHoldRequest>,
    ) -> Result<Response<pb::CaptureHoldResponse>, Status> {
        self.command(request, hold::capture, hold::captured).await
    }

    async fn release_hold(
        &self,
        request: Request<pb::ReleaseHoldRequest>,
    ) -> Result<Response<pb::ReleaseHoldResponse>, Status> {
        self.command(request, hold::release, |answer| {
            Ok(pb::ReleaseHoldResponse { hold: Some(hold::held(answer)?) })
        })
        .await
    }

    async fn get_hold(
        &self,
        request: Request<pb::GetHoldRequest>,
    ) -> Result<Response<pb::GetHoldResponse>, Status> {
        call::answer(request, async |request| {
            let number = hold::hold_number("name", &request.name)?;
            let found = self.enquiries.hold(number).await?;
            Ok(pb::GetHoldResponse { hold: Some(hold::to_proto(&found)) })
        })
        .await
    }

    async fn list_holds(
        &self,
        request: Request<pb::ListHoldsRequest>,
    ) -> Result<Response<pb::ListHoldsResponse>, Status> {
        call::answer(request, async |request| {
            let account = wire::account_name("account", &request.account)?;
            let state = hold::state_from_proto(request.state());
            let (pages, key) = (self.enquiries.pages(), ("holds", &request.account, request.state));
            let (below, size) = pages.begin(&key, request.page_size, &request.page_token, i64::MAX)?;
            let found = self.enquiries.holds(&account, state, below, size).await?;
            Ok(pb::ListHoldsResponse {
                next_page_token: pages.next(&key, &found, size, |hold| hold.number.0),
                holds: found.iter().map(hold::to_proto).collect(),
            })
        })
        .await
    }
}
