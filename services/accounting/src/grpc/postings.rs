//! `PostingService`.

use platform::call;
use proto_accounting::v1::{self as pb, posting_service_server::PostingService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::wire::posting;

#[async_trait]
impl PostingService for Api {
    async fn post_transaction(
        &self,
        request: Request<pb::PostTransactionRequest>,
    ) -> Result<Response<pb::PostTransactionResponse>, Status> {
        self.command(request, posting::post, posting::posted).await
    }

    async fn post_batch(
        &self,
        request: Request<pb::PostBatchRequest>,
    ) -> Result<Response<pb::PostBatchResponse>, Status> {
        self.command(request, posting::post_batch, posting::batch_posted).await
    }

    async fn post_business(
        &self,
        request: Request<pb::PostBusinessRequest>,
    ) -> Result<Response<pb::PostBusinessResponse>, Status> {
        self.command(request, posting::post_business, posting::business_posted).await
    }

    async fn get_posting(
        &self,
        request: Request<pb::GetPostingRequest>,
    ) -> Result<Response<pb::GetPostingResponse>, Status> {
        call::answer(request, async |request| {
            let number = form::numbered_name("name", "postings", &request.name)?;
            let found = self.enquiries.posting(number).await?;
            Ok(pb::GetPostingResponse { posting: Some(posting::posting_to_proto(&found)) })
        })
        .await
    }

    async fn list_postings(
        &self,
        request: Request<pb::ListPostingsRequest>,
    ) -> Result<Response<pb::ListPostingsResponse>, Status> {
        call::answer(request, async |request| {
            let filter = posting::filter_from_proto(&request)?;
            let key = (
                "postings",
                &request.accounting_date,
                &request.branch,
                &request.operator,
                &request.code,
                &request.request_id,
            );
            let pages = self.enquiries.pages();
            let (below, size) = pages.begin(&key, request.page_size, &request.page_token, i64::MAX)?;
            let found = self.enquiries.postings(&filter, below, size).await?;
            Ok(pb::ListPostingsResponse {
                next_page_token: pages.next(&key, &found, size, |posting| posting.number.0),
                postings: found.iter().map(posting::posting_to_proto).collect(),
            })
        })
        .await
    }
}
