//! Business facts from Kafka: booked once by template though they come twice and out of order, kept when they cannot be booked,
//! and waited for while the broker is away.

use platform::{
    clock::Clock,
    facts::{Fact, KafkaConfig, record},
};
use proto_accounting::v1::{
    AccountKind, FreezeAccountRequest, FreezeKind, GetSuspenseItemRequest, ListPostingsRequest,
    ListSuspenseItemsRequest, Posting, SuspenseItem,
};
use rdkafka::{
    Message,
    message::Headers,
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};
use testkit::{PrivateBroker, wait_for};
use uuid::Uuid;

use testkit::contract::assert_matches_event;

use crate::support::{
    BOUND, BankFixture, debit, own,
    people::{HEAD_OFFICE, OPERATIONS, SUB_BRANCH, TELLER},
    post, yuan,
};

pub const DELIVERIES: &str = "countinghouse.vault.delivery.v1";
const SALES: &str = "countinghouse.voucher.sale.v1";
const BATCHES: &str = "countinghouse.settlement.batch.v1";
const TOPICS: [&str; 3] = [DELIVERIES, SALES, BATCHES];
const SUSPENSE: &str = "countinghouse.accounting.suspense.v1";

/// A fact of another service.
fn fact(bank: &BankFixture, topic: &str, kind: &str, id: u128, payload: &Value) -> Fact {
    Fact {
        id: Uuid::from_u128(id),
        topic: topic.to_owned(),
        kind: format!("{topic}.{kind}"),
        key: format!("things/{id}"),
        time: bank.clock.now(),
        actor: "somebody".to_owned(),
        correlation_id: Uuid::from_u128(id + 1_000),
        traceparent: None,
        payload: payload.to_string().into(),
    }
}

pub fn delivery(bank: &BankFixture, id: u128, amount: &str) -> Fact {
    let amount = json!({ "currency": "CNY", "amount": amount });
    let delivery =
        json!({ "branch": SUB_BRANCH, "keeper": HEAD_OFFICE, "amount": amount, "date": "2026-03-01" });
    fact(bank, DELIVERIES, "CashDelivered", id, &json!({ "delivery": delivery }))
}

fn sale(bank: &BankFixture, id: u128, payer: &str, pieces: i64) -> Fact {
    let price = json!({ "currency": "CNY", "amount": "7.50" });
    let sale =
        json!({ "branch": SUB_BRANCH, "account": payer, "price": price, "pieces": pieces.to_string() });
    fact(bank, SALES, "VoucherSold", id, &json!({ "sale": sale }))
}

fn batch(bank: &BankFixture, id: u128, payee: &str, net: &str) -> Fact {
    let net = json!({ "currency": "CNY", "amount": net });
    let batch = json!({ "branch": SUB_BRANCH, "net": net, "direction": "RECEIVED", "payee": payee });
    fact(bank, BATCHES, "BatchClosed", id, &json!({ "batch": batch }))
}

/// Publishes facts in this order, each as the service that owns its topic.
pub async fn publish(bank: &BankFixture, facts: &[&Fact]) {
    let kafka: &KafkaConfig = &bank.settings.kafka;
    let producer: FutureProducer = kafka.producer().unwrap().create().unwrap();
    for fact in facts {
        let service = fact.topic.split('.').nth(1).unwrap();
        let headers = record::headers(fact, &format!("/countinghouse/{service}"));
        let topic = kafka.prefixed(&fact.topic);
        let record = FutureRecord::to(&topic).key(&fact.key).payload(&*fact.payload).headers(headers);
        producer.send(record, BOUND).await.map_err(|(error, _)| error).expect("the fact is published");
    }
}

/// The postings of a code, newest first, as soon as there are so many.
async fn postings(bank: &BankFixture, code: &str, count: usize) -> Vec<Posting> {
    wait_for(BOUND, "the facts to be booked", || async {
        let request = ListPostingsRequest { code: code.to_owned(), ..ListPostingsRequest::default() };
        let found = bank.done(OPERATIONS, request).await.postings;
        (found.len() >= count).then_some(found)
    })
    .await
}

/// The open items, newest first, as soon as there are so many.
async fn items(bank: &BankFixture, count: usize) -> Vec<SuspenseItem> {
    wait_for(BOUND, "the items to be opened", || async {
        let found = bank.done(OPERATIONS, ListSuspenseItemsRequest::default()).await.items;
        (found.len() >= count).then_some(found)
    })
    .await
}

async fn bank() -> (BankFixture, String) {
    let bank = BankFixture::taking_in(testkit::kafka().await, &TOPICS).await;
    let account = bank.open_funded(TELLER, "C1", "100").await;
    bank.post(TELLER, post(SUB_BRANCH, "RECEIVE", [debit(&own(SUB_BRANCH, "8001"), yuan("25"))]))
        .await
        .unwrap();
    (bank, account)
}

/// Waits for the marks of so many facts, and deletes them: from here on only the book knows what it has booked.
async fn forget_marks(bank: &BankFixture, count: u64) {
    wait_for(BOUND, "the facts to be marked", || async {
        let marks: i64 = sqlx::query_scalar("SELECT count(*) FROM platform.inbox")
            .fetch_one(&bank.database.owner)
            .await
            .ok()?;
        (u64::try_from(marks).ok()? >= count).then_some(())
    })
    .await;
    sqlx::query("DELETE FROM platform.inbox").execute(&bank.database.owner).await.expect("the owner may");
}

fn reason(item: &SuspenseItem) -> &str {
    &item.reason.as_ref().expect("an item has a reason").reason
}

#[tokio::test]
async fn facts_are_booked_once_though_they_come_twice_and_out_of_order() {
    let (mut bank, account) = bank().await;
    let facts = [
        delivery(&bank, 1, "50000.00"),
        sale(&bank, 2, &account, 2),
        batch(&bank, 3, &account, "1234.56"),
        delivery(&bank, 4, "70000.00"),
    ];
    let [first, second, third, fourth] = &facts;
    publish(&bank, &[fourth, third, second, first, first, second]).await;
    let delivered = postings(&bank, "CASH_DELIVERY", 2).await;
    let sold = postings(&bank, "VOUCHER_SALE", 1).await;
    let settled = postings(&bank, "SETTLEMENT_BATCH", 1).await;
    assert!(
        delivered.iter().all(|posting| posting.operator == "service/vault" && posting.branch == SUB_BRANCH)
    );
    assert!(delivered.iter().all(|posting| posting.transaction_date == "2026-03-01"));
    assert_eq!((sold[0].source.as_str(), settled[0].source.as_str()), ("voucher", "settlement"));
    assert_eq!(bank.available(TELLER, &account).await, "1318.33", "100 less 15 and 1233.33 more");

    bank.harness().stop().await;
    bank.harness().start_again().await;
    // All of them again, and one that has not been: when it is booked, the repeats have been seen.
    publish(&bank, &[third, fourth, first, second]).await;
    forget_marks(&bank, 4).await;
    let last = [DELIVERIES, SALES, BATCHES].map(|topic| last_of(&bank, topic, &account));
    for fact in &last {
        publish(&bank, &[first, second, third, fourth, fact, fact]).await;
    }
    assert_eq!(postings(&bank, "CASH_DELIVERY", 3).await.len(), 3);
    assert_eq!(postings(&bank, "VOUCHER_SALE", 2).await.len(), 2);
    assert_eq!(postings(&bank, "SETTLEMENT_BATCH", 2).await.len(), 2);
    assert!(bank.done(OPERATIONS, ListSuspenseItemsRequest::default()).await.items.is_empty());
    assert!(bank.trial_balance().await.balanced);
}

fn last_of(bank: &BankFixture, topic: &str, account: &str) -> Fact {
    match topic {
        DELIVERIES => delivery(bank, 11, "1.00"),
        SALES => sale(bank, 12, account, 1),
        _ => batch(bank, 13, account, "10.00"),
    }
}

#[tokio::test]
async fn what_cannot_be_booked_where_it_belongs_is_an_open_item() {
    let (bank, account) = bank().await;
    let freeze = FreezeAccountRequest {
        request_id: crate::support::new_id(),
        branch: SUB_BRANCH.to_owned(),
        account: account.clone(),
        freeze: FreezeKind::Full.into(),
        reason: "a court order".to_owned(),
        ..FreezeAccountRequest::default()
    };
    bank.done(TELLER, freeze).await;

    // The payee's part goes to the payables in suspense; the rest where it belongs.
    publish(&bank, &[&batch(&bank, 1, &account, "1000.00")]).await;
    let posting = postings(&bank, "SETTLEMENT_BATCH", 1).await.remove(0);
    let item = items(&bank, 1).await.remove(0);
    assert_eq!((reason(&item), item.posting.as_str()), ("ACCOUNT_FROZEN", posting.name.as_str()));
    assert_eq!((item.meant_account.as_str(), item.branch.as_str()), (account.as_str(), SUB_BRANCH));
    assert_eq!(item.amount, Some(yuan("999.00")));
    assert!(posting.entries.iter().any(|entry| entry.account == item.account && entry.ledger_code == "2241"));

    // A debit needs the account of receivables in suspense, which nobody has opened: the whole fact is kept.
    publish(&bank, &[&sale(&bank, 2, &account, 1)]).await;
    let kept = items(&bank, 2).await.remove(0);
    assert_eq!((reason(&kept), kept.posting.as_str()), ("LEDGER_ACCOUNT_MISSING", ""));
    let read = bank.done(OPERATIONS, GetSuspenseItemRequest { name: kept.name.clone() }).await;
    let payload: Value = serde_json::from_str(&read.fact_json).unwrap();
    assert_eq!(payload["sale"]["account"], account);
    bank.open_own_account(SUB_BRANCH, "1221", AccountKind::Internal, "CNY").await;
    publish(&bank, &[&sale(&bank, 3, &account, 1)]).await;
    let booked = items(&bank, 3).await.remove(0);
    assert_eq!((reason(&booked), booked.amount.clone()), ("ACCOUNT_FROZEN", Some(yuan("7.50"))));

    let lost = fact(&bank, DELIVERIES, "CashLost", 4, &json!({ "delivery": {} }));
    let nowhere = fact(&bank, DELIVERIES, "CashDelivered", 5, &json!({ "delivery": {} }));
    publish(&bank, &[&lost, &nowhere]).await;
    let mut reasons: Vec<String> =
        items(&bank, 5).await[..2].iter().map(|item| reason(item).to_owned()).collect();
    reasons.sort();
    assert_eq!(reasons, ["FIELD_INVALID", "TEMPLATE_UNKNOWN"]);

    let of_branch =
        ListSuspenseItemsRequest { branch: HEAD_OFFICE.to_owned(), ..ListSuspenseItemsRequest::default() };
    assert_eq!(
        bank.done(OPERATIONS, of_branch).await.items.len(),
        2,
        "head office sees to what has no branch"
    );
    let page = ListSuspenseItemsRequest { page_size: 2, ..ListSuspenseItemsRequest::default() };
    let first = bank.done(OPERATIONS, page.clone()).await;
    let next = ListSuspenseItemsRequest { page_token: first.next_page_token, ..page };
    assert_eq!(bank.done(OPERATIONS, next).await.items[0].number, 3);

    let facts = bank.records(SUSPENSE, 5).await;
    assert_eq!(facts.len(), 5);
    for record in &facts {
        let headers = record.headers().unwrap();
        let headers = headers.iter().map(|header| (header.key, header.value.unwrap_or_default()));
        assert_matches_event(bank.contract_name(record.topic()), record.payload().unwrap(), headers);
    }
    assert!(bank.trial_balance().await.balanced);
}

#[tokio::test]
async fn what_is_no_fact_of_the_topics_owner_is_a_dead_letter_and_holds_nobody_up() {
    let (bank, account) = bank().await;
    let foreign = delivery(&bank, 9, "1.00");
    let kafka = &bank.settings.kafka;
    let producer: FutureProducer = kafka.producer().unwrap().create().unwrap();
    let topic = kafka.prefixed(DELIVERIES);
    let headers = record::headers(&foreign, "/countinghouse/voucher");
    let record = FutureRecord::to(&topic).key(&foreign.key).payload(&*foreign.payload).headers(headers);
    producer.send(record, BOUND).await.map_err(|(error, _)| error).unwrap();
    let (first, second) = (sale(&bank, 2, &account, 1), sale(&bank, 2, &account, 2));
    publish(&bank, &[&first, &delivery(&bank, 1, "2.00")]).await;
    postings(&bank, "VOUCHER_SALE", 1).await;
    assert_eq!(postings(&bank, "CASH_DELIVERY", 1).await[0].entries[0].amount, Some(yuan("2.00")));
    // The inbox would pass over it; the book itself knows that another fact has this id.
    forget_marks(&bank, 3).await;
    publish(&bank, &[&second]).await;
    let letters = wait_for(BOUND, "the dead letters", || async {
        let found = platform::dead_letters::list(&bank.database.dml, "business-facts", 0, 10).await.unwrap();
        (found.len() >= 2).then_some(found)
    })
    .await;
    assert!(letters[0].reason.contains("does not own the topic"), "{}", letters[0].reason);
    assert!(letters[1].reason.contains("another fact was booked"), "{}", letters[1].reason);
}

#[tokio::test]
async fn facts_are_booked_after_the_broker_and_the_writers_session_were_lost() {
    let broker = PrivateBroker::start().await;
    let bank = BankFixture::taking_in(broker.kafka(), &TOPICS).await;
    publish(&bank, &[&delivery(&bank, 1, "1.00")]).await;
    postings(&bank, "CASH_DELIVERY", 1).await;
    broker.kill().await;
    bank.cut_off_the_writer().await;
    broker.start_again().await;
    let more: Vec<Fact> = (2..20).map(|id| delivery(&bank, id, "1.00")).collect();
    publish(&bank, &more.iter().collect::<Vec<_>>()).await;
    bank.cut_off_the_writer().await;
    let booked = postings(&bank, "CASH_DELIVERY", 19).await;
    assert_eq!(booked.len(), 19, "each of them once");
    assert!(bank.trial_balance().await.balanced);
}
