//! The queue in front of the writer: bounded, and closed when nobody can submit any more.

use std::{sync::Arc, time::Duration};

use platform::refusal::{Failure, reasons};
use tokio::sync::{mpsc, oneshot};
use tracing::Span;
use uuid::Uuid;

use super::metrics;
use crate::{
    domain::command::{Answer, Command},
    error,
};

/// After how long a caller that found the queue full may try again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// A command, with what else the writer needs to know of its call.
#[derive(Debug)]
pub struct Submission {
    pub command: Command,
    /// The rpc, as `package.Service/Method`, or the job, for the audit.
    pub method: Arc<str>,
    pub correlation_id: Uuid,
    /// Size of the request, towards the batch's bound.
    pub bytes: usize,
}

/// A submission that waits, and where its answer goes.
#[derive(Debug)]
pub struct Job {
    pub submission: Submission,
    /// The span until the answer; none when the request is not traced.
    pub span: Span,
    reply: oneshot::Sender<Result<Answer, Failure>>,
}

impl Job {
    /// Sends the answer. The caller may have left: its request is done all the same, and a repeat gets the answer.
    pub fn answer(self, answer: Result<Answer, Failure>) {
        drop(self.reply.send(answer));
    }
}

/// Puts submissions into the queue and waits for answers.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    queue: mpsc::Sender<Job>,
}

/// Makes the queue, for `queue_max` submissions.
pub fn queue(queue_max: usize) -> (WriterHandle, mpsc::Receiver<Job>) {
    let (sender, receiver) = mpsc::channel(queue_max);
    metrics::observe(&sender);
    (WriterHandle { queue: sender }, receiver)
}

impl WriterHandle {
    /// Submits a command to the writer and waits for its answer. A full queue refuses at once.
    pub async fn submit(&self, submission: Submission) -> Result<Answer, Failure> {
        let (reply, answer) = oneshot::channel();
        let span = metrics::waiting(&submission);
        self.queue.try_send(Job { submission, span, reply }).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Failure::from(
                reasons::OVERLOADED.refuse("the writer's queue is full").retry_after(RETRY_AFTER),
            ),
            mpsc::error::TrySendError::Closed(_) => error::not_the_writer(),
        })?;
        answer.await.unwrap_or_else(|_| Err(error::outcome_unknown()))
    }
}
