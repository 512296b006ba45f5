//! The progress of an import: a bar on a terminal, else a line now and then.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use super::totals::Totals;

/// How often a line is printed.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows the progress of an import: a bar on a terminal, else lines.
pub struct ProgressDisplay {
    bar: Option<ProgressBar>,
    bytes: u64,
    line_at: Instant,
}

impl ProgressDisplay {
    /// The display for a file of `bytes` bytes.
    pub fn new(bytes: u64) -> Self {
        let bar = io::stderr().is_terminal().then(|| ProgressBar::new(bytes));
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3}%  {msg}  {elapsed}, {eta} to go");
        if let (Some(bar), Ok(style)) = (&bar, style) {
            bar.set_style(style);
        }
        Self { bar, bytes, line_at: Instant::now() }
    }

    /// Shows that `bytes_read` have been read. GB18030 text has more bytes after decoding than in the file.
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

    /// Ends the display.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
