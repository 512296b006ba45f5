//! Two replicas on one book: the second takes over when the first is killed, halted or cut off, and nothing is lost or doubled.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use proto_accounting::v1::{GetTrialBalanceRequest, PostTransactionRequest};
use proto_common::approval::v1::ApproveRequestRequest;
use testkit::wait_for;
use tokio::task::JoinHandle;
use tonic::{Code, transport::Channel};

use crate::support::{
    BOUND, BankFixture, Refused, Replica, WRITER, call_on, credit, debit, own,
    people::{BOOK_KEEPER, SUB_BRANCH, SUPERVISOR, TELLER},
    post, yuan,
};

/// Requests that are in flight together.
const MANY: usize = 40;

/// Takes one yuan into the till.
fn take_in() -> PostTransactionRequest {
    let lines = [debit(&own(SUB_BRANCH, "100101"), yuan("1")), credit(&own(SUB_BRANCH, "2241"), yuan("1"))];
    post(SUB_BRANCH, "TAKE_IN", lines)
}

/// A request that is under way.
struct Sent {
    request: PostTransactionRequest,
    answer: JoinHandle<Result<i64, Refused>>,
}

/// A request, and the number of its posting or why there is none.
type Answered = (PostTransactionRequest, Result<i64, Refused>);

/// Sends many requests at once.
fn send_many(channel: &Channel) -> Vec<Sent> {
    let sent = (0..MANY).map(|_| {
        let (request, channel) = (take_in(), channel.clone());
        let call = call_on(channel, TELLER, request.clone());
        let answer = tokio::spawn(async { call.await.map(|answer| answer.posting.unwrap().number) });
        Sent { request, answer }
    });
    sent.collect()
}

/// Waits for all answers.
async fn answers(sent: Vec<Sent>) -> Vec<Answered> {
    join_all(sent.into_iter().map(|Sent { request, answer }| async { (request, answer.await.unwrap()) }))
        .await
}

/// Repeats a request on a replica for as long as it is not done, and gives its number. Whoever cannot do it says so in a way
/// that lets the caller repeat it.
async fn done(channel: &Channel, request: PostTransactionRequest) -> i64 {
    wait_for(BOUND, "the request to be done", || async {
        match call_on(channel.clone(), TELLER, request.clone()).await {
            Ok(answer) => Some(answer.posting.unwrap().number),
            Err(refused) => {
                assert!(refused.is_transient(), "{refused:?}");
                None
            }
        }
    })
    .await
}

/// Repeats all that was sent, and checks that each was done once and that nothing else was.
async fn settle(bank: &BankFixture, channel: &Channel, before: i64, answers: Vec<Answered>, next: i64) {
    let mut numbers = vec![next];
    for (request, answered) in answers {
        let number = done(channel, request).await;
        if let Ok(acknowledged) = answered {
            assert_eq!(number, acknowledged, "what was acknowledged is there");
        }
        numbers.push(number);
    }
    numbers.sort_unstable();
    let expected: Vec<i64> = (before + 1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "each was done once, and nothing else was");
    let last = call_on(channel.clone(), BOOK_KEEPER, GetTrialBalanceRequest::default()).await.unwrap();
    assert_eq!(last.last_posting, before + i64::try_from(numbers.len()).unwrap());
    bank.prove().await.unwrap();
}

/// Reads from a replica, which answers whether or not anybody writes.
async fn reads(channel: &Channel) {
    let read = call_on(channel.clone(), BOOK_KEEPER, GetTrialBalanceRequest::default());
    assert!(read.await.unwrap().balanced);
}

/// Whether a session has ended.
async fn is_over(bank: &BankFixture, (pid, began): (i32, DateTime<Utc>)) -> bool {
    sqlx::query_scalar(
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2)",
    )
    .bind(pid)
    .bind(began)
    .fetch_one(&bank.database.dml)
    .await
    .unwrap()
}

/// The session in which the book is written.
async fn session_of_the_writer(bank: &BankFixture) -> Option<(i32, DateTime<Utc>)> {
    sqlx::query_as("SELECT session_pid, session_began FROM leader")
        .fetch_optional(&bank.database.dml)
        .await
        .unwrap()
}

/// When the writer was last heard, by the database's clock.
async fn heard_at(bank: &BankFixture) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT beat_at FROM leader").fetch_one(&bank.database.dml).await.unwrap()
}

/// A bank on two processes, of which the first writes.
async fn two_replicas() -> (BankFixture, Replica, Replica) {
    let mut bank = BankFixture::open().await;
    let first = bank.replica().await;
    bank.harness().stop().await;
    bank.led_by(&first).await;
    let second = bank.replica().await;
    (bank, first, second)
}

#[tokio::test]
async fn a_replica_takes_over_from_one_that_is_killed() {
    let (bank, first, second) = two_replicas().await;
    let before = done(&first.channel, take_in()).await;

    let sent = send_many(&first.channel);
    first.kill().await;
    reads(&second.channel).await;
    let next = done(&second.channel, take_in()).await;
    bank.led_by(&second).await;
    settle(&bank, &second.channel, before, answers(sent).await, next).await;
}

#[tokio::test]
async fn a_replica_takes_over_from_one_that_is_halted_which_does_not_write_when_it_wakes() {
    let (bank, first, second) = two_replicas().await;
    let before = done(&first.channel, take_in()).await;

    let session = session_of_the_writer(&bank).await.unwrap();
    let mut sent = send_many(&first.channel);
    first.halt();
    reads(&second.channel).await;
    let next = done(&second.channel, take_in()).await;
    bank.led_by(&second).await;
    assert_ne!(session_of_the_writer(&bank).await, Some(session));
    assert!(is_over(&bank, session).await, "the first has nothing left to write with");
    // These wait at the first's door until it wakes, and it still takes itself for the writer then.
    sent.extend(send_many(&first.channel));
    first.wake();

    let answers = answers(sent).await;
    for refused in answers.iter().filter_map(|(_, answer)| answer.as_ref().err()) {
        assert_eq!(refused.code, Code::Unavailable, "{refused:?}");
    }
    settle(&bank, &second.channel, before, answers, next).await;
}

#[tokio::test]
async fn what_two_persons_do_and_what_is_refused_comes_through_a_replica_that_does_not_write() {
    let bank = BankFixture::open().await;
    let other = bank.another().await;
    let channel = other.channel.clone();
    let through = wait_for(BOUND, "the other replica to know the writer", || async {
        call_on(channel.clone(), TELLER, take_in()).await.ok()
    });
    through.await;

    let cash = own(SUB_BRANCH, "100101");
    let above_the_limit = [debit(&cash, yuan("60000")), credit(&own(SUB_BRANCH, "2241"), yuan("60000"))];
    let request = post(SUB_BRANCH, "TAKE_IN", above_the_limit);
    let kept = call_on(channel.clone(), TELLER, request.clone()).await.unwrap_err();
    assert_eq!(kept.reason, "APPROVAL_REQUIRED", "{kept:?}");
    let name = kept.metadata.get("approval").unwrap().clone();
    call_on(channel.clone(), SUPERVISOR, ApproveRequestRequest { name }).await.unwrap();
    let posting = call_on(channel.clone(), TELLER, request).await.unwrap().posting.unwrap();
    assert_eq!(posting.authoriser, SUPERVISOR.code);

    let account = bank.open_account(TELLER, "C1").await;
    let short = post(SUB_BRANCH, "FEE", [debit(&account, yuan("10")), credit(&cash, yuan("10"))]);
    let refused = call_on(channel, TELLER, short.clone()).await.unwrap_err();
    assert_eq!(refused, bank.refused(TELLER, short).await);
    assert_eq!(refused.reason, "FUNDS_INSUFFICIENT");
}

#[tokio::test]
async fn a_writer_in_a_long_append_is_not_taken_for_dead() {
    let mut bank = BankFixture::open().await;
    bank.harness().settings.own.writer.heartbeat_lost_ms = 5_000;
    let other = bank.another().await;
    let channel = other.channel.clone();
    let session = session_of_the_writer(&bank).await;
    let mut lock = bank.database.owner.begin().await.unwrap();
    sqlx::query("LOCK TABLE batch IN SHARE MODE").execute(&mut *lock).await.unwrap();
    let since = heard_at(&bank).await;
    let request = take_in();
    let call = tokio::spawn(call_on(bank.channel(), TELLER, request));

    wait_for(BOUND, "the writer to be heard for longer than it may be silent", || async {
        (heard_at(&bank).await > since + TimeDelta::milliseconds(5_500)).then_some(())
    })
    .await;
    reads(&channel).await;
    assert!(!call.is_finished());
    lock.rollback().await.unwrap();
    assert!(call.await.unwrap().is_ok());
    assert_eq!(session_of_the_writer(&bank).await, session);
}

#[tokio::test]
async fn a_replica_takes_over_from_one_that_is_cut_off_from_the_database() {
    let mut bank = BankFixture::open().await;
    bank.harness().stop().await;
    let direct = bank.settings.database.url.clone();
    let proxy = bank.harness().through_proxy(WRITER).await;
    // Else the one that is cut off waits for its database as long as a busy machine may need.
    bank.harness().settings.own.writer.statement_timeout_ms = 1_000;
    bank.harness().start_again().await;
    let before = bank.post(TELLER, take_in()).await.unwrap().number;
    bank.harness().settings.database.url = direct;
    let second = bank.replica().await;

    proxy.freeze();
    let sent = send_many(&bank.channel());
    let next = done(&second.channel, take_in()).await;
    bank.led_by(&second).await;
    reads(&second.channel).await;
    proxy.thaw();
    settle(&bank, &second.channel, before, answers(sent).await, next).await;
    bank.harness().stop().await;
}
