//! What is kept for long enough goes, and nothing else does.

use std::{convert::Infallible, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use platform::{
    audit::{self, Sealer},
    clock::ManualClock,
    idempotency::{self, Claim},
    inbox,
    lifecycle::{Ending, Lifecycle},
    outbox::{self, OutboxSource},
    relay::{Delivered, FactSource},
    retention::{self, AUDIT_DAYS_MIN, Cleared, Retention},
};
use sqlx::PgPool;
use testkit::wait_for;
use uuid::Uuid;

use crate::{
    audit::{record, sealed_reach},
    support::bench::{BOUND, MIGRATOR, Running, note, now},
};

async fn answer(pool: &PgPool, id: u128, at: DateTime<Utc>) {
    let id = Uuid::from_u128(id);
    let mut transaction = pool.begin().await.unwrap();
    assert_eq!(idempotency::claim(&mut transaction, id, "m", &[0; 32], at).await.unwrap(), Claim::New);
    idempotency::keep(&mut transaction, id, b"answer").await.unwrap();
    transaction.commit().await.unwrap();
}

/// A request that nobody decided on.
async fn lapsed(pool: &PgPool, id: u128, at: DateTime<Utc>) {
    sqlx::query(
        "INSERT INTO platform.approval
             (id, method, request_id, digest, request, maker, maker_identity, scope, state, created_at, expires_at)
         VALUES ($1, 'm', $1, decode(repeat('00', 32), 'hex'), '', 'T1', '{}', '', 'pending', $2, $3)",
    )
    .bind(Uuid::from_u128(id))
    .bind(at - TimeDelta::hours(1))
    .bind(at)
    .execute(pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn only_what_is_done_with_is_cleared() {
    let database = testkit::database(&MIGRATOR).await;
    let pool = &database.dml;
    let (now, retention) = (now(), Retention::default());
    let ago = |days: u32| now - TimeDelta::days(i64::from(days)) - TimeDelta::seconds(1);
    let mut conn = pool.acquire().await.unwrap();
    outbox::append(&mut conn, &[note(1, "k", 1), note(2, "k", 2), note(3, "k", 3)]).await.unwrap();
    let delivered = |position| Delivered { positions: vec![position], through: None };
    OutboxSource.confirm(&mut conn, &delivered(1), ago(retention.outbox_days)).await.unwrap();
    OutboxSource.confirm(&mut conn, &delivered(2), now).await.unwrap();
    inbox::mark(&mut conn, "ledger", &[Uuid::from_u128(1)], ago(retention.inbox_days)).await.unwrap();
    inbox::mark(&mut conn, "ledger", &[Uuid::from_u128(2)], now).await.unwrap();
    for replayed_at in [Some(ago(retention.dead_letter_days)), Some(now), None] {
        sqlx::query(
            "INSERT INTO platform.dead_letter
                 (handler, topic, partition, record_offset, header_names, header_values, reason, failed_at, replayed_at)
             VALUES ('ledger', 't', 0, 0, '{}', '{}', 'none', $1, $2)",
        )
        .bind(ago(retention.dead_letter_days))
        .bind(replayed_at)
        .execute(&mut *conn)
        .await
        .unwrap();
    }
    answer(pool, 1, ago(retention.request_days)).await;
    answer(pool, 2, now).await;
    for (at, sealed) in [(ago(retention.audit_days), 1), (now, 2)] {
        let sealer = Sealer::new(pool.clone(), Arc::new(ManualClock::new(at)));
        let sealer = Running::start(|stop| sealer.run(stop));
        audit::append(&mut conn, &[record(1)]).await.unwrap();
        sealed_reach(pool, sealed).await;
        sealer.stop().await;
    }

    lapsed(pool, 1, ago(retention.approval_days)).await;
    lapsed(pool, 2, now).await;

    let cleared = retention::sweep(pool, &retention, now).await.unwrap();
    let one_each =
        Cleared { outbox: 1, inbox: 1, dead_letters: 1, requests: 1, approvals: 1, audit_records: 1 };
    assert_eq!(cleared, one_each);
    assert_eq!(retention::sweep(pool, &retention, now).await.unwrap(), Cleared::default());
    let left: Vec<i64> =
        OutboxSource.pending(&mut conn, 0, 10).await.unwrap().iter().map(|(position, _)| *position).collect();
    assert_eq!(left, [3]);
}

#[tokio::test]
async fn what_is_to_be_kept_for_ever_is_kept() {
    let database = testkit::database(&MIGRATOR).await;
    let facts = [Uuid::from_u128(1)];
    let mut conn = database.dml.acquire().await.unwrap();
    inbox::mark(&mut conn, "ledger", &facts, now() - TimeDelta::days(10_000)).await.unwrap();
    let retention = Retention { inbox_days: u32::MAX, audit_days: u32::MAX, ..Retention::default() };
    let cleared = retention::sweep(&database.dml, &retention, now()).await.unwrap();
    assert_eq!(cleared, Cleared::default());
}

#[test]
fn audit_that_is_to_go_within_a_year_is_refused() {
    let read = |days: u32| serde_json::from_value::<Retention>(serde_json::json!({ "audit_days": days }));
    assert_eq!(read(AUDIT_DAYS_MIN).unwrap().audit_days, AUDIT_DAYS_MIN);
    let error = read(AUDIT_DAYS_MIN - 1).unwrap_err().to_string();
    assert!(error.contains("audit_days is 365, and must be at least 366"), "{error}");
}

#[tokio::test]
async fn the_job_clears_more_than_one_statement_may_and_stops_with_the_process() {
    let database = testkit::database(&MIGRATOR).await;
    let (pool, now) = (&database.dml, now());
    let marks = 12_000;
    let facts: Vec<Uuid> = (0..marks).map(Uuid::from_u128).collect();
    let long_ago = now - TimeDelta::days(400);
    inbox::mark(&mut pool.acquire().await.unwrap(), "ledger", &facts, long_ago).await.unwrap();
    let clock = Arc::new(ManualClock::new(now));
    let job = pool.clone();
    let life = Lifecycle::new();
    let stop = life.soft();
    life.spawn("retention", async move {
        retention::run(job, Retention::default(), clock, stop).await;
        Ok::<(), Infallible>(())
    });
    let cleared = wait_for(BOUND, "the marks to be cleared", || async {
        let left: i64 =
            sqlx::query_scalar("SELECT count(*) FROM platform.inbox").fetch_one(pool).await.ok()?;
        (left == 0).then_some(())
    });
    assert_eq!(life.run_until(cleared, BOUND).await, Ending::Drained);
}
