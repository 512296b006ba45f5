//! Requests that many tests send.

use proto_accounting::v1::{
    AccountKind, Holder, HolderRole, OpenAccountRequest, PostTransactionRequest, Side, Transaction,
    TransactionLine,
};
use proto_common::common::v1::Money;
use testkit::harness::new_id;

/// Opens a personal demand account.
pub fn personal_account(branch: &str, customer: &str) -> OpenAccountRequest {
    OpenAccountRequest {
        request_id: new_id(),
        branch: branch.to_owned(),
        kind: AccountKind::PersonalDemand.into(),
        ledger_code: "201102".to_owned(),
        currency: "CNY".to_owned(),
        title: format!("account of {customer}"),
        holders: vec![Holder {
            customer: customer.to_owned(),
            title: format!("customer {customer}"),
            role: HolderRole::Owner.into(),
        }],
        ..OpenAccountRequest::default()
    }
}

/// Posts these lines.
pub fn post(branch: &str, code: &str, lines: impl Into<Vec<TransactionLine>>) -> PostTransactionRequest {
    let transaction = Transaction {
        code: code.to_owned(),
        source: "TEST".to_owned(),
        narrative: code.to_lowercase(),
        lines: lines.into(),
        ..Transaction::default()
    };
    PostTransactionRequest {
        request_id: new_id(),
        branch: branch.to_owned(),
        transaction: Some(transaction),
        validate_only: false,
    }
}

/// The account that a branch has on a code, in the currency of the line's amount.
pub fn own(branch: &str, code: &str) -> String {
    format!("branches/{branch}/ledgerCodes/{code}")
}

pub fn debit(account: &str, amount: Money) -> TransactionLine {
    line(account, Side::Debit, amount)
}

pub fn credit(account: &str, amount: Money) -> TransactionLine {
    line(account, Side::Credit, amount)
}

fn line(account: &str, side: Side, amount: Money) -> TransactionLine {
    TransactionLine {
        account: account.to_owned(),
        side: side.into(),
        amount: Some(amount),
        narrative: String::new(),
    }
}
