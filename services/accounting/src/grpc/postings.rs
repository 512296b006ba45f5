//! `PostingService`.

use countinghouse_proto::accounting::v1::{self as pb, posting_service_server::PostingService};
use tonic::{Request, Response, Status, async_trait};

use super::{Api, call::Stamp};
use crate::{app::enquiry, wire::posting};

#[async_trait]
impl PostingService for Api {
    async fn post_transaction(
        &self,
        request: Request<pb::PostTransactionRequest>,
    ) -> Result<Response<pb::PostTransactionResponse>, Status> {
        let stamp = |request: &pb::PostTransactionRequest| -> Stamp<'_> {
            Stamp { request_id: &request.request_id, branch: &request.branch, validate_only: request.validate_only }
        };
        self.command("PostTransaction", request, stamp, posting::post, posting::posted).await
    }

    async fn post_batch(
        &self,
        request: Request<pb::PostBatchRequest>,
    ) -> Result<Response<pb::PostBatchResponse>, Status> {
        let stamp = |request: &pb::PostBatchRequest| -> Stamp<'_> {
            Stamp { request_id: &request.request_id, branch: &request.branch, validate_only: request.validate_only }
        };
        self.command("PostBatch", request, stamp, posting::post_batch, posting::batch_posted).await
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
