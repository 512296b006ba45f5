//! What an import reads, what it sends, and the outcome of each item.

use csv::StringRecord;
use prost::Message;
use proto_accounting::v1::{AccountToImport, Transaction};
use proto_common::common::v1 as common;

/// A row, with the line of the file on which it begins.
#[derive(Clone, Debug)]
pub struct Row {
    pub line: u64,
    pub record: StringRecord,
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Item {
    Account(AccountToImport),
    Transaction(Transaction),
}

/// Why a row or a batch was not imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Refusal {
    /// As `docs/errors.md` lists them.
    pub reason: String,
    /// The column, or the field below the item; empty when it concerns no single field.
    pub field: String,
    pub message: String,
}

/// The outcome of an item: its name, or why it was refused.
pub type Verdict = Result<String, Refusal>;

impl Item {
    /// How large it is in a request.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Account(account) => account.encoded_len(),
            Self::Transaction(transaction) => transaction.encoded_len(),
        }
    }
}

impl Refusal {
    /// A row that is refused before it is sent.
    pub fn of_row(column: &str, message: &str) -> Self {
        Self { reason: "FIELD_INVALID".to_owned(), field: column.to_owned(), message: message.to_owned() }
    }

    /// A row that is refused because its amount is malformed.
    pub fn of_amount(message: &str) -> Self {
        Self {
            reason: "AMOUNT_MALFORMED".to_owned(),
            field: "amount".to_owned(),
            message: message.to_owned(),
        }
    }

    /// The field is named from the item on, since the file knows no batches.
    pub fn of_item(refusal: common::Refusal) -> Self {
        let field = refusal.field.split_once("].").map(|(_, below)| below.to_owned());
        Self { reason: refusal.reason, field: field.unwrap_or_default(), message: refusal.message }
    }
}
