//! Reads a CSV file row by row, and says of each mistake in which file and line it is.

use std::{fmt::Display, path::Path};

use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;

/// A row, and where it stands, for messages.
#[derive(Debug, Clone)]
pub(super) struct Row<T> {
    file: String,
    line: u64,
    pub(super) is: T,
}

impl<T> Row<T> {
    /// The error of this row.
    pub(super) fn error(&self, what: impl Display) -> anyhow::Error {
        anyhow!("{} line {}: {what}", self.file, self.line)
    }
}

/// The rows of a file, whose first line names the columns.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<Row<T>>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    parse(&file, &text)
}

/// The rows of a text. `file` is what messages call it.
pub(super) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<Vec<Row<T>>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns = reader.headers().with_context(|| format!("{file} line 1"))?.clone();
    reader
        .records()
        .map(|record| {
            let record = record.with_context(|| file.to_owned())?;
            let line = record.position().map_or(0, csv::Position::line);
            let is = record
                .deserialize(Some(&columns))
                .map_err(|error| anyhow!("{file} line {line}: {}", cause(&error)))?;
            Ok(Row { file: file.to_owned(), line, is })
        })
        .collect()
}

/// What is wrong and in which column, without the position that the message has already.
fn cause(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Coin {
        #[expect(dead_code, reason = "only whether it can be read matters")]
        title: String,
        value: u32,
    }

    #[test]
    fn a_mistake_names_file_line_and_column() {
        let error = parse::<Coin>("coins.csv", "title,value\none,1\ntwo,zwei\n").unwrap_err();
        assert_eq!(error.to_string(), "coins.csv line 3: field 1: invalid digit found in string");
        let error = parse::<Coin>("coins.csv", "title,value\none\n").unwrap_err();
        assert!(format!("{error:#}").contains("line: 2"), "{error:#}");
    }

    #[test]
    fn a_row_knows_its_line() {
        let rows = parse::<Coin>("coins.csv", "title,value\none, 1\ntwo,2\n").unwrap();
        assert_eq!(rows.iter().map(|row| row.is.value).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(rows[1].error("too small").to_string(), "coins.csv line 3: too small");
    }
}
