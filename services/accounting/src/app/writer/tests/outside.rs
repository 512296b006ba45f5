//! The database of the simulation: a journal in memory that takes an append whole or not at all, behind the fence, and sessions
//! that fail as planned.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use chrono::NaiveDate;
use platform::leadership::Lead;
use uuid::Uuid;

use super::{
    callers::{Callers, Snapshot},
    time::{Time, let_others_go_first},
};
use crate::{
    app::writer::database::{Append, Claim, Database, Fault, Opened, Session},
    domain::{
        Digest,
        account::AccountKind,
        book::{Loaded, Needs, tests::records::Recorded},
        ids::BatchNumber,
    },
};

/// What a session may be called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Connect,
    Claim,
    IsOver,
    Open,
    Load,
    Append,
    HashOf,
    Ping,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Refused,
    Busy,
    /// The session ends before anything is done.
    Lost,
    /// It is done, and the session ends before the answer arrives.
    LostAfterwards,
    /// The session ends for the writer, while the server goes on with it for a time, and then writes or does not.
    LostMeanwhile {
        millis: u64,
        written: bool,
    },
    /// It takes its time.
    Slow {
        millis: u64,
    },
}

/// Everything outside of the writers.
#[derive(Default)]
pub struct State {
    pub recorded: Recorded,
    pub callers: Callers,
    /// What goes wrong next, call by call.
    pub planned: Vec<(Call, Wrong)>,
    /// Requests that the database does not take, nor looks up.
    pub poisoned: BTreeMap<Uuid, Wrong>,
    /// The session that holds the book's lock.
    lock: Option<u64>,
    sessions: BTreeSet<u64>,
    last_session: u64,
    /// What the server goes on with for sessions that are gone: until when, for whom, and what it writes then.
    going_on: Vec<(Duration, u64, Option<Going>)>,
}

/// An append on its way.
struct Going {
    append: Append,
    /// The last batch that its writer knows.
    known: i64,
    snapshot: Snapshot,
}

impl State {
    /// A database that holds this.
    pub fn on(recorded: Recorded) -> Self {
        Self { recorded, ..Self::default() }
    }

    /// Ends the session that holds the lock. The writer finds out by its next call.
    pub fn cut(&mut self) {
        if let Some(session) = self.lock {
            self.end(session);
        }
    }

    /// Takes the lock from whoever holds it and goes on writing: only the fence stands between two writers then.
    pub fn lose_lock(&mut self) {
        self.lock = None;
    }

    fn end(&mut self, session: u64) {
        self.sessions.remove(&session);
        let goes_on = self.going_on.iter().any(|(_, of, _)| *of == session);
        if self.lock == Some(session) && !goes_on {
            self.lock = None;
        }
    }

    /// When the server is done next with what it goes on with.
    pub fn next_done(&self) -> Option<Duration> {
        self.going_on.iter().map(|(until, ..)| *until).min()
    }

    /// Has the server finish what it was to go on with until now.
    pub fn finish(&mut self, now: Duration) {
        while let Some(place) = self.going_on.iter().position(|(until, ..)| *until <= now) {
            let (_, session, going) = self.going_on.remove(place);
            if let Some(going) = going {
                // Nobody learns whether the fence stopped it.
                let _ = self.write(going);
            }
            self.end(session);
        }
    }

    /// Writes an append behind the fence, and has it judged.
    fn write(&mut self, going: Going) -> Result<(), Fault> {
        let Going { append, known, snapshot } = going;
        let last = self.recorded.heads().batch;
        match &append.batch {
            Some(row) if row.number.0 != last + 1 => return Err(Fault::Fenced),
            None if known != last => {
                self.callers.excuse(&snapshot);
                return Ok(());
            }
            _ => {}
        }
        self.callers.judge_batch(&self.recorded, &append, &snapshot);
        if let Some(row) = append.batch {
            self.recorded.append(row, append.records);
        }
        Ok(())
    }

    fn take_plan(&mut self, call: Call) -> Option<Wrong> {
        let place = self.planned.iter().position(|(of, _)| *of == call)?;
        Some(self.planned.remove(place).1)
    }
}

/// The way to the database that one replica has.
#[derive(Clone)]
pub struct Outside {
    pub state: Arc<Mutex<State>>,
    pub time: Time,
    /// Which replica it is.
    pub replica: usize,
}

impl Outside {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn lost() -> Fault {
    Fault::Lost(sqlx::Error::Io(io::Error::from(io::ErrorKind::ConnectionReset)))
}

fn refused() -> Fault {
    Fault::Refused(sqlx::Error::RowNotFound)
}

fn busy() -> Fault {
    Fault::Busy(sqlx::Error::PoolTimedOut)
}

impl Database for Outside {
    type Session = OutsideSession;

    async fn connect(&self) -> Result<OutsideSession, Fault> {
        let_others_go_first().await;
        let mut state = self.state();
        if state.take_plan(Call::Connect).is_some() {
            return Err(lost());
        }
        state.last_session += 1;
        let id = state.last_session;
        state.sessions.insert(id);
        Ok(OutsideSession { id, known: 0, outside: self.clone() })
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        self.time.sleep(time)
    }
}

/// A session; it ends when it is dropped, as with the process that held it.
pub struct OutsideSession {
    id: u64,
    /// The last batch that its writer has read or written.
    known: i64,
    outside: Outside,
}

impl Drop for OutsideSession {
    fn drop(&mut self) {
        self.outside.state().end(self.id);
    }
}

impl OutsideSession {
    /// Does something of which nothing is written, unless it goes wrong as planned.
    async fn ask<T>(&self, call: Call, answer: impl FnOnce(&mut State) -> T) -> Result<T, Fault> {
        let wrong = self.begin(call).await?;
        let mut state = self.outside.state();
        match wrong {
            None | Some(Wrong::Slow { .. }) => Ok(answer(&mut state)),
            Some(Wrong::Refused) => Err(refused()),
            Some(Wrong::Busy) => Err(busy()),
            Some(Wrong::Lost | Wrong::LostAfterwards | Wrong::LostMeanwhile { .. }) => {
                state.end(self.id);
                Err(lost())
            }
        }
    }

    /// What goes wrong with a call, once its time has passed. Fails when the session has ended.
    async fn begin(&self, call: Call) -> Result<Option<Wrong>, Fault> {
        let_others_go_first().await;
        let wrong = self.outside.state().take_plan(call);
        if let Some(Wrong::Slow { millis }) = wrong {
            self.outside.time.sleep(Duration::from_millis(millis)).await;
        }
        if self.outside.state().sessions.contains(&self.id) { Ok(wrong) } else { Err(lost()) }
    }
}

impl Session for OutsideSession {
    type Name = u64;

    async fn claim(&mut self, _address: &str) -> Result<Claim<u64>, Fault> {
        self.ask(Call::Claim, |state| {
            let holder = *state.lock.get_or_insert(self.id);
            if holder == self.id { Claim::Won(self.id) } else { Claim::Held(Lead::Unknown) }
        })
        .await
    }

    async fn is_over(&mut self, session: &u64) -> Result<bool, Fault> {
        self.ask(Call::IsOver, |state| {
            state.end(*session);
            !state.going_on.iter().any(|(_, of, _)| of == session)
        })
        .await
    }

    async fn open(&mut self) -> Result<Opened, Fault> {
        let opened = self.ask(Call::Open, |state| {
            let recorded = &state.recorded;
            let accounts = recorded.accounts.values();
            let between_branches = accounts.filter(|account| account.kind == AccountKind::InterBranch);
            Opened {
                base: recorded.base.clone(),
                day: recorded.day.clone(),
                first_day: recorded.first_day,
                heads: recorded.heads(),
                accounts: between_branches.map(|account| recorded.state_of(account)).collect(),
            }
        });
        let opened = opened.await?;
        self.known = opened.heads.batch;
        Ok(opened)
    }

    async fn load(&mut self, needs: &Needs, _remembered_from: NaiveDate) -> Result<Loaded, Fault> {
        let poison = {
            let state = self.outside.state();
            needs.requests.iter().find_map(|request| state.poisoned.get(request).copied())
        };
        match (poison, self.ask(Call::Load, |state| state.recorded.load(needs)).await) {
            (Some(Wrong::Busy), Ok(_)) => Err(busy()),
            (Some(_), Ok(_)) => Err(refused()),
            (None, loaded) | (_, loaded @ Err(_)) => loaded,
        }
    }

    async fn append(&mut self, append: &Append) -> Result<(), Fault> {
        let wrong = self.begin(Call::Append).await?;
        let mut state = self.outside.state();
        let snapshot = state.callers.waiting(self.outside.replica);
        let going = Going { append: append.clone(), known: self.known, snapshot };
        match wrong {
            None | Some(Wrong::Slow { .. }) => {
                state.write(going)?;
                self.known = append.batch.as_ref().map_or(self.known, |row| row.number.0);
                Ok(())
            }
            Some(Wrong::Refused) => Err(refused()),
            Some(Wrong::Busy) => Err(busy()),
            Some(Wrong::Lost) => {
                state.end(self.id);
                Err(lost())
            }
            Some(Wrong::LostAfterwards) => {
                state.write(going)?;
                state.end(self.id);
                Err(lost())
            }
            Some(Wrong::LostMeanwhile { millis, written }) => {
                let until = self.outside.time.now() + Duration::from_millis(millis);
                state.going_on.push((until, self.id, written.then_some(going)));
                state.end(self.id);
                Err(lost())
            }
        }
    }

    async fn hash_of(&mut self, batch: BatchNumber) -> Result<Option<Digest>, Fault> {
        self.ask(Call::HashOf, |state| {
            state.recorded.batches.iter().find(|row| row.number == batch).map(|row| row.hash)
        })
        .await
    }

    async fn ping(&mut self) -> Result<(), Fault> {
        self.ask(Call::Ping, |_| ()).await
    }

    async fn close(self) {
        let_others_go_first().await;
    }
}
