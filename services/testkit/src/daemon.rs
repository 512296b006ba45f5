//! A server process that outlives whoever started it.
//!
//! It is known by a pid file, which also says when that process started: no other process is ever signalled.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::kill_process;
pub use rustix::process::{Pid, Signal};

use crate::{account::Account, names, wait::poll};

/// A killed process is gone at once; more than this means that the kernel is in trouble.
const KILL_BOUND: Duration = Duration::from_secs(10);

/// As many lines of a log as show why a server did not start, and still fit a screen.
const LOG_TAIL_LINES: usize = 25;

/// What to run.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    account: Option<Account>,
}

impl Program {
    pub fn new(path: impl Into<PathBuf>, arguments: Vec<String>) -> Self {
        Self { path: path.into(), arguments, environment: BTreeMap::new(), account: None }
    }

    /// The same, with these variables beside our own.
    #[must_use]
    pub fn with_environment(self, environment: BTreeMap<String, String>) -> Self {
        Self { environment, ..self }
    }

    /// The same, run as `account` if there is one.
    pub(crate) fn run_as(self, account: Option<Account>) -> Self {
        Self { account, ..self }
    }
}

/// One detached server process. The value is a handle: dropping it leaves the process as it is.
#[derive(Debug)]
pub struct Daemon {
    name: &'static str,
    pid_file: PathBuf,
    log_file: PathBuf,
}

impl Daemon {
    /// The daemon that keeps its pid and log in `folder`.
    pub fn new(name: &'static str, folder: &Path) -> Self {
        let file = |extension: &str| folder.join(format!("{name}.{extension}"));
        Self { name, pid_file: file("pid"), log_file: file("log") }
    }

    /// The file that the process's output goes to.
    pub fn log_file(&self) -> &Path {
        &self.log_file
    }

    /// The process, if it runs.
    pub fn running(&self) -> Option<Pid> {
        let mark = fs::read_to_string(&self.pid_file).ok()?;
        let pid = i32::try_from(names::pid_of(mark.trim())?).ok()?;
        is_alive(pid).then(|| Pid::from_raw(pid)).flatten()
    }

    /// Starts `program` in a session of its own. Returns as soon as the process exists.
    pub fn spawn(&self, program: &Program) -> Result<()> {
        let log =
            File::create(&self.log_file).with_context(|| format!("create {}", self.log_file.display()))?;
        let mut command = Command::new("setsid");
        command.arg(&program.path).args(&program.arguments).envs(&program.environment);
        command.current_dir("/").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        if let Some(account) = program.account {
            account.run(&mut command);
        }
        let mut child = command.spawn().with_context(|| format!("start {}", program.path.display()))?;
        // One that has ended already has no mark, and is reported by whoever waits for it.
        fs::write(&self.pid_file, names::mark(child.id()).unwrap_or_default())?;
        // Reaps the process if it ends before we do; as a zombie it would look alive to others.
        thread::spawn(move || child.wait());
        Ok(())
    }

    /// Waits until `is_ready` says so; fails with the end of the log when the process ends first or `bound` passes.
    pub async fn wait_until_ready<F: Future<Output = bool>>(
        &self,
        bound: Duration,
        mut is_ready: impl FnMut() -> F,
    ) -> Result<()> {
        let ended = poll(bound, || {
            let look = is_ready();
            async move {
                if self.running().is_none() {
                    return Some(true);
                }
                look.await.then_some(false)
            }
        })
        .await;
        match ended {
            Some(false) => Ok(()),
            Some(true) => bail!("{} ended while starting:\n{}", self.name, self.log_tail()),
            None => bail!("{} is not ready after {bound:?}:\n{}", self.name, self.log_tail()),
        }
    }

    /// Ends the process with `signal`, and kills it when it has not after `bound`.
    pub async fn stop(&self, signal: Signal, bound: Duration) -> Result<()> {
        let Some(pid) = self.running() else { return Ok(()) };
        kill_process(pid, signal).with_context(|| format!("signal {} ({pid:?})", self.name))?;
        if !self.is_gone_within(bound).await {
            self.kill().await?;
        }
        let _ = fs::remove_file(&self.pid_file);
        Ok(())
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.running().with_context(|| format!("{} does not run", self.name))?;
        kill_process(pid, signal).with_context(|| format!("signal {} ({pid:?})", self.name))
    }

    /// Kills the process and its children, as a power cut would end them.
    pub async fn kill(&self) -> Result<()> {
        let Some(pid) = self.running() else { return Ok(()) };
        // Halted first, so that it makes no child that we do not know of.
        let _ = kill_process(pid, Signal::STOP);
        let children = children(pid);
        for target in std::iter::once(pid).chain(children.iter().copied()) {
            // It has ended in the meantime, as it should.
            let _ = kill_process(target, Signal::KILL);
        }
        let all_gone = poll(KILL_BOUND, || async {
            let is_gone = |pid: &Pid| !is_alive(pid.as_raw_nonzero().get());
            (self.running().is_none() && children.iter().all(is_gone)).then_some(())
        });
        all_gone.await.with_context(|| format!("{} ({pid:?}) survived a kill", self.name))
    }

    async fn is_gone_within(&self, bound: Duration) -> bool {
        poll(bound, || async { self.running().is_none().then_some(()) }).await.is_some()
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log_file).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        format!("{}\n(end of {})", tail.join("\n"), self.log_file.display())
    }
}

/// Whether the process exists and has not ended. A zombie has, unless threads of it are still about: they hold its ports.
fn is_alive(pid: i32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name, in parentheses, may hold anything; the state follows it.
    let is_zombie = stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']));
    !is_zombie || fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|threads| threads.count() > 1)
}

fn children(pid: Pid) -> Vec<Pid> {
    let pid = pid.as_raw_nonzero();
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)).collect()
}
