//! A process's life: ready, draining, gone. Shutdown comes in two steps. Soft: readiness goes off, no new work is taken, work
//! in hand is finished. Hard, when that takes too long: everything stops where it is. A task that ends by itself before the
//! soft shutdown is a crash, and shuts the process down.

use std::{
    fmt::Display,
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    runtime,
    signal::unix,
    sync::{oneshot, watch},
    task::{Id, JoinError, JoinSet},
    time,
};
use tokio_util::sync::CancellationToken;

/// How a life ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was stopped, and everything was finished in time.
    Drained,
    /// It was stopped, and these tasks were cancelled before they were finished.
    Cut { tasks: Vec<&'static str> },
    /// A task ended by itself.
    Crashed { task: &'static str, reason: String },
}

impl Ending {
    /// Whether the process stopped as it should.
    pub fn is_clean(&self) -> bool {
        *self == Self::Drained
    }
}

/// The tasks of a process, and how they are stopped.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    ready: Arc<watch::Sender<bool>>,
    tasks: Arc<Mutex<Tasks>>,
}

#[derive(Debug, Default)]
struct Tasks {
    running: JoinSet<Result<(), String>>,
    names: Names,
}

/// The tasks that have not ended, in the order in which they were spawned.
#[derive(Debug, Default)]
struct Names(Vec<(Id, &'static str)>);

impl Names {
    /// The name of a task that has ended.
    fn take(&mut self, id: Id) -> &'static str {
        let place = self.0.iter().position(|(known, _)| *known == id);
        place.map_or("unnamed", |place| self.0.remove(place).1)
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl Lifecycle {
    pub fn new() -> Self {
        Self {
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            ready: Arc::new(watch::Sender::new(false)),
            tasks: Arc::default(),
        }
    }

    /// Cancelled when no new work is to be taken.
    pub fn soft(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Cancelled when work in hand must stop at once.
    pub fn hard(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Whether the process takes work, as it changes.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Marks the process as ready for work, unless it is already stopping.
    pub fn set_ready(&self) {
        self.ready.send_replace(!self.soft.is_cancelled());
    }

    /// Begins to stop the process: readiness off first, then the soft token.
    pub fn stop(&self) {
        self.ready.send_replace(false);
        self.soft.cancel();
    }

    /// Runs a task of the process. It ends after the soft token, and at the hard token at the latest.
    pub fn spawn<E: Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let hard = self.hard.clone();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let spawned = tasks.running.spawn(async move {
            tokio::select! {
                ended = task => ended.map_err(|error| error.to_string()),
                () = hard.cancelled() => Err("cut".to_owned()),
            }
        });
        tasks.names.0.push((spawned.id(), name));
    }

    /// The same on a thread of its own, for a task that all others wait for: it does not queue behind their work.
    pub fn spawn_apart<E: Display>(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) -> io::Result<()> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut sender, ended) = oneshot::channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let ended = runtime.block_on(async {
                tokio::select! {
                    ended = task => ended.map_err(|error| error.to_string()),
                    // Nothing waits for it any more: it is cut off.
                    () = sender.closed() => Ok(()),
                }
            });
            drop(sender.send(ended));
        })?;
        self.spawn(name, async { ended.await.unwrap_or_else(|_panicked| Err("panicked".to_owned())) });
        Ok(())
    }

    /// Runs until a signal (SIGTERM, SIGINT), a call of [`Lifecycle::stop`], or a crash; then drains for `drain_max` at most.
    pub async fn run_until_signal(self, drain_max: Duration) -> Ending {
        let mut terminate = unix::signal(unix::SignalKind::terminate()).ok();
        let mut interrupt = unix::signal(unix::SignalKind::interrupt()).ok();
        let signalled = async {
            tokio::select! {
                () = received(&mut terminate) => {}
                () = received(&mut interrupt) => {}
            }
        };
        self.run_until(signalled, drain_max).await
    }

    /// The same, with a future instead of a signal.
    pub async fn run_until(self, stopped: impl Future<Output = ()>, drain_max: Duration) -> Ending {
        let Tasks { mut running, mut names } =
            std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let crashed = tokio::select! {
            // A task that ends because it was stopped has not crashed.
            biased;
            () = stopped => None,
            () = self.soft.cancelled() => None,
            Some(ended) = running.join_next_with_id() => Some(ended),
        };
        self.stop();
        let crash = crashed.map(|ended| crash(&mut names, ended));
        let drained = time::timeout(drain_max, drain(&mut running, &mut names)).await;
        if drained.is_err() {
            self.hard.cancel();
            running.shutdown().await;
        }
        match (crash, drained) {
            (Some(crash), _) => crash,
            (None, Ok(None)) => Ending::Drained,
            (None, Ok(Some(failed))) => failed,
            (None, Err(_)) => Ending::Cut { tasks: names.0.into_iter().map(|(_, name)| name).collect() },
        }
    }
}

type Joined = Result<(Id, Result<(), String>), JoinError>;

/// A task that ended before the process was stopped.
fn crash(names: &mut Names, ended: Joined) -> Ending {
    let (id, reason) = match ended {
        Ok((id, Ok(()))) => (id, "ended by itself".to_owned()),
        Ok((id, Err(reason))) => (id, reason),
        Err(error) => (error.id(), error.to_string()),
    };
    Ending::Crashed { task: names.take(id), reason }
}

/// Waits for all tasks; the first that fails while it drains is returned.
async fn drain(running: &mut JoinSet<Result<(), String>>, names: &mut Names) -> Option<Ending> {
    let mut failed = None;
    while let Some(ended) = running.join_next_with_id().await {
        match ended {
            Ok((id, Ok(()))) => {
                names.take(id);
            }
            other => {
                let crash = crash(names, other);
                failed = failed.or(Some(crash));
            }
        }
    }
    failed
}

async fn received(signal: &mut Option<unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
