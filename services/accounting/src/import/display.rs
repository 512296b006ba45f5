//! How far it has come, while it goes on: a bar on a terminal, else a line now and then.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use super::totals::Totals;

/// How often a line is told.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Tells how far it has come.
pub struct ProgressDisplay {
    bar: Option<ProgressBar>,
    bytes: u64,
    line_at: Instant,
}

impl ProgressDisplay {
    /// Of a file of so many bytes.
    pub fn new(bytes: u64) -> Self {
        let bar = io::stderr().is_terminal().then(|| ProgressBar::new(bytes));
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3}%  {msg}  {elapsed}, {eta} to go");
        if let (Some(bar), Ok(style)) = (&bar, style) {
            bar.set_style(style);
        }
        Self { bar, bytes, line_at: Instant::now() }
    }

    /// So many bytes have been read. Text in GB18030 has more when it is read than in the file.
    pub fn at(&mut self, bytes_read: u64, totals: &Totals) -> Result<()> {
        let bytes_read = bytes_read.min(self.bytes);
        let counts = || format!("{} done, {} refused", totals.done, totals.refused);
        if let Some(bar) = &self.bar {
            bar.set_position(bytes_read);
            bar.set_message(counts());
        } else if self.line_at.elapsed() >= LINE_EVERY {
            self.line_at = Instant::now();
            writeln!(io::stderr(), "{}, at {bytes_read} of {} bytes", counts(), self.bytes)?;
        }
        Ok(())
    }

    /// Nothing more comes.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
