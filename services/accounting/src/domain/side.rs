//! The sides of the books: where a line stands, and where a balance does.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A side of the books (借贷方向). On off-balance items debit is receipt (收入) and credit is issue (付出).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Debit,
    Credit,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debit => "DEBIT",
            Self::Credit => "CREDIT",
        })
    }
}

/// The side on which a balance stands (余额方向).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormalSide {
    Debit,
    Credit,
    Either,
}

impl NormalSide {
    /// The side on which an entry takes something from the account. Of accounts of either side it is debit, as the words of a
    /// freeze mean it (只收不付).
    pub fn reducing_side(self) -> Side {
        match self {
            Self::Debit => Side::Credit,
            Self::Credit | Self::Either => Side::Debit,
        }
    }
}
