//! Stock through the API: batches in, ranges from branch to branch, refusals, repeats, and many moves at once.

use futures::future::join_all;
use proto_voucher::v1::{GetPrintBatchRequest, ListHoldingsRequest, MoveRangeRequest, NumberRange};
use testkit::{
    bank::{BRANCH, DAY, HEAD_OFFICE, OTHER_SUB_BRANCH, SUB_BRANCH},
    harness::{Person, Refused},
};

use crate::support::{
    CHEQUE, HEAD_KEEPER, Harness, KEEPER, OTHER_SUB_KEEPER, PASSBOOK, STRANGER, SUB_KEEPER, facts, holdings,
    move_range, range, receive, start, start_with_facts, with_kinds,
};

const BATCHES: &str = "countinghouse.voucher.batch.v1";
const MOVES: &str = "countinghouse.voucher.move.v1";

/// A hundred cheques at head office.
async fn with_cheques(harness: Harness) -> Harness {
    let harness = with_kinds(harness).await;
    harness.done(HEAD_KEEPER, receive(HEAD_OFFICE, cheques(1, 100))).await;
    harness
}

fn cheques(first: u32, last: u32) -> NumberRange {
    range(CHEQUE, &format!("GB{first:08}"), &format!("GB{last:08}"))
}

async fn refused(harness: &Harness, giver: Person, request: MoveRangeRequest) -> (String, String) {
    let Refused { reason, field, .. } = harness.refused(giver, request).await;
    (reason, field)
}

#[tokio::test]
async fn a_batch_is_received_once_and_published_with_what_it_counts_for() {
    let harness = with_kinds(start_with_facts().await).await;
    let request = receive(HEAD_OFFICE, range(PASSBOOK, "00000001", "00000500"));
    let checked = proto_voucher::v1::ReceivePrintBatchRequest { validate_only: true, ..request.clone() };
    harness.done(HEAD_KEEPER, checked).await;
    assert_eq!(holdings(&harness, PASSBOOK).await, [""; 0], "it was only checked");

    let batch = harness.done(HEAD_KEEPER, request.clone()).await.batch.expect("a batch");
    let value = batch.value.clone().expect("a value");
    assert_eq!((value.amount.as_str(), batch.receive_date.as_str()), ("5000", DAY));
    assert_eq!(batch.range.as_ref().map(|range| range.count), Some(500));
    assert_eq!(harness.done(HEAD_KEEPER, request).await.batch, Some(batch.clone()), "a repeat");
    let read = GetPrintBatchRequest { name: batch.name.clone() };
    assert_eq!(harness.done(HEAD_KEEPER, read).await.batch, Some(batch.clone()));
    assert_eq!(holdings(&harness, PASSBOOK).await, ["00000001-00000500 100000"]);

    let fact = &facts(&harness, BATCHES, 1).await[0];
    assert_eq!((&fact["name"], &fact["batch"]["value"]["amount"]), (&batch.name.into(), &"5000".into()));
    assert_eq!(fact["batch"]["kindCode"], PASSBOOK);
}

#[tokio::test]
async fn numbers_that_are_wrong_unknown_or_received_before_do_not_enter() {
    let harness = with_cheques(start().await).await;
    let numbers = |first, last| range(CHEQUE, first, last);
    let miscounted = NumberRange { count: 9, ..cheques(200, 209) };
    let cases = [
        (HEAD_OFFICE, cheques(100, 110), "NUMBERS_RECEIVED", "range"),
        (HEAD_OFFICE, cheques(1, 100), "NUMBERS_RECEIVED", "range"),
        (HEAD_OFFICE, cheques(300, 200), "RANGE_REVERSED", "range"),
        (HEAD_OFFICE, numbers("GB0000020", "GB00000209"), "NUMBER_INVALID", "range.first_number"),
        (HEAD_OFFICE, numbers("GB00000200", "00000209"), "NUMBER_INVALID", "range.last_number"),
        (HEAD_OFFICE, range("NONE", "1", "2"), "KIND_UNKNOWN", "range.kind"),
        (HEAD_OFFICE, miscounted, "COUNT_WRONG", "range.count"),
    ];
    for (branch, range, reason, field) in cases {
        let refused = harness.refused(HEAD_KEEPER, receive(branch, range)).await;
        assert_eq!((refused.reason.as_str(), refused.field.as_str()), (reason, field), "{}", refused.message);
    }
    let stranger = harness.refused(STRANGER, receive(HEAD_OFFICE, cheques(200, 209))).await;
    assert_eq!(stranger.reason, "OPERATOR_UNKNOWN");
    assert_eq!(holdings(&harness, CHEQUE).await, ["GB00000001-GB00000100 100000"]);
}

#[tokio::test]
async fn a_range_changes_hands_between_two_persons() {
    let harness = with_cheques(start_with_facts().await).await;
    let request = move_range(HEAD_OFFICE, BRANCH, cheques(11, 40));
    let moved = harness.approved(HEAD_KEEPER, KEEPER, request.clone()).await.r#move.expect("a move");
    assert_eq!((moved.giver.as_str(), moved.taker.as_str()), (HEAD_KEEPER.code, KEEPER.code));
    assert_eq!((moved.from_branch.as_str(), moved.to_branch.as_str()), (HEAD_OFFICE, BRANCH));
    assert_eq!(moved.value.as_ref().map(|value| value.amount.as_str()), Some("30"));
    assert_eq!(harness.done(HEAD_KEEPER, request).await.r#move, Some(moved.clone()), "a repeat");
    let sub_branch = move_range(BRANCH, SUB_BRANCH, cheques(31, 40));
    harness.approved(KEEPER, SUB_KEEPER, sub_branch).await;
    let expected = [
        "GB00000001-GB00000010 100000",
        "GB00000011-GB00000030 110000",
        "GB00000031-GB00000040 110100",
        "GB00000041-GB00000100 100000",
    ];
    assert_eq!(holdings(&harness, CHEQUE).await, expected);
    let of_branch = ListHoldingsRequest {
        kind: format!("kinds/{CHEQUE}"),
        branch: BRANCH.to_owned(),
        ..ListHoldingsRequest::default()
    };
    assert_eq!(harness.done(KEEPER, of_branch).await.holdings.len(), 1);

    let published = facts(&harness, MOVES, 2).await;
    let first = published.iter().find(|fact| fact["name"] == *moved.name).unwrap();
    assert_eq!((&first["move"]["taker"], &first["move"]["kindCode"]), (&KEEPER.code.into(), &CHEQUE.into()));
}

#[tokio::test]
async fn what_is_not_held_or_not_between_two_branches_is_not_moved() {
    let harness = with_cheques(start().await).await;
    let pair = |reason: &str, field: &str| (reason.to_owned(), field.to_owned());
    let cases = [
        (HEAD_KEEPER, move_range(HEAD_OFFICE, BRANCH, cheques(91, 101)), pair("NUMBERS_NOT_HELD", "range")),
        (KEEPER, move_range(BRANCH, SUB_BRANCH, cheques(1, 10)), pair("NUMBERS_NOT_HELD", "range")),
        (HEAD_KEEPER, move_range(BRANCH, SUB_BRANCH, cheques(1, 10)), pair("SCOPE_DENIED", "from_branch")),
        (HEAD_KEEPER, move_range(HEAD_OFFICE, HEAD_OFFICE, cheques(1, 10)), pair("SAME_BRANCH", "to_branch")),
        (HEAD_KEEPER, move_range(HEAD_OFFICE, "999999", cheques(1, 10)), pair("BRANCH_UNKNOWN", "to_branch")),
    ];
    for (giver, request, expected) in cases {
        assert_eq!(refused(&harness, giver, request).await, expected);
    }
    // Whoever takes over is somebody else, of the branch that takes.
    let request = move_range(HEAD_OFFICE, BRANCH, cheques(1, 10));
    let name = harness.refused(HEAD_KEEPER, request).await.metadata["approval"].clone();
    let approve = |name: &str| proto_common::approval::v1::ApproveRequestRequest { name: name.to_owned() };
    for (wrong, reason) in [(HEAD_KEEPER, "SELF_APPROVAL"), (SUB_KEEPER, "SCOPE_DENIED")] {
        assert_eq!(harness.refused(wrong, approve(&name)).await.reason, reason);
    }
    assert_eq!(holdings(&harness, CHEQUE).await, ["GB00000001-GB00000100 100000"]);
    harness.done(KEEPER, approve(&name)).await;
    assert_eq!(holdings(&harness, CHEQUE).await.len(), 2);
}

/// VOU-2, VOU-3 with moves that contend: each number ends where one of them took it, and none is lost or doubled.
#[tokio::test]
async fn many_moves_at_once_lose_and_double_nothing() {
    let harness = with_cheques(start().await).await;
    let takers = [(BRANCH, KEEPER), (SUB_BRANCH, SUB_KEEPER), (OTHER_SUB_BRANCH, OTHER_SUB_KEEPER)];
    let attempts = (0..10_u32).zip(takers.into_iter().cycle()).map(|(n, (branch, taker))| {
        // Each overlaps the next by five numbers, so of two neighbours at most one can be made.
        let request = move_range(HEAD_OFFICE, branch, cheques(1 + n * 9, 14 + n * 9));
        let harness = &harness;
        async move {
            let name = harness.refused(HEAD_KEEPER, request).await.metadata.get("approval").cloned()?;
            let approve = proto_common::approval::v1::ApproveRequestRequest { name };
            harness.call(taker, approve).await.ok()
        }
    });
    let made = join_all(attempts).await.into_iter().flatten().count();
    assert!((1..=5).contains(&made), "{made} of moves that overlap were made");
    let request = ListHoldingsRequest { kind: format!("kinds/{CHEQUE}"), ..ListHoldingsRequest::default() };
    let held = harness.done(HEAD_KEEPER, request).await.holdings;
    let mut next = 1;
    for holding in &held {
        let range = holding.range.as_ref().expect("a range");
        assert_eq!(range.first_number, format!("GB{next:08}"), "{held:#?}");
        next += range.count;
    }
    assert_eq!(next, 101);
    let elsewhere: i64 = held
        .iter()
        .filter(|holding| holding.branch != HEAD_OFFICE)
        .filter_map(|holding| holding.range.as_ref().map(|range| range.count))
        .sum();
    assert_eq!(elsewhere, 14 * i64::try_from(made).unwrap());
}
