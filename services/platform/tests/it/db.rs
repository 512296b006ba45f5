//! The database: which migrations are missing, what is tried again and how often, and whose lock it is.

use std::{borrow::Cow, path::PathBuf, time::Duration};

use platform::{
    config::Secret,
    db::{self, DbConfig, Work},
    refusal::{Failure, reasons},
};
use sqlx::{Connection, PgConnection, PgPool, error::DatabaseError, migrate::Migrator};
use testkit::{TestDatabase, wait_for};
use tokio::{sync::Barrier, time::timeout};

use crate::support::bench::{BOUND, MIGRATOR};

fn nothing() -> Migrator {
    Migrator { migrations: Vec::new().into(), ..Migrator::DEFAULT }
}

/// A database with two rows to quarrel over.
async fn database() -> TestDatabase {
    let database = testkit::database(&nothing()).await;
    for statement in [
        "CREATE TABLE account (id bigint CONSTRAINT account_pkey PRIMARY KEY, amount bigint NOT NULL)",
        "GRANT SELECT, INSERT, UPDATE ON account TO countinghouse_dml",
        "INSERT INTO account VALUES (1, 0), (2, 0)",
    ] {
        sqlx::query(statement).execute(&database.owner).await.unwrap();
    }
    database
}

fn code(failure: &Failure) -> Option<String> {
    let Failure::Faulted(fault) = failure else { return None };
    let error = fault.downcast_ref::<sqlx::Error>()?.as_database_error()?;
    error.code().map(Cow::into_owned)
}

async fn raise(conn: &mut PgConnection, code: &str) -> Result<(), Failure> {
    sqlx::query("SELECT set_config('test.code', $1, true)").bind(code).execute(&mut *conn).await?;
    let raise =
        "DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = current_setting('test.code'); END $$";
    sqlx::raw_sql(raise).execute(conn).await?;
    Ok(())
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
async fn a_transaction_is_done_whole_or_not_at_all() {
    let database = database().await;
    let done = db::transact(&database.dml, &1, |conn, amount| {
        Box::pin(async move {
            sqlx::query("UPDATE account SET amount = $1 WHERE id = 1").bind(amount).execute(conn).await?;
            Ok(7)
        })
    });
    assert_eq!(done.await.unwrap(), 7);
    let mut attempts = 0;
    let refused = db::transact(&database.dml, &(), |conn, ()| -> Work<'_, ()> {
        attempts += 1;
        Box::pin(async move {
            sqlx::query("UPDATE account SET amount = 2 WHERE id = 1").execute(conn).await?;
            Err(reasons::NOT_FOUND.refuse("no such account").into())
        })
    });
    assert_eq!(refused.await.unwrap_err().refusal().unwrap().reason().name, "NOT_FOUND");
    assert_eq!(attempts, 1, "a refusal is an answer");
    assert_eq!(amounts(&database.dml).await, [1, 0]);
}

#[tokio::test]
async fn what_others_got_in_the_way_of_is_tried_again_a_bounded_number_of_times() {
    let database = database().await;
    for retriable in ["40001", "40P01"] {
        let mut attempts = 0;
        let outcome = db::transact(&database.dml, retriable, |conn, code| {
            attempts += 1;
            Box::pin(raise(conn, code))
        });
        assert_eq!(code(&outcome.await.unwrap_err()).as_deref(), Some(retriable));
        assert_eq!(attempts, 5);

        let mut attempts = 0;
        let outcome = db::transact(&database.dml, retriable, |conn, code| {
            attempts += 1;
            let fails = attempts < 3;
            Box::pin(async move {
                sqlx::query("UPDATE account SET amount = amount + 1 WHERE id = 2")
                    .execute(&mut *conn)
                    .await?;
                if fails { raise(conn, code).await } else { Ok(()) }
            })
        });
        outcome.await.unwrap();
        assert_eq!(attempts, 3);
    }
    assert_eq!(amounts(&database.dml).await, [0, 2], "each took effect once");

    let mut attempts = 0;
    let outcome = db::transact(&database.dml, "23505", |conn, code| {
        attempts += 1;
        Box::pin(raise(conn, code))
    });
    assert_eq!(code(&outcome.await.unwrap_err()).as_deref(), Some("23505"));
    assert_eq!(attempts, 1, "to try again would not help");
}

#[tokio::test]
async fn a_failure_inside_an_error_of_ours_is_tried_again_too() {
    #[derive(Debug, thiserror::Error)]
    #[error("could not be done")]
    struct Wrapped(#[from] sqlx::Error);

    let database = database().await;
    let mut attempts = 0;
    let outcome = db::transact(&database.dml, &(), |conn, ()| {
        attempts += 1;
        let fails = attempts == 1;
        Box::pin(async move {
            if fails {
                let raise = "DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '40001'; END $$";
                sqlx::query(raise).execute(conn).await.map_err(|error| Failure::fault(Wrapped(error)))?;
            }
            Ok(())
        })
    });
    outcome.await.unwrap();
    assert_eq!(attempts, 2);
}

/// Adds to both accounts, in an order; both transactions hold their first lock before either asks for its second.
async fn quarrel(pool: &PgPool, order: [i64; 2], both: &Barrier) -> Result<(), Failure> {
    let mut attempt = 0;
    db::transact(pool, &(order, both), |conn, (order, both)| {
        attempt += 1;
        let is_first = attempt == 1;
        Box::pin(async move {
            for (nth, id) in order.iter().enumerate() {
                sqlx::query("UPDATE account SET amount = amount + 1 WHERE id = $1")
                    .bind(id)
                    .execute(&mut *conn)
                    .await?;
                if is_first && nth == 0 {
                    both.wait().await;
                }
            }
            Ok(())
        })
    })
    .await
}

#[tokio::test]
async fn of_two_that_deadlock_both_are_done_in_the_end() {
    let database = database().await;
    let both = Barrier::new(2);
    let (one, other) =
        tokio::join!(quarrel(&database.dml, [1, 2], &both), quarrel(&database.dml, [2, 1], &both));
    one.unwrap();
    other.unwrap();
    assert_eq!(amounts(&database.dml).await, [2, 2]);
}

/// Sets an account to one more than the sum of all, serializably.
async fn one_more(pool: &PgPool, id: i64, both: &Barrier) -> Result<(), Failure> {
    let mut attempt = 0;
    db::transact(pool, &(id, both), |conn, (id, both)| {
        attempt += 1;
        let is_first = attempt == 1;
        Box::pin(async move {
            sqlx::query("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").execute(&mut *conn).await?;
            let sum: i64 =
                sqlx::query_scalar("SELECT sum(amount)::bigint FROM account").fetch_one(&mut *conn).await?;
            if is_first {
                both.wait().await;
            }
            let set = sqlx::query("UPDATE account SET amount = $1 WHERE id = $2").bind(sum + 1).bind(id);
            set.execute(conn).await?;
            Ok(())
        })
    })
    .await
}

#[tokio::test]
async fn what_fails_only_at_its_commit_is_tried_again() {
    let database = database().await;
    let both = Barrier::new(2);
    let (one, other) = tokio::join!(one_more(&database.dml, 1, &both), one_more(&database.dml, 2, &both));
    one.unwrap();
    other.unwrap();
    let mut amounts = amounts(&database.dml).await;
    amounts.sort_unstable();
    assert_eq!(amounts, [1, 2], "one saw the other");
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
    let database = database().await;
    let error = sqlx::query("INSERT INTO account VALUES (1, 5)")
        .execute(&database.dml)
        .await
        .expect_err("a duplicate");
    assert_eq!(db::constraint(&error), Some("account_pkey"));
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

async fn amounts(pool: &PgPool) -> Vec<i64> {
    sqlx::query_scalar("SELECT amount FROM account ORDER BY id").fetch_all(pool).await.unwrap()
}
