//! The queue in front of the writer: bounded, and closed when nobody can ask any more.

use std::{fmt, time::Duration};

use platform::refusal::{Failure, reasons};
use tokio::sync::{mpsc, oneshot};
use tracing::Span;
use uuid::Uuid;

use super::telling;
use crate::{
    domain::command::{Answer, Command},
    error,
};

/// When a caller may try again that found the queue full.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The name of an rpc, for the audit: `package.Service/Method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rpc {
    /// `package.Service`.
    pub service: &'static str,
    pub method: &'static str,
}

impl fmt::Display for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.method)
    }
}

/// A command with what the writer needs to know of the call besides.
#[derive(Debug)]
pub struct Ask {
    pub command: Command,
    pub rpc: Rpc,
    pub correlation_id: Uuid,
    /// Size of the request, towards the batch's bound.
    pub bytes: usize,
}

/// An ask that waits, and where its answer goes.
#[derive(Debug)]
pub struct Job {
    pub ask: Ask,
    /// Lasts until it is answered; none when nobody traces it.
    pub span: Span,
    reply: oneshot::Sender<Result<Answer, Failure>>,
}

impl Job {
    /// Answers. A caller that has gone away is not waited for: its request is done all the same, and a repeat finds it.
    pub fn answer(self, answer: Result<Answer, Failure>) {
        drop(self.reply.send(answer));
    }
}

/// Puts asks into the queue and waits for answers.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    queue: mpsc::Sender<Job>,
}

/// Makes the queue, for `queue_max` asks.
pub fn queue(queue_max: usize) -> (WriterHandle, mpsc::Receiver<Job>) {
    let (sender, receiver) = mpsc::channel(queue_max);
    telling::observe(&sender);
    (WriterHandle { queue: sender }, receiver)
}

impl WriterHandle {
    /// Asks the writer and waits for its answer. A full queue refuses at once.
    pub async fn submit(&self, ask: Ask) -> Result<Answer, Failure> {
        let (reply, answer) = oneshot::channel();
        let span = telling::waiting(&ask);
        self.queue.try_send(Job { ask, span, reply }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Failure::from(
                reasons::OVERLOADED.refuse("the writer's queue is full").retry_after(RETRY_AFTER),
            ),
            mpsc::error::TrySendError::Closed(_) => error::not_the_writer(),
        })?;
        answer.await.unwrap_or_else(|_| Err(error::outcome_unknown()))
    }
}
