//! Says what is done next, and how long it all has taken.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time,
};

/// How often something that takes long says that it is not dead.
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(15);

/// Lines of a program that failed which are shown.
const LINES_SHOWN_MAX: usize = 25;

/// Since when.
#[derive(Debug, Clone, Copy)]
pub struct Progress(Instant);

impl Progress {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn say(self, what: impl std::fmt::Display) {
        println!("[{:5.1} s] {what}", self.0.elapsed().as_secs_f64());
    }

    /// Runs `command`, which takes long and tells a line for each piece of its work; `what` is said now and again. Fails with
    /// the last lines when it does.
    pub async fn watch(self, what: &str, command: &mut Command) -> Result<()> {
        self.say(what);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{what}: start it"))?;
        let output = child.stderr.take().context("its output")?;
        let mut lines = BufReader::new(output).lines();
        let mut last = std::collections::VecDeque::new();
        let mut count = 0;
        let mut sign_of_life =
            time::interval_at(time::Instant::now() + SIGN_OF_LIFE_EVERY, SIGN_OF_LIFE_EVERY);
        loop {
            tokio::select! {
                line = lines.next_line() => match line? {
                    Some(line) => {
                        count += 1;
                        last.push_back(line);
                        if last.len() > LINES_SHOWN_MAX {
                            last.pop_front();
                        }
                    }
                    None => break,
                },
                _ = sign_of_life.tick() => self.say(format_args!("{what}: {count} packages so far")),
            }
        }
        if !child.wait().await?.success() {
            bail!("{what}: it failed:\n{}", Vec::from(last).join("\n"));
        }
        Ok(())
    }
}
