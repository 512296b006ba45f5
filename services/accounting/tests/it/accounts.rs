//! Accounts through the API: their status machine, their history, and who may change what.

use proto_accounting::v1::{
    AccountStatus, ActivateAccountRequest, ChangeAccountRequest, CloseAccountRequest, FreezeAccountRequest,
    FreezeKind, ListAccountVersionsRequest, ListAccountsRequest, OpenAccountRequest, UnfreezeAccountRequest,
};

use crate::support::{
    BankFixture, credit, debit, new_id, own,
    people::{SUB_BRANCH, SUPERVISOR, TELLER, TELLER_ELSEWHERE},
    personal_account, post, yuan,
};

#[tokio::test]
async fn an_account_goes_through_its_life() {
    let bank = BankFixture::open().await;
    let pending = OpenAccountRequest { pending: true, ..personal_account(SUB_BRANCH, "C1") };
    let account = bank.done(TELLER, pending).await.account.unwrap().name;
    assert_eq!(bank.pay_in(TELLER, &account, "10").await.unwrap_err().reason, "ACCOUNT_PENDING");
    let activate = ActivateAccountRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        account: account.clone(),
        reason: "papers complete".to_owned(),
    };
    bank.done(TELLER, activate).await;
    bank.pay_in(TELLER, &account, "10").await.unwrap();

    let freeze = FreezeAccountRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        account: account.clone(),
        freeze: FreezeKind::Debit.into(),
        reason: "by order of a court".to_owned(),
        ..FreezeAccountRequest::default()
    };
    bank.done(TELLER, freeze).await;
    let fee = |amount| {
        post(
            SUB_BRANCH,
            "FEE",
            [debit(&account, yuan(amount)), credit(&own(SUB_BRANCH, "2241"), yuan(amount))],
        )
    };
    assert_eq!(bank.refused(TELLER, fee("1")).await.reason, "ACCOUNT_FROZEN");
    bank.pay_in(TELLER, &account, "5").await.unwrap();
    let unfreeze = UnfreezeAccountRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        account: account.clone(),
        reason: "the order was lifted".to_owned(),
        validate_only: false,
    };
    bank.approved(TELLER, SUPERVISOR, unfreeze).await;

    let close = || CloseAccountRequest {
        request_id: new_id(),
        branch: SUB_BRANCH.to_owned(),
        account: account.clone(),
        reason: "requested".to_owned(),
    };
    assert_eq!(bank.refused(TELLER, close()).await.reason, "ACCOUNT_NOT_EMPTY");
    bank.post(TELLER, fee("15")).await.unwrap();
    let closed = bank.done(TELLER, close()).await.account.unwrap();
    assert_eq!(closed.status(), AccountStatus::Closed);
    assert_eq!(bank.pay_in(TELLER, &account, "1").await.unwrap_err().reason, "ACCOUNT_CLOSED");

    let history = ListAccountVersionsRequest { account, ..ListAccountVersionsRequest::default() };
    let versions = bank.done(TELLER, history).await.versions;
    let versions: Vec<(i32, &str)> = versions
        .iter()
        .map(|version| (version.account.as_ref().unwrap().version, version.authoriser.as_str()))
        .collect();
    assert_eq!(versions, [(5, ""), (4, SUPERVISOR.code), (3, ""), (2, ""), (1, "")]);
}

#[tokio::test]
async fn terms_change_in_the_keeping_branch_by_two_persons() {
    let bank = BankFixture::open().await;
    let account = bank.open_account(TELLER, "C1").await;
    let change = |branch: &str| ChangeAccountRequest {
        request_id: new_id(),
        branch: branch.to_owned(),
        account: account.clone(),
        title: Some("a new name".to_owned()),
        overdraft_limit: Some(yuan("500")),
        version: 1,
        ..ChangeAccountRequest::default()
    };
    let elsewhere = change(TELLER_ELSEWHERE.branches[0]);
    assert_eq!(bank.refused(TELLER_ELSEWHERE, elsewhere).await.reason, "ACCOUNT_OF_ANOTHER_BRANCH");
    let changed = bank.approved(TELLER, SUPERVISOR, change(SUB_BRANCH)).await;
    assert_eq!(changed.before.unwrap().version, 1);
    assert_eq!(changed.account.unwrap().title, "a new name");
    assert_eq!(bank.available(TELLER, &account).await, "500.00");
    assert_eq!(bank.refused(TELLER, change(SUB_BRANCH)).await.reason, "ACCOUNT_CHANGED");

    let search = ListAccountsRequest { customer: "C1".to_owned(), ..ListAccountsRequest::default() };
    let found = bank.done(TELLER, search).await.accounts;
    assert_eq!(found.iter().map(|account| account.version).collect::<Vec<_>>(), [2]);
}
