//! `AccountService`.

use proto_accounting::v1::{self as pb, account_service_server::AccountService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{app::enquiry, domain::command::AccountChange, wire::account};

#[async_trait]
impl AccountService for Api {
    async fn open_account(
        &self,
        request: Request<pb::OpenAccountRequest>,
    ) -> Result<Response<pb::OpenAccountResponse>, Status> {
        self.command(request, account::open, |answer| {
            Ok(pb::OpenAccountResponse { account: account::changed(answer)?.1 })
        })
        .await
    }

    async fn change_account(
        &self,
        request: Request<pb::ChangeAccountRequest>,
    ) -> Result<Response<pb::ChangeAccountResponse>, Status> {
        self.command(request, account::change, |answer| {
            let (before, account) = account::changed(answer)?;
            Ok(pb::ChangeAccountResponse { before, account })
        })
        .await
    }

    async fn activate_account(
        &self,
        request: Request<pb::ActivateAccountRequest>,
    ) -> Result<Response<pb::ActivateAccountResponse>, Status> {
        self.command(
            request,
            |request| account::step(&request.account, AccountChange::Activate, request.reason),
            |answer| Ok(pb::ActivateAccountResponse { account: account::changed(answer)?.1 }),
        )
        .await
    }

    async fn mark_account_dormant(
        &self,
        request: Request<pb::MarkAccountDormantRequest>,
    ) -> Result<Response<pb::MarkAccountDormantResponse>, Status> {
        self.command(
            request,
            |request| account::step(&request.account, AccountChange::MarkDormant, request.reason),
            |answer| Ok(pb::MarkAccountDormantResponse { account: account::changed(answer)?.1 }),
        )
        .await
    }

    async fn freeze_account(
        &self,
        request: Request<pb::FreezeAccountRequest>,
    ) -> Result<Response<pb::FreezeAccountResponse>, Status> {
        self.command(request, account::freeze, |answer| {
            Ok(pb::FreezeAccountResponse { account: account::changed(answer)?.1 })
        })
        .await
    }

    async fn unfreeze_account(
        &self,
        request: Request<pb::UnfreezeAccountRequest>,
    ) -> Result<Response<pb::UnfreezeAccountResponse>, Status> {
        self.command(request, account::unfreeze, |answer| {
            Ok(pb::UnfreezeAccountResponse { account: account::changed(answer)?.1 })
        })
        .await
    }

    async fn close_account(
        &self,
        request: Request<pb::CloseAccountRequest>,
    ) -> Result<Response<pb::CloseAccountResponse>, Status> {
        self.command(
            request,
            |request| account::step(&request.account, AccountChange::Close, request.reason),
            |answer| Ok(pb::CloseAccountResponse { account: account::changed(answer)?.1 }),
        )
        .await
    }

    async fn get_account(
        &self,
        request: Request<pb::GetAccountRequest>,
    ) -> Result<Response<pb::GetAccountResponse>, Status> {
        self.enquiry(request, enquiry::accounts::get).await
    }

    async fn list_accounts(
        &self,
        request: Request<pb::ListAccountsRequest>,
    ) -> Result<Response<pb::ListAccountsResponse>, Status> {
        self.enquiry(request, enquiry::accounts::list).await
    }

    async fn list_account_versions(
        &self,
        request: Request<pb::ListAccountVersionsRequest>,
    ) -> Result<Response<pb::ListAccountVersionsResponse>, Status> {
        self.enquiry(request, enquiry::accounts::versions).await
    }

    async fn list_account_entries(
        &self,
        request: Request<pb::ListAccountEntriesRequest>,
    ) -> Result<Response<pb::ListAccountEntriesResponse>, Status> {
        self.enquiry(request, enquiry::accounts::entries).await
    }
}
