//! Business facts of other services, taken in and booked by template.
//!
//! A fact takes effect once, however often it is delivered: its request id is made of its source and its id, and the book answers
//! a repeat as it answers any other (ACC-4). The inbox is marked afterwards, and only spares the writer the question. The facts
//! of one key are booked in their order. What cannot be booked is an open item of the book, and no dead letter: that is for
//! records that are no facts, or not from the owner of their topic.

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

/// How the audit names the way on which a fact came.
const METHOD: &str = "countinghouse.accounting.Facts/Book";

/// Gives business facts to the writer.
#[derive(Clone, Debug)]
pub struct BusinessFacts {
    pub topics: Vec<String>,
    pub writer: WriterHandle,
}

/// Takes business facts in while this replica writes the book.
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

    /// The effect is the writer's own append; whether it happened is the book's to know, and not this transaction's.
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

/// The service that published a fact, which must own the topic: it is whom the posting is booked by.
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

/// Tells a fact that comes again from another under its id.
fn digest(record: &Record) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for text in [&record.fact.topic, &record.fact.kind, &record.fact.key] {
        hasher.update(text.as_bytes()).update(&[0]);
    }
    Digest(hasher.update(&record.fact.payload).finalize().into())
}

/// Another fact under the same id will never be booked, nor one that the database cannot hold. Everything else waits: for a
/// writer, for its database, for a business day.
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
