//! What the day prints for whoever runs it.

use std::{
    fmt::Display,
    io::{self, Write},
    time::{Duration, Instant},
};

use anyhow::Result;

/// How often progress is printed.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Writes for a person to read, and remembers whether all checks held.
pub struct Report<'a> {
    out: &'a mut (dyn Write + Send),
    failed: Vec<String>,
    reported_at: Instant,
}

impl std::fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("failed", &self.failed).finish_non_exhaustive()
    }
}

impl<'a> Report<'a> {
    pub fn to(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, failed: Vec::new(), reported_at: Instant::now() }
    }

    /// A heading.
    pub fn title(&mut self, title: impl Display) -> io::Result<()> {
        writeln!(self.out, "\n{title}")
    }

    /// A line.
    pub fn line(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.out, "  {line}")?;
        self.out.flush()
    }

    /// A line that says how far something has come, at most once a second.
    pub fn progress(&mut self, line: impl FnOnce() -> String) -> io::Result<()> {
        if self.reported_at.elapsed() < PROGRESS_EVERY {
            return Ok(());
        }
        self.reported_at = Instant::now();
        self.line(line())
    }

    /// A check, with what was found; a check that failed is printed and remembered, and the next ones are still made.
    pub fn check(&mut self, what: &str, outcome: Result<String>) -> io::Result<()> {
        match outcome {
            Ok(found) => self.line(format_args!("✓ {what}: {found}")),
            Err(error) => {
                self.failed.push(what.to_owned());
                self.line(format_args!("✗ {what}: {error:#}"))
            }
        }
    }

    /// The checks that failed.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }
}

/// A number with its thousands parted: 12,345.
pub fn thousands(number: impl TryInto<i128>) -> String {
    let number: i128 = number.try_into().unwrap_or(i128::MAX);
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_is_printed_and_remembered() {
        let mut out = Vec::new();
        let mut report = Report::to(&mut out);
        report.check("one", Ok("fine".to_owned())).unwrap();
        report.check("two", Err(anyhow::anyhow!("off by 1").context("counted"))).unwrap();
        report.check("three", Ok("fine".to_owned())).unwrap();
        assert_eq!(report.failed(), ["two"]);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "  ✓ one: fine\n  ✗ two: counted: off by 1\n  ✓ three: fine\n"
        );
    }

    #[test]
    fn thousands_are_parted() {
        let texts = [0, 999, 1_000, 1_234_567, -12_345].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567", "-12,345"]);
    }
}
