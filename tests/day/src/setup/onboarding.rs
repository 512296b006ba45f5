//! Moving in: accounts and opening balances come from files that are written here, by the service's own program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::Setup;
use crate::{client::Token, program};

/// Hundreds of accounts and some dozens of postings, on a machine that is busy.
const IMPORTED_WITHIN: Duration = Duration::from_mins(2);

/// Where the files go, and how the service is reached.
#[derive(Debug, Clone)]
pub struct Onboarding {
    /// The service's gRPC endpoint, as host:port.
    pub grpc: String,
    pub folder: PathBuf,
}

impl Onboarding {
    /// With a folder beside that of the stack's keys.
    pub fn beside(keys: &Path, grpc: &str) -> Self {
        Self { grpc: grpc.to_owned(), folder: keys.with_file_name("onboarding") }
    }

    /// Where a file goes.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        fs::create_dir_all(&self.folder).with_context(|| format!("make {}", self.folder.display()))?;
        Ok(self.folder.join(name))
    }

    /// Imports a file whole, as the bearer of `token` at head office. `kind` is what is in it: accounts or postings.
    pub async fn import(
        &self,
        kind: &str,
        file: &Path,
        token: &Token,
        head_office: &str,
        within: Duration,
    ) -> Result<()> {
        let token_file = self.file("token")?;
        fs::write(&token_file, token.text()?)?;
        let program = program::built("accounting")?;
        let mut command = Command::new(&program);
        command.args(["import", kind]).arg(file).arg("--token-file").arg(&token_file);
        command.args(["--to", &format!("http://{}", self.grpc), "--branch", head_office]);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(within, command.output())
            .await
            .with_context(|| format!("{} was not imported within {within:?}", file.display()))?
            .with_context(|| format!("run {}", program.display()))?;
        let printed = [output.stdout, output.stderr].concat();
        ensure!(
            output.status.success(),
            "{} was not imported whole (data kept from another sample bank goes with `make clean-local`):\n{}",
            file.display(),
            String::from_utf8_lossy(&printed)
        );
        Ok(())
    }
}

impl Setup<'_> {
    /// Writes a file and imports it whole.
    pub(super) async fn import(&self, kind: &str, header: &[&str], rows: &[Vec<String>]) -> Result<()> {
        let file = self.onboarding.file(&format!("{kind}.csv"))?;
        let mut csv = csv::Writer::from_path(&file)?;
        csv.write_record(header)?;
        for row in rows {
            csv.write_record(row)?;
        }
        csv.flush()?;
        let token = self.staff.token(&self.office.migration_operator)?;
        self.onboarding.import(kind, &file, &token, &self.office.code, IMPORTED_WITHIN).await
    }
}
