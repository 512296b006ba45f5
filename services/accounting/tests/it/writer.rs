//! The writer when things go wrong: a lost connection, another writer, a row that the database refuses, a full queue, shutdown.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use platform::lifecycle::Ending;
use proto_accounting::v1::PostTransactionRequest;
use testkit::wait_for;
use tokio::time;
use tonic::Code;

use crate::support::{
    BOUND, BankFixture, WRITER, call_on, credit, debit, own,
    people::{SUB_BRANCH, TELLER},
    post, yuan,
};

/// Requests that are in flight together: several batches of them.
const MANY: usize = 60;

/// Within this a posting is written, unless the answer to its load was held back.
const LOAD_BOUND: Duration = Duration::from_secs(5);

/// How often the connection is lost.
const ROUNDS: usize = 3;

/// Takes one yuan into the till.
fn take_in() -> PostTransactionRequest {
    let lines = [debit(&own(SUB_BRANCH, "100101"), yuan("1")), credit(&own(SUB_BRANCH, "2241"), yuan("1"))];
    post(SUB_BRANCH, "TAKE_IN", lines)
}

/// The number of the last posting.
async fn last_posting(bank: &BankFixture) -> i64 {
    bank.trial_balance().await.last_posting
}

#[tokio::test]
async fn requests_are_done_once_each_while_the_connection_is_lost_again_and_again() {
    let bank = BankFixture::open().await;
    let before = last_posting(&bank).await;

    let mut numbers = BTreeSet::new();
    for _ in 0..ROUNDS {
        let requests: Vec<PostTransactionRequest> = (0..MANY).map(|_| take_in()).collect();
        let all_done = join_all(requests.iter().map(|request| bank.call(TELLER, request.clone())));
        let cut_off = wait_for(BOUND, "the writer to have a session", || async {
            bank.cut_off_the_writer().await.then_some(())
        });
        let (answers, ()) = tokio::join!(all_done, cut_off);
        numbers.extend(answers.into_iter().map(|answer| answer.unwrap().posting.unwrap().number));
    }

    assert_eq!(numbers.len(), ROUNDS * MANY);
    assert_eq!(last_posting(&bank).await, before + i64::try_from(ROUNDS * MANY).unwrap());
    bank.prove().await.unwrap();
}

#[tokio::test]
async fn a_request_that_is_sent_many_times_at_once_is_done_once() {
    let bank = BankFixture::open().await;
    let before = last_posting(&bank).await;
    let request = take_in();
    let answers = join_all((0..MANY).map(|_| bank.post(TELLER, request.clone()))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(last_posting(&bank).await, before + 1);

    let mut other = request.clone();
    other.transaction.as_mut().unwrap().narrative = "another".to_owned();
    assert_eq!(bank.refused(TELLER, other).await.reason, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_writer_whose_batch_number_is_taken_steps_down_and_opens_the_book_again() {
    let bank = BankFixture::open().await;
    let before = last_posting(&bank).await;
    sqlx::query(
        "INSERT INTO batch (number, previous_hash, hash, recorded_at)
         SELECT max(number) + 1, decode(repeat('00', 32), 'hex'), decode(repeat('11', 32), 'hex'), now() FROM batch",
    )
    .execute(&bank.database.dml)
    .await
    .unwrap();

    let request = take_in();
    let refused = bank.call_once(TELLER, request.clone()).await.unwrap_err();
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "NOT_THE_WRITER"));

    let posting = bank.call(TELLER, request).await.unwrap().posting.unwrap();
    assert_eq!(posting.number, before + 1, "nothing was written by the first attempt");
    bank.prove().await.unwrap_err();
}

#[tokio::test]
async fn a_row_that_the_database_refuses_fails_its_own_request_and_no_other() {
    let bank = BankFixture::open().await;
    sqlx::query("ALTER TABLE posting ADD CONSTRAINT no_poison CHECK (narrative <> 'poison')")
        .execute(&bank.database.owner)
        .await
        .unwrap();
    let mut poison = take_in();
    poison.transaction.as_mut().unwrap().narrative = "poison".to_owned();
    let before = last_posting(&bank).await;

    let requests = (0..MANY).map(|place| if place == MANY / 2 { poison.clone() } else { take_in() });
    let answers = join_all(requests.map(|request| bank.post(TELLER, request))).await;

    let failed: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!((failed[0].code, failed[0].reason.as_str()), (Code::Internal, ""));
    assert_eq!(last_posting(&bank).await, before + i64::try_from(MANY - 1).unwrap());
    bank.prove().await.unwrap();
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_what_waits_is_done() {
    let mut bank = BankFixture::open().await;
    bank.harness().stop().await;
    bank.harness().settings.own.writer.queue_max = 4;
    bank.harness().start_again().await;
    bank.post(TELLER, take_in()).await.unwrap();
    // The writer's next append waits for this.
    let mut lock = bank.database.owner.begin().await.unwrap();
    sqlx::query("LOCK TABLE batch IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let mut lock = Some(lock);

    let mut answers: FuturesUnordered<_> = (0..MANY).map(|_| bank.call_once(TELLER, take_in())).collect();
    let (mut posted, mut refused) = (0, 0);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(_) => posted += 1,
            Err(overloaded) => {
                assert_eq!(
                    (overloaded.code, overloaded.reason.as_str()),
                    (Code::ResourceExhausted, "OVERLOADED")
                );
                assert!(overloaded.retry_after.is_some(), "it says when to try again");
                refused += 1;
            }
        }
        if let Some(lock) = lock.take() {
            assert_eq!(refused, 1, "nothing is done before there is a refusal");
            lock.rollback().await.unwrap();
        }
    }
    assert!(posted >= 4, "what was taken and what waited was done: {posted}");
    assert_eq!(posted + refused, MANY);
}

#[tokio::test]
async fn a_second_replica_passes_on_what_is_to_be_written_and_takes_over_when_the_first_stops() {
    let mut bank = BankFixture::open().await;
    let other = bank.another().await;
    let channel = other.channel.clone();
    let request = take_in();
    let passed_on = wait_for(BOUND, "the other replica to know the writer", || async {
        call_on(channel.clone(), TELLER, request.clone()).await.ok()
    })
    .await;
    let first = bank.post(TELLER, request.clone()).await.unwrap();
    assert_eq!(passed_on.posting.unwrap(), first);

    assert_eq!(bank.harness().stop().await, Ending::Drained);
    let repeated = wait_for(BOUND, "the other replica to write", || async {
        call_on(channel.clone(), TELLER, request.clone()).await.ok()
    })
    .await;
    assert_eq!(repeated.posting.unwrap(), first, "it knows what the first has done");
    let next = call_on(channel, TELLER, take_in()).await.unwrap().posting.unwrap();
    assert_eq!(next.number, first.number + 1);
}

#[tokio::test]
async fn what_is_in_flight_when_the_service_stops_is_answered() {
    let mut bank = BankFixture::open().await;
    let before = last_posting(&bank).await;
    let channel = bank.channel();
    let calls = (0..MANY).map(|_| tokio::spawn(call_on(channel.clone(), TELLER, take_in())));
    let calls: Vec<_> = calls.collect();
    wait_for(BOUND, "a first posting", || async { (last_posting(&bank).await > before).then_some(()) }).await;

    assert_eq!(bank.harness().stop().await, Ending::Drained);
    let mut posted = BTreeSet::new();
    for call in calls {
        match call.await.unwrap() {
            Ok(answer) => assert!(posted.insert(answer.posting.unwrap().number)),
            Err(refused) => assert_eq!(refused.code, Code::Unavailable, "{refused:?}"),
        }
    }
    let journal: Vec<i64> =
        sqlx::query_scalar("SELECT number FROM posting WHERE number > $1 ORDER BY number")
            .bind(before)
            .fetch_all(&bank.database.dml)
            .await
            .unwrap();
    assert_eq!(posted.into_iter().collect::<Vec<_>>(), journal, "whoever did not hear so was not posted");
}

#[tokio::test]
async fn a_writer_that_has_nothing_to_do_finds_out_that_its_session_is_gone() {
    let bank = BankFixture::open().await;
    wait_for(BOUND, "the writer to have a session", || async {
        bank.cut_off_the_writer().await.then_some(())
    })
    .await;
    // It leads again by itself: a request that comes then is done at once.
    wait_for(BOUND, "the writer to have a session again", || async {
        bank.cut_off_the_writer().await.then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_append_of_unknown_outcome_that_was_written_is_answered_as_done() {
    let mut bank = BankFixture::open().await;
    bank.harness().stop().await;
    let proxy = bank.harness().through_proxy(WRITER).await;
    bank.harness().start_again().await;
    bank.post(TELLER, take_in()).await.unwrap();

    let mut settled = false;
    while !settled {
        let before = last_posting(&bank).await;
        // The answer to the load passes, that to the append does not, unless the writer has just tried its idle session.
        proxy.hold_back_after(1);
        let request = take_in();
        let call = tokio::spawn(call_on(bank.channel(), TELLER, request.clone()));
        let written = wait_for(BOUND, "the posting to be written", || async {
            (last_posting(&bank).await > before).then_some(())
        });
        let is_written = time::timeout(LOAD_BOUND, written).await.is_ok();
        assert!(!call.is_finished(), "the writer waits for an answer of the database");
        proxy.cut();
        let answer = call.await.unwrap();
        if is_written {
            assert_eq!(answer.unwrap().posting.unwrap().number, before + 1);
            settled = true;
        }
        bank.post(TELLER, take_in()).await.unwrap();
    }
    bank.prove().await.unwrap();
    bank.harness().stop().await;
}

#[tokio::test]
async fn an_append_that_was_cut_off_before_it_was_written_is_refused_and_can_be_repeated() {
    let bank = BankFixture::open().await;
    let before = last_posting(&bank).await;
    // Readers may read the batches, and the writer may not add one.
    let mut lock = bank.database.owner.begin().await.unwrap();
    sqlx::query("LOCK TABLE batch IN SHARE MODE").execute(&mut *lock).await.unwrap();
    let request = take_in();
    let call = tokio::spawn(call_on(bank.channel(), TELLER, request.clone()));
    wait_for(BOUND, "the append to wait for the lock", || async {
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
             AND application_name = 'accounting.writer' AND wait_event_type = 'Lock')",
        )
        .fetch_one(&bank.database.dml)
        .await
        .ok()?;
        waits.then_some(())
    })
    .await;
    assert!(bank.cut_off_the_writer().await);

    let refused = call.await.unwrap().unwrap_err();
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "NOT_THE_WRITER"));
    lock.rollback().await.unwrap();
    let posting = bank.call(TELLER, request).await.unwrap().posting.unwrap();
    assert_eq!(posting.number, before + 1);
}
