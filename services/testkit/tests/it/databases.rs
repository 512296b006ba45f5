use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool, migrate::Migrator};
use testkit::{PrivatePostgres, TestDatabase, database, wait_for};

static MIGRATOR: Migrator = sqlx::migrate!("tests/it/migrations");

const BOUND: Duration = Duration::from_secs(30);

async fn note(pool: &PgPool, text: &str) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO note (text) VALUES ($1)").bind(text).execute(pool).await.map(|_| ())
}

async fn notes(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT text FROM note ORDER BY id").fetch_all(pool).await
}

#[tokio::test]
async fn each_test_has_a_migrated_database_of_its_own() {
    let (one, other) = tokio::join!(database(&MIGRATOR), database(&MIGRATOR));
    note(&one.dml, "mine").await.unwrap();

    assert_eq!(notes(&one.dml).await.unwrap(), ["mine"]);
    assert!(notes(&other.dml).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_services_role_has_what_the_migrations_grant_and_no_more() {
    let database = database(&MIGRATOR).await;
    note(&database.dml, "kept").await.unwrap();

    let refused = sqlx::query("DELETE FROM note").execute(&database.dml).await.unwrap_err();
    assert_eq!(
        refused.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(),
        Some("42501")
    );
    assert!(sqlx::query("CREATE TABLE other (id int)").execute(&database.dml).await.is_err());
    sqlx::query("DELETE FROM note").execute(&database.owner).await.unwrap();
}

#[tokio::test]
async fn a_database_is_gone_with_its_value() {
    let TestDatabaseTraces { url, .. } = traces(database(&MIGRATOR).await).await;

    let refused = PgConnection::connect(&url).await.unwrap_err();
    assert_eq!(
        refused.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(),
        Some("3D000")
    );
}

struct TestDatabaseTraces {
    url: String,
}

async fn traces(database: TestDatabase) -> TestDatabaseTraces {
    note(&database.dml, "used").await.unwrap();
    TestDatabaseTraces { url: database.owner_url.clone() }
}

#[tokio::test]
async fn a_private_server_keeps_what_was_committed_through_a_kill_and_a_stop() {
    let server = PrivatePostgres::start().await;
    let database = server.database(&MIGRATOR).await;
    note(&database.dml, "before the kill").await.unwrap();

    server.kill().await;
    assert!(PgConnection::connect(&database.dml_url).await.is_err());
    server.start_again().await;
    wait_for(BOUND, "the pool to have a live connection", || async {
        note(&database.dml, "after the kill").await.ok()
    })
    .await;

    server.stop().await;
    server.start_again().await;
    let kept =
        wait_for(BOUND, "the pool to have a live connection", || async { notes(&database.dml).await.ok() })
            .await;
    assert_eq!(kept, ["before the kill", "after the kill"]);
}
