//! The audit's chain: sealed soon, and whole under every fault.

use std::{
    borrow::Cow,
    env,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use platform::{
    audit::{self, AuditRecord, Broken, Outcome, Sealer, VerifyError},
    clock::{Clock, ManualClock},
};
use rand::Rng;
use serde_json::json;
use sqlx::{PgPool, error::DatabaseError};
use testkit::TestDatabase;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::bench::{self, MIGRATOR, Running, clock, now, reaches, seeded};

/// How the tests tell a sealer in a process of its own where it works.
const DATABASE_URL: &str = "TEST_SEALER_DATABASE_URL";

/// A record; every third is a refusal, every second was approved.
pub fn record(number: u128) -> AuditRecord {
    AuditRecord {
        at: now(),
        actor: "T110101".to_owned(),
        approver: number.is_multiple_of(2).then(|| "S110101".to_owned()),
        method: "/countinghouse.test.v1.DrawerService/OpenDrawer".to_owned(),
        resource: format!("drawers/{number}"),
        scope: "110101".to_owned(),
        outcome: match number % 3 {
            0 => Outcome::Refused { reason: "NO_ROOM".to_owned() },
            _ => Outcome::Done,
        },
        request_id: (number != 1).then(|| Uuid::from_u128(number)),
        correlation_id: Uuid::from_u128(number << 64),
        detail: json!({ "number": number.to_string(), "名": "现金", "after": [1.5, null, true] }),
    }
}

pub async fn append(pool: &PgPool, numbers: impl IntoIterator<Item = u128>) {
    let records: Vec<AuditRecord> = numbers.into_iter().map(record).collect();
    audit::append(&mut pool.acquire().await.unwrap(), &records).await.unwrap();
}

/// Waits until at least `count` records are sealed.
pub async fn sealed_reach(pool: &PgPool, count: i64) {
    reaches("the records to be sealed", count, async || {
        sqlx::query_scalar("SELECT coalesce(sum(cardinality(positions)), 0)::bigint FROM platform.audit_seal")
            .fetch_one(pool)
            .await
            .ok()
    })
    .await;
}

pub fn run(pool: &PgPool) -> Running<std::convert::Infallible> {
    let sealer = Sealer::new(pool.clone(), clock());
    Running::start(|stop| sealer.run(stop))
}

/// Where the chain is broken.
pub async fn broken(pool: &PgPool) -> Broken {
    match audit::verify(pool).await {
        Err(VerifyError::Broken(broken)) => broken,
        other => panic!("not found: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_committed_is_sealed_and_what_is_not_leaves_no_trace() {
    let database = testkit::database(&MIGRATOR).await;
    let pool = &database.dml;
    let empty = audit::verify(pool).await.unwrap();
    assert_eq!((empty.seals, empty.records, empty.head.number), (0, 0, 0));
    let mut undone = pool.begin().await.unwrap();
    audit::append(&mut undone, &[record(1)]).await.unwrap();
    undone.rollback().await.unwrap();
    audit::append(&mut pool.acquire().await.unwrap(), &[]).await.unwrap();
    append(pool, 1..=5).await;
    assert_eq!(audit::verify(pool).await.unwrap().waiting, 5);

    let sealer = run(pool);
    sealed_reach(pool, 5).await;
    sealer.stop().await;
    let verified = audit::verify(pool).await.unwrap();
    assert_eq!((verified.seals, verified.records, verified.waiting), (1, 5, 0));
    assert_eq!(verified.head.number, 1);
    assert_eq!(audit::verify_noted(pool, &verified.head).await.unwrap(), verified);
}

/// Actor, approver, resource, outcome, reason, request id, detail.
type Kept = (String, Option<String>, String, String, Option<String>, Option<Uuid>, serde_json::Value);

#[tokio::test]
async fn a_record_is_kept_as_it_was_made() {
    let database = testkit::database(&MIGRATOR).await;
    let mut odd = record(3);
    odd.actor = "T\u{0}\u{1F600}".to_owned();
    odd.detail = json!({ "sent": "a\u{0}b" });
    odd.resource = "r".repeat(5_000);
    audit::append(&mut database.dml.acquire().await.unwrap(), &[record(6), odd.clone()]).await.unwrap();
    let kept: Vec<Kept> = sqlx::query_as(
        "SELECT actor, approver, resource, outcome, reason, request_id, detail
         FROM platform.audit_record ORDER BY position",
    )
    .fetch_all(&database.dml)
    .await
    .unwrap();
    let plain = record(6);
    let (actor, approver, resource, outcome, reason, request_id, detail) = &kept[0];
    assert_eq!((actor, approver, resource), (&plain.actor, &plain.approver, &plain.resource));
    assert_eq!((outcome.as_str(), reason.as_deref()), ("refused", Some("NO_ROOM")));
    assert_eq!((request_id, detail), (&plain.request_id, &plain.detail));
    let (actor, _, resource, .., detail) = &kept[1];
    assert_eq!((actor.as_str(), resource.len()), ("T\u{fffd}\u{1F600}", 1_000));
    assert_eq!(detail, &json!({ "sent": "a\u{fffd}b" }));
}

#[tokio::test]
async fn the_service_may_append_and_nothing_else() {
    let database = testkit::database(&MIGRATOR).await;
    append(&database.dml, 1..=1).await;
    for statement in [
        "UPDATE platform.audit_record SET actor = 'x'",
        "DELETE FROM platform.audit_record",
        "TRUNCATE platform.audit_record",
        "UPDATE platform.audit_seal SET sealed_at = now()",
        "DELETE FROM platform.audit_seal",
        "UPDATE platform.audit_origin SET number = 5",
        "UPDATE platform.audit_waiting SET position = 5",
    ] {
        let error = sqlx::query(statement).execute(&database.dml).await.unwrap_err();
        let code = error.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned);
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_record_that_commits_late_goes_into_the_next_seal() {
    let database = testkit::database(&MIGRATOR).await;
    let pool = &database.dml;
    let sealer = run(pool);
    let mut late = pool.begin().await.unwrap();
    audit::append(&mut late, &[record(1)]).await.unwrap();
    append(pool, 2..=3).await;
    sealed_reach(pool, 2).await;
    assert_eq!(audit::verify(pool).await.unwrap().records, 2, "nobody waits for the late one");
    late.commit().await.unwrap();
    sealed_reach(pool, 3).await;
    sealer.stop().await;

    let seals: Vec<Vec<i64>> =
        sqlx::query_scalar("SELECT positions FROM platform.audit_seal ORDER BY number")
            .fetch_all(pool)
            .await
            .unwrap();
    assert_eq!(seals, [vec![2, 3], vec![1]]);
    assert_eq!(audit::verify(pool).await.unwrap().records, 3);
}

#[tokio::test]
async fn more_than_fits_a_seal_is_sealed_in_several() {
    let database = testkit::database(&MIGRATOR).await;
    append(&database.dml, 1..=2_500).await;
    let sealer = run(&database.dml);
    sealed_reach(&database.dml, 2_500).await;
    sealer.stop().await;
    let verified = audit::verify(&database.dml).await.unwrap();
    assert_eq!((verified.seals, verified.records), (3, 2_500));
}

/// Appends `each` records by each of `writers` at once, in transactions of their own, some rolled back.
async fn write_at_once(pool: &PgPool, writers: u128, each: u128) -> i64 {
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let pool = pool.clone();
        tasks.spawn(async move {
            for number in 0..each {
                let mut transaction = pool.begin().await.unwrap();
                audit::append(&mut transaction, &[record(writer << 32 | number)]).await.unwrap();
                if number.is_multiple_of(7) {
                    transaction.rollback().await.unwrap();
                } else {
                    transaction.commit().await.unwrap();
                }
            }
            each - each.div_ceil(7)
        });
    }
    i64::try_from(tasks.join_all().await.iter().sum::<u128>()).unwrap()
}

#[tokio::test]
async fn of_two_sealers_one_works_and_the_other_takes_over() {
    let database = testkit::database(&MIGRATOR).await;
    let pool = &bench::pool(&database.dml_url);
    let (one, other) = (run(&bench::pool(&database.dml_url)), run(&bench::pool(&database.dml_url)));
    let mut expected = 0;
    for _ in 0..3 {
        expected += write_at_once(pool, 4, 30).await;
        sealed_reach(pool, expected).await;
        let ended: i64 = sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks
             WHERE locktype = 'advisory' AND granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        assert_eq!(ended, 1, "one sealer leads");
    }
    one.stop().await;
    expected += write_at_once(pool, 4, 30).await;
    sealed_reach(pool, expected).await;
    other.stop().await;
    let verified = audit::verify(pool).await.unwrap();
    assert_eq!(i64::try_from(verified.records), Ok(expected));
}

#[tokio::test]
async fn a_sealer_killed_again_and_again_leaves_a_whole_chain() {
    let database = testkit::database(&MIGRATOR).await;
    let pool = &database.dml;
    let mut rng = seeded();
    let mut expected = 0;
    for _ in 0..5 {
        append(pool, 0..5_000).await;
        expected += 5_000;
        let mut process = sealer_process(&database);
        sealed_reach(pool, expected - rng.random_range(1..5_000)).await;
        process.kill().unwrap();
        process.wait().unwrap();
        let verified = audit::verify(pool).await.unwrap();
        assert_eq!(i64::try_from(verified.records + verified.waiting), Ok(expected));
    }
    let sealer = run(pool);
    sealed_reach(pool, expected).await;
    sealer.stop().await;
    assert_eq!(i64::try_from(audit::verify(pool).await.unwrap().records), Ok(expected));
}

/// A sealer in a process of its own: this test binary, started as one.
fn sealer_process(database: &TestDatabase) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["audit::sealer_in_a_process_of_its_own", "--exact", "--ignored"])
        .env(DATABASE_URL, &database.dml_url)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "not a test: the process that a test kills"]
async fn sealer_in_a_process_of_its_own() {
    let url = env::var(DATABASE_URL).expect("invariant: a test has started this process");
    Sealer::new(bench::pool(&url), clock()).run(CancellationToken::new()).await.unwrap();
}

#[tokio::test]
async fn old_seals_are_retired_and_the_rest_verifies() {
    let database = testkit::database(&MIGRATOR).await;
    let pool = &database.dml;
    let years_ago = Arc::new(ManualClock::new(now() - TimeDelta::days(1_000)));
    let sealer = Sealer::new(pool.clone(), years_ago.clone());
    let sealer = Running::start(|stop| sealer.run(stop));
    for seal in 1..=4_u128 {
        append(pool, seal * 2 - 1..=seal * 2).await;
        sealed_reach(pool, i64::try_from(seal * 2).unwrap()).await;
        years_ago.advance(Duration::from_hours(240));
    }
    sealer.stop().await;
    let whole = audit::verify(pool).await.unwrap();

    // Seals are 1000, 990, 980 and 970 days old.
    let before = now() - TimeDelta::days(985);
    assert_eq!(audit::retire(pool, before).await.unwrap(), 4);
    assert_eq!(audit::retire(pool, before).await.unwrap(), 0);
    let verified = audit::verify_noted(pool, &whole.head).await.unwrap();
    assert_eq!((verified.seals, verified.records, verified.origin.number), (2, 4, 2));
    assert_eq!(verified.head, whole.head);

    // A first seal that went without being retired is missed.
    let first = "DELETE FROM platform.audit_record WHERE position IN (5, 6)";
    sqlx::query(first).execute(&database.owner).await.unwrap();
    sqlx::query("DELETE FROM platform.audit_seal WHERE number = 3").execute(&database.owner).await.unwrap();
    assert_eq!(broken(pool).await, Broken::SealMissing { number: 3 });
}

#[tokio::test]
async fn a_chain_that_was_retired_whole_goes_on() {
    let database = testkit::database(&MIGRATOR).await;
    let pool = &database.dml;
    let at = Arc::new(ManualClock::new(now() - TimeDelta::days(1_000)));
    let sealer = Sealer::new(pool.clone(), at.clone());
    let sealer = Running::start(|stop| sealer.run(stop));
    append(pool, 1..=2).await;
    sealed_reach(pool, 2).await;
    assert_eq!(audit::retire(pool, at.now() + TimeDelta::seconds(1)).await.unwrap(), 2);
    append(pool, 3..=4).await;
    sealed_reach(pool, 2).await;
    sealer.stop().await;
    let verified = audit::verify(pool).await.unwrap();
    assert_eq!((verified.origin.number, verified.head.number, verified.records), (1, 2, 2));
}

#[tokio::test]
async fn nothing_of_the_last_year_is_retired() {
    let database = testkit::database(&MIGRATOR).await;
    let pool = &database.dml;
    let sealer = run(pool);
    append(pool, 1..=2).await;
    sealed_reach(pool, 2).await;
    sealer.stop().await;
    assert_eq!(audit::retire(pool, now() - TimeDelta::days(366)).await.unwrap(), 0);
    let error = audit::retire(pool, now() + TimeDelta::days(1)).await.unwrap_err();
    assert!(error.to_string().contains("kept for a year"), "{error}");
    assert_eq!(audit::verify(pool).await.unwrap().records, 2);
}
