//! `PostingService`.

use proto_accounting::v1::{self as pb, posting_service_server::PostingService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{app::enquiry, wire::posting};

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
        self.enquiry(request, enquiry::postings::get).await
    }

    async fn list_postings(
        &self,
        request: Request<pb::ListPostingsRequest>,
    ) -> Result<Response<pb::ListPostingsResponse>, Status> {
        self.enquiry(request, enquiry::postings::list).await
    }
}
