//! `StockService`.

use platform::call;
use proto_voucher::v1::{self as pb, stock_service_server::StockService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{
    app::{move_range::MoveRange, receive_print_batch::ReceivePrintBatch},
    wire::{self, stock},
};

#[async_trait]
impl StockService for Api {
    async fn receive_print_batch(
        &self,
        request: Request<pb::ReceivePrintBatchRequest>,
    ) -> Result<Response<pb::ReceivePrintBatchResponse>, Status> {
        let from_proto = |request| {
            Ok(ReceivePrintBatch { bank: self.bank()?, receipt: stock::receipt_from_proto(request)? })
        };
        let to_proto = |(batch, kind)| pb::ReceivePrintBatchResponse {
            batch: Some(stock::batch_to_proto(&batch, &kind)),
        };
        self.commands.handle(request, from_proto, to_proto).await
    }

    async fn move_range(
        &self,
        request: Request<pb::MoveRangeRequest>,
    ) -> Result<Response<pb::MoveRangeResponse>, Status> {
        let from_proto =
            |request| Ok(MoveRange { bank: self.bank()?, handover: stock::handover_from_proto(request)? });
        let to_proto = |moved| pb::MoveRangeResponse { r#move: Some(stock::move_to_proto(&moved)) };
        self.commands.handle(request, from_proto, to_proto).await
    }

    async fn get_print_batch(
        &self,
        request: Request<pb::GetPrintBatchRequest>,
    ) -> Result<Response<pb::GetPrintBatchResponse>, Status> {
        call::answer(request, async |request| {
            let (batch, kind) = self.enquiries.batch(stock::batch_number(&request.name)?).await?;
            Ok(pb::GetPrintBatchResponse { batch: Some(stock::batch_to_proto(&batch, &kind)) })
        })
        .await
    }

    async fn list_holdings(
        &self,
        request: Request<pb::ListHoldingsRequest>,
    ) -> Result<Response<pb::ListHoldingsResponse>, Status> {
        call::answer(request, async |request| {
            let (kind, branch) =
                (wire::kind_code("kind", &request.kind)?, form::filter("branch", &request.branch)?);
            let (pages, key) = (self.enquiries.pages(), ("holdings", &request.kind, &request.branch));
            let (after, size) = pages.begin(&key, request.page_size, &request.page_token, -1)?;
            let (kind, found) = self.enquiries.holdings(&kind, branch, after, size).await?;
            Ok(pb::ListHoldingsResponse {
                next_page_token: pages.next(&key, &found, size, |holding| holding.range.first),
                holdings: found.iter().map(|holding| stock::holding_to_proto(holding, &kind)).collect(),
            })
        })
        .await
    }
}
