//! Seeded runs of two replicas: whatever goes wrong, what was acknowledged is there once and answered the same, what was refused
//! left no trace, an unknown outcome is settled by a repeat, and the books hold (ACC-1 to ACC-10).

use std::{
    env,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use chrono::TimeDelta;
use futures::{
    executor::{LocalPool, LocalSpawner},
    future::{AbortHandle, abortable},
    task::LocalSpawnExt,
};
use platform::{
    clock::{Clock, ManualClock},
    leadership::Lead,
};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    outside::{Outside, State},
    schedule::{self, REPLICAS, Requested, Step, Whom},
    time::Time,
};
use crate::{
    app::writer::{Metrics, Recent, Submission, Writer, WriterConfig, WriterHandle, queue},
    domain::{
        book::tests::{bank::Bank, properties::check_books},
        command::{Action, Command},
    },
};

/// How many seeds are run, from 1 on, unless `SIMULATION_SEEDS` says how many, or `SIMULATION_SEED` which one.
const SEEDS: u64 = 300;

/// As long as anyone waits for an answer: longer than it takes to settle an append, and to lead again.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often a request is repeated that is refused for now, and after what time each.
const REPEATS_MAX: usize = 20;
const REPEAT_AFTER: Duration = Duration::from_secs(1);

const METHOD: &str = "simulation/Submit";

/// A replica that runs.
struct Replica {
    handle: WriterHandle,
    kill: AbortHandle,
    leading: watch::Receiver<Lead>,
    clock: Arc<ManualClock>,
    recent: Recent,
}

/// A run.
struct Run<'a> {
    bank: &'a mut Bank,
    pool: LocalPool,
    spawner: LocalSpawner,
    state: Arc<Mutex<State>>,
    time: Time,
    replicas: Vec<Replica>,
}

impl<'a> Run<'a> {
    fn new(bank: &'a mut Bank) -> Self {
        let state = State::on(bank.recorded.clone());
        let pool = LocalPool::new();
        let spawner = pool.spawner();
        let (state, time) = (Arc::new(Mutex::new(state)), Time::default());
        let mut run = Self { bank, pool, spawner, state, time, replicas: Vec::new() };
        for replica in 0..REPLICAS {
            let clock = Arc::new(ManualClock::new(run.bank.now));
            let replica = run.start(replica, 100, clock);
            run.replicas.push(replica);
        }
        run
    }

    fn start(&self, replica: usize, accounts_max: usize, clock: Arc<ManualClock>) -> Replica {
        let config = WriterConfig {
            queue_max: 12,
            batch_commands_max: 5,
            batch_bytes_max: 1_000,
            accounts_max,
            request_memory_days: 40,
            statement_timeout_ms: 1_000,
            lead_retry_ms: 50,
            heartbeat_ms: 250,
            heartbeat_lost_ms: 1_000,
        };
        let (handle, asks) = queue(config.queue_max);
        let (leading, heard) = watch::channel(Lead::Unknown);
        let database = Outside { state: self.state.clone(), time: self.time.clone(), replica };
        let recent = Recent::default();
        let writer = Writer {
            database,
            config,
            clock: clock.clone(),
            recent: recent.clone(),
            address: String::new(),
            leading,
            metrics: Metrics::default(),
        };
        let (life, kill) = abortable(writer.run(asks));
        let life = async move {
            let _ended = life.await;
        };
        self.spawner.spawn_local(life).expect("the pool is there as long as the run");
        Replica { handle, kill, leading: heard, clock, recent }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Ask { whom, requested } => {
                let replica = match whom {
                    Whom::Replica(replica) => *replica,
                    Whom::Writer => self.writer(),
                };
                for requested in requested {
                    if let Some(command) = self.command(requested) {
                        self.call(replica, command);
                    }
                }
            }
            Step::Plan(call, wrong) => self.state.lock().unwrap().planned.push((*call, *wrong)),
            Step::Cut => self.state.lock().unwrap().cut(),
            Step::LoseLock => self.state.lock().unwrap().lose_lock(),
            Step::Restart { replica, accounts_max } => {
                self.replicas[*replica].kill.abort();
                self.pass(Duration::ZERO);
                let clock = self.replicas[*replica].clock.clone();
                self.replicas[*replica] = self.start(*replica, *accounts_max, clock);
            }
            Step::Clock { replica, seconds } => {
                let clock = &self.replicas[*replica].clock;
                clock.set(clock.now() + TimeDelta::seconds(*seconds));
            }
            Step::Pass { millis } => self.pass(Duration::from_millis(*millis)),
            Step::Rest => self.rest(),
        }
        for replica in &self.replicas {
            replica.clock.advance(Duration::from_millis(200));
        }
        self.judge_recent();
    }

    /// What is kept for the relay is what the journal has.
    fn judge_recent(&self) {
        let State { callers, recorded, .. } = &mut *self.state.lock().unwrap();
        for recent in self.replicas.iter().map(|replica| &replica.recent) {
            for place in 0..recorded.postings.len() {
                let kept = recent.after(i64::try_from(place).unwrap(), 3);
                let journal = &recorded.postings[place..];
                if kept.len() > journal.len()
                    || !kept.iter().map(|posting| &**posting).eq(&journal[..kept.len()])
                {
                    callers.fail(format!(
                        "kept for the relay after {place}, and not so in the journal: {kept:?}"
                    ));
                }
            }
        }
    }

    /// A replica that leads, or believes so.
    fn writer(&self) -> usize {
        self.replicas.iter().position(|replica| *replica.leading.borrow() == Lead::Here).unwrap_or(0)
    }

    fn command(&mut self, requested: &Requested) -> Option<Command> {
        match requested {
            Requested::New { who, action, dry_run, poison } => {
                let mut command = self.bank.command(who, action.clone());
                command.origin.dry_run = *dry_run;
                if matches!(action, Action::ExpireHolds { .. }) {
                    command.origin.request_id = Uuid::nil();
                }
                if let Some(wrong) = poison {
                    self.state.lock().unwrap().poisoned.insert(command.origin.request_id, *wrong);
                }
                Some(command)
            }
            Requested::Again { which, same } => {
                let before = self.state.lock().unwrap().callers.commands();
                let before: Vec<&Command> =
                    before.iter().filter(|command| command.origin.is_remembered()).collect();
                if before.is_empty() {
                    return None;
                }
                let mut command = (*which.get(&before)).clone();
                if !same {
                    command.origin.digest.0[0] ^= 1;
                }
                Some(command)
            }
        }
    }

    fn call(&mut self, replica: usize, command: Command) -> usize {
        let attempt = self.state.lock().unwrap().callers.call(replica, command.clone());
        let (handle, state) = (self.replicas[replica].handle.clone(), self.state.clone());
        let submission =
            Submission { command, method: METHOD.into(), correlation_id: Uuid::nil(), bytes: 100 };
        let call = async move {
            let outcome = handle.submit(submission).await;
            let State { callers, recorded, .. } = &mut *state.lock().unwrap();
            callers.heard(replica, attempt, &outcome, recorded);
        };
        self.spawner.spawn_local(call).expect("the pool is there as long as the run");
        attempt
    }

    /// Lets time pass, and everyone do what they can meanwhile.
    fn pass(&mut self, time: Duration) {
        let until = self.time.now() + time;
        loop {
            self.pool.run_until_stalled();
            let done = self.state.lock().unwrap().next_done().filter(|at| *at <= until);
            let has_more = self.time.skip(done.unwrap_or(until));
            self.state.lock().unwrap().finish(self.time.now());
            if !has_more && done.is_none() {
                break;
            }
        }
        self.pool.run_until_stalled();
    }

    /// Waits until everyone has an answer.
    fn rest(&mut self) {
        let until = self.time.now() + PATIENCE;
        self.pass(Duration::ZERO);
        while self.state.lock().unwrap().callers.is_anyone_waiting() {
            if self.time.now() >= until {
                self.state.lock().unwrap().callers.fail("somebody waits in vain");
                return;
            }
            self.pass(Duration::from_millis(100));
        }
    }

    /// Everything works again: a repeat settles each request, and then the books are looked at.
    fn settle(&mut self) -> Result<(), String> {
        self.rest();
        {
            let mut state = self.state.lock().unwrap();
            state.planned.clear();
            state.poisoned.clear();
        }
        let commands = self.state.lock().unwrap().callers.commands();
        for command in commands.into_iter().filter(|command| command.origin.is_remembered()) {
            self.repeat(&command)?;
        }
        let mut state = self.state.lock().unwrap();
        let State { callers, recorded, .. } = &mut *state;
        callers.judge_once(recorded);
        check_books(recorded).map_err(|error| error.to_string())?;
        callers.broken.take().map_or(Ok(()), Err)
    }

    fn repeat(&mut self, command: &Command) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..REPEATS_MAX {
            let replica = self.writer();
            let attempt = self.call(replica, command.clone());
            self.rest();
            let state = self.state.lock().unwrap();
            if let Some(broken) = &state.callers.broken {
                return Err(broken.clone());
            }
            if state.callers.is_decided(attempt) {
                return Ok(());
            }
            last = state.callers.outcome(attempt);
            drop(state);
            self.pass(REPEAT_AFTER);
        }
        Err(format!("repeats do not settle {command:?}: {last}"))
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        for replica in &self.replicas {
            replica.kill.abort();
        }
        self.pool.run_until_stalled();
    }
}

/// Runs the first steps of a schedule, and what follows from them.
fn run(bank: &mut Bank, steps: &[Step]) -> Result<(), String> {
    let mut run = Run::new(bank);
    run.pass(Duration::from_millis(10));
    for step in steps {
        run.take(step);
        if let Some(broken) = run.state.lock().unwrap().callers.broken.take() {
            return Err(broken);
        }
    }
    run.settle()
}

/// Runs a seed; one that fails is reported with the shortest beginning of its schedule that fails.
fn run_seed(bank: &mut Bank, seed: u64) {
    let steps = schedule::of(seed);
    if run(bank, &steps).is_ok() {
        return;
    }
    let shortest = (1..=steps.len()).find_map(|count| {
        let broken = run(bank, &steps[..count]).err()?;
        Some((count, broken))
    });
    let (count, broken) = shortest.expect("it failed before");
    let steps: String = steps[..count].iter().map(|step| format!("{step:?}\n")).collect();
    panic!("SIMULATION_SEED={seed} fails after {count} steps:\n{steps}{broken}");
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|value| value.parse().expect("a number"))
}

#[test]
fn the_books_and_the_callers_agree_whatever_goes_wrong() {
    if let Some(seed) = number("SIMULATION_SEED") {
        run_seed(&mut Bank::new(), seed);
        return;
    }
    let seeds = number("SIMULATION_SEEDS").unwrap_or(SEEDS);
    let threads = thread::available_parallelism().map_or(1, |threads| u64::try_from(threads.get()).unwrap());
    thread::scope(|scope| {
        for first in 1..=threads {
            scope.spawn(move || {
                let mut bank = Bank::new();
                let mut seed = first;
                while seed <= seeds {
                    run_seed(&mut bank, seed);
                    seed += threads;
                }
            });
        }
    });
}
