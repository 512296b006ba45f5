//! `AccountService`.

use platform::call;
use proto_accounting::v1::{self as pb, account_service_server::AccountService};
use tonic::{Request, Response, Status, async_trait};

use super::Api;
use crate::{
    domain::command::AccountChange,
    wire::{self, account},
};

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
        call::answer(request, async |request| {
            let number = wire::account_name("name", &request.name)?;
            let (state, now) = self.enquiries.account(&number).await?;
            Ok(pb::GetAccountResponse {
                account: Some(account::to_proto(&state.account)),
                balance: Some(account::balance_to_proto(&state, now)),
            })
        })
        .await
    }

    async fn list_accounts(
        &self,
        request: Request<pb::ListAccountsRequest>,
    ) -> Result<Response<pb::ListAccountsResponse>, Status> {
        call::answer(request, async |request| {
            let filter = account::filter_from_proto(&request)?;
            let key = (
                "accounts",
                (&request.branch, &request.customer, &request.ledger_code, &request.currency),
                (request.kind, request.status, &request.title_prefix),
            );
            let pages = self.enquiries.pages();
            let (after, size) = pages.begin(&key, request.page_size, &request.page_token, String::new())?;
            let found = self.enquiries.accounts(&filter, &after, size).await?;
            Ok(pb::ListAccountsResponse {
                next_page_token: pages.next(&key, &found, size, |account| account.number.to_string()),
                accounts: found.iter().map(account::to_proto).collect(),
            })
        })
        .await
    }

    async fn list_account_versions(
        &self,
        request: Request<pb::ListAccountVersionsRequest>,
    ) -> Result<Response<pb::ListAccountVersionsResponse>, Status> {
        call::answer(request, async |request| {
            let number = wire::account_name("account", &request.account)?;
            let (pages, key) = (self.enquiries.pages(), ("account versions", &request.account));
            let (below, size) = pages.begin(&key, request.page_size, &request.page_token, i32::MAX)?;
            let found = self.enquiries.account_versions(&number, below, size).await?;
            Ok(pb::ListAccountVersionsResponse {
                next_page_token: pages.next(&key, &found, size, |version| version.account.version),
                versions: found.into_iter().map(account::version_to_proto).collect(),
            })
        })
        .await
    }

    async fn list_account_entries(
        &self,
        request: Request<pb::ListAccountEntriesRequest>,
    ) -> Result<Response<pb::ListAccountEntriesResponse>, Status> {
        call::answer(request, async |request| {
            let number = wire::account_name("account", &request.account)?;
            let dates =
                (form::date("from_date", &request.from_date)?, form::date("to_date", &request.to_date)?);
            let key = ("entries", &request.account, &request.from_date, &request.to_date);
            let pages = self.enquiries.pages();
            let (below, size) = pages.begin(&key, request.page_size, &request.page_token, i64::MAX)?;
            let (account, found) = self.enquiries.account_entries(&number, dates, below, size).await?;
            Ok(pb::ListAccountEntriesResponse {
                next_page_token: pages.next(&key, &found, size, |entry| entry.n),
                entries: found.into_iter().map(|entry| account::entry_to_proto(&account, entry)).collect(),
            })
        })
        .await
    }
}
