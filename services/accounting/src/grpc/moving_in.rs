//! `MovingInService`.

use countinghouse_proto::accounting::v1::{
    self as pb,
    moving_in_service_server::{MovingInService, SERVICE_NAME},
};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{
    app::{enquiry, writer::Rpc},
    wire::moving_in,
};

fn rpc(method: &'static str) -> Rpc {
    Rpc { service: SERVICE_NAME, method }
}

#[async_trait]
impl MovingInService for Api {
    async fn import_accounts(
        &self,
        request: Request<pb::ImportAccountsRequest>,
    ) -> Result<Response<pb::ImportAccountsResponse>, Status> {
        self.command(rpc("ImportAccounts"), request, moving_in::accounts, moving_in::accounts_imported).await
    }

    async fn import_postings(
        &self,
        request: Request<pb::ImportPostingsRequest>,
    ) -> Result<Response<pb::ImportPostingsResponse>, Status> {
        self.command(rpc("ImportPostings"), request, moving_in::postings, moving_in::postings_imported).await
    }

    async fn search_former_numbers(
        &self,
        request: Request<pb::SearchFormerNumbersRequest>,
    ) -> Result<Response<pb::SearchFormerNumbersResponse>, Status> {
        self.enquiry(request, enquiry::accounts::by_former_numbers).await
    }
}
