//! Postings through the API: limits and a second person, batches, dry runs, repeats, registers, and what is refused.

use proto_accounting::v1::{
    BatchMode, ListPostingsRequest, PostBatchRequest, PostTransactionRequest, TransactionLine,
    batch_result::Outcome,
};
use proto_common::approval::v1::{ApproveRequestRequest, RejectRequestRequest};

use crate::support::{
    BankFixture, credit, debit, new_id, own,
    people::{HEAD_OFFICE, OPERATIONS, OTHER_TELLER, SUB_BRANCH, SUPERVISOR, SYSTEM, TELLER},
    post, yuan,
};

fn transfer(from: &str, to: &str, amount: &str) -> PostTransactionRequest {
    post(SUB_BRANCH, "TRANSFER", [debit(from, yuan(amount)), credit(to, yuan(amount))])
}

fn batch(mode: BatchMode, transfers: Vec<PostTransactionRequest>) -> PostBatchRequest {
    PostBatchRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        mode: mode.into(),
        transactions: transfers.into_iter().filter_map(|transfer| transfer.transaction).collect(),
        validate_only: false,
    }
}

#[tokio::test]
async fn above_the_limit_a_second_person_agrees_or_nothing_happens() {
    let bank = BankFixture::open().await;
    let account = bank.open_account(TELLER, "C1").await;
    let lines = [debit(&own(SUB_BRANCH, "100101"), yuan("60000")), credit(&account, yuan("60000"))];
    let request = post(SUB_BRANCH, "CASH_IN", lines);
    let refused = bank.refused(TELLER, request.clone()).await;
    assert_eq!((refused.reason.as_str(), refused.metadata["limit"].as_str()), ("APPROVAL_REQUIRED", "50000"));
    let name = refused.metadata["approval"].clone();

    let more = [debit(&own(SUB_BRANCH, "100101"), yuan("60001")), credit(&account, yuan("60001"))];
    let other = PostTransactionRequest {
        request_id: request.request_id.clone(),
        ..post(SUB_BRANCH, "CASH_IN", more)
    };
    let changed = bank.refused(TELLER, other).await;
    assert_eq!(changed.reason, "REQUEST_ID_REUSED", "the request cannot be changed meanwhile");
    let denied = bank.refused(OTHER_TELLER, ApproveRequestRequest { name: name.clone() }).await;
    assert_eq!(denied.reason, "PERMISSION_DENIED");
    assert_eq!(bank.available(TELLER, &account).await, "0.00");

    bank.done(SUPERVISOR, ApproveRequestRequest { name }).await;
    let posting = bank.post(TELLER, request).await.unwrap();
    assert_eq!((posting.operator.as_str(), posting.authoriser.as_str()), (TELLER.code, SUPERVISOR.code));
    assert_eq!(bank.available(TELLER, &account).await, "60000.00");

    let lines = [debit(&own(SUB_BRANCH, "100101"), yuan("70000")), credit(&account, yuan("70000"))];
    let request = post(SUB_BRANCH, "CASH_IN", lines);
    let name = bank.refused(TELLER, request.clone()).await.metadata["approval"].clone();
    bank.done(SUPERVISOR, RejectRequestRequest { name, reason: "no voucher".to_owned() }).await;
    assert_eq!(bank.refused(TELLER, request).await.reason, "APPROVAL_REJECTED");
    assert_eq!(bank.available(TELLER, &account).await, "60000.00");
}

#[tokio::test]
async fn a_batch_is_whole_or_item_by_item_and_a_repeat_gets_its_verdicts() {
    let mut bank = BankFixture::open().await;
    let from = bank.open_funded(TELLER, "C1", "100").await;
    let to = bank.open_account(TELLER, "C2").await;
    let items = || vec![transfer(&from, &to, "60"), transfer(&from, &to, "60"), transfer(&from, &to, "10")];

    let refused = bank.refused(TELLER, batch(BatchMode::Atomic, items())).await;
    assert_eq!(
        (refused.reason.as_str(), refused.field.as_str()),
        ("FUNDS_INSUFFICIENT", "transactions[1].lines[0].amount")
    );
    assert_eq!(bank.available(TELLER, &from).await, "100.00", "nothing of it was posted");

    let request = batch(BatchMode::ItemByItem, items());
    let first = bank.done(TELLER, request.clone()).await;
    assert_eq!((first.posted, first.refused), (2, 1));
    assert!(
        matches!(&first.results[1].outcome, Some(Outcome::Refusal(refusal)) if refusal.reason == "FUNDS_INSUFFICIENT")
    );
    bank.pay_in(TELLER, &from, "500").await.unwrap();
    bank.harness().stop().await;
    bank.harness().start_again().await;
    assert_eq!(
        bank.done(TELLER, request.clone()).await,
        first,
        "also of what was refused, and after a restart"
    );
    let other = PostBatchRequest { mode: BatchMode::Atomic.into(), ..request };
    assert_eq!(bank.refused(TELLER, other).await.reason, "REQUEST_ID_REUSED");
    assert_eq!(bank.refused(TELLER, batch(BatchMode::Atomic, Vec::new())).await.reason, "EMPTY");
    let many = vec![transfer(&from, &to, "0.01"); 1_001];
    assert_eq!(bank.refused(TELLER, batch(BatchMode::ItemByItem, many)).await.reason, "TOO_MANY");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_leaves_no_trace() {
    let bank = BankFixture::open().await;
    let from = bank.open_funded(TELLER, "C1", "100").await;
    let to = bank.open_account(TELLER, "C2").await;
    let request = transfer(&from, &to, "30");
    let dry = PostTransactionRequest { validate_only: true, ..request.clone() };
    let checked = bank.post(TELLER, dry).await.unwrap();
    assert_eq!((checked.number, checked.name.as_str()), (0, ""));
    assert_eq!(checked.entries[0].available, Some(yuan("70.00")));
    assert_eq!(bank.available(TELLER, &from).await, "100.00");
    assert!(bank.post(TELLER, request).await.unwrap().number > 0, "its request id was not used up");
}

#[tokio::test]
async fn codes_that_no_hand_posts_to_are_posted_to_by_systems() {
    let bank = BankFixture::open().await;
    let account = bank.open_funded(TELLER, "C1", "100").await;
    let lines: [TransactionLine; 2] =
        [debit(&account, yuan("5")), credit(&own(SUB_BRANCH, "6021"), yuan("5"))];
    let refused = bank.refused(TELLER, post(SUB_BRANCH, "FEE", lines.clone())).await;
    assert_eq!(refused.reason, "MANUAL_POSTING_NOT_ALLOWED");
    let posting = bank.post(SYSTEM, post(HEAD_OFFICE, "FEE", lines)).await.unwrap();
    let list = ListPostingsRequest { operator: SYSTEM.code.to_owned(), ..ListPostingsRequest::default() };
    assert_eq!(bank.done(OPERATIONS, list).await.postings, [posting]);
}

#[tokio::test]
async fn what_is_wrong_with_a_transaction_is_named_with_its_field() {
    let bank = BankFixture::open().await;
    let account = bank.open_funded(TELLER, "C1", "100").await;
    let till = own(SUB_BRANCH, "100101");
    let dollars = |amount: &str| proto_common::common::v1::Money {
        currency: "USD".to_owned(),
        amount: amount.to_owned(),
    };
    let cases: Vec<(Vec<TransactionLine>, &str, &str)> = vec![
        (vec![], "EMPTY", "transaction.lines"),
        (vec![debit(&account, yuan("1"))], "NOT_BALANCED", "transaction.lines"),
        (
            vec![debit(&account, yuan("1")), credit(&till, dollars("1"))],
            "CURRENCIES_MIXED",
            "transaction.lines",
        ),
        (
            vec![debit(&account, dollars("1")), credit(&till, dollars("1"))],
            "CURRENCY_MISMATCH",
            "transaction.lines[0].amount.currency",
        ),
        (
            vec![debit(&account, yuan("1.005")), credit(&till, yuan("1.005"))],
            "AMOUNT_TOO_PRECISE",
            "transaction.lines[0].amount",
        ),
        (
            vec![debit(&account, yuan("100.01")), credit(&till, yuan("100.01"))],
            "FUNDS_INSUFFICIENT",
            "transaction.lines[0].amount",
        ),
        (vec![credit(&own(SUB_BRANCH, "8001"), yuan("1"))], "REGISTER_SHORT", "transaction.lines[0].amount"),
        (
            vec![debit("accounts/x", yuan("1")), credit(&till, yuan("1"))],
            "FIELD_INVALID",
            "transaction.lines[0].account",
        ),
    ];
    for (lines, reason, field) in cases {
        let refused = bank.refused(TELLER, post(SUB_BRANCH, "WRONG", lines)).await;
        assert_eq!((refused.reason.as_str(), refused.field.as_str()), (reason, field), "{}", refused.message);
    }
    let mut closed = transfer(&account, &till, "1");
    closed.transaction.as_mut().unwrap().accounting_date = "2026-02-27".to_owned();
    assert_eq!(bank.refused(TELLER, closed).await.reason, "BUSINESS_DAY_CLOSED");
    assert_eq!(bank.available(TELLER, &account).await, "100.00");
}
