//! The first row: names of columns, in English or Chinese, in any order.

use anyhow::{Result, bail};
use csv::StringRecord;

/// What stands before the original row in the file of refused rows. Such a file can be corrected and imported: these columns are skipped.
pub const REFUSED: [&str; 4] = ["line", "reason", "field", "message"];

/// A column that is known: its name in English, and its names in Chinese.
pub type Known = (&'static str, &'static [&'static str]);

/// Where each known column stands.
#[derive(Clone, Debug)]
pub struct Header {
    known: &'static [Known],
    places: Vec<Option<usize>>,
    /// How many columns a row has.
    pub width: usize,
}

impl Header {
    /// Finds the known columns. An unknown or repeated column is a mistake and stops the import.
    pub fn of(record: &StringRecord, known: &'static [Known]) -> Result<Self> {
        let mut places = vec![None; known.len()];
        for (place, name) in record.iter().enumerate() {
            let name = name.trim().to_lowercase().replace(' ', "_");
            if REFUSED.contains(&name.as_str()) {
                continue;
            }
            let is_it = |(english, chinese): &Known| *english == name || chinese.contains(&name.as_str());
            let Some(column) = known.iter().position(is_it) else {
                let names: Vec<&str> = known.iter().map(|(english, _)| *english).collect();
                bail!("column {} is {name:?}, and the columns are: {}", place + 1, names.join(", "));
            };
            if places[column].replace(place).is_some() {
                bail!("column {} is {name:?}, which is there already", place + 1);
            }
        }
        Ok(Self { known, places, width: record.len() })
    }

    /// Where a column stands.
    pub fn place(&self, english: &'static str) -> Option<usize> {
        let column = self.known.iter().position(|(name, _)| *name == english);
        column.and_then(|column| self.places[column])
    }

    /// Where a column stands that must be there.
    pub fn required(&self, english: &'static str) -> Result<usize> {
        match self.place(english) {
            Some(place) => Ok(place),
            None => bail!("there is no column {english:?}"),
        }
    }
}

/// The text of a column that may not be there; without blanks around it.
pub fn text(record: &StringRecord, place: Option<usize>) -> &str {
    place.and_then(|place| record.get(place)).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Known] = &[("amount", &["金额"]), ("accounting_date", &["会计日期", "记账日期"])];

    fn header(names: &[&str]) -> Result<Header> {
        Header::of(&StringRecord::from(names.to_vec()), KNOWN)
    }

    #[test]
    fn columns_are_found_in_either_language_and_any_order() {
        for names in [["Accounting Date", "AMOUNT"], ["记账日期", " 金额 "]] {
            let header = header(&names).unwrap();
            assert_eq!((header.place("accounting_date"), header.required("amount").unwrap()), (Some(0), 1));
        }
        let mended = header(&["line", "reason", "field", "message", "amount"]).unwrap();
        assert_eq!((mended.place("amount"), mended.width), (Some(4), 5));
        assert!(mended.required("accounting_date").is_err());
    }

    #[test]
    fn unknown_columns_and_doubled_ones_stop_the_import() {
        for names in [&["amuont"][..], &["amount", "金额"], &[""]] {
            assert!(header(names).is_err(), "{names:?}");
        }
    }
}
