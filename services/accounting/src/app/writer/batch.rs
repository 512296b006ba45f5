//! One batch after another: take what waits, load, decide, append, answer.

use std::{collections::VecDeque, time::Duration};

use platform::refusal::Failure;
use tokio::sync::mpsc;
use tracing::{Instrument, error, warn};

use super::{
    Job, Writer, audits,
    database::{Append, Database, Fault, Session},
    metrics::Step,
    settle::Settled,
};
use crate::{
    domain::{
        book::{Book, Needs},
        command::{Answer, Records, Verdict},
    },
    error::{database_busy, not_the_writer, outcome_unknown},
};

/// How long an idle writer waits before it checks its connection.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// When the database was too busy for a batch, how many of its commands may fail one after another before the rest are returned
/// without an attempt: then the cause is the database, not a command.
const BUSY_IN_A_ROW_MAX: usize = 2;

/// Why a writer stopped writing.
pub(super) enum Outcome {
    /// The queue is closed.
    QueueClosed,
    /// Another writer has taken the batch number.
    Fenced,
    /// The database failed before anything was written.
    Lost(Fault),
    /// The database failed while this was being written.
    Unknown(Box<Decided>, Fault),
}

/// What a batch decided: each job with its verdict, and what there is to write.
pub(super) struct Decided {
    pub verdicts: Vec<(Job, Verdict)>,
    pub append: Append,
}

/// Why a batch was not written.
enum Stopped {
    /// The database rejects what one of these commands needs or would record; nothing of them was written. The flag says whether
    /// they were decided, so that the memory holds state that was not written.
    One {
        of: Vec<Job>,
        fault: Fault,
        decided: bool,
    },
    For(Outcome),
}

impl<D: Database> Writer<D> {
    /// Writes batches until it cannot.
    pub(super) async fn serve(
        &self,
        session: &mut D::Session,
        mut book: Book,
        queue: &mut mpsc::Receiver<Job>,
    ) -> Outcome {
        loop {
            let done = match self.within(IDLE_MAX, self.take(queue)).await {
                Some(Some(jobs)) => self.work(session, &mut book, jobs).await,
                Some(None) => return Outcome::QueueClosed,
                // A writer whose session is gone has lost the lock, and must not wait for a request to find that out.
                None => session.ping().await.map_err(Outcome::Lost),
            };
            if let Err(outcome) = done {
                return outcome;
            }
        }
    }

    /// Waits for a job, then takes all others that wait, within the batch's bounds. `None` when the queue is closed and empty. No
    /// job is lost when the future is dropped.
    async fn take(&self, queue: &mut mpsc::Receiver<Job>) -> Option<Vec<Job>> {
        let first = queue.recv().await?;
        let mut bytes = first.submission.bytes;
        let mut jobs = vec![first];
        while jobs.len() < self.config.batch_commands_max && bytes < self.config.batch_bytes_max {
            let Ok(job) = queue.try_recv() else { break };
            bytes += job.submission.bytes;
            jobs.push(job);
        }
        Some(jobs)
    }

    /// Does these jobs in one batch. When the database rejects the batch, each job is done by itself, so that only the one at fault
    /// fails.
    async fn work(&self, session: &mut D::Session, book: &mut Book, jobs: Vec<Job>) -> Result<(), Outcome> {
        let mut waiting = VecDeque::from([jobs]);
        let mut busy_in_a_row = 0;
        while let Some(jobs) = waiting.pop_front() {
            let outcome = match self.write_batch(session, book, jobs).await {
                Ok(()) => {
                    busy_in_a_row = 0;
                    continue;
                }
                Err(Stopped::One { of, fault, decided }) => {
                    busy_in_a_row += usize::from(of.len() == 1 && matches!(fault, Fault::Busy(_)));
                    give_back(&mut waiting, of, fault);
                    if busy_in_a_row == BUSY_IN_A_ROW_MAX {
                        refuse_all(waiting.drain(..).flatten(), database_busy);
                    }
                    if !decided {
                        continue;
                    }
                    match self.open(session).await {
                        Ok(fresh) => {
                            // It may begin after what another has written.
                            self.recent.clear();
                            *book = fresh;
                            continue;
                        }
                        Err(fault) => Outcome::Lost(fault),
                    }
                }
                Err(Stopped::For(outcome)) => outcome,
            };
            refuse_all(waiting.into_iter().flatten(), not_the_writer);
            return Err(outcome);
        }
        Ok(())
    }

    async fn write_batch(
        &self,
        session: &mut D::Session,
        book: &mut Book,
        jobs: Vec<Job>,
    ) -> Result<(), Stopped> {
        let batch = self.metrics.batch(&jobs);
        let (loading, span) = self.metrics.step(Step::Load, &batch);
        let loaded = self.load(session, book, &jobs).instrument(span).await;
        drop(loading);
        if let Err(fault) = loaded {
            if matches!(fault, Fault::Refused(_) | Fault::Busy(_)) {
                return Err(Stopped::One { of: jobs, fault, decided: false });
            }
            refuse_all(jobs, not_the_writer);
            return Err(Stopped::For(Outcome::Lost(fault)));
        }
        let (deciding, span) = self.metrics.step(Step::Decide, &batch);
        let decided = span.in_scope(|| self.decide(book, jobs));
        drop(deciding);
        let (appending, span) = self.metrics.step(Step::Append, &batch);
        let appended = session.append(&decided.append).instrument(span).await;
        drop(appending);
        match appended {
            Ok(()) => {
                self.metrics.written(decided.append.records.postings.len());
                self.recent.push(&decided.append.records.postings);
                decided.answer(Settled::Written);
                Ok(())
            }
            Err(Fault::Fenced) => {
                decided.answer(Settled::NotWritten);
                Err(Stopped::For(Outcome::Fenced))
            }
            Err(fault @ (Fault::Refused(_) | Fault::Busy(_))) => {
                let of = decided.verdicts.into_iter().map(|(job, _)| job).collect();
                Err(Stopped::One { of, fault, decided: true })
            }
            Err(fault @ Fault::Lost(_)) => Err(Stopped::For(Outcome::Unknown(Box::new(decided), fault))),
        }
    }

    async fn load(&self, session: &mut D::Session, book: &mut Book, jobs: &[Job]) -> Result<(), Fault> {
        let mut needs = Needs::default();
        for job in jobs {
            book.needs(&job.submission.command, &mut needs);
        }
        let remembered_from = self.remembered_from(book.day().map(|day| day.date));
        book.learn(session.load(&needs, remembered_from).await?);
        Ok(())
    }

    fn decide(&self, book: &mut Book, jobs: Vec<Job>) -> Decided {
        let at = book.time(self.clock.now());
        let mut records = Records::default();
        let verdicts: Vec<(Job, Verdict)> = jobs
            .into_iter()
            .map(|job| {
                let verdict = book.decide(&job.submission.command, at, &mut records);
                (job, verdict)
            })
            .collect();
        let batch = (!records.is_empty()).then(|| book.seal(&records, at));
        let audits = audits::of(&verdicts, at);
        Decided { verdicts, append: Append { records, batch, audits, at } }
    }
}

impl Decided {
    /// Answers all callers. A decision counts only when it was written, since a verdict may rest on an earlier one.
    pub fn answer(self, settled: Settled) {
        for (job, verdict) in self.verdicts {
            job.answer(match settled {
                Settled::Written => answer_of(verdict),
                Settled::NotWritten => Err(not_the_writer()),
                Settled::Unknown => Err(outcome_unknown()),
            });
        }
    }
}

fn answer_of(verdict: Verdict) -> Result<Answer, Failure> {
    match verdict {
        Verdict::Done(answer) | Verdict::Repeated(answer) => Ok(answer),
        Verdict::Refused(refusal) => Err(Failure::from(refusal)),
    }
}

/// Puts back the jobs of a batch that the database rejected, to be done one by one. A job that was alone is the one at fault.
fn give_back(waiting: &mut VecDeque<Vec<Job>>, jobs: Vec<Job>, fault: Fault) {
    match <[Job; 1]>::try_from(jobs) {
        Ok([job]) if matches!(fault, Fault::Busy(_)) => {
            warn!(error = %fault, rpc = &*job.submission.method, "the database cannot do what a command needs now");
            job.answer(Err(database_busy()));
        }
        Ok([job]) => {
            error!(error = %fault, rpc = &*job.submission.method, "the database refuses what a command needs");
            job.answer(Err(Failure::fault(fault)));
        }
        Err(jobs) => waiting.extend(jobs.into_iter().map(|job| vec![job])),
    }
}

/// Nothing of these jobs was written.
fn refuse_all(jobs: impl IntoIterator<Item = Job>, why: fn() -> Failure) {
    jobs.into_iter().for_each(|job| job.answer(Err(why())));
}
