//! Sends one page of facts to Kafka and says what the broker acknowledged.

use std::{collections::VecDeque, time::Duration};

use futures::FutureExt;
use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer, PurgeConfig},
};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::{RelayError, source::Delivered};
use crate::{
    facts::{Fact, KafkaConfig, record},
    telemetry,
};

/// Facts that are sent before the task yields to others: a few milliseconds of work.
const SENT_BEFORE_YIELD: usize = 256;

/// A broker that is silent this long is worth a line in the log.
const SILENCE_LOGGED_AFTER: Duration = Duration::from_secs(10);

/// A producer for the facts of one service. After a failure it must be dropped: what it still holds is purged, so that
/// nothing is sent after the fact that failed.
pub struct Publisher {
    producer: FutureProducer,
    kafka: KafkaConfig,
    ce_source: String,
    /// Cancelled when the relay must not wait for the broker any longer.
    give_up: CancellationToken,
}

/// The outcome of one page.
#[derive(Debug, Default)]
pub struct Delivery {
    pub delivered: Delivered,
    /// How many facts the broker has acknowledged.
    pub facts: u64,
    /// Why the rest was not.
    pub failure: Option<Undelivered>,
}

/// A fact that the broker did not take.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    #[error("fact {fact} at position {position} was not taken by topic {topic}")]
    Refused { fact: uuid::Uuid, position: i64, topic: String, source: Box<KafkaError> },
    #[error("the relay was stopped while it waited for the broker")]
    Stopped,
}

/// Facts of a page that were sent and not yet acknowledged, with their places in the page.
struct Flight<'a> {
    page: &'a [(i64, Fact)],
    waiting: VecDeque<Sent>,
    acknowledged: Vec<bool>,
    failure: Option<Undelivered>,
}

/// A fact that was sent and not yet acknowledged.
struct Sent {
    place: usize,
    delivery: DeliveryFuture,
    /// Ends when the broker has answered; none when the fact is not traced.
    _span: Span,
}

impl Publisher {
    pub fn connect(
        kafka: &KafkaConfig,
        ce_source: String,
        give_up: CancellationToken,
    ) -> Result<Publisher, RelayError> {
        let producer = kafka.producer()?.create().map_err(RelayError::Producer)?;
        Ok(Publisher { producer, kafka: kafka.clone(), ce_source, give_up })
    }

    /// Sends a page without waiting for each fact, then waits for all of them. After the first failure nothing more is sent:
    /// of every partition the broker has a beginning of the page without a gap.
    pub async fn deliver(&self, page: &[(i64, Fact)]) -> Delivery {
        let mut flight = Flight {
            page,
            waiting: VecDeque::with_capacity(page.len()),
            acknowledged: vec![false; page.len()],
            failure: None,
        };
        for place in 0..page.len() {
            self.send(&mut flight, place).await;
            if flight.failure.is_some() {
                break;
            }
            if place % SENT_BEFORE_YIELD == SENT_BEFORE_YIELD - 1 {
                tokio::task::yield_now().await;
            }
        }
        while let Some(sent) = flight.waiting.pop_front() {
            self.settle(&mut flight, sent).await;
        }
        flight.land()
    }

    /// Hands one fact to the producer; while its queue is full, waits for the oldest fact in flight.
    async fn send(&self, flight: &mut Flight<'_>, place: usize) {
        let (position, fact) = &flight.page[place];
        let topic = self.kafka.prefixed(&fact.topic);
        let span = sending(fact, &topic);
        loop {
            // The record's timestamp is when it is sent, not the fact's time: the broker counts retention from it, and would
            // delete at once what was published late.
            let record = FutureRecord::to(&topic)
                .key(&fact.key)
                .payload(&*fact.payload)
                .headers(record::headers(fact, &self.ce_source));
            match self.producer.send_result(record) {
                Ok(delivery) => return flight.waiting.push_back(Sent { place, delivery, _span: span }),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _))
                    if !flight.waiting.is_empty() =>
                {
                    if let Some(oldest) = flight.waiting.pop_front() {
                        self.settle(flight, oldest).await;
                    }
                    if flight.failure.is_some() {
                        return;
                    }
                }
                Err((source, _)) => {
                    return self.fail(
                        flight,
                        Undelivered::Refused {
                            fact: fact.id,
                            position: *position,
                            topic,
                            source: Box::new(source),
                        },
                    );
                }
            }
        }
    }

    /// Waits until the broker has acknowledged or refused one fact.
    async fn settle(&self, flight: &mut Flight<'_>, sent: Sent) {
        let Sent { place, mut delivery, _span } = sent;
        let (position, fact) = &flight.page[place];
        let outcome = loop {
            // Once the oldest of a page is acknowledged most others are: no timer is set up for them.
            if let Some(outcome) = (&mut delivery).now_or_never() {
                break outcome;
            }
            tokio::select! {
                outcome = &mut delivery => break outcome,
                () = self.give_up.cancelled(), if flight.failure.is_none() => {
                    self.fail(flight, Undelivered::Stopped);
                }
                () = tokio::time::sleep(SILENCE_LOGGED_AFTER) => {
                    tracing::warn!(fact = %fact.id, position, "the broker has not acknowledged a fact yet");
                }
            }
        };
        let source = match outcome {
            Ok(Ok(_)) => {
                flight.acknowledged[place] = true;
                return;
            }
            Ok(Err((source, _))) => source,
            Err(_cancelled) => KafkaError::Canceled,
        };
        if flight.failure.is_none() {
            let refused = Undelivered::Refused {
                fact: fact.id,
                position: *position,
                topic: self.kafka.prefixed(&fact.topic),
                source: Box::new(source),
            };
            self.fail(flight, refused);
        }
    }

    /// Nothing that is still in the producer may be sent any more: it would overtake what failed.
    fn fail(&self, flight: &mut Flight<'_>, failure: Undelivered) {
        self.producer.purge(PurgeConfig::default().queue().inflight());
        flight.failure = Some(failure);
    }

    /// Closes the producer. This joins the producer's thread, so it runs where it may block.
    pub async fn close(self) {
        let closed = tokio::task::spawn_blocking(move || drop(self.producer)).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the producer did not close");
        }
    }
}

impl Flight<'_> {
    fn land(self) -> Delivery {
        let mut delivery = Delivery { failure: self.failure, ..Delivery::default() };
        let mut gap = false;
        let acknowledged = self.page.iter().zip(&self.acknowledged);
        let positions: Vec<(i64, bool)> =
            acknowledged.map(|((position, _), done)| (*position, *done)).collect();
        for facts in positions.chunk_by(|one, next| one.0 == next.0) {
            let whole = facts.iter().all(|(_, done)| *done);
            gap |= !whole;
            if whole {
                delivery.delivered.positions.push(facts[0].0);
                if !gap {
                    delivery.delivered.through = Some(facts[0].0);
                }
            }
        }
        delivery.facts = positions.iter().map(|(_, done)| u64::from(*done)).sum();
        delivery
    }
}

/// A span in the trace of the request that caused a fact. The fact itself goes on carrying that request's own context: it is the
/// same however often it is sent.
fn sending(fact: &Fact, topic: &str) -> Span {
    let traceparent = fact.traceparent.as_deref();
    if !telemetry::is_sampled(traceparent) {
        return Span::none();
    }
    let span = tracing::info_span!(
        parent: None,
        "send",
        otel.name = format!("send {topic}"),
        otel.kind = "producer",
        messaging.system = "kafka",
        messaging.operation.name = "send",
        messaging.destination.name = topic,
        messaging.message.id = %fact.id,
        messaging.kafka.message.key = fact.key,
    );
    telemetry::follow(&span, traceparent);
    span
}
