//! `HoldService`.

use proto_accounting::v1::{self as pb, hold_service_server::HoldService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{app::enquiry, wire::hold};

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
        self.enquiry(request, enquiry::holds::get).await
    }

    async fn list_holds(
        &self,
        request: Request<pb::ListHoldsRequest>,
    ) -> Result<Response<pb::ListHoldsResponse>, Status> {
        self.enquiry(request, enquiry::holds::list).await
    }
}
