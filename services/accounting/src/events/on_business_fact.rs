//! Handles business facts of other services: each is booked by its template.
//!
//! A fact takes effect once, however often it is delivered: its request id is made from its source and its id, and the book answers
//! a repeat like that of any other request (ACC-4). The inbox is marked afterwards; it only saves the writer work. The facts of one
//! key are booked in their order. A fact that cannot be booked becomes an open item of the book. Dead letters are only for records
//! that are not facts, or do not come from the owner of their topic.

use platform::{
    clock::SharedClock,
    consumer::{Consumer, ConsumerError, HandleError, Handler},
    facts::{KafkaConfig, Record},
    leadership::Lead,
    refusal::{Failure, reasons},
    telemetry,
};
use sqlx::{PgConnection, PgPool};
use tokio::{pin, sync::watch};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use crate::{
    SERVICE,
    app::writer::{Submission, WriterHandle},
    domain::{
        Digest,
        command::{Action, Command, Origin},
        ids::{BranchCode, OperatorCode},
        suspense::{self, FactIdentity, ReceivedFact},
    },
};

/// The handler's name: of its group, its marks and its dead letters.
pub const HANDLER: &str = "business-facts";

/// The largest fact that is booked, in bytes: an open item may have to keep it whole.
const FACT_BYTES_MAX: usize = 256 * 1024;

/// How the audit names the origin of a fact.
const METHOD: &str = "countinghouse.accounting.Facts/Book";

/// Submits business facts to the writer.
#[derive(Clone, Debug)]
pub struct BusinessFacts {
    pub topics: Vec<String>,
    pub writer: WriterHandle,
}

/// Consumes business facts while this replica writes the book.
#[derive(Debug)]
pub struct BusinessFactConsumer {
    pub handler: BusinessFacts,
    pub pool: PgPool,
    pub kafka: KafkaConfig,
    pub clock: SharedClock,
    pub leading: watch::Receiver<Lead>,
}

impl BusinessFactConsumer {
    /// Runs until stopped.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), ConsumerError> {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                led = self.leading.wait_for(|lead| *lead == Lead::Here) => if led.is_err() { return Ok(()) },
            }
            let until = stop.child_token();
            let Self { handler, pool, kafka, clock, .. } = &self;
            let consumer =
                Consumer::new(handler.clone(), pool.clone(), kafka.clone(), SERVICE, clock.clone());
            let consumer = consumer.run(until.clone());
            pin!(consumer);
            tokio::select! {
                done = &mut consumer => {
                    done?;
                    continue;
                }
                _stepped_down = self.leading.wait_for(|lead| *lead != Lead::Here) => {}
            }
            until.cancel();
            consumer.await?;
        }
    }
}

impl Handler for BusinessFacts {
    fn name(&self) -> &str {
        HANDLER
    }

    fn topics(&self) -> Vec<String> {
        self.topics.clone()
    }

    /// The effect is the writer's own append: the book records whether it happened, not this transaction.
    async fn handle(&self, _conn: &mut PgConnection, record: &Record) -> Result<(), HandleError> {
        let submission = submission(record)?;
        match self.writer.submit(submission).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(refused(failure)),
        }
    }
}

fn submission(record: &Record) -> Result<Submission, HandleError> {
    let fact = &record.fact;
    let bytes = fact.payload.len();
    if bytes > FACT_BYTES_MAX {
        return Err(HandleError::permanent(format!(
            "{bytes} bytes are more than the {FACT_BYTES_MAX} that are booked"
        )));
    }
    let service = owner(record)?;
    let payload = serde_json::from_slice(&fact.payload)?;
    let identity = FactIdentity {
        service: service.to_owned(),
        topic: fact.topic.clone(),
        kind: fact.kind.clone(),
        id: fact.id,
        key: fact.key.clone(),
        time: fact.time,
    };
    let origin = Origin {
        request_id: suspense::request_id(service, fact.id),
        digest: digest(record),
        // The template finds the branch in the fact.
        branch: BranchCode::new(""),
        operator: OperatorCode::new(format!("service/{service}")),
        authoriser: None,
        assume_authorised: false,
        dry_run: false,
        traceparent: telemetry::traceparent_of(&Span::current()).or_else(|| fact.traceparent.clone()),
    };
    let action = Action::BookFact(Box::new(ReceivedFact { identity, payload }));
    Ok(Submission {
        command: Command { origin, action },
        method: METHOD.into(),
        correlation_id: fact.correlation_id,
        bytes,
    })
}

/// The service that published a fact, which must own the topic: it becomes the operator of the posting.
fn owner(record: &Record) -> Result<&str, HandleError> {
    let source = &record.source;
    let service = source.strip_prefix("/countinghouse/").filter(|service| {
        let topic = record.fact.topic.strip_prefix("countinghouse.").unwrap_or_default();
        !service.is_empty() && topic.split('.').next() == Some(service)
    });
    service.ok_or_else(|| {
        HandleError::permanent(format!("{source} does not own the topic {}", record.fact.topic))
    })
}

/// Distinguishes a repeated fact from another one with the same id.
fn digest(record: &Record) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for text in [&record.fact.topic, &record.fact.kind, &record.fact.key] {
        hasher.update(text.as_bytes()).update(&[0]);
    }
    Digest(hasher.update(&record.fact.payload).finalize().into())
}

/// Another fact with the same id will never be booked, nor will one that the database cannot hold. All other failures are
/// temporary: the fact waits for a writer, its database or a business day.
fn refused(failure: Failure) -> HandleError {
    match failure.refusal() {
        Some(refusal) if refusal.reason().name == reasons::REQUEST_ID_REUSED.name => {
            HandleError::permanent("another fact was booked under this id")
        }
        Some(_) => HandleError::transient(failure),
        None => match std::error::Error::source(&failure) {
            Some(cause) => HandleError::permanent(cause.to_string()),
            None => HandleError::permanent(failure.to_string()),
        },
    }
}
