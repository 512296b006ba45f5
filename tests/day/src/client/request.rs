//! The calls that change something, as one type, so that they are sent, repeated and approved in one way.

use proto_accounting::v1::{
    ActivateAccountRequest, ActivateAccountResponse, CaptureHoldRequest, CaptureHoldResponse,
    ChangeAccountRequest, ChangeAccountResponse, ChangeBaseDataRequest, ChangeBaseDataResponse,
    CloseAccountRequest, CloseAccountResponse, FreezeAccountRequest, FreezeAccountResponse,
    MarkAccountDormantRequest, MarkAccountDormantResponse, OpenAccountRequest, OpenAccountResponse,
    OpenBusinessDayRequest, OpenBusinessDayResponse, PlaceHoldRequest, PlaceHoldResponse, PostBatchRequest,
    PostBatchResponse, PostBusinessRequest, PostBusinessResponse, PostTransactionRequest,
    PostTransactionResponse, ReleaseHoldRequest, ReleaseHoldResponse, UnfreezeAccountRequest,
    UnfreezeAccountResponse, account_service_client::AccountServiceClient,
    base_data_service_client::BaseDataServiceClient, hold_service_client::HoldServiceClient,
    ledger_service_client::LedgerServiceClient, posting_service_client::PostingServiceClient,
};
use proto_common::approval::v1::{
    ApproveRequestRequest, ApproveRequestResponse, RejectRequestRequest, RejectRequestResponse,
    approval_service_client::ApprovalServiceClient,
};
use tonic::{Response, Status, transport::Channel};

/// One variant for each call: its request, its answer, and how it is sent.
macro_rules! calls {
    ($($variant:ident($request:ty) -> $answer:ty = $client:ident.$method:ident),* $(,)?) => {
        /// A call that changes something.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Request {
            $($variant($request)),*
        }

        /// What a call was answered.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Answer {
            $($variant($answer)),*
        }

        $(impl From<$request> for Request {
            fn from(request: $request) -> Self {
                Self::$variant(request)
            }
        })*

        impl Request {
            /// Sends it once.
            pub(super) async fn send(
                self,
                channel: Channel,
                envelope: impl Fn(tonic::Request<()>) -> tonic::Request<()>,
            ) -> Result<Answer, Status> {
                match self {
                    $(Self::$variant(request) => {
                        let (metadata, extensions, ()) = envelope(tonic::Request::new(())).into_parts();
                        let request = tonic::Request::from_parts(metadata, extensions, request);
                        $client::new(channel).$method(request).await.map(Response::into_inner).map(Answer::$variant)
                    })*
                }
            }
        }
    };
}

calls! {
    ChangeBaseData(ChangeBaseDataRequest) -> ChangeBaseDataResponse = BaseDataServiceClient.change_base_data,
    OpenBusinessDay(OpenBusinessDayRequest) -> OpenBusinessDayResponse = LedgerServiceClient.open_business_day,
    OpenAccount(OpenAccountRequest) -> OpenAccountResponse = AccountServiceClient.open_account,
    ChangeAccount(ChangeAccountRequest) -> ChangeAccountResponse = AccountServiceClient.change_account,
    ActivateAccount(ActivateAccountRequest) -> ActivateAccountResponse = AccountServiceClient.activate_account,
    MarkAccountDormant(MarkAccountDormantRequest) -> MarkAccountDormantResponse
        = AccountServiceClient.mark_account_dormant,
    FreezeAccount(FreezeAccountRequest) -> FreezeAccountResponse = AccountServiceClient.freeze_account,
    UnfreezeAccount(UnfreezeAccountRequest) -> UnfreezeAccountResponse = AccountServiceClient.unfreeze_account,
    CloseAccount(CloseAccountRequest) -> CloseAccountResponse = AccountServiceClient.close_account,
    PostTransaction(PostTransactionRequest) -> PostTransactionResponse = PostingServiceClient.post_transaction,
    PostBusiness(PostBusinessRequest) -> PostBusinessResponse = PostingServiceClient.post_business,
    PostBatch(PostBatchRequest) -> PostBatchResponse = PostingServiceClient.post_batch,
    PlaceHold(PlaceHoldRequest) -> PlaceHoldResponse = HoldServiceClient.place_hold,
    CaptureHold(CaptureHoldRequest) -> CaptureHoldResponse = HoldServiceClient.capture_hold,
    ReleaseHold(ReleaseHoldRequest) -> ReleaseHoldResponse = HoldServiceClient.release_hold,
    ApproveRequest(ApproveRequestRequest) -> ApproveRequestResponse = ApprovalServiceClient.approve_request,
    RejectRequest(RejectRequestRequest) -> RejectRequestResponse = ApprovalServiceClient.reject_request,
}
