//! The writer when the database or the broker has no room, no time, or is away, and when the clock goes back.

use std::{collections::BTreeSet, time::Duration};

use accounting::{app::writer::Recent, events::PostingJournal};
use futures::future::join_all;
use platform::relay::{self, Backlog, FactSource, JournalSource};
use proto_accounting::v1::{GetAccountRequest, PostTransactionRequest};
use serde_json::Value;
use testkit::{PrivateBroker, wait_for};
use tonic::Code;

use crate::support::{
    BOUND, BankFixture, Refused, WRITER, credit, debit, own,
    people::{SUB_BRANCH, TELLER},
    post, yuan,
};

/// Requests that are in flight together.
const MANY: usize = 40;

/// How long a statement may take where a test has it take longer.
const SHORT_MS: u32 = 500;

const POSTINGS: &str = "countinghouse.accounting.posting.v1";

/// Takes one yuan into the till.
fn take_in() -> PostTransactionRequest {
    let lines = [debit(&own(SUB_BRANCH, "100101"), yuan("1")), credit(&own(SUB_BRANCH, "2241"), yuan("1"))];
    post(SUB_BRANCH, "TAKE_IN", lines)
}

/// A bank whose statements may not take long, with a writer that has just begun.
async fn hurried() -> BankFixture {
    let mut bank = BankFixture::open().await;
    bank.harness().stop().await;
    bank.harness().settings.own.writer.statement_timeout_ms = SHORT_MS;
    bank.harness().start_again().await;
    bank.post(TELLER, take_in()).await.unwrap();
    bank
}

async fn last_posting(bank: &BankFixture) -> i64 {
    bank.trial_balance().await.last_posting
}

fn assert_busy(refused: &Refused) {
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "DATABASE_BUSY"), "{refused:?}");
    assert!(refused.retry_after.is_some(), "it says when to try again");
}

impl BankFixture {
    /// Has every append fail as Postgres fails when its disk is full.
    async fn fill_disk(&self) {
        for statement in [
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$",
            "CREATE TRIGGER no_room BEFORE INSERT ON batch FOR EACH ROW EXECUTE FUNCTION no_room()",
        ] {
            sqlx::query(statement).execute(&self.database.owner).await.unwrap();
        }
    }

    async fn make_room(&self) {
        sqlx::query("DROP TRIGGER no_room ON batch").execute(&self.database.owner).await.unwrap();
    }

    /// The session of the writer: another one when it has taken the lead again.
    async fn writers_session(&self) -> i32 {
        wait_for(BOUND, "the writer to have a session", || async {
            sqlx::query_scalar(
                "SELECT pid FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = $1",
            )
            .bind(WRITER)
            .fetch_optional(&self.database.dml)
            .await
            .ok()?
        })
        .await
    }

    /// Has new sessions take no writes, as those of a standby, or take them again.
    async fn set_read_only(&self, read_only: &str) {
        let statement = format!(
            "ALTER DATABASE {} SET default_transaction_read_only = {read_only}",
            self.database.name()
        );
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&self.database.owner).await.unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_reported_until_there_is_room_and_nothing_is_lost() {
    let bank = BankFixture::open().await;
    let account = bank.open_funded(TELLER, "C1", "100").await;
    let before = last_posting(&bank).await;
    let session = bank.writers_session().await;
    bank.fill_disk().await;

    let requests: Vec<PostTransactionRequest> = (0..MANY).map(|_| take_in()).collect();
    for answer in join_all(requests.iter().map(|request| bank.call_once(TELLER, request.clone()))).await {
        assert_busy(&answer.unwrap_err());
    }
    let read = bank.call_once(TELLER, GetAccountRequest { name: account }).await;
    assert!(read.is_ok(), "enquiries go on");
    assert_eq!(last_posting(&bank).await, before);

    bank.make_room().await;
    let answers = join_all(requests.iter().map(|request| bank.call_once(TELLER, request.clone()))).await;
    let numbers: BTreeSet<i64> =
        answers.into_iter().map(|answer| answer.unwrap().posting.unwrap().number).collect();
    assert_eq!(numbers.len(), MANY);
    assert_eq!(last_posting(&bank).await, before + i64::try_from(MANY).unwrap());
    assert_eq!(bank.writers_session().await, session, "the writer went on with its session");
    bank.prove().await.unwrap();
}

#[tokio::test]
async fn an_append_that_takes_too_long_is_not_written_and_the_writer_goes_on() {
    let bank = hurried().await;
    let before = last_posting(&bank).await;
    let session = bank.writers_session().await;
    // Readers may read the batches, and the writer may not add one.
    let mut lock = bank.database.owner.begin().await.unwrap();
    sqlx::query("LOCK TABLE batch IN SHARE MODE").execute(&mut *lock).await.unwrap();
    let requests: Vec<PostTransactionRequest> = (0..MANY).map(|_| take_in()).collect();
    for answer in join_all(requests.iter().map(|request| bank.call_once(TELLER, request.clone()))).await {
        assert_busy(&answer.unwrap_err());
    }
    lock.rollback().await.unwrap();

    for (next, request) in (before + 1..).zip(requests) {
        assert_eq!(bank.call_once(TELLER, request).await.unwrap().posting.unwrap().number, next);
    }
    assert_eq!(bank.writers_session().await, session);
    bank.prove().await.unwrap();
}

#[tokio::test]
async fn a_request_whose_load_takes_too_long_fails_alone_and_does_not_stop_the_writer() {
    let mut bank = BankFixture::open().await;
    let cold = bank.open_funded(TELLER, "C1", "100").await;
    bank.harness().stop().await;
    bank.harness().settings.own.writer.statement_timeout_ms = SHORT_MS;
    bank.harness().start_again().await;
    bank.post(TELLER, take_in()).await.unwrap();
    let session = bank.writers_session().await;
    let before = last_posting(&bank).await;
    // Whoever needs an account that is not in memory waits for this.
    let mut lock = bank.database.owner.begin().await.unwrap();
    sqlx::query("LOCK TABLE account IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();

    let lines = [debit(&own(SUB_BRANCH, "100101"), yuan("1")), credit(&cold, yuan("1"))];
    let poisoned = post(SUB_BRANCH, "CASH_IN", lines);
    let requests = (0..MANY).map(|place| if place == 0 { poisoned.clone() } else { take_in() });
    let answers = join_all(requests.map(|request| bank.call_once(TELLER, request))).await;
    let failed: Vec<&Refused> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_busy(failed[0]);
    assert_eq!(bank.writers_session().await, session, "the writer went on with its session");
    lock.rollback().await.unwrap();

    bank.call_once(TELLER, poisoned).await.unwrap();
    assert_eq!(last_posting(&bank).await, before + i64::try_from(MANY).unwrap());
    bank.prove().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_fails_its_own_repeat_and_no_other_request() {
    let bank = BankFixture::open().await;
    let opened = crate::support::personal_account(SUB_BRANCH, "C1");
    bank.done(TELLER, opened.clone()).await;
    let session = bank.writers_session().await;
    sqlx::query("UPDATE kept_answer SET answer = '{}' WHERE request_id = $1::uuid")
        .bind(&opened.request_id)
        .execute(&bank.database.owner)
        .await
        .unwrap();

    let (poisoned, others) = tokio::join!(
        bank.call_once(TELLER, opened),
        join_all((0..MANY).map(|_| bank.call_once(TELLER, take_in())))
    );
    assert_eq!(poisoned.unwrap_err().code, Code::Internal);
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    assert_eq!(bank.writers_session().await, session);
}

#[tokio::test]
async fn a_database_that_takes_no_writes_any_more_is_left_and_sought_again() {
    let bank = BankFixture::open().await;
    let before = last_posting(&bank).await;
    let first = bank.writers_session().await;
    bank.set_read_only("on").await;
    assert!(bank.cut_off_the_writer().await);
    let standby = wait_for(BOUND, "another session", || async {
        let session = bank.writers_session().await;
        (session != first).then_some(session)
    })
    .await;

    let request = take_in();
    wait_for(BOUND, "the writer to leave it", || async {
        let refused = bank.call_once(TELLER, request.clone()).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "NOT_THE_WRITER"));
        (bank.writers_session().await != standby).then_some(())
    })
    .await;
    bank.set_read_only("off").await;
    let posting = bank.call(TELLER, request).await.unwrap().posting.unwrap();
    assert_eq!(posting.number, before + 1);
}

#[tokio::test]
async fn while_kafka_is_away_facts_wait_and_then_go_out_in_order() {
    let broker = PrivateBroker::start().await;
    let bank = BankFixture::with_all_facts(broker.kafka()).await;
    let journal = JournalSource::new(PostingJournal { recent: Recent::default() });
    let posted = last_posting(&bank).await;
    relay::drained(&bank.database.dml, &journal, posted, BOUND).await.unwrap();

    broker.stop().await;
    for _ in 0..MANY {
        bank.post(TELLER, take_in()).await.unwrap();
    }
    let waiting = backlog(&bank, &journal).await;
    assert_eq!(waiting.facts, i64::try_from(MANY).unwrap());
    assert!(waiting.oldest.is_some(), "the age of the oldest is the lag");
    assert!(bank.trial_balance().await.balanced, "the service goes on");

    broker.start_again().await;
    let posted = last_posting(&bank).await;
    relay::drained(&bank.database.dml, &journal, posted, BOUND).await.unwrap();
    assert_eq!(backlog(&bank, &journal).await.facts, 0);
    let records = bank.records(POSTINGS, usize::try_from(posted).unwrap()).await;
    let mut numbers: Vec<i64> = records.iter().map(number).collect();
    // What was in flight when the broker stopped may have arrived, and arrives again.
    let mut seen = BTreeSet::new();
    numbers.retain(|number| seen.insert(*number));
    assert_eq!(numbers, (1..=posted).collect::<Vec<_>>());
}

async fn backlog(bank: &BankFixture, journal: &JournalSource<PostingJournal>) -> Backlog {
    let mut conn = bank.database.dml.acquire().await.unwrap();
    journal.backlog(&mut conn).await.unwrap()
}

fn number(record: &rdkafka::message::OwnedMessage) -> i64 {
    let payload = rdkafka::Message::payload(record).expect("a fact has a value");
    let fact: Value = serde_json::from_slice(payload).expect("a fact is JSON");
    fact["posting"]["number"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_clock_that_goes_back_does_not_take_the_journal_back() {
    let mut bank = BankFixture::open().await;
    let ahead = Duration::from_hours(1);
    bank.clock.advance(ahead);
    bank.post(TELLER, take_in()).await.unwrap();
    bank.clock.put_back(ahead);
    bank.post(TELLER, take_in()).await.unwrap();
    bank.harness().stop().await;
    bank.harness().start_again().await;
    bank.post(TELLER, take_in()).await.unwrap();

    let in_order: bool = sqlx::query_scalar(
        "SELECT bool_and(recorded_at >= before) FROM (
             SELECT recorded_at, lag(recorded_at, 1, recorded_at) OVER (ORDER BY number) AS before FROM batch
         ) AS each",
    )
    .fetch_one(&bank.database.dml)
    .await
    .unwrap();
    assert!(in_order);
    bank.clock.advance(ahead * 2);
    wait_for(BOUND, "the journal to go on with the clock", || async {
        bank.post(TELLER, take_in()).await.unwrap();
        let distinct: i64 = sqlx::query_scalar("SELECT count(DISTINCT recorded_at) FROM batch WHERE number > (SELECT max(number) - 2 FROM batch)")
            .fetch_one(&bank.database.dml)
            .await
            .ok()?;
        (distinct == 2).then_some(())
    })
    .await;
    bank.prove().await.unwrap();
}
