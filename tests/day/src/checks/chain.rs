//! The chain of the journal, and every balance from its entries: the service's own program says whether they are right.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::Books;
use crate::program;

/// A walk over the whole journal of a sample bank that has been kept for long.
const VERIFIED_WITHIN: Duration = Duration::from_mins(5);

impl Books<'_> {
    /// Runs `accounting verify`, and gives its last line.
    pub(super) async fn chain(&self) -> Result<String> {
        let program = program::built("accounting")?;
        let mut command = Command::new(&program);
        command.arg("verify").envs(self.settings.of_the_service()).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(VERIFIED_WITHIN, command.output())
            .await
            .with_context(|| format!("no verdict within {VERIFIED_WITHIN:?}"))?
            .with_context(|| format!("run {}", program.display()))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let last =
            printed.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
        ensure!(output.status.success(), "{last} {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(last)
    }
}
