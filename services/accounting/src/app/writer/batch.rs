//! One batch after another: take what waits, load, decide, append, answer.

use platform::refusal::Failure;
use sqlx::PgConnection;
use tokio::sync::mpsc;

use super::{Job, Writer, append::Appended};
use crate::{
    domain::{
        book::{BatchRow, Book, Wants},
        command::{Records, Verdict},
    },
    error,
    store::load,
};

/// Why a writer stopped writing.
#[derive(Debug)]
pub enum Outcome {
    /// Nobody can ask any more.
    QueueClosed,
    /// Another writer has taken the batch number.
    Fenced,
    /// The database failed.
    Lost(sqlx::Error),
}

/// What a batch decided: each job with its verdict, and what there is to record.
pub(super) struct Decided {
    pub verdicts: Vec<(Job, Verdict)>,
    pub records: Records,
    /// `None` when there is nothing for the journal.
    pub batch: Option<BatchRow>,
}

impl Writer {
    /// Writes batches until it cannot.
    pub(super) async fn serve(&self, conn: &mut PgConnection, mut book: Book, queue: &mut mpsc::Receiver<Job>) -> Outcome {
        while let Some(jobs) = self.take(queue).await {
            if let Err(error) = self.load(conn, &mut book, &jobs).await {
                refuse_all(jobs);
                return Outcome::Lost(error);
            }
            let decided = self.decide(&mut book, jobs);
            let appended = self.append(conn, &decided).await;
            let stop = match appended {
                Ok(Appended::Written) => None,
                Ok(Appended::Fenced) => Some(Outcome::Fenced),
                Err(error) => Some(Outcome::Lost(error)),
            };
            answer_all(decided.verdicts, stop.is_none());
            if let Some(outcome) = stop {
                return outcome;
            }
        }
        Outcome::QueueClosed
    }

    /// Waits for a job and takes all that wait besides, within the batch's bounds. `None` when the queue is closed and empty.
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

    async fn load(&self, conn: &mut PgConnection, book: &mut Book, jobs: &[Job]) -> Result<(), sqlx::Error> {
        let mut wants = Wants::default();
        for job in jobs {
            book.wants(&job.ask.command, &mut wants);
        }
        let remembered_from = self.remembered_from(book.day().map(|day| day.date));
        let loaded = load::load(conn, &wants, remembered_from).await?;
        book.learn(loaded);
        Ok(())
    }

    fn decide(&self, book: &mut Book, jobs: Vec<Job>) -> Decided {
        let now = self.clock.now();
        let mut records = Records::default();
        let verdicts: Vec<(Job, Verdict)> = jobs
            .into_iter()
            .map(|job| {
                let verdict = book.decide(&job.ask.command, now, &mut records);
                (job, verdict)
            })
            .collect();
        let batch = (!records.is_empty()).then(|| book.seal(&records, now));
        Decided { verdicts, records, batch }
    }
}

/// Nothing of these jobs was written.
fn refuse_all(jobs: Vec<Job>) {
    jobs.into_iter().for_each(|job| job.answer(Err(error::not_the_writer())));
}

fn answer_all(verdicts: Vec<(Job, Verdict)>, written: bool) {
    for (job, verdict) in verdicts {
        let answer = match verdict {
            Verdict::Repeated(answer) => Ok(answer),
            Verdict::Done(answer) if written || job.ask.command.origin.dry_run => Ok(answer),
            Verdict::Done(_) => Err(error::outcome_unknown()),
            Verdict::Refused(refusal) => Err(Failure::from(refusal)),
        };
        job.answer(answer);
    }
}
