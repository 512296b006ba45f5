use std::time::Duration;

use rdkafka::{
    Message,
    producer::{FutureProducer, FutureRecord},
};
use testkit::{PrivateBroker, TestKafka, kafka};

const BOUND: Duration = Duration::from_mins(1);

async fn send(kafka: &TestKafka, topic: &str, value: &str) {
    let producer: FutureProducer = kafka.client().create().unwrap();
    producer.send(FutureRecord::to(topic).key("k").payload(value), BOUND).await.unwrap();
}

async fn values(kafka: &TestKafka, topic: &str, count: usize) -> Vec<String> {
    let records = kafka.records(topic, count, BOUND).await;
    records.iter().map(|record| String::from_utf8_lossy(record.payload().unwrap()).into_owned()).collect()
}

#[tokio::test]
async fn each_test_has_topics_of_its_own() {
    let (one, other) = tokio::join!(kafka(), kafka());
    let topic = one.topic("notes.v1", 2).await;
    let others = other.compacted_topic("notes.v1", 1).await;
    assert_ne!(topic, others);

    send(&one, &topic, "mine").await;
    send(&other, &others, "theirs").await;
    assert_eq!(values(&one, &topic, 1).await, ["mine"]);
    assert_eq!(values(&other, &others, 1).await, ["theirs"]);
}

#[tokio::test]
async fn a_private_broker_keeps_what_it_acknowledged_through_a_kill_and_a_stop() {
    let broker = PrivateBroker::start().await;
    let (brokers, kafka) = (broker.brokers(), broker.kafka());
    let topic = kafka.topic("notes.v1", 1).await;
    send(&kafka, &topic, "before the kill").await;

    broker.kill().await;
    broker.start_again().await;
    assert_eq!(broker.brokers(), brokers);
    send(&kafka, &topic, "after the kill").await;

    broker.stop().await;
    broker.start_again().await;
    assert_eq!(values(&kafka, &topic, 2).await, ["before the kill", "after the kill"]);
}
