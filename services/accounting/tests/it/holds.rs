//! Holds over time: what has lapsed no longer counts, and is written down by the job.

use std::time::Duration;

use countinghouse_proto::accounting::v1::{
    GetHoldRequest, Hold, HoldState, PlaceHoldRequest, ReleaseHoldRequest,
};
use pbjson_types::Timestamp;
use platform::clock::Clock;
use rdkafka::Message;
use testkit::wait_for;

use crate::support::{
    BOUND, Bank, new_id,
    people::{OTHER_TELLER, SUB_BRANCH, TELLER},
    yuan,
};

const HOLDS: &str = "countinghouse.accounting.hold.v1";

/// How long the holds of these tests last.
const LASTS: Duration = Duration::from_hours(1);

fn place(bank: &Bank, account: &str) -> PlaceHoldRequest {
    let expires = bank.clock.now() + LASTS;
    PlaceHoldRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        account: account.to_owned(),
        amount: Some(yuan("400")),
        expire_time: Some(Timestamp { seconds: expires.timestamp(), nanos: 0 }),
        purpose: "hotel".to_owned(),
        reference: String::new(),
    }
}

async fn read(bank: &Bank, hold: &Hold) -> Hold {
    bank.done(TELLER, GetHoldRequest { name: hold.name.clone() }).await.hold.expect("a hold")
}

#[tokio::test]
async fn a_hold_that_lapses_frees_its_money_and_is_told_as_expired() {
    let bank = Bank::with_facts().await;
    let account = bank.open_funded(TELLER, "C1", "1000").await;
    let hold = bank.done(TELLER, place(&bank, &account)).await.hold.unwrap();
    assert_eq!(bank.available(TELLER, &account).await, "600.00");

    bank.clock.advance(LASTS);
    assert_eq!(bank.available(TELLER, &account).await, "1000.00");
    let expired = wait_for(BOUND, "the hold to be written down", || async {
        Some(read(&bank, &hold).await).filter(|hold| hold.state() == HoldState::Expired)
    })
    .await;
    assert_eq!((expired.version, expired.remaining), (2, Some(yuan("0.00"))));

    let told = bank.records(HOLDS, 2).await;
    let states: Vec<serde_json::Value> = told
        .iter()
        .map(|record| {
            serde_json::from_slice::<serde_json::Value>(record.payload().unwrap()).unwrap()["hold"]["state"]
                .clone()
        })
        .collect();
    assert_eq!(states, ["HOLD_STATE_OPEN", "HOLD_STATE_EXPIRED"]);
}

#[tokio::test]
async fn a_hold_that_was_released_is_not_expired_as_well() {
    let bank = Bank::open().await;
    let account = bank.open_funded(TELLER, "C1", "1000").await;
    let hold = bank.done(TELLER, place(&bank, &account)).await.hold.unwrap();
    let kept = bank.done(OTHER_TELLER, place(&bank, &account)).await.hold.unwrap();
    let request = ReleaseHoldRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        hold: hold.name.clone(),
        reason: String::new(),
    };
    bank.done(TELLER, request).await;

    bank.clock.advance(LASTS);
    wait_for(BOUND, "the other hold to be written down", || async {
        (read(&bank, &kept).await.state() == HoldState::Expired).then_some(())
    })
    .await;
    assert_eq!(read(&bank, &hold).await.state(), HoldState::Released);
}
