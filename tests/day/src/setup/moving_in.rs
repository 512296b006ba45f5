//! Moving in: accounts and opening balances come from files that are written here, by the service's own program.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::Setup;

/// Hundreds of accounts and some dozens of postings, on a machine that is busy.
const IMPORTED_WITHIN: Duration = Duration::from_mins(2);

/// Where the files go, and how the service is reached.
#[derive(Debug, Clone)]
pub struct MovingIn {
    /// The service's gRPC endpoint, as host:port.
    pub grpc: String,
    pub folder: PathBuf,
}

impl MovingIn {
    /// With a folder beside that of the stack's keys.
    pub fn beside(keys: &Path, grpc: &str) -> Self {
        Self { grpc: grpc.to_owned(), folder: keys.with_file_name("moving_in") }
    }
}

impl Setup<'_> {
    /// Writes a file and imports it whole. `kind` is what is in it: accounts or postings.
    pub(super) async fn import(&self, kind: &str, header: &[&str], rows: &[Vec<String>]) -> Result<()> {
        let MovingIn { grpc, folder } = self.moving_in;
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let file = folder.join(format!("{kind}.csv"));
        let mut csv = csv::Writer::from_path(&file)?;
        csv.write_record(header)?;
        for row in rows {
            csv.write_record(row)?;
        }
        csv.flush()?;
        let token_file = folder.join("token");
        fs::write(&token_file, self.staff.token(&self.office.migration_operator)?.text()?)?;

        let program = env::current_exe()?.with_file_name("accounting");
        ensure!(program.exists(), "{} is not built: use `make run`", program.display());
        let mut command = Command::new(&program);
        command.args(["import", kind]).arg(&file).arg("--token-file").arg(&token_file);
        command.args(["--to", &format!("http://{grpc}"), "--branch", &self.office.code]);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(IMPORTED_WITHIN, command.output())
            .await
            .with_context(|| format!("{} was not imported within {IMPORTED_WITHIN:?}", file.display()))?
            .with_context(|| format!("run {}", program.display()))?;
        let told = [output.stdout, output.stderr].concat();
        ensure!(
            output.status.success(),
            "{} was not imported whole (data kept from another sample bank goes with `make clean-local`):\n{}",
            file.display(),
            String::from_utf8_lossy(&told)
        );
        Ok(())
    }
}
