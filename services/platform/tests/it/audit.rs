//! The audit's chain: sealed soon, whole under every fault, and broken by every kind of tampering.

use std::{
    borrow::Cow,
    env,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use platform::{
    audit::{self, AuditRecord, Broken, Head, Outcome, Sealer, VerifyError},
    clock::{Clock, ManualClock},
};
use rand::Rng;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool, error::DatabaseError};
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

async fn append(pool: &PgPool, numbers: impl IntoIterator<Item = u128>) {
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

fn run(pool: &PgPool) -> Running<std::convert::Infallible> {
    let sealer = Sealer::new(pool.clone(), clock());
    Running::start(|stop| sealer.run(stop))
}

/// Where the chain is broken.
async fn broken(pool: &PgPool) -> Broken {
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

/// A chain of three seals with three records each, whose tables can be put back as they were.
struct Chain {
    database: TestDatabase,
    /// After each seal.
    heads: Vec<Head>,
}

impl Chain {
    async fn new() -> Chain {
        let database = testkit::database(&MIGRATOR).await;
        let mut heads = Vec::new();
        let sealer = run(&database.dml);
        for seal in 1..=3_u128 {
            append(&database.dml, seal * 3 - 2..=seal * 3).await;
            sealed_reach(&database.dml, i64::try_from(seal * 3).unwrap()).await;
            heads.push(audit::verify(&database.dml).await.unwrap().head);
        }
        sealer.stop().await;
        let chain = Chain { database, heads };
        // Whoever tampers would do as much.
        chain.owner("ALTER TABLE platform.audit_record ALTER position DROP IDENTITY").await;
        for table in TABLES {
            chain.owner(&format!("CREATE TABLE kept_{table} AS TABLE platform.{table}")).await;
        }
        assert_eq!(chain.heads.iter().map(|head| head.number).collect::<Vec<_>>(), [1, 2, 3]);
        chain
    }

    async fn owner(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&self.database.owner)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Tampers, checks what is found, and puts everything back.
    async fn finds(&self, tampering: &str, expected: &Broken) {
        self.owner(tampering).await;
        assert_eq!(&broken(&self.database.dml).await, expected, "{tampering}");
        self.restore().await;
    }

    async fn restore(&self) {
        for table in TABLES {
            self.owner(&format!(
                "TRUNCATE platform.{table}; INSERT INTO platform.{table} TABLE kept_{table}"
            ))
            .await;
        }
        audit::verify(&self.database.dml).await.expect("everything is as it was");
    }
}

const TABLES: [&str; 4] = ["audit_record", "audit_waiting", "audit_seal", "audit_origin"];

/// Seal 2, which holds the records 4 to 6: an approved one, one that is neither, an approved refusal.
const UNFIT: Broken = Broken::SealUnfit { number: 2, first: 4, last: 6 };

#[tokio::test]
async fn a_change_of_any_column_of_a_record_is_found() {
    let chain = Chain::new().await;
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns
         WHERE table_schema = 'platform' AND table_name = 'audit_record' ORDER BY ordinal_position",
    )
    .fetch_all(&chain.database.owner)
    .await
    .unwrap();
    assert_eq!(columns.len(), 12);
    for column in columns {
        let changes: &[&str] = match column.as_str() {
            "position" => {
                chain
                    .finds(
                        "UPDATE platform.audit_record SET position = 50 WHERE position = 5",
                        &Broken::RecordMissing { number: 2, position: 5 },
                    )
                    .await;
                continue;
            }
            "at" => &["at = at + interval '1 microsecond'"],
            "actor" => &["actor = 'T110102'", "actor = actor || '/', method = substr(method, 2)"],
            "approver" => &["approver = coalesce(approver, '') || 'x'", "approver = ''"],
            "method" => &["method = method || ' '"],
            "resource" => &["resource = 'drawers/7'"],
            "scope" => &["scope = ''"],
            "outcome" => &["outcome = 'refused', reason = 'NO_ROOM'"],
            "reason" => &["reason = 'NO_DRAWER', outcome = 'refused'"],
            "request_id" => &["request_id = NULL", "request_id = gen_random_uuid()"],
            "correlation_id" => &["correlation_id = gen_random_uuid()"],
            "detail" => &["detail = 'null'", "detail = detail || '{\"after\": [1.50, null, true]}'"],
            other => panic!("{other} is not tested"),
        };
        for change in changes {
            chain
                .finds(&format!("UPDATE platform.audit_record SET {change} WHERE position = 5"), &UNFIT)
                .await;
        }
    }
    let approved = "UPDATE platform.audit_record SET approver = NULL WHERE position = 4";
    chain.finds(approved, &UNFIT).await;
    let refused = "UPDATE platform.audit_record SET outcome = 'done', reason = NULL WHERE position = 6";
    chain.finds(refused, &UNFIT).await;
}

#[tokio::test]
async fn records_that_were_deleted_inserted_or_swapped_are_found() {
    let chain = Chain::new().await;
    let swap = |one: i64, other: i64| {
        format!(
            "UPDATE platform.audit_record SET position = -1 WHERE position = {one};
             UPDATE platform.audit_record SET position = {one} WHERE position = {other};
             UPDATE platform.audit_record SET position = {other} WHERE position = -1"
        )
    };
    chain.finds(&swap(4, 5), &UNFIT).await;
    chain.finds(&swap(4, 9), &UNFIT).await;
    for (position, number) in [(1, 1), (5, 2), (9, 3)] {
        let delete = format!("DELETE FROM platform.audit_record WHERE position = {position}");
        chain.finds(&delete, &Broken::RecordMissing { number, position }).await;
    }
    let copy = |position: i64| {
        format!(
            "INSERT INTO platform.audit_record
             SELECT {position}, at, actor, approver, method, resource, scope, outcome, reason, request_id,
                    correlation_id, detail
             FROM platform.audit_record WHERE position = 5"
        )
    };
    chain.finds(&copy(0), &Broken::RecordOutside { position: 0 }).await;
    chain.finds(&copy(10), &Broken::RecordOutside { position: 10 }).await;
    let into_the_past = "UPDATE platform.audit_seal SET positions = '{0, 4, 5, 6}' WHERE number = 2";
    chain
        .finds(&format!("{}; {into_the_past}", copy(0)), &Broken::SealUnfit { number: 2, first: 0, last: 6 })
        .await;
    let sealed_twice = "INSERT INTO platform.audit_waiting VALUES (5, now())";
    chain.finds(sealed_twice, &Broken::RecordRepeated { position: 5, times: 2 }).await;
    let unsealed_and_gone = "INSERT INTO platform.audit_waiting VALUES (10, now())";
    chain.finds(unsealed_and_gone, &Broken::WaitingMissing { position: 10 }).await;
}

#[tokio::test]
async fn seals_that_were_changed_or_deleted_are_found() {
    let chain = Chain::new().await;
    for change in [
        "sealed_at = sealed_at - interval '1 microsecond'",
        "hash = decode(repeat('ab', 32), 'hex')",
        "positions = '{5, 4, 6}'",
        "positions = '{4, 5}'",
    ] {
        let last = if change.ends_with("5}'") { 5 } else { 6 };
        chain
            .finds(
                &format!("UPDATE platform.audit_seal SET {change} WHERE number = 2"),
                &Broken::SealUnfit { number: 2, first: 4, last },
            )
            .await;
    }
    for number in [1, 2] {
        let delete = format!("DELETE FROM platform.audit_seal WHERE number = {number}");
        chain.finds(&delete, &Broken::SealMissing { number }).await;
    }
    chain
        .finds("DELETE FROM platform.audit_seal WHERE number = 3", &Broken::RecordOutside { position: 7 })
        .await;
    let renumbered = "DELETE FROM platform.audit_seal WHERE number = 2;
                      UPDATE platform.audit_seal SET number = 2 WHERE number = 3";
    chain.finds(renumbered, &Broken::SealUnfit { number: 2, first: 7, last: 9 }).await;
    let another_start = "UPDATE platform.audit_origin SET hash = decode(repeat('ab', 32), 'hex')";
    chain.finds(another_start, &Broken::SealUnfit { number: 1, first: 1, last: 3 }).await;
}

#[tokio::test]
async fn a_chain_that_was_cut_off_or_written_anew_no_longer_has_the_head_that_was_noted() {
    let chain = Chain::new().await;
    let pool = &chain.database.dml;
    for head in &chain.heads {
        audit::verify_noted(pool, head).await.unwrap();
    }
    let noted = chain.heads[2];
    chain
        .owner(
            "DELETE FROM platform.audit_seal WHERE number = 3;
             DELETE FROM platform.audit_record WHERE position > 6",
        )
        .await;
    audit::verify(pool).await.expect("the chain alone cannot show it");
    let error = audit::verify_noted(pool, &noted).await.unwrap_err();
    assert!(matches!(error, VerifyError::Broken(Broken::HeadUnknown { number: 3 })), "{error}");
    chain.restore().await;

    // Seals 2 and 3 are taken back, a record is changed, and the sealer is left to chain it anew.
    chain
        .owner(
            "INSERT INTO platform.audit_waiting SELECT position, at FROM platform.audit_record WHERE position > 3;
             DELETE FROM platform.audit_seal WHERE number > 1;
             UPDATE platform.audit_record SET actor = 'T999999' WHERE position = 5",
        )
        .await;
    let sealer = run(pool);
    sealed_reach(pool, 9).await;
    sealer.stop().await;
    let verified = audit::verify_noted(pool, &chain.heads[0]).await.unwrap();
    assert_eq!(verified.records, 9);
    let error = audit::verify_noted(pool, &chain.heads[1]).await.unwrap_err();
    assert!(matches!(error, VerifyError::Broken(Broken::HeadUnknown { number: 2 })), "{error}");
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

/// A sealer in a process of its own: this test binary, told to be one.
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
