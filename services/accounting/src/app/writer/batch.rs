//! One batch after another: take what waits, load, decide, append, answer.

use std::{collections::VecDeque, time::Duration};

use chrono::{DateTime, Utc};
use platform::{audit::AuditRecord, refusal::Failure};
use sqlx::{Connection, PgConnection};
use tokio::{sync::mpsc, time};
use tracing::error;

use super::{
    Job, Writer,
    append::{Appended, Settled, is_refusal},
    audits, in_time,
};
use crate::{
    domain::{
        book::{BatchRow, Book, Wants},
        command::{Records, Verdict},
    },
    error::{not_the_writer, outcome_unknown},
    store::{load, opening},
};

/// How long a writer with nothing to do leaves its connection untried.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// Why a writer stopped writing.
pub(super) enum Outcome {
    /// Nobody can ask any more.
    QueueClosed,
    /// Another writer has taken the batch number.
    Fenced,
    /// The database failed before anything was written.
    Lost(sqlx::Error),
    /// The database failed while this was being written.
    Unknown(Box<Decided>, sqlx::Error),
}

/// What a batch decided: each job with its verdict, and what there is to record.
pub(super) struct Decided {
    pub verdicts: Vec<(Job, Verdict)>,
    pub records: Records,
    /// `None` when the commands changed nothing.
    pub batch: Option<BatchRow>,
    pub audits: Vec<AuditRecord>,
    pub at: DateTime<Utc>,
}

/// Why a batch was not written.
enum Stopped {
    /// Postgres refuses something of one of these.
    Refused(Vec<Job>, sqlx::Error),
    For(Outcome),
}

impl Writer {
    /// Writes batches until it cannot.
    pub(super) async fn serve(
        &self,
        conn: &mut PgConnection,
        mut book: Book,
        queue: &mut mpsc::Receiver<Job>,
    ) -> Outcome {
        loop {
            let done = match time::timeout(IDLE_MAX, self.take(queue)).await {
                Ok(Some(jobs)) => self.work(conn, &mut book, jobs).await,
                Ok(None) => return Outcome::QueueClosed,
                // A writer whose session is gone has lost the lock, and must not wait for a request to find that out.
                Err(_idle) => in_time(self.patience(), conn.ping()).await.map_err(Outcome::Lost),
            };
            if let Err(outcome) = done {
                return outcome;
            }
        }
    }

    /// Waits for a job and takes all that wait besides, within the batch's bounds. `None` when the queue is closed and empty. No
    /// job is lost when this is given up.
    async fn take(&self, queue: &mut mpsc::Receiver<Job>) -> Option<Vec<Job>> {
        let first = queue.recv().await?;
        let mut bytes = first.ask.bytes;
        let mut jobs = vec![first];
        while jobs.len() < self.config.batch_commands_max && bytes < self.config.batch_bytes_max {
            let Ok(job) = queue.try_recv() else { break };
            bytes += job.ask.bytes;
            jobs.push(job);
        }
        Some(jobs)
    }

    /// Does these jobs in one batch. When Postgres refuses the batch, each is done by itself, so that the one that it cannot
    /// take fails alone and never its neighbours.
    async fn work(&self, conn: &mut PgConnection, book: &mut Book, jobs: Vec<Job>) -> Result<(), Outcome> {
        let mut waiting = VecDeque::from([jobs]);
        while let Some(jobs) = waiting.pop_front() {
            let stopped = match self.write_batch(conn, book, jobs).await {
                Ok(()) => continue,
                Err(stopped) => stopped,
            };
            let outcome = match stopped {
                Stopped::Refused(jobs, refusal) => {
                    give_back(&mut waiting, jobs, refusal);
                    // What the memory holds was decided and not written.
                    match self.open(conn).await {
                        Ok(fresh) => {
                            *book = fresh;
                            continue;
                        }
                        Err(error) => Outcome::Lost(error),
                    }
                }
                Stopped::For(outcome) => outcome,
            };
            refuse_all(waiting.into_iter().flatten());
            return Err(outcome);
        }
        Ok(())
    }

    async fn write_batch(
        &self,
        conn: &mut PgConnection,
        book: &mut Book,
        jobs: Vec<Job>,
    ) -> Result<(), Stopped> {
        if let Err(error) = self.load(conn, book, &jobs).await {
            if is_refusal(&error) {
                return Err(Stopped::Refused(jobs, error));
            }
            refuse_all(jobs);
            return Err(Stopped::For(Outcome::Lost(error)));
        }
        let decided = self.decide(book, jobs);
        match self.append(conn, &decided).await {
            Appended::Written => {
                self.recent.push(&decided.records.postings);
                decided.answer(Settled::Written);
                Ok(())
            }
            Appended::Fenced => {
                decided.answer(Settled::NotWritten);
                Err(Stopped::For(Outcome::Fenced))
            }
            Appended::Refused(error) => {
                let jobs = decided.verdicts.into_iter().map(|(job, _)| job).collect();
                Err(Stopped::Refused(jobs, error))
            }
            Appended::Unknown(error) => Err(Stopped::For(Outcome::Unknown(Box::new(decided), error))),
        }
    }

    async fn load(&self, conn: &mut PgConnection, book: &mut Book, jobs: &[Job]) -> Result<(), sqlx::Error> {
        let mut wants = Wants::default();
        for job in jobs {
            book.wants(&job.ask.command, &mut wants);
        }
        for month in &wants.months {
            in_time(self.patience(), opening::ensure_month(conn, *month)).await?;
        }
        let remembered_from = self.remembered_from(book.day().map(|day| day.date));
        let loaded = in_time(self.patience(), load::load(conn, &wants, remembered_from)).await?;
        book.learn(loaded);
        Ok(())
    }

    fn decide(&self, book: &mut Book, jobs: Vec<Job>) -> Decided {
        let at = self.clock.now();
        let mut records = Records::default();
        let verdicts: Vec<(Job, Verdict)> = jobs
            .into_iter()
            .map(|job| {
                let verdict = book.decide(&job.ask.command, at, &mut records);
                (job, verdict)
            })
            .collect();
        let batch = (!records.is_empty()).then(|| book.seal(&records, at));
        let audits = audits::of(&verdicts, at);
        Decided { verdicts, records, batch, audits, at }
    }
}

impl Decided {
    /// Answers everyone. What was decided counts only when it was written: a verdict may rest on one before it.
    pub fn answer(self, settled: Settled) {
        for (job, verdict) in self.verdicts {
            job.answer(match settled {
                Settled::Written => told(verdict),
                Settled::NotWritten => Err(not_the_writer()),
                Settled::Unknown => Err(outcome_unknown()),
            });
        }
    }
}

fn told(verdict: Verdict) -> Result<crate::domain::command::Answer, Failure> {
    match verdict {
        Verdict::Done(answer) | Verdict::Repeated(answer) => Ok(answer),
        Verdict::Refused(refusal) => Err(Failure::from(refusal)),
    }
}

/// Puts the jobs of a refused batch back, each by itself. One that was alone is what Postgres refuses.
fn give_back(waiting: &mut VecDeque<Vec<Job>>, jobs: Vec<Job>, refusal: sqlx::Error) {
    match <[Job; 1]>::try_from(jobs) {
        Ok([job]) => {
            error!(error = %refusal, rpc = %job.ask.rpc, "the database refuses what a command would record");
            job.answer(Err(Failure::fault(refusal)));
        }
        Err(jobs) => waiting.extend(jobs.into_iter().map(|job| vec![job])),
    }
}

/// Nothing of these jobs was written.
fn refuse_all(jobs: impl IntoIterator<Item = Job>) {
    jobs.into_iter().for_each(|job| job.answer(Err(not_the_writer())));
}
