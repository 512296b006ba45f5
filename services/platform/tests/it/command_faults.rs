//! Commands while Postgres ends their transactions, and while the connection to it is lost.

use std::{
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
};

use platform::{
    command::{Tx, UseCase},
    config::Secret,
    db::{self, DbConfig},
    refusal::Failure,
};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::Barrier;
use tonic::Code;

use crate::{
    command::{Counted, Desk, commands},
    support::{
        notebook::{Traces, WriteNote, call},
        notes::{NoteResponse, WRITE},
        proxy::Proxy,
        server::note,
    },
};

/// More answers than Postgres gives in the course of one command.
const ANSWERS_MAX: u32 = 200;

/// Has Postgres end the first `times` tries to write a note, for the reason of that code: at once, or at the commit.
async fn hinder(desk: &Desk, times: u32, code: &str, when: &str) {
    for statement in [
        "CREATE SEQUENCE try".to_owned(),
        "CREATE FUNCTION hinder() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
             IF nextval('try') <= TG_ARGV[0]::bigint THEN
                 RAISE EXCEPTION 'on purpose' USING ERRCODE = TG_ARGV[1];
             END IF;
             RETURN NULL;
         END $$"
            .to_owned(),
        format!(
            "CREATE CONSTRAINT TRIGGER hinder AFTER INSERT OR UPDATE ON note DEFERRABLE INITIALLY {when}
             FOR EACH ROW EXECUTE FUNCTION hinder('{times}', '{code}')"
        ),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&desk.database.owner).await.unwrap();
    }
}

#[tokio::test]
async fn what_others_got_in_the_way_of_is_done_in_the_end() {
    for (code, when) in [("40001", "IMMEDIATE"), ("40P01", "IMMEDIATE"), ("40001", "DEFERRED")] {
        let desk = Desk::open().await;
        hinder(&desk, 4, code, when).await;
        let request = note("door", "open");
        let use_case = Counted::new(WriteNote::from(&request));
        desk.run(&call(WRITE, &request), &use_case).await.unwrap();
        assert_eq!((use_case.runs(), desk.traces().await), (5, Traces::of_changes(1)), "{code} {when}");
    }
}

#[tokio::test]
async fn what_keeps_being_in_the_way_is_given_up_and_what_will_not_pass_at_once() {
    for (code, when, runs) in [
        ("40001", "IMMEDIATE", 5),
        ("40P01", "DEFERRED", 5),
        ("23505", "IMMEDIATE", 1),
        ("23505", "DEFERRED", 1),
    ] {
        let desk = Desk::open().await;
        hinder(&desk, u32::MAX, code, when).await;
        let request = note("door", "open");
        let use_case = Counted::new(WriteNote::from(&request));
        let fault = desk.run(&call(WRITE, &request), &use_case).await.unwrap_err();
        let found = fault.database_error().and_then(sqlx::Error::as_database_error).unwrap().code();
        assert_eq!(found.as_deref(), Some(code));
        assert_eq!((use_case.runs(), desk.traces().await), (runs, Traces::default()), "{code} {when}");
    }
}

/// Writes two notes, in an order; both commands hold their first lock before either waits for its second.
struct WriteBoth<'a> {
    names: [&'a str; 2],
    both: &'a Barrier,
    runs: AtomicU32,
}

impl UseCase for WriteBoth<'_> {
    type Answer = NoteResponse;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<NoteResponse, Failure> {
        let is_first_run = self.runs.fetch_add(1, Ordering::SeqCst) == 0;
        let [first, second] =
            self.names.map(|name| WriteNote { name: name.to_owned(), text: "both".to_owned() });
        first.run(tx).await?;
        if is_first_run {
            self.both.wait().await;
        }
        second.run(tx).await
    }
}

#[tokio::test]
async fn of_two_that_deadlock_both_are_done_in_the_end() {
    let desk = Desk::open().await;
    for name in ["door", "window"] {
        desk.write(WRITE, &note(name, "open")).await.unwrap();
    }
    let both = Barrier::new(2);
    let order = |names| WriteBoth { names, both: &both, runs: AtomicU32::new(0) };
    let (one, other) = (order(["door", "window"]), order(["window", "door"]));
    let (one_call, other_call) = (call(WRITE, &note("", "")), call(WRITE, &note("", "")));
    let (done, other_done) = tokio::join!(desk.run(&one_call, &one), desk.run(&other_call, &other));
    done.unwrap();
    other_done.unwrap();
    assert_eq!(one.runs.load(Ordering::SeqCst) + other.runs.load(Ordering::SeqCst), 3, "one was ended");
    let expected = Traces { effects: 6, facts: 6, ..Traces::of_changes(4) };
    assert_eq!(desk.traces().await, expected);
}

/// Sets a note to one more than the sum of all.
struct OneMore<'a> {
    name: &'a str,
    both: &'a Barrier,
    runs: AtomicU32,
}

impl UseCase for OneMore<'_> {
    type Answer = NoteResponse;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<NoteResponse, Failure> {
        let sum: i64 = sqlx::query_scalar("SELECT coalesce(sum(text::bigint), 0)::bigint FROM note")
            .fetch_one(tx.conn())
            .await?;
        if self.runs.fetch_add(1, Ordering::SeqCst) == 0 {
            self.both.wait().await;
        }
        WriteNote { name: self.name.to_owned(), text: (sum + 1).to_string() }.run(tx).await
    }
}

#[tokio::test]
async fn of_two_that_cannot_be_put_in_an_order_one_is_done_again() {
    let desk = Desk::open().await;
    let options = PgConnectOptions::from_str(&desk.database.dml_url).unwrap();
    let options = options.options([("default_transaction_isolation", "serializable")]);
    let pool = PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let commands = commands(pool, &desk.clock);
    let both = Barrier::new(2);
    let one_more = |name| OneMore { name, both: &both, runs: AtomicU32::new(0) };
    let (one, other) = (one_more("door"), one_more("window"));
    let (one_call, other_call) = (call(WRITE, &note("", "")), call(WRITE, &note("", "")));
    let (done, other_done) = tokio::join!(
        commands.run(&one_call, &one, std::convert::identity),
        commands.run(&other_call, &other, std::convert::identity)
    );
    done.unwrap();
    other_done.unwrap();
    let mut texts: Vec<String> =
        sqlx::query_scalar("SELECT text FROM note").fetch_all(&desk.database.dml).await.unwrap();
    texts.sort_unstable();
    assert_eq!(texts, ["1", "2"], "one saw the other");
    assert_eq!(desk.traces().await, Traces::of_changes(2));
}

/// A pool as a program has it, with one connection that is open.
async fn pool_through(proxy: &Proxy, url: &str) -> PgPool {
    let pool = db::connect(&DbConfig {
        url: Secret::new(proxy.url(url)),
        user: String::new(),
        password: Secret::default(),
        tls_mode: String::new(),
        tls_ca_file: "".into(),
        connections_max: 1,
        acquire_timeout_ms: 30_000,
        statement_timeout_ms: 30_000,
    })
    .unwrap();
    pool.acquire().await.unwrap();
    pool
}

#[tokio::test]
async fn a_connection_that_is_lost_at_any_step_leaves_the_whole_change_or_nothing() {
    let desk = Desk::open().await;
    let (mut before_commit, mut after_commit) = (0, 0);
    for (answers, changes) in (0..ANSWERS_MAX).zip(0..) {
        let request = note(&format!("note {answers}"), "open");
        let call = call(WRITE, &request);
        let proxy = Proxy::before(&desk.database.dml_url).await;
        let commands = commands(pool_through(&proxy, &desk.database.dml_url).await, &desk.clock);
        proxy.cut_after(answers);
        let outcome = commands.run(&call, &WriteNote::from(&request), std::convert::identity).await;

        let left = desk.traces().await;
        let repeat = desk.run(&call, &WriteNote::from(&request)).await.unwrap();
        assert_eq!((repeat.before.as_str(), repeat.after.as_str()), ("", "open"));
        assert_eq!(desk.traces().await, Traces::of_changes(changes + 1), "cut after {answers} answers");
        match outcome {
            Ok(answer) => {
                assert_eq!((answer, left), (repeat, Traces::of_changes(changes + 1)));
                assert!(before_commit > 10 && after_commit == 1, "{before_commit} and {after_commit}");
                return;
            }
            Err(fault) => {
                let status = fault.into_status(call.caller.correlation_id);
                assert_eq!(status.code(), Code::Unavailable, "a repeat helps: {status:?}");
                if left == Traces::of_changes(changes) {
                    before_commit += 1;
                } else {
                    assert_eq!(left, Traces::of_changes(changes + 1), "cut after {answers} answers");
                    after_commit += 1;
                }
            }
        }
    }
    panic!("the command has not succeeded with {ANSWERS_MAX} answers");
}
