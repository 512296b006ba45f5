//! One way through the whole service: base data in, a day opened, accounts opened, a posting booked, its facts on Kafka, the books
//! proved, the chain verified.

use std::time::Duration;

use accounting::service::Accounting;
use pbjson_types::Timestamp;
use platform::{
    clock::Clock,
    lifecycle::Ending,
    service::{RepublishArguments, republish},
};
use proto_accounting::v1::{GetPostingRequest, ListPostingsRequest, PlaceHoldRequest};
use rdkafka::{
    Message,
    message::{Headers, OwnedMessage},
};
use serde_json::Value;

use testkit::contract::assert_matches_event;

use crate::support::{
    BankFixture, DAY, OWN_ACCOUNTS, credit, debit, new_id, own,
    people::{SUB_BRANCH, TELLER, TELLER_ELSEWHERE},
    post, yuan,
};

const POSTINGS: &str = "countinghouse.accounting.posting.v1";
const ACCOUNTS: &str = "countinghouse.accounting.account.v1";
const BRANCHES: &str = "countinghouse.accounting.branch.v1";
const HOLDS: &str = "countinghouse.accounting.hold.v1";
const DAYS: &str = "countinghouse.accounting.business_day.v1";

#[tokio::test]
async fn a_transfer_is_booked_published_and_proved() {
    let mut bank = BankFixture::with_all_facts(testkit::kafka().await).await;
    let from = bank.open_funded(TELLER, "C1", "1000").await;
    let to = bank.open_account(TELLER_ELSEWHERE, "C2").await;

    let lines = [debit(&from, yuan("300")), credit(&to, yuan("300"))];
    let posting = bank.post(TELLER, post(SUB_BRANCH, "TRANSFER", lines)).await.unwrap();

    assert_eq!(posting.accounting_date, DAY);
    assert_eq!(posting.entries.len(), 4, "an inter-branch entry at each branch: {posting:#?}");
    assert_eq!(posting.entries[0].available, Some(yuan("700.00")));
    assert_eq!(bank.available(TELLER_ELSEWHERE, &to).await, "300.00");

    let request = GetPostingRequest { name: posting.name.clone() };
    assert_eq!(bank.done(TELLER, request).await.posting, Some(posting.clone()));
    let list =
        bank.done(TELLER, ListPostingsRequest { code: "TRANSFER".to_owned(), ..Default::default() }).await;
    assert_eq!(list.postings, std::slice::from_ref(&posting));
    assert!(bank.trial_balance().await.balanced);

    let count = usize::try_from(posting.number).unwrap();
    let published = facts(&bank, POSTINGS, count).await;
    let numbers: Vec<i64> = (1..).take(count).collect();
    let in_order: Vec<i64> =
        published.iter().map(|fact| fact["posting"]["number"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(in_order, numbers);
    assert_eq!(published[count - 1]["name"], posting.name);
    assert_eq!(facts(&bank, BRANCHES, 4).await.len(), 4);
    assert_eq!(facts(&bank, DAYS, 1).await[0]["businessDate"], DAY);
    assert_eq!(facts(&bank, ACCOUNTS, OWN_ACCOUNTS + 2).await[OWN_ACCOUNTS + 1]["name"], to);

    let sound = bank.prove().await.unwrap();
    assert_eq!(sound.journal.postings, posting.number);
    assert_eq!(bank.harness().stop().await, Ending::Drained);
}

#[tokio::test]
async fn books_are_as_they_were_after_a_restart() {
    let mut bank = BankFixture::open().await;
    let account = bank.open_funded(TELLER, "C1", "1000").await;
    let transfer =
        post(SUB_BRANCH, "FEE", [debit(&account, yuan("10")), credit(&own(SUB_BRANCH, "2241"), yuan("10"))]);
    let first = bank.post(TELLER, transfer.clone()).await.unwrap();

    assert_eq!(bank.harness().stop().await, Ending::Drained);
    bank.harness().start_again().await;

    assert_eq!(bank.available(TELLER, &account).await, "990.00");
    assert_eq!(bank.post(TELLER, transfer.clone()).await.unwrap(), first, "a repeat gets the first answer");
    let second =
        bank.post(TELLER, post(SUB_BRANCH, "FEE", transfer.transaction.unwrap().lines)).await.unwrap();
    assert_eq!(second.number, first.number + 1);
}

#[tokio::test]
async fn a_hold_that_is_placed_and_lapses_is_published_twice_in_order() {
    let bank = BankFixture::with_facts().await;
    let account = bank.open_funded(TELLER, "C1", "1000").await;
    // Less than the broker takes from a clock that is ahead of its own.
    let lasts = Duration::from_mins(30);
    let expires = bank.clock.now() + lasts;
    let place = PlaceHoldRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        account,
        amount: Some(yuan("400")),
        expire_time: Some(Timestamp { seconds: expires.timestamp(), nanos: 0 }),
        purpose: "hotel".to_owned(),
        reference: String::new(),
    };
    let hold = bank.done(TELLER, place).await.hold.unwrap();
    bank.clock.advance(lasts);

    let published = facts(&bank, HOLDS, 2).await;
    let states: Vec<&Value> = published.iter().map(|fact| &fact["hold"]["state"]).collect();
    assert_eq!(states, ["HOLD_STATE_OPEN", "HOLD_STATE_EXPIRED"]);
    assert!(published.iter().all(|fact| fact["name"] == hold.name));
}

#[tokio::test]
async fn what_stands_of_base_data_is_published_again() {
    let bank = BankFixture::with_facts().await;
    let again = RepublishArguments { topic: Some(DAYS.to_owned()), on: None };
    assert_eq!(republish::<Accounting>(&bank.database.dml, again).await.unwrap(), 1);
    assert_eq!(facts(&bank, DAYS, 1).await[0]["businessDate"], DAY);

    republish::<Accounting>(&bank.database.dml, RepublishArguments::default()).await.unwrap();
    assert_eq!(facts(&bank, DAYS, 2).await[1]["businessDay"]["businessDate"], DAY);
    for branch in facts(&bank, BRANCHES, 4).await {
        assert_eq!(branch["versions"][0]["branch"]["code"], branch["key"]);
    }
}

/// The first facts of a topic, each as the contract says.
async fn facts(bank: &BankFixture, topic: &str, count: usize) -> Vec<Value> {
    let records = bank.records(topic, count).await;
    assert_eq!(records.len(), count, "facts on {topic}");
    records.iter().map(|record| fact(bank, record)).collect()
}

fn fact(bank: &BankFixture, record: &OwnedMessage) -> Value {
    let headers = record.headers().expect("a fact has headers");
    let headers = headers.iter().map(|header| (header.key, header.value.expect("a header has a value")));
    let payload = record.payload().expect("a fact has a value");
    assert_matches_event(bank.contract_name(record.topic()), payload, headers);
    serde_json::from_slice(payload).expect("a fact is JSON")
}
