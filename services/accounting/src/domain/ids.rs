//! Names of things: what identifies an account, a posting ... Distinct types, so that one is never taken for another.

pub use basedata::ids::{BranchCode, CurrencyCode, OperatorCode};

basedata::ids! {
    text:
    /// Ledger code (会计科目代码): four digits, then two a level.
    LedgerCodeNumber,
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
