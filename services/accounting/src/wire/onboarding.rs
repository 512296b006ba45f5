//! Onboarding. An item whose form is wrong is refused by itself, and the others continue.

use std::fmt::{self, Display};

use ::refusal::{Refusal, field_invalid};
use form::{code, date};
use platform::refusal::Failure;
use proto_accounting::v1 as pb;
use proto_common::common::v1 as common;

use super::{
    account::Terms,
    former_number,
    posting::{posting_name, transaction, unexpected},
    refusal,
};
use crate::domain::{
    command::{AccountToImport, Action, Answer},
    ids::BranchCode,
    refusal::{Refusal as Violation, Rule},
};

/// Most numbers that are looked up at once.
const FORMER_NUMBERS_MAX: usize = 1_000;
/// Longest branch code.
const BRANCH_CHARS_MAX: usize = 6;

/// The command of `ImportAccounts`.
pub fn accounts(request: pb::ImportAccountsRequest) -> Result<Action, Refusal> {
    let accounts = items("accounts", request.accounts, |field, item| account(field, item));
    Ok(Action::ImportAccounts { accounts })
}

/// The command of `ImportPostings`.
pub fn postings(request: pb::ImportPostingsRequest) -> Result<Action, Refusal> {
    let transactions = items("transactions", request.transactions, |field, item| transaction(field, item));
    Ok(Action::ImportPostings { transactions })
}

/// Each item, or what is wrong with its form.
fn items<P, D>(
    field: &str,
    values: Vec<P>,
    checked: impl Fn(fmt::Arguments<'_>, P) -> Result<D, Refusal>,
) -> Vec<Result<D, Violation>> {
    let item = |(place, value)| {
        checked(format_args!("{field}[{place}]"), value).map_err(|refusal| malformed(&refusal))
    };
    values.into_iter().enumerate().map(item).collect()
}

/// What a field's form breaks, as the verdict on an item keeps it.
fn malformed(refusal: &Refusal) -> Violation {
    let field = refusal.field_violations().first().map(|violation| violation.field.clone());
    Violation { field, rule: Rule::FieldInvalid(refusal.message().to_owned()) }
}

fn account(field: impl Display + Copy, value: pb::AccountToImport) -> Result<AccountToImport, Refusal> {
    let terms = Terms {
        field: format!("{field}."),
        kind: value.kind,
        ledger_code: value.ledger_code,
        currency: value.currency,
        title: value.title,
        holders: value.holders,
        overdraft_limit: value.overdraft_limit,
        pending: false,
    };
    Ok(AccountToImport {
        branch: BranchCode::new(code(format_args!("{field}.branch"), value.branch, BRANCH_CHARS_MAX)?),
        terms: terms.checked()?,
        former_number: match value.former_number.as_str() {
            "" => None,
            number => Some(former_number(format_args!("{field}.former_number"), number)?),
        },
        open_date: date(format_args!("{field}.open_date"), &value.open_date)?,
    })
}

/// What `ImportAccounts` answers.
pub fn accounts_imported(answer: Answer) -> Result<pb::ImportAccountsResponse, Failure> {
    let Answer::AccountsImported(verdicts) = answer else { return Err(unexpected(&answer)) };
    let (opened, refused) = counts(&verdicts)?;
    let outcomes = outcomes(verdicts, |number| match number.as_str() {
        "" => String::new(),
        number => format!("accounts/{number}"),
    });
    let results = outcomes.map(|outcome| pb::AccountImported {
        outcome: Some(match outcome {
            Ok(account) => pb::account_imported::Outcome::Account(account),
            Err(refusal) => pb::account_imported::Outcome::Refusal(refusal),
        }),
    });
    Ok(pb::ImportAccountsResponse { results: results.collect(), opened, refused })
}

/// What `ImportPostings` answers.
pub fn postings_imported(answer: Answer) -> Result<pb::ImportPostingsResponse, Failure> {
    let Answer::PostingsImported(verdicts) = answer else { return Err(unexpected(&answer)) };
    let (posted, refused) = counts(&verdicts)?;
    let results = outcomes(verdicts, |number| posting_name(number.0)).map(|outcome| pb::PostingImported {
        outcome: Some(match outcome {
            Ok(posting) => pb::posting_imported::Outcome::Posting(posting),
            Err(refusal) => pb::posting_imported::Outcome::Refusal(refusal),
        }),
    });
    Ok(pb::ImportPostingsResponse { results: results.collect(), posted, refused })
}

/// The former numbers that an enquiry looks up.
pub fn former_numbers_from_proto(request: pb::SearchFormerNumbersRequest) -> Result<Vec<String>, Refusal> {
    let count = request.former_numbers.len();
    if !(1..=FORMER_NUMBERS_MAX).contains(&count) {
        let rule = format!("must have 1 to {FORMER_NUMBERS_MAX} numbers, not {count}");
        return Err(field_invalid("former_numbers", rule));
    }
    for (place, number) in request.former_numbers.iter().enumerate() {
        former_number(format_args!("former_numbers[{place}]"), number)?;
    }
    Ok(request.former_numbers)
}

/// Former numbers with the numbers of their accounts, for the contract.
pub fn former_numbers_to_proto(found: Vec<(String, String)>) -> pb::SearchFormerNumbersResponse {
    let found = found.into_iter().map(|(former_number, number)| pb::FormerNumber {
        former_number,
        account: format!("accounts/{number}"),
    });
    pb::SearchFormerNumbersResponse { found: found.collect() }
}

/// How many were done, and how many refused.
fn counts<T>(verdicts: &[Result<T, Violation>]) -> Result<(i32, i32), Failure> {
    let done = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
    let count = |count: usize| i32::try_from(count).map_err(Failure::fault);
    Ok((count(done)?, count(verdicts.len() - done)?))
}

fn outcomes<T>(
    verdicts: Vec<Result<T, Violation>>,
    name: impl Fn(T) -> String,
) -> impl Iterator<Item = Result<String, common::Refusal>> {
    verdicts.into_iter().map(move |verdict| match verdict {
        Ok(done) => Ok(name(done)),
        Err(refused) => Err(refusal(&refused)),
    })
}
