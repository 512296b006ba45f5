//! A second person agrees where one is asked for, and what was agreed to is what is done.

use countinghouse_proto::{
    accounting::v1::{
        ChangeBaseDataRequest, ExchangeRate, GetBaseRecordRequest, ListPostingsRequest, OpenAccountRequest,
        base_record::Content,
    },
    approval::v1::{ApproveRequestRequest, GetApprovalRequest},
};
use serde_json::Value;

use crate::support::{
    Bank, credit, debit, new_id, own,
    people::{CHECKER, HEAD_OFFICE, MAKER, OPERATIONS, SUB_BRANCH, SUPERVISOR, SYSTEM, TELLER},
    personal_account, post, record, yuan,
};

#[tokio::test]
async fn a_posting_above_the_tellers_limit_needs_the_supervisor() {
    let bank = Bank::open().await;
    let account = bank.open_account(TELLER, "C1").await;
    let lines = [debit(&own(SUB_BRANCH, "100101"), yuan("60000")), credit(&account, yuan("60000"))];
    let request = post(SUB_BRANCH, "CASH_IN", lines);

    let refused = bank.refused(TELLER, request.clone()).await;
    assert_eq!(refused.reason, "APPROVAL_REQUIRED");
    assert_eq!(refused.metadata["limit"], "50000");
    let name = refused.metadata["approval"].clone();
    let own_hand = bank.refused(TELLER, ApproveRequestRequest { name: name.clone() }).await;
    assert_eq!(own_hand.reason, "PERMISSION_DENIED");

    bank.done(SUPERVISOR, ApproveRequestRequest { name }).await;
    let posting = bank.post(TELLER, request.clone()).await.unwrap();
    assert_eq!((posting.operator.as_str(), posting.authoriser.as_str()), (TELLER.code, SUPERVISOR.code));
    assert_eq!(bank.available(TELLER, &account).await, "60000.00");

    let list =
        bank.done(OPERATIONS, ListPostingsRequest { request_id: request.request_id, ..Default::default() });
    assert_eq!(list.await.postings, [posting], "it was done once");
}

#[tokio::test]
async fn the_checker_sees_a_record_before_and_after_its_change() {
    let bank = Bank::open().await;
    let rate = |buy: &str| {
        Content::ExchangeRate(ExchangeRate {
            currency: "USD".to_owned(),
            unit: 100,
            buy: buy.to_owned(),
            sell: "705.00".to_owned(),
            middle: "703.00".to_owned(),
        })
    };
    let request = ChangeBaseDataRequest {
        request_id: new_id(),
        branch: HEAD_OFFICE.to_owned(),
        records: vec![record("2026-03-03", rate("702.00"))],
        reason: "the day's rate".to_owned(),
        validate_only: false,
    };
    let name = bank.refused(MAKER, request.clone()).await.metadata["approval"].clone();
    let approval = bank.done(CHECKER, GetApprovalRequest { name: name.clone() }).await.approval.unwrap();
    let preview: Value = serde_json::from_str(&approval.preview_json).unwrap();
    let buy = |which: &str| preview["changes"][0][which]["exchangeRate"]["buy"].clone();
    assert_eq!((buy("before"), buy("after")), ("701.20".into(), "702.00".into()));

    bank.done(CHECKER, ApproveRequestRequest { name }).await;
    assert_eq!(bank.done(MAKER, request).await.changes.len(), 1);
    let named = |effective_on: &str| GetBaseRecordRequest {
        name: "exchangeRates/USD".to_owned(),
        effective_on: effective_on.to_owned(),
    };
    let today = bank.done(OPERATIONS, named("")).await.record.unwrap();
    let tomorrow = bank.done(OPERATIONS, named("2026-03-03")).await.record.unwrap();
    assert_eq!((today.version, tomorrow.version), (1, 2));
    assert_eq!(tomorrow.content, Some(rate("702.00")));
}

#[tokio::test]
async fn a_system_posts_by_itself_within_its_limit() {
    let bank = Bank::open().await;
    let request =
        OpenAccountRequest { title: "by a channel".to_owned(), ..personal_account(SUB_BRANCH, "C9") };
    let account = bank.done(SYSTEM, request).await.account.unwrap().name;
    let lines = [debit(&own(SUB_BRANCH, "2241"), yuan("5")), credit(&account, yuan("5"))];
    let refused = bank.post(SYSTEM, post(SUB_BRANCH, "TRANSFER", lines.clone())).await.unwrap_err();
    assert_eq!(refused.reason, "FUNDS_INSUFFICIENT");
    let fund = [debit(&own(SUB_BRANCH, "100101"), yuan("5")), credit(&own(SUB_BRANCH, "2241"), yuan("5"))];
    bank.post(SYSTEM, post(SUB_BRANCH, "FUND", fund)).await.unwrap();
    let posting = bank.post(SYSTEM, post(SUB_BRANCH, "TRANSFER", lines)).await.unwrap();
    assert_eq!(posting.operator, SYSTEM.code);
}
