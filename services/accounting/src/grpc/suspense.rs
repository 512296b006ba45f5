//! `SuspenseService`.

use platform::call;
use proto_accounting::v1::{self as pb, suspense_service_server::SuspenseService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::wire::suspense;

#[async_trait]
impl SuspenseService for Api {
    async fn get_suspense_item(
        &self,
        request: Request<pb::GetSuspenseItemRequest>,
    ) -> Result<Response<pb::GetSuspenseItemResponse>, Status> {
        call::answer(request, async |request| {
            let number = form::numbered_name("name", "suspenseItems", &request.name)?;
            let found = self.enquiries.suspense_item(number).await?;
            Ok(pb::GetSuspenseItemResponse {
                item: Some(suspense::to_proto(&found.item)),
                fact_json: found.payload.map(|payload| payload.to_string()).unwrap_or_default(),
            })
        })
        .await
    }

    async fn list_suspense_items(
        &self,
        request: Request<pb::ListSuspenseItemsRequest>,
    ) -> Result<Response<pb::ListSuspenseItemsResponse>, Status> {
        call::answer(request, async |request| {
            let branch = form::filter("branch", &request.branch)?;
            let state = suspense::state_from_proto(request.state());
            let (pages, key) = (self.enquiries.pages(), ("suspense items", &request.branch, request.state));
            let (below, size) = pages.begin(&key, request.page_size, &request.page_token, i64::MAX)?;
            let found = self.enquiries.suspense_items(branch, state, below, size).await?;
            Ok(pb::ListSuspenseItemsResponse {
                next_page_token: pages.next(&key, &found, size, |item| item.number.0),
                items: found.iter().map(suspense::to_proto).collect(),
            })
        })
        .await
    }
}
