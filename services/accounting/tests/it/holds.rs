//! Holds through the API: set aside, captured in part and whole, released, lapsed.

use std::time::Duration;

use pbjson_types::Timestamp;
use platform::clock::Clock;
use proto_accounting::v1::{
    CaptureHoldRequest, GetHoldRequest, Hold, HoldState, ListHoldsRequest, PlaceHoldRequest,
    ReleaseHoldRequest,
};
use testkit::wait_for;

use crate::support::{
    BOUND, BankFixture, credit, debit, new_id, own,
    people::{OTHER_TELLER, SUB_BRANCH, TELLER},
    post, yuan,
};

fn place(bank: &BankFixture, account: &str, amount: &str, life: Duration) -> PlaceHoldRequest {
    let expires_at = bank.clock.now() + life;
    PlaceHoldRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        account: account.to_owned(),
        amount: Some(yuan(amount)),
        expire_time: Some(Timestamp { seconds: expires_at.timestamp(), nanos: 0 }),
        purpose: "pre-authorisation".to_owned(),
        reference: "R1".to_owned(),
    }
}

fn capture(hold: &Hold, amount: &str, keep_rest: bool) -> CaptureHoldRequest {
    let lines = [debit(&hold.account, yuan(amount)), credit(&own(SUB_BRANCH, "2241"), yuan(amount))];
    CaptureHoldRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        hold: hold.name.clone(),
        transaction: post(SUB_BRANCH, "CAPTURE", lines).transaction,
        keep_rest,
        validate_only: false,
    }
}

async fn placed(bank: &BankFixture, account: &str, amount: &str) -> Hold {
    let request = place(bank, account, amount, Duration::from_hours(24));
    bank.done(TELLER, request).await.hold.unwrap()
}

#[tokio::test]
async fn a_hold_is_captured_in_parts_and_gives_no_more_than_it_set_aside() {
    let bank = BankFixture::open().await;
    let account = bank.open_funded(TELLER, "C1", "1000").await;
    let hold = placed(&bank, &account, "600").await;
    assert_eq!(bank.available(TELLER, &account).await, "400.00");

    let short = bank.refused(TELLER, place(&bank, &account, "400.01", Duration::from_hours(1))).await;
    assert_eq!((short.reason.as_str(), short.metadata["shortage"].as_str()), ("FUNDS_INSUFFICIENT", "0.01"));

    let part = capture(&hold, "250", true);
    let first = bank.done(TELLER, part.clone()).await;
    let after = first.hold.clone().unwrap();
    assert_eq!((after.state(), after.remaining), (HoldState::Open, Some(yuan("350.00"))));
    assert_eq!(bank.done(TELLER, part).await, first, "a repeat gets the first answer");

    let refused = bank.refused(TELLER, capture(&hold, "350.01", false)).await;
    assert_eq!(refused.reason, "HOLD_EXCEEDED");
    let last = bank.done(OTHER_TELLER, capture(&hold, "100", false)).await.hold.unwrap();
    assert_eq!((last.state(), last.captured), (HoldState::Captured, Some(yuan("350.00"))));
    assert_eq!(bank.available(TELLER, &account).await, "650.00", "the rest is set aside no more");
    assert_eq!(bank.refused(TELLER, capture(&hold, "1", false)).await.reason, "HOLD_NOT_OPEN");
    assert!(bank.trial_balance().await.balanced);
}

#[tokio::test]
async fn a_hold_that_was_released_or_has_lapsed_sets_nothing_aside() {
    let bank = BankFixture::open().await;
    let account = bank.open_funded(TELLER, "C1", "1000").await;
    let released = placed(&bank, &account, "100").await;
    let request = ReleaseHoldRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        hold: released.name.clone(),
        reason: "not used".to_owned(),
    };
    assert_eq!(bank.done(TELLER, request).await.hold.unwrap().state(), HoldState::Released);

    let lapsing = place(&bank, &account, "300", Duration::from_hours(1));
    let lapsing = bank.done(TELLER, lapsing).await.hold.unwrap();
    assert_eq!(bank.available(TELLER, &account).await, "700.00");
    bank.clock.advance(Duration::from_hours(2));
    assert_eq!(bank.available(TELLER, &account).await, "1000.00");
    let written_down = wait_for(BOUND, "the lapse to be written down", || async {
        let hold = bank.done(TELLER, GetHoldRequest { name: lapsing.name.clone() }).await.hold?;
        (hold.state() == HoldState::Expired).then_some(hold)
    })
    .await;
    assert_eq!(written_down.remaining, Some(yuan("0.00")));

    let list = ListHoldsRequest { account: account.clone(), page_size: 1, ..ListHoldsRequest::default() };
    let first = bank.done(TELLER, list.clone()).await;
    assert_eq!(first.holds, [written_down]);
    let second = bank.done(TELLER, ListHoldsRequest { page_token: first.next_page_token, ..list }).await;
    assert_eq!(second.holds[0].name, released.name);
}

#[tokio::test]
async fn a_hold_that_cannot_be_is_refused_by_its_field() {
    let bank = BankFixture::open().await;
    let account = bank.open_funded(TELLER, "C1", "1000").await;
    let good = place(&bank, &account, "10", Duration::from_hours(1));
    let cases = [
        (PlaceHoldRequest { amount: Some(yuan("-1")), ..good.clone() }, "AMOUNT_NOT_POSITIVE", "amount"),
        (PlaceHoldRequest { amount: Some(yuan("0.001")), ..good.clone() }, "AMOUNT_TOO_PRECISE", "amount"),
        (PlaceHoldRequest { amount: Some(yuan("1e3")), ..good.clone() }, "AMOUNT_MALFORMED", "amount.amount"),
        (PlaceHoldRequest { expire_time: None, ..good.clone() }, "FIELD_INVALID", "expire_time"),
        (PlaceHoldRequest { purpose: String::new(), ..good.clone() }, "FIELD_INVALID", "purpose"),
        (
            PlaceHoldRequest { account: "accounts/12".to_owned(), ..good.clone() },
            "ACCOUNT_UNKNOWN",
            "account",
        ),
        (
            place(&bank, &account, "10", Duration::from_hours(24 * 3_000)),
            "HOLD_EXPIRY_INVALID",
            "expire_time",
        ),
    ];
    for (request, reason, field) in cases {
        let request = PlaceHoldRequest { request_id: new_id(), ..request };
        let refused = bank.refused(TELLER, request).await;
        assert_eq!((refused.reason.as_str(), refused.field.as_str()), (reason, field));
    }
    assert_eq!(bank.available(TELLER, &account).await, "1000.00");
}
