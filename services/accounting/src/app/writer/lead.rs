//! Leading: of all replicas the one that holds the book's advisory lock writes, and its heartbeat shows the others that it is
//! alive. The first replica that notices a silent writer ends its session. All this only saves the others an attempt: what makes
//! it safe is the fence on the batch number.

use std::{convert::Infallible, time::Duration};

use platform::leadership::Lead;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{
    Job, Writer,
    batch::Outcome,
    database::{Claim, Database, Fault, Opened, Session},
    settle::Settled,
};
use crate::{
    domain::{
        book::{Book, Loaded},
        reference::Reference,
    },
    error::not_the_writer,
};

/// What a replica leads with.
struct Leading<D: Database> {
    session: D::Session,
    name: <D::Session as Session>::Name,
    book: Book,
}

impl<D: Database> Writer<D> {
    /// Leads whenever it can, until the queue is closed and empty.
    pub async fn run(self, mut queue: mpsc::Receiver<Job>) -> Result<(), Infallible> {
        while !(queue.is_closed() && queue.is_empty()) {
            match self.seek_lead(&mut queue).await {
                Ok(Some(leading)) => self.lead(leading, &mut queue).await,
                Ok(None) => {}
                Err(fault) => {
                    warn!(error = %fault, "cannot open the book yet");
                    self.stand_by(&mut queue).await;
                }
            }
        }
        Ok(())
    }

    /// Waits until nobody else writes the book, and opens it. `None` when the queue closes meanwhile.
    async fn seek_lead(&self, queue: &mut mpsc::Receiver<Job>) -> Result<Option<Leading<D>>, Fault> {
        let mut session = self.database.connect().await?;
        let name = loop {
            match session.claim(&self.address).await? {
                Claim::Won(name) => break name,
                Claim::Held(lead) => self.publish(lead),
            }
            self.stand_by(queue).await;
            if queue.is_closed() && queue.is_empty() {
                return Ok(None);
            }
        };
        let book = self.open(&mut session).await?;
        Ok(Some(Leading { session, name, book }))
    }

    /// Publishes where the writer is, for those who forward calls to it.
    fn publish(&self, lead: Lead) {
        self.leading.send_if_modified(|now| {
            let is_news = *now != lead;
            *now = lead;
            is_news
        });
    }

    async fn lead(&self, leading: Leading<D>, queue: &mut mpsc::Receiver<Job>) {
        let Leading { mut session, name, book } = leading;
        let heads = book.heads();
        info!(batch = heads.batch, posting = heads.posting, "writing the book");
        self.leading.send_replace(Lead::Here);
        self.metrics.leads();
        let outcome = self.serve(&mut session, book, queue).await;
        self.leading.send_replace(Lead::Unknown);
        self.metrics.steps_down();
        self.recent.clear();
        session.close().await;
        match outcome {
            Outcome::QueueClosed => info!("nobody can ask any more: the book is closed"),
            Outcome::Fenced => warn!("another replica writes the book: stepping down"),
            Outcome::Lost(fault) => warn!(error = %fault, "lost the database: stepping down"),
            Outcome::Unknown(decided, fault) => {
                warn!(error = %fault, "lost the database while writing: stepping down");
                let settled = self.settle(&decided.append, &name).await;
                if settled == Settled::Unknown {
                    warn!("an append could not be settled: repeats of its requests will settle it");
                }
                decided.answer(settled);
            }
        }
    }

    /// Opens the book as the database has it.
    pub(super) async fn open(&self, session: &mut D::Session) -> Result<Book, Fault> {
        let Opened { base, day, first_day, heads, accounts } = session.open().await?;
        let reference = Reference::from_versions(base)
            .map_err(|error| Fault::Refused(sqlx::Error::Decode(error.into())))?;
        let mut book = Book::new(reference, day, heads, self.config.accounts_max).begun_on(first_day);
        book.learn(Loaded { accounts, ..Loaded::default() });
        Ok(book)
    }

    /// Refuses what comes in until it is time to try again.
    async fn stand_by(&self, queue: &mut mpsc::Receiver<Job>) {
        let refuse = async {
            while let Some(job) = queue.recv().await {
                job.answer(Err(not_the_writer()));
            }
        };
        self.within(Duration::from_millis(self.config.lead_retry_ms), refuse).await;
    }
}
