//! Every rpc by the type of its request, so that a test sends a request and says no more.

use proto_accounting::v1::{
    self as pb, account_service_client::AccountServiceClient,
    base_data_service_client::BaseDataServiceClient, hold_service_client::HoldServiceClient,
    ledger_service_client::LedgerServiceClient, onboarding_service_client::OnboardingServiceClient,
    posting_service_client::PostingServiceClient, suspense_service_client::SuspenseServiceClient,
};
use proto_common::approval::v1::{self as approval, approval_service_client::ApprovalServiceClient};
use tonic::{Request, Response, Status, transport::Channel};

/// A request that can be sent.
pub trait Call: Clone + Send {
    type Answer: Send;

    fn send(
        request: Request<Self>,
        channel: Channel,
    ) -> impl Future<Output = Result<Response<Self::Answer>, Status>> + Send;
}

macro_rules! calls {
    ($($client:ident: $($method:ident($request:ty) -> $answer:ty),* $(,)?;)*) => {
        $($(impl Call for $request {
            type Answer = $answer;

            async fn send(request: Request<Self>, channel: Channel) -> Result<Response<$answer>, Status> {
                $client::new(channel).$method(request).await
            }
        })*)*
    };
}

calls! {
    BaseDataServiceClient:
        change_base_data(pb::ChangeBaseDataRequest) -> pb::ChangeBaseDataResponse,
        get_base_record(pb::GetBaseRecordRequest) -> pb::GetBaseRecordResponse,
        list_base_records(pb::ListBaseRecordsRequest) -> pb::ListBaseRecordsResponse,
        list_base_record_versions(pb::ListBaseRecordVersionsRequest) -> pb::ListBaseRecordVersionsResponse;
    LedgerServiceClient:
        open_business_day(pb::OpenBusinessDayRequest) -> pb::OpenBusinessDayResponse,
        get_business_day(pb::GetBusinessDayRequest) -> pb::GetBusinessDayResponse,
        get_trial_balance(pb::GetTrialBalanceRequest) -> pb::GetTrialBalanceResponse;
    AccountServiceClient:
        open_account(pb::OpenAccountRequest) -> pb::OpenAccountResponse,
        change_account(pb::ChangeAccountRequest) -> pb::ChangeAccountResponse,
        activate_account(pb::ActivateAccountRequest) -> pb::ActivateAccountResponse,
        mark_account_dormant(pb::MarkAccountDormantRequest) -> pb::MarkAccountDormantResponse,
        freeze_account(pb::FreezeAccountRequest) -> pb::FreezeAccountResponse,
        unfreeze_account(pb::UnfreezeAccountRequest) -> pb::UnfreezeAccountResponse,
        close_account(pb::CloseAccountRequest) -> pb::CloseAccountResponse,
        get_account(pb::GetAccountRequest) -> pb::GetAccountResponse,
        list_accounts(pb::ListAccountsRequest) -> pb::ListAccountsResponse,
        list_account_versions(pb::ListAccountVersionsRequest) -> pb::ListAccountVersionsResponse,
        list_account_entries(pb::ListAccountEntriesRequest) -> pb::ListAccountEntriesResponse;
    PostingServiceClient:
        post_transaction(pb::PostTransactionRequest) -> pb::PostTransactionResponse,
        post_batch(pb::PostBatchRequest) -> pb::PostBatchResponse,
        post_business(pb::PostBusinessRequest) -> pb::PostBusinessResponse,
        get_posting(pb::GetPostingRequest) -> pb::GetPostingResponse,
        list_postings(pb::ListPostingsRequest) -> pb::ListPostingsResponse;
    SuspenseServiceClient:
        get_suspense_item(pb::GetSuspenseItemRequest) -> pb::GetSuspenseItemResponse,
        list_suspense_items(pb::ListSuspenseItemsRequest) -> pb::ListSuspenseItemsResponse;
    HoldServiceClient:
        place_hold(pb::PlaceHoldRequest) -> pb::PlaceHoldResponse,
        capture_hold(pb::CaptureHoldRequest) -> pb::CaptureHoldResponse,
        release_hold(pb::ReleaseHoldRequest) -> pb::ReleaseHoldResponse,
        get_hold(pb::GetHoldRequest) -> pb::GetHoldResponse,
        list_holds(pb::ListHoldsRequest) -> pb::ListHoldsResponse;
    OnboardingServiceClient:
        import_accounts(pb::ImportAccountsRequest) -> pb::ImportAccountsResponse,
        import_postings(pb::ImportPostingsRequest) -> pb::ImportPostingsResponse,
        search_former_numbers(pb::SearchFormerNumbersRequest) -> pb::SearchFormerNumbersResponse;
    ApprovalServiceClient:
        get_approval(approval::GetApprovalRequest) -> approval::GetApprovalResponse,
        list_approvals(approval::ListApprovalsRequest) -> approval::ListApprovalsResponse,
        approve_request(approval::ApproveRequestRequest) -> approval::ApproveRequestResponse,
        reject_request(approval::RejectRequestRequest) -> approval::RejectRequestResponse;
}
