//! The database: which migrations are missing, what may be tried again and how often, and whose lock it is.

use std::{borrow::Cow, path::PathBuf, time::Duration};

use platform::{
    config::Secret,
    db::{self, DbConfig, Retries},
    refusal::{Failure, reasons},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, error::DatabaseError, migrate::Migrator};
use testkit::wait_for;
use tokio::time::timeout;

use crate::support::bench::{BOUND, MIGRATOR};

fn nothing() -> Migrator {
    Migrator { migrations: Vec::new().into(), ..Migrator::DEFAULT }
}

/// An error of that code, as Postgres gives it.
async fn raised(pool: &PgPool, code: &str) -> sqlx::Error {
    let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{code}'; END $$");
    sqlx::raw_sql(AssertSqlSafe(raise)).execute(pool).await.unwrap_err()
}

/// How often what keeps failing so is repeated.
async fn repeated(failure: &Failure) -> u32 {
    let (mut retries, mut repeats) = (Retries::default(), 0);
    while retries.may_repeat(failure) {
        retries.wait().await;
        repeats += 1;
    }
    repeats
}

#[tokio::test]
async fn migrations_that_have_not_run_are_named() {
    let database = testkit::database(&nothing()).await;
    let all = db::migrator(&nothing());
    sqlx::query("DROP TABLE _sqlx_migrations").execute(&database.owner).await.unwrap();
    let pending = db::pending(&database.dml, &all).await.unwrap();
    assert_eq!(pending.len(), all.iter().count());
    assert_eq!(pending[0], "0001 facts");

    let first = Migrator { migrations: all.migrations[..1].to_vec().into(), ..Migrator::DEFAULT };
    db::migrate(&database.owner, &first).await.unwrap();
    let pending = db::pending(&database.owner, &all).await.unwrap();
    assert_eq!(pending.first().map(String::as_str), Some("0002 audit"));

    db::migrate(&database.owner, &all).await.unwrap();
    assert_eq!(db::pending(&database.owner, &all).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn the_service_can_tell_whether_migrations_are_missing() {
    let database = testkit::database(&MIGRATOR).await;
    let pending = db::pending(&database.dml, &db::migrator(&nothing())).await.unwrap();
    assert_eq!(pending, Vec::<String>::new());
}

#[tokio::test]
async fn a_services_migrations_come_after_the_platforms() {
    let one = MIGRATOR.iter().next().unwrap().clone();
    let own = sqlx::migrate::Migration { version: 1001, ..one };
    let service = Migrator { migrations: vec![own].into(), ..Migrator::DEFAULT };
    let versions: Vec<i64> = db::migrator(&service).iter().map(|migration| migration.version).collect();
    assert!(versions.is_sorted());
    assert_eq!((versions.first(), versions.last()), (Some(&1), Some(&1001)));
}

#[tokio::test]
async fn what_others_got_in_the_way_of_may_be_repeated_a_bounded_number_of_times() {
    let database = testkit::database(&nothing()).await;
    for (code, repeats) in [("40001", 4), ("40P01", 4), ("23505", 0), ("57014", 0)] {
        let error = raised(&database.dml, code).await;
        assert_eq!(error.as_database_error().and_then(DatabaseError::code).as_deref(), Some(code));
        assert_eq!(repeated(&error.into()).await, repeats, "{code}");
    }
    assert_eq!(repeated(&reasons::NOT_FOUND.refuse("a refusal is an answer").into()).await, 0);
    assert_eq!(repeated(&sqlx::Error::PoolTimedOut.into()).await, 0);
}

#[tokio::test]
async fn a_failure_inside_an_error_of_ours_may_be_repeated_too() {
    #[derive(Debug, thiserror::Error)]
    #[error("could not be done")]
    struct Wrapped(#[from] sqlx::Error);

    let database = testkit::database(&nothing()).await;
    let failure = Failure::fault(Wrapped(raised(&database.dml, "40001").await));
    assert_eq!(repeated(&failure).await, 4);
}

#[tokio::test]
async fn a_lock_is_one_sessions_until_it_ends() {
    let database = testkit::database(&nothing()).await;
    let mut one = PgConnection::connect(&database.dml_url).await.unwrap();
    let mut other = PgConnection::connect(&database.dml_url).await.unwrap();
    assert!(db::try_lock(&mut one, "work").await.unwrap());
    assert!(!db::try_lock(&mut other, "work").await.unwrap());
    assert!(db::try_lock(&mut other, "other work").await.unwrap());
    one.close().await.unwrap();
    wait_for(BOUND, "the lock", || async {
        let mut again = PgConnection::connect(&database.dml_url).await.ok()?;
        db::try_lock(&mut again, "work").await.ok()?.then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_error_names_its_constraint() {
    let database = testkit::database(&MIGRATOR).await;
    let error = sqlx::query("INSERT INTO platform.audit_origin (number, hash) VALUES (1, '')")
        .execute(&database.owner)
        .await
        .expect_err("a second origin");
    assert_eq!(db::constraint(&error), Some("audit_origin_hash_size"));
    assert_eq!(db::constraint(&sqlx::Error::RowNotFound), None);
}

fn config(url: &str) -> DbConfig {
    DbConfig {
        url: Secret::new(url),
        user: String::new(),
        password: Secret::default(),
        tls_mode: String::new(),
        tls_ca_file: PathBuf::new(),
        connections_max: 1,
        acquire_timeout_ms: 50,
        statement_timeout_ms: 50,
    }
}

#[tokio::test]
async fn statements_and_waits_for_a_connection_are_bounded() {
    let database = testkit::database(&nothing()).await;
    let pool = db::connect(&DbConfig { acquire_timeout_ms: 60_000, ..config(&database.dml_url) }).unwrap();
    let slow = timeout(BOUND, sqlx::query("SELECT pg_sleep(600)").execute(&pool)).await.unwrap().unwrap_err();
    let code = slow.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned);
    assert_eq!(code.as_deref(), Some("57014"), "{slow}");
    drop(pool);

    let pool = db::connect(&DbConfig { acquire_timeout_ms: 60_000, ..config(&database.dml_url) }).unwrap();
    let held = pool.acquire().await.unwrap();
    let waiting = timeout(Duration::from_millis(20), pool.acquire()).await;
    assert!(waiting.is_err(), "there is one connection");
    drop(held);
    pool.acquire().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_away_does_not_stop_the_start() {
    let pool = db::connect(&config("postgres://nobody:x@127.0.0.1:1/none")).unwrap();
    pool.acquire().await.unwrap_err();
    let error = db::connect(&config("no url")).unwrap_err();
    assert!(matches!(error, sqlx::Error::Configuration(_)), "{error}");
}
