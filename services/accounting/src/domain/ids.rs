//! Names of things: what identifies a branch, an account, a posting ... Distinct types, so that one is never taken for another.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Declares names made of text and numbers given by the book.
macro_rules! ids {
    (text: $($(#[$doc:meta])* $text:ident),*; number: $($(#[$number_doc:meta])* $number:ident),* $(,)?) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $text(Arc<str>);

        impl $text {
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $text {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        })*
        $($(#[$number_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $number(pub i64);

        impl fmt::Display for $number {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        })*
    };
}

ids! {
    text:
    /// Branch code (机构号): six digits.
    BranchCode,
    /// Operator code (柜员号).
    OperatorCode,
    /// Ledger code (会计科目代码): four digits, then two a level.
    LedgerCodeNumber,
    /// Currency code (币种): three capital letters of ISO 4217.
    CurrencyCode,
    /// Account number (账号), see [`super::account_number`].
    AccountNumber,
    /// The number that an account had in the books from which it was moved in (原账号).
    FormerNumber;
    number:
    /// An account's place in the book's own numbering, shorter in keys than its account number.
    AccountId,
    /// Posting number (记账流水号): 1, 2, 3 ... without a gap.
    PostingNumber,
    /// Hold number (冻结编号): 1, 2, 3 ...
    HoldNumber,
    /// Number of a suspense item (挂账编号): 1, 2, 3 ...
    SuspenseNumber,
    /// Batch number of the journal: 1, 2, 3 ... without a gap; the fence between writers.
    BatchNumber,
}

impl LedgerCodeNumber {
    /// Whether it is that code, or one below it.
    pub fn is_within(&self, code: &Self) -> bool {
        self.as_str().starts_with(code.as_str())
    }
}
