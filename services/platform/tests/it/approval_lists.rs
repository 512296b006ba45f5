//! Lists of approvals: pages, filters, scopes.

use std::time::Duration;

use proto_common::approval::v1::{
    Approval, ApprovalState, ApproveRequestRequest, ListApprovalsRequest, RejectRequestRequest,
    approval_service_client::ApprovalServiceClient,
};
use testkit::keys::Claims;
use tonic::Status;

use crate::support::{
    notes::{NoteRequest, REPLACE},
    server::{Bearer, House, fields, metadata, note, reason},
};

/// Asks as an operator of two branches; gives the name of the approval.
async fn ask(house: &House, operator: &str, branch: &str) -> String {
    let token = house.issuer.sign(&Claims::of(operator, &["maker"]).within(&["110101", "310101"]));
    let request = NoteRequest { branch: branch.to_owned(), ..note("rate", "3.10") };
    metadata(&house.call(REPLACE, &token, &request).await.unwrap_err(), "approval")
}

async fn list(
    house: &House,
    scopes: &[&str],
    request: ListApprovalsRequest,
) -> Result<(Vec<Approval>, String), Status> {
    let token = house.issuer.sign(&Claims::of("S1", &["checker"]).within(scopes));
    let mut client = ApprovalServiceClient::with_interceptor(house.channel.clone(), Bearer(token));
    let page = client.list_approvals(request).await?.into_inner();
    Ok((page.approvals, page.next_page_token))
}

fn names(approvals: &[Approval]) -> Vec<String> {
    approvals.iter().map(|approval| approval.name.clone()).collect()
}

fn of_size(page_size: i32) -> ListApprovalsRequest {
    ListApprovalsRequest { page_size, ..ListApprovalsRequest::default() }
}

#[tokio::test]
async fn pages_follow_each_other_newest_first_and_hold_each_approval_once() {
    let house = House::open().await;
    let mut requested = Vec::new();
    for number in 0..7_u64 {
        // Several at one time: the order is still one.
        house.clock.advance(Duration::from_millis(number % 2));
        requested.push(ask(&house, "T1", "110101").await);
    }
    requested.reverse();
    let (mut seen, mut token) = (Vec::new(), String::new());
    for size in [3, 3, 1] {
        let request = ListApprovalsRequest { page_token: token, ..of_size(3) };
        let (page, next) = list(&house, &["*"], request).await.unwrap();
        assert_eq!(page.len(), size);
        assert!(page.iter().all(|approval| approval.preview_json.is_empty()));
        seen.extend(names(&page));
        token = next;
    }
    assert_eq!(token, "", "the last page has no next");
    assert_eq!(seen, requested);
}

#[tokio::test]
async fn a_list_shows_what_its_filter_and_the_callers_scopes_let_through() {
    let house = House::open().await;
    let executed = ask(&house, "T1", "110101").await;
    let rejected = ask(&house, "T1", "310101").await;
    let expired = ask(&house, "T1", "110101").await;
    let mut client = ApprovalServiceClient::with_interceptor(
        house.channel.clone(),
        Bearer(house.issuer.token("S1", &["checker"])),
    );
    client.approve_request(ApproveRequestRequest { name: executed.clone() }).await.unwrap();
    let reject = RejectRequestRequest { name: rejected.clone(), reason: "no".to_owned() };
    client.reject_request(reject).await.unwrap();
    house.clock.advance(Duration::from_hours(3));
    let pending = ask(&house, "T2", "110101").await;

    for (state, expected) in [
        (ApprovalState::Unspecified, vec![&pending, &expired, &rejected, &executed]),
        (ApprovalState::Pending, vec![&pending]),
        (ApprovalState::Expired, vec![&expired]),
        (ApprovalState::Executed, vec![&executed]),
        (ApprovalState::Rejected, vec![&rejected]),
    ] {
        let request = ListApprovalsRequest { state: state.into(), ..of_size(0) };
        let (page, _) = list(&house, &["*"], request).await.unwrap();
        assert_eq!(names(&page).iter().collect::<Vec<_>>(), expected, "{state:?}");
    }
    let (of_maker, _) =
        list(&house, &["*"], ListApprovalsRequest { maker: "T2".to_owned(), ..of_size(0) }).await.unwrap();
    assert_eq!(names(&of_maker), [pending.as_str()]);
    let (of_scope, _) = list(&house, &["310101"], of_size(0)).await.unwrap();
    assert_eq!(names(&of_scope), [rejected]);
    assert!(list(&house, &[], of_size(0)).await.unwrap().0.is_empty());
}

#[tokio::test]
async fn a_page_token_serves_one_filter_and_one_kind_of_reader() {
    let house = House::open().await;
    for _ in 0..3 {
        ask(&house, "T1", "110101").await;
    }
    let (_, token) = list(&house, &["*"], of_size(1)).await.unwrap();
    let with = |request: ListApprovalsRequest, token: &str| ListApprovalsRequest {
        page_token: token.to_owned(),
        ..request
    };
    let other_filter = ListApprovalsRequest { maker: "T1".to_owned(), ..of_size(1) };
    for (scopes, request) in [
        (&["*"][..], with(other_filter, &token)),
        (&["*"], with(of_size(1), "made-up")),
        (&["310101"], with(of_size(1), &token)),
    ] {
        let refused = list(&house, scopes, request).await.unwrap_err();
        assert_eq!(
            (reason(&refused), fields(&refused)),
            ("PAGE_TOKEN_INVALID".to_owned(), vec!["page_token".to_owned()])
        );
    }
    for size in [-1, 501] {
        let refused = list(&house, &["*"], of_size(size)).await.unwrap_err();
        assert_eq!(reason(&refused), "PAGE_SIZE_INVALID");
    }
    let request = ListApprovalsRequest { state: 9, ..of_size(0) };
    assert_eq!(fields(&list(&house, &["*"], request).await.unwrap_err()), ["state"]);
    let request = ListApprovalsRequest { maker: "T\u{0}".to_owned(), ..of_size(0) };
    assert_eq!(fields(&list(&house, &["*"], request).await.unwrap_err()), ["maker"]);
}
