//! A server process that outlives whoever started it.
//!
//! It is known by a pid file, and is signalled only when the process of that pid carries the daemon's marker among its
//! arguments: after a crash or a restart of the machine the pid may long be someone else's.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::{account::Account, wait::poll};

/// A killed process is gone at once; more than this means that the kernel is in trouble.
const KILL_BOUND: Duration = Duration::from_secs(10);

/// As many lines of a log as show why a server did not start, and still fit a screen.
const LOG_TAIL_LINES: usize = 25;

/// One detached server process.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: &'static str,
    pid_file: PathBuf,
    log_file: PathBuf,
    /// An argument that no other process has: the path of the server's own data or configuration.
    marker: String,
}

impl Daemon {
    /// The daemon that keeps its pid and log in `folder`.
    pub(crate) fn new(name: &'static str, folder: &Path, marker: &Path) -> Self {
        Self {
            name,
            pid_file: folder.join(format!("{name}.pid")),
            log_file: folder.join(format!("{name}.log")),
            marker: marker.display().to_string(),
        }
    }

    /// The process, if it runs.
    pub(crate) fn running(&self) -> Option<Pid> {
        let pid = fs::read_to_string(&self.pid_file).ok()?.trim().parse().ok()?;
        (is_alive(pid) && arguments(pid).contains(&self.marker))
            .then(|| Pid::from_raw(pid))
            .flatten()
    }

    /// Whether `pid` is alive and is another program: a server that left it in a file of its own must not wait for it.
    pub(crate) fn is_someone_else(&self, pid: i32) -> bool {
        is_alive(pid) && !arguments(pid).contains(&self.marker)
    }

    /// Starts `program` in a session of its own, as `account` when there is one. Returns as soon as the process exists.
    pub(crate) fn spawn(&self, program: &Path, arguments: &[String], account: Option<&Account>) -> Result<()> {
        let log = File::create(&self.log_file).with_context(|| format!("create {}", self.log_file.display()))?;
        let mut command = Command::new("setsid");
        command.arg(program).args(arguments).current_dir("/").stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        if let Some(account) = account {
            account.run(&mut command);
        }
        let mut child = command.spawn().with_context(|| format!("start {}", program.display()))?;
        fs::write(&self.pid_file, child.id().to_string())?;
        // Reaps the process if it ends before we do; as a zombie it would look alive to others.
        thread::spawn(move || child.wait());
        Ok(())
    }

    /// Waits until `is_ready` says so; fails with the end of the log when the process ends first or `bound` passes.
    pub(crate) async fn wait_until_ready<F: Future<Output = bool>>(
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

    /// Asks the process to end with `signal`, and kills it when it has not after `bound`.
    pub(crate) async fn stop(&self, signal: Signal, bound: Duration) -> Result<()> {
        let Some(pid) = self.running() else { return Ok(()) };
        kill_process(pid, signal).with_context(|| format!("signal {} ({pid:?})", self.name))?;
        if !self.is_gone_within(bound).await {
            self.kill().await?;
        }
        let _ = fs::remove_file(&self.pid_file);
        Ok(())
    }

    /// Kills the process and its children, as a power cut would end them.
    pub(crate) async fn kill(&self) -> Result<()> {
        let Some(pid) = self.running() else { return Ok(()) };
        // Halted first, so that it makes no child that we do not know of.
        let _ = kill_process(pid, Signal::STOP);
        let children = children(pid);
        for target in std::iter::once(pid).chain(children.iter().copied()) {
            // One that has ended in the meantime is what was wanted.
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

/// Whether the process exists and has not ended (a zombie has).
fn is_alive(pid: i32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name, in parentheses, may hold anything; the state follows it.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

fn arguments(pid: i32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(|argument| String::from_utf8_lossy(argument).into_owned()).collect()
}

fn children(pid: Pid) -> Vec<Pid> {
    let pid = pid.as_raw_nonzero();
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?)).collect()
}
