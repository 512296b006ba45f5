//! The arguments of the command.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

/// Moves accounts or postings in from a file, through the API of a service that runs.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Opens accounts. Their new numbers go to FILE.numbers.csv.
    Accounts(Options),
    /// Posts transactions.
    Postings(Options),
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Accounts,
    Postings,
}

/// How text is written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum Encoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "gb18030")]
    Gb18030,
}

/// Which file goes where, and as whose.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The file, as docs/import.md describes it.
    pub file: PathBuf,
    /// The service, as http://host:port or https://host:port.
    #[arg(long)]
    pub to: String,
    /// A file with the operator's token. It is read again before each batch, so that it may be renewed meanwhile.
    #[arg(long)]
    pub token_file: Option<PathBuf>,
    /// The authority (PEM) that the service's certificate is trusted by; the system's own when not given.
    #[arg(long)]
    pub ca_file: Option<PathBuf>,
    /// The certificate (PEM) to show, of a service that calls rather than an operator.
    #[arg(long, requires = "key_file")]
    pub certificate_file: Option<PathBuf>,
    /// The key (PEM) of that certificate.
    #[arg(long, requires = "certificate_file")]
    pub key_file: Option<PathBuf>,
    /// The branch in which the operator acts.
    #[arg(long)]
    pub branch: String,
    /// The transaction code of rows that have none.
    #[arg(long, default_value = "MOVING_IN")]
    pub code: String,
    /// The source of rows that have none.
    #[arg(long, default_value = "MOVING_IN")]
    pub source: String,
    /// How the file is encoded; looked for when not given.
    #[arg(long)]
    pub encoding: Option<Encoding>,
    /// Where refused rows go; FILE.refused.csv when not given, and FILE.checked.csv of a dry run.
    #[arg(long)]
    pub refused: Option<PathBuf>,
    /// Only check, each batch of 1,000 by itself, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

impl Arguments {
    pub fn split(&self) -> (Kind, &Options) {
        match &self.what {
            What::Accounts(options) => (Kind::Accounts, options),
            What::Postings(options) => (Kind::Postings, options),
        }
    }
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Postings => "postings",
        }
    }
}

impl Options {
    pub fn refused(&self) -> PathBuf {
        // What an import was refused is not overwritten by what a later dry run would be.
        let ending = if self.dry_run { ".checked.csv" } else { ".refused.csv" };
        self.refused.clone().unwrap_or_else(|| beside(&self.file, ending))
    }

    pub fn numbers(&self) -> PathBuf {
        beside(&self.file, ".numbers.csv")
    }

    pub fn progress(&self) -> PathBuf {
        beside(&self.file, ".progress.json")
    }
}

/// The file's own name with something after it.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Options that say no more than the file, for tests.
#[cfg(test)]
pub fn only_file(file: &str) -> Options {
    Options {
        file: file.into(),
        to: "http://127.0.0.1:1".to_owned(),
        token_file: None,
        ca_file: None,
        certificate_file: None,
        key_file: None,
        branch: "100000".to_owned(),
        code: "MOVING_IN".to_owned(),
        source: "MOVING_IN".to_owned(),
        encoding: None,
        refused: None,
        dry_run: false,
    }
}
