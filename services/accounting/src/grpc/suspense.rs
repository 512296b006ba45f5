//! `SuspenseService`.

use proto_accounting::v1::{self as pb, suspense_service_server::SuspenseService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::app::enquiry;

#[async_trait]
impl SuspenseService for Api {
    async fn get_suspense_item(
        &self,
        request: Request<pb::GetSuspenseItemRequest>,
    ) -> Result<Response<pb::GetSuspenseItemResponse>, Status> {
        self.enquiry(request, enquiry::suspense::get).await
    }

    async fn list_suspense_items(
        &self,
        request: Request<pb::ListSuspenseItemsRequest>,
    ) -> Result<Response<pb::ListSuspenseItemsResponse>, Status> {
        self.enquiry(request, enquiry::suspense::list).await
    }
}
