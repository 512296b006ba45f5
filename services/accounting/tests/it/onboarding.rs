//! Moving in through the API: accounts and postings each with a verdict, history in the opening period, repeats, dry runs.

use proto_accounting::v1::{
    AccountImported, AccountKind, AccountToImport, GetAccountRequest, GetTrialBalanceRequest, Holder,
    HolderRole, ImportAccountsRequest, ImportPostingsRequest, PostTransactionRequest, PostingImported,
    SearchFormerNumbersRequest, Transaction, TransactionLine, account_imported, posting_imported,
};
use proto_common::common::v1::Refusal;

use crate::support::{
    BankFixture, DAY, credit, debit, new_id, own,
    people::{HEAD_OFFICE, MIGRATOR, OPERATIONS, SUB_BRANCH, TELLER},
    post, yuan,
};

/// Before the bank's first business day here.
const LONG_AGO: &str = "2018-05-04";

fn account(former_number: &str) -> AccountToImport {
    AccountToImport {
        branch: SUB_BRANCH.to_owned(),
        kind: AccountKind::PersonalDemand.into(),
        ledger_code: "201102".to_owned(),
        currency: "CNY".to_owned(),
        title: format!("account {former_number}"),
        holders: vec![Holder {
            customer: format!("C{former_number}"),
            title: "王敏".to_owned(),
            role: HolderRole::Owner.into(),
        }],
        former_number: former_number.to_owned(),
        open_date: "2016-02-29".to_owned(),
        ..AccountToImport::default()
    }
}

fn accounts(accounts: impl Into<Vec<AccountToImport>>) -> ImportAccountsRequest {
    ImportAccountsRequest {
        request_id: new_id(),
        branch: HEAD_OFFICE.to_owned(),
        accounts: accounts.into(),
        validate_only: false,
    }
}

fn on(date: &str, lines: impl Into<Vec<TransactionLine>>) -> Transaction {
    let PostTransactionRequest { transaction, .. } = post(HEAD_OFFICE, "MOVING_IN", lines);
    Transaction { accounting_date: date.to_owned(), ..transaction.expect("a transaction") }
}

/// Brings so much onto an account.
fn brings(date: &str, account: &str, amount: &str) -> Transaction {
    on(date, [debit(&own(SUB_BRANCH, "100101"), yuan(amount)), credit(account, yuan(amount))])
}

fn postings(transactions: impl Into<Vec<Transaction>>) -> ImportPostingsRequest {
    ImportPostingsRequest {
        request_id: new_id(),
        branch: HEAD_OFFICE.to_owned(),
        transactions: transactions.into(),
        validate_only: false,
    }
}

fn former(number: &str) -> String {
    format!("formerAccounts/{number}")
}

fn opened(result: &AccountImported) -> Result<String, Refusal> {
    match result.outcome.clone().expect("a verdict") {
        account_imported::Outcome::Account(name) => Ok(name),
        account_imported::Outcome::Refusal(refusal) => Err(refusal),
    }
}

/// Of each transaction `posted`, or field and reason.
fn outcomes(results: &[PostingImported]) -> Vec<String> {
    let outcome = |result: &PostingImported| match result.outcome.as_ref().expect("a verdict") {
        posting_imported::Outcome::Posting(name) if name.is_empty() => "checked".to_owned(),
        posting_imported::Outcome::Posting(_) => "posted".to_owned(),
        posting_imported::Outcome::Refusal(refusal) => format!("{} {}", refusal.field, refusal.reason),
    };
    results.iter().map(outcome).collect()
}

async fn counts(bank: &BankFixture) -> (i64, i64, i64) {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM posting), (SELECT count(*) FROM account),
                (SELECT count(*) FROM pg_inherits WHERE inhparent = 'posting'::regclass)",
    )
    .fetch_one(&bank.database.dml)
    .await
    .unwrap()
}

#[tokio::test]
async fn accounts_come_in_each_with_a_verdict_and_keep_their_former_numbers() {
    let bank = BankFixture::open().await;
    let nameless = AccountToImport { title: String::new(), ..account("3") };
    let tomorrow = AccountToImport { open_date: "2026-03-03".to_owned(), ..account("4") };
    let inter_branch = AccountToImport {
        kind: AccountKind::Internal.into(),
        ledger_code: "6602".to_owned(),
        holders: Vec::new(),
        former_number: String::new(),
        ..account("5")
    };
    let twice = inter_branch.clone();
    let request =
        accounts([account("1"), account("1"), account("2"), nameless, tomorrow, inter_branch, twice]);
    let answer = bank.done(MIGRATOR, request.clone()).await;
    assert_eq!((answer.opened, answer.refused), (3, 4));
    let refused = |place: usize| {
        let refusal = opened(&answer.results[place]).unwrap_err();
        (refusal.field, refusal.reason)
    };
    let is = |field: &str, reason: &str| (field.to_owned(), reason.to_owned());
    assert_eq!(refused(1), is("accounts[1].former_number", "FORMER_NUMBER_TAKEN"));
    assert_eq!(refused(3), is("accounts[3].title", "FIELD_INVALID"));
    assert_eq!(refused(4), is("accounts[4].open_date", "FIELD_INVALID"));
    assert_eq!(refused(6), is("accounts[6].ledger_code", "LEDGER_ACCOUNT_EXISTS"));

    let name = opened(&answer.results[2]).unwrap();
    let read = bank.done(OPERATIONS, GetAccountRequest { name: name.clone() }).await.account.unwrap();
    assert_eq!((read.former_number.as_str(), read.open_date.as_str()), ("2", "2016-02-29"));
    assert_eq!(read.branch, SUB_BRANCH);
    let former_numbers = ["2", "7"].map(str::to_owned).into();
    let found = bank.done(OPERATIONS, SearchFormerNumbersRequest { former_numbers }).await.found;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].former_number.as_str(), &found[0].account), ("2", &name));

    assert_eq!(bank.done(MIGRATOR, request.clone()).await, answer, "a repeat gets the first answer");
    let other = ImportAccountsRequest { accounts: vec![account("9")], ..request };
    assert_eq!(bank.refused(MIGRATOR, other).await.reason, "REQUEST_ID_REUSED");
    let again = bank.done(MIGRATOR, accounts([account("2")])).await;
    assert_eq!(opened(&again.results[0]).unwrap_err().reason, "FORMER_NUMBER_TAKEN");
    assert_eq!(bank.refused(MIGRATOR, accounts([])).await.reason, "EMPTY");
}

#[tokio::test]
async fn history_comes_in_before_the_first_day_and_the_books_are_right_on_every_date() {
    let mut bank = BankFixture::open().await;
    bank.done(MIGRATOR, accounts([account("1")])).await;
    let before = counts(&bank).await;
    let request = postings([
        brings(LONG_AGO, &former("1"), "800000"),
        on(
            "2019-01-02",
            [debit(&former("1"), yuan("300000")), credit(&own(SUB_BRANCH, "100101"), yuan("300000"))],
        ),
        brings("2018-04-30", &former("1"), "1"),
        brings("", &former("1"), "5"),
        brings("2014-12-31", &former("1"), "1"),
        brings("2026-03-03", &former("1"), "1"),
        brings("2020-01-06", &former("nobody"), "1"),
        on(
            "2020-01-06",
            [debit(&former("1"), yuan("600000")), credit(&own(SUB_BRANCH, "100101"), yuan("600000"))],
        ),
        brings("2020-1-6", &former("1"), "1"),
    ]);
    let answer = bank.done(MIGRATOR, request.clone()).await;
    assert_eq!(
        outcomes(&answer.results),
        [
            "posted",
            "posted",
            "posted",
            "posted",
            "transactions[4].accounting_date DATE_OUT_OF_RANGE",
            "transactions[5].accounting_date BUSINESS_DAY_NOT_OPEN",
            "transactions[6].lines[1].account FORMER_NUMBER_UNKNOWN",
            "transactions[7].lines[0].amount FUNDS_INSUFFICIENT",
            "transactions[8].accounting_date FIELD_INVALID",
        ],
        "far above any limit, and in order"
    );
    let after = counts(&bank).await;
    assert_eq!((after.0, after.1), (before.0 + 4, before.1));

    let name =
        bank.done(OPERATIONS, SearchFormerNumbersRequest { former_numbers: vec!["1".to_owned()] }).await;
    assert_eq!(bank.available(OPERATIONS, &name.found[0].account).await, "500006.00");
    for (date, total) in
        [("2018-05-01", "1.00"), (LONG_AGO, "800001.00"), ("2019-01-02", "500001.00"), (DAY, "500006.00")]
    {
        assert_eq!(deposits(&bank, date).await, total, "at the end of {date}, whatever came in when");
    }

    bank.harness().stop().await;
    bank.harness().start_again().await;
    assert_eq!(
        bank.done(MIGRATOR, request.clone()).await,
        answer,
        "also of what is older than requests are remembered"
    );
    assert_eq!(counts(&bank).await.0, after.0);
    bank.prove().await.unwrap();
}

/// What is on the deposits at the end of a date.
async fn deposits(bank: &BankFixture, date: &str) -> String {
    let request =
        GetTrialBalanceRequest { business_date: date.to_owned(), ..GetTrialBalanceRequest::default() };
    let rows = bank.done(OPERATIONS, request).await.rows;
    let row = rows.into_iter().find(|row| row.ledger_code == "201102").expect("there is something");
    row.credit_balance
}

#[tokio::test]
async fn days_that_were_open_here_stay_closed_and_the_period_ends() {
    let bank = BankFixture::open().await;
    bank.done(MIGRATOR, accounts([account("1")])).await;
    bank.open_day("2026-03-03").await;
    let answer = bank
        .done(MIGRATOR, postings([brings(DAY, &former("1"), "1"), brings(LONG_AGO, &former("1"), "1")]))
        .await;
    assert_eq!(outcomes(&answer.results), ["transactions[0].accounting_date BUSINESS_DAY_CLOSED", "posted"]);

    let ordinary = post(SUB_BRANCH, "CASH_IN", brings("", &former("1"), "5").lines);
    bank.post(TELLER, ordinary.clone()).await.unwrap();
    let mut old = PostTransactionRequest { request_id: new_id(), ..ordinary };
    old.transaction.as_mut().unwrap().accounting_date = LONG_AGO.to_owned();
    assert_eq!(
        bank.refused(TELLER, old).await.reason,
        "BUSINESS_DAY_CLOSED",
        "only what is moved in may be old"
    );

    bank.open_day("2026-04-01").await;
    let over = bank.refused(MIGRATOR, postings([brings(LONG_AGO, &former("1"), "1")])).await;
    assert_eq!(
        (over.reason.as_str(), over.metadata["until"].as_str()),
        ("OPENING_PERIOD_OVER", "2026-03-31")
    );
    assert_eq!(bank.refused(MIGRATOR, accounts([account("2")])).await.reason, "OPENING_PERIOD_OVER");
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_leaves_no_trace() {
    let bank = BankFixture::open().await;
    let before = counts(&bank).await;
    let dry = ImportAccountsRequest { validate_only: true, ..accounts([account("1"), account("1")]) };
    let answer = bank.done(MIGRATOR, dry).await;
    assert_eq!((answer.opened, answer.refused), (1, 1));
    assert_eq!(opened(&answer.results[0]).unwrap(), "");
    assert_eq!(counts(&bank).await, before);

    assert_eq!(bank.done(MIGRATOR, accounts([account("1")])).await.opened, 1);
    let before = counts(&bank).await;
    let request = postings([brings(LONG_AGO, &former("1"), "9"), brings(LONG_AGO, &former("2"), "9")]);
    let dry = ImportPostingsRequest { validate_only: true, ..request.clone() };
    let answer = bank.done(MIGRATOR, dry).await;
    assert_eq!(
        outcomes(&answer.results),
        ["checked", "transactions[1].lines[1].account FORMER_NUMBER_UNKNOWN"]
    );
    assert_eq!(counts(&bank).await, before, "and no month of the journal was made");
    assert_eq!(bank.done(MIGRATOR, request).await.posted, 1, "its request id was not used up");
}
