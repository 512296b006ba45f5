//! The calls that only read.

use anyhow::Result;
use proto_accounting::v1::{
    Account, BaseKind, BaseRecord, BusinessDay, GetAccountRequest, GetAccountResponse, GetBusinessDayRequest,
    GetHoldRequest, GetTrialBalanceRequest, GetTrialBalanceResponse, Hold, ListAccountsRequest,
    ListBaseRecordsRequest, ListPostingsRequest, Posting,
};

use super::{Client, Refusal, Token};

/// The largest page that the service gives.
const PAGE_SIZE: i32 = 500;

impl Client {
    /// The open business day; none before the first is opened.
    pub async fn business_day(&self, token: &Token) -> Result<Option<BusinessDay>, Refusal> {
        Ok(self.send(token, &GetBusinessDayRequest {}).await?.business_day)
    }

    /// All records of a kind that are in force on a date.
    pub async fn base_records(
        &self,
        token: &Token,
        kind: BaseKind,
        on: &str,
    ) -> Result<Vec<BaseRecord>, Refusal> {
        let mut records = Vec::new();
        let mut request = ListBaseRecordsRequest {
            kind: kind.into(),
            effective_on: on.to_owned(),
            page_size: PAGE_SIZE,
            page_token: String::new(),
        };
        loop {
            let answer = self.send(token, &request).await?;
            records.extend(answer.records);
            if answer.next_page_token.is_empty() {
                return Ok(records);
            }
            request.page_token = answer.next_page_token;
        }
    }

    /// All accounts that match a filter.
    pub async fn accounts(
        &self,
        token: &Token,
        filter: ListAccountsRequest,
    ) -> Result<Vec<Account>, Refusal> {
        let mut accounts = Vec::new();
        let mut request = ListAccountsRequest { page_size: PAGE_SIZE, ..filter };
        loop {
            let answer = self.send(token, &request).await?;
            accounts.extend(answer.accounts);
            if answer.next_page_token.is_empty() {
                return Ok(accounts);
            }
            request.page_token = answer.next_page_token;
        }
    }

    /// An account with its balance. `name` is `accounts/{number}`.
    pub async fn account(&self, token: &Token, name: &str) -> Result<GetAccountResponse, Refusal> {
        self.send(token, &GetAccountRequest { name: name.to_owned() }).await
    }

    /// A hold. `name` is `holds/{number}`.
    pub async fn hold(&self, token: &Token, name: &str) -> Result<Option<Hold>, Refusal> {
        Ok(self.send(token, &GetHoldRequest { name: name.to_owned() }).await?.hold)
    }

    /// Gives every posting of the book to `take`, the newest first.
    pub async fn each_posting(&self, token: &Token, mut take: impl FnMut(Posting)) -> Result<(), Refusal> {
        let mut request = ListPostingsRequest { page_size: PAGE_SIZE, ..ListPostingsRequest::default() };
        loop {
            let answer = self.send(token, &request).await?;
            answer.postings.into_iter().for_each(&mut take);
            if answer.next_page_token.is_empty() {
                return Ok(());
            }
            request.page_token = answer.next_page_token;
        }
    }

    /// The trial balance of the whole bank, by the codes that accounts stand on.
    pub async fn trial_balance(&self, token: &Token) -> Result<GetTrialBalanceResponse, Refusal> {
        self.send(token, &GetTrialBalanceRequest::default()).await
    }
}
