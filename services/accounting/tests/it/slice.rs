//! One way through the whole house: base data in, a day opened, accounts opened, a posting booked, its facts on Kafka, the books
//! proved, the chain verified.

use accounting::app::verify;
use contracts::assert_matches_event;
use countinghouse_proto::accounting::v1::{GetPostingRequest, ListPostingsRequest};
use platform::lifecycle::Ending;
use rdkafka::{
    Message,
    message::{Headers, OwnedMessage},
};
use serde_json::Value;

use crate::support::{
    Bank, DAY, OWN_ACCOUNTS, credit, debit, own,
    people::{SUB_BRANCH, TELLER, TELLER_ELSEWHERE},
    post, yuan,
};

const POSTINGS: &str = "countinghouse.accounting.posting.v1";
const ACCOUNTS: &str = "countinghouse.accounting.account.v1";
const BRANCHES: &str = "countinghouse.accounting.branch.v1";
const DAYS: &str = "countinghouse.accounting.business_day.v1";

#[tokio::test]
async fn a_transfer_is_booked_told_and_proved() {
    let mut bank = Bank::with_facts().await;
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
    let told = facts(&bank, POSTINGS, count).await;
    let numbers: Vec<i64> = (1..).take(count).collect();
    let in_order: Vec<i64> =
        told.iter().map(|fact| fact["posting"]["number"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(in_order, numbers);
    assert_eq!(told[count - 1]["name"], posting.name);
    assert_eq!(facts(&bank, BRANCHES, 4).await.len(), 4);
    assert_eq!(facts(&bank, DAYS, 1).await[0]["businessDate"], DAY);
    assert_eq!(facts(&bank, ACCOUNTS, OWN_ACCOUNTS + 2).await[OWN_ACCOUNTS + 1]["name"], to);

    let sound = verify::all(&bank.database.dml, |_| Ok(())).await.unwrap();
    assert_eq!(sound.journal.postings, posting.number);
    assert_eq!(bank.house().stop().await, Ending::Drained);
}

#[tokio::test]
async fn books_are_as_they_were_after_a_restart() {
    let mut bank = Bank::open().await;
    let account = bank.open_funded(TELLER, "C1", "1000").await;
    let transfer =
        post(SUB_BRANCH, "FEE", [debit(&account, yuan("10")), credit(&own(SUB_BRANCH, "2241"), yuan("10"))]);
    let first = bank.post(TELLER, transfer.clone()).await.unwrap();

    assert_eq!(bank.house().stop().await, Ending::Drained);
    bank.house().start_again().await;

    assert_eq!(bank.available(TELLER, &account).await, "990.00");
    assert_eq!(bank.post(TELLER, transfer.clone()).await.unwrap(), first, "a repeat gets the first answer");
    let second =
        bank.post(TELLER, post(SUB_BRANCH, "FEE", transfer.transaction.unwrap().lines)).await.unwrap();
    assert_eq!(second.number, first.number + 1);
}

/// The first facts of a topic, each as the contract says.
async fn facts(bank: &Bank, topic: &str, count: usize) -> Vec<Value> {
    let records = bank.records(topic, count).await;
    assert_eq!(records.len(), count, "facts on {topic}");
    records.iter().map(|record| fact(bank, record)).collect()
}

fn fact(bank: &Bank, record: &OwnedMessage) -> Value {
    let headers = record.headers().expect("a fact has headers");
    let headers = headers.iter().map(|header| (header.key, header.value.expect("a header has a value")));
    let payload = record.payload().expect("a fact has a value");
    assert_matches_event(bank.contract_name(record.topic()), payload, headers);
    serde_json::from_slice(payload).expect("a fact is JSON")
}
