//! Requests that are repeated: at once, later, changed, and after a failure.

use std::sync::Arc;

use platform::{
    db,
    idempotency::{self, Claim, Digest, RESPONSE_BYTES_MAX},
    refusal::{Failure, reasons},
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use testkit::{TestDatabase, wait_for};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::bench::{BOUND, MIGRATOR, now};

const METHOD: &str = "/countinghouse.test.v1.DrawerService/OpenDrawer";
const REPEATS: usize = 64;

/// A database with a table whose rows are the effects of a use case.
async fn database() -> TestDatabase {
    let database = testkit::database(&MIGRATOR).await;
    for statement in [
        "CREATE TABLE drawer (number bigserial PRIMARY KEY, request_id uuid NOT NULL)",
        "GRANT SELECT, INSERT ON drawer TO countinghouse_dml",
        "GRANT USAGE ON SEQUENCE drawer_number_seq TO countinghouse_dml",
    ] {
        sqlx::query(statement).execute(&database.owner).await.unwrap();
    }
    database
}

fn digest_of(content: &str) -> Digest {
    idempotency::digest("T110101", &content.to_owned())
}

/// A use case: opens a drawer and answers with its number. Refused when told so, after the effect.
async fn open_drawer(pool: &PgPool, id: Uuid, content: &str, refused: bool) -> Result<Vec<u8>, Failure> {
    let digest = digest_of(content);
    db::transact(pool, &(id, digest), |conn, (id, digest)| {
        Box::pin(async move {
            if let Claim::Answered(answer) = idempotency::claim(conn, *id, METHOD, digest, now()).await? {
                return Ok(answer);
            }
            let number: i64 =
                sqlx::query_scalar("INSERT INTO drawer (request_id) VALUES ($1) RETURNING number")
                    .bind(id)
                    .fetch_one(&mut *conn)
                    .await?;
            if refused {
                return Err(reasons::NOT_FOUND.refuse("no room for a drawer").into());
            }
            let answer = format!("drawer {number}").into_bytes();
            idempotency::keep(conn, *id, &answer).await?;
            Ok(answer)
        })
    })
    .await
}

async fn drawers(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM drawer").fetch_one(pool).await.unwrap()
}

/// The reason for which it was refused.
fn refused<T>(outcome: Result<T, Failure>) -> &'static str {
    let failure = outcome.err().expect("a failure");
    failure.refusal().expect("a refusal").reason().name
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_has_no_effect() {
    let database = database().await;
    let id = Uuid::from_u128(1);
    let first = open_drawer(&database.dml, id, "big", false).await.unwrap();
    let repeat = open_drawer(&database.dml, id, "big", false).await.unwrap();
    assert_eq!((first.as_slice(), repeat.as_slice()), (&b"drawer 1"[..], &b"drawer 1"[..]));
    assert_eq!(drawers(&database.dml).await, 1);
}

#[tokio::test]
async fn the_same_id_for_something_else_is_refused() {
    let database = database().await;
    let id = Uuid::from_u128(1);
    open_drawer(&database.dml, id, "big", false).await.unwrap();
    assert_eq!(refused(open_drawer(&database.dml, id, "small", false).await), "REQUEST_ID_REUSED");

    let mut conn = database.dml.acquire().await.unwrap();
    let other_method = idempotency::claim(&mut conn, id, "/other", &digest_of("big"), now()).await;
    assert_eq!(refused(other_method), "REQUEST_ID_REUSED");
    let other_caller = idempotency::digest("T110102", &"big".to_owned());
    assert_eq!(
        refused(idempotency::claim(&mut conn, id, METHOD, &other_caller, now()).await),
        "REQUEST_ID_REUSED"
    );
    assert_eq!(drawers(&database.dml).await, 1);
}

#[tokio::test]
async fn of_64_repeats_at_once_one_runs_and_all_get_its_answer() {
    let database = database().await;
    let connections = u32::try_from(REPEATS).unwrap();
    let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(BOUND);
    let pool = pool.connect(&database.dml_url).await.unwrap();
    // Something of the same id is in hand, so that all 64 stand at the unique key together before one of them runs.
    let id = Uuid::from_u128(7);
    let mut in_hand = database.owner.begin().await.unwrap();
    let claim = idempotency::claim(&mut in_hand, id, METHOD, &digest_of("big"), now()).await.unwrap();
    assert_eq!(claim, Claim::New);
    let pool = Arc::new(pool);
    let mut repeats = JoinSet::new();
    for _ in 0..REPEATS {
        let pool = Arc::clone(&pool);
        repeats.spawn(async move { open_drawer(&pool, id, "big", false).await });
    }
    wait_for(BOUND, "all repeats to stand at the key", || async {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted
               AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())",
        )
        .fetch_one(&database.dml)
        .await
        .ok()?;
        (waiting == i64::from(connections)).then_some(())
    })
    .await;
    in_hand.rollback().await.unwrap();

    let answers = repeats.join_all().await;
    assert_eq!(answers.len(), REPEATS);
    for answer in answers {
        assert_eq!(answer.unwrap(), b"drawer 1");
    }
    assert_eq!(drawers(&database.dml).await, 1);
}

#[tokio::test]
async fn what_was_refused_is_decided_anew() {
    let database = database().await;
    let id = Uuid::from_u128(1);
    assert_eq!(refused(open_drawer(&database.dml, id, "big", true).await), "NOT_FOUND");
    assert_eq!(drawers(&database.dml).await, 0);
    open_drawer(&database.dml, id, "big, and now there is room", false).await.unwrap();
    assert_eq!(drawers(&database.dml).await, 1);
}

#[tokio::test]
async fn no_request_commits_without_its_answer() {
    let database = database().await;
    let id = Uuid::from_u128(1);
    let mut transaction = database.dml.begin().await.unwrap();
    let claim = idempotency::claim(&mut transaction, id, METHOD, &digest_of("big"), now()).await.unwrap();
    assert_eq!(claim, Claim::New);
    let error = transaction.commit().await.unwrap_err();
    assert_eq!(db::constraint(&error), Some("request_answered"));
    open_drawer(&database.dml, id, "big", false).await.unwrap();
}

#[tokio::test]
async fn an_answer_is_kept_once_for_a_claimed_request_and_is_bounded() {
    let database = database().await;
    let id = Uuid::from_u128(1);
    let mut transaction = database.dml.begin().await.unwrap();
    let unclaimed = idempotency::keep(&mut transaction, id, b"answer").await.unwrap_err();
    assert!(unclaimed.refusal().is_none(), "a fault of ours");
    let claim = idempotency::claim(&mut transaction, id, METHOD, &digest_of("big"), now()).await.unwrap();
    assert_eq!(claim, Claim::New);
    idempotency::keep(&mut transaction, id, &vec![7; RESPONSE_BYTES_MAX]).await.unwrap();
    idempotency::keep(&mut transaction, id, b"another").await.unwrap_err();
    transaction.commit().await.unwrap();

    let mut transaction = database.dml.begin().await.unwrap();
    let id = Uuid::from_u128(2);
    let claim = idempotency::claim(&mut transaction, id, METHOD, &digest_of("big"), now()).await.unwrap();
    assert_eq!(claim, Claim::New);
    let too_large = idempotency::keep(&mut transaction, id, &vec![7; RESPONSE_BYTES_MAX + 1]).await;
    assert!(too_large.unwrap_err().refusal().is_none(), "a fault of ours");
}

#[test]
fn a_request_id_is_a_uuid() {
    let id = Uuid::from_u128(7);
    assert_eq!(idempotency::request_id(&id.to_string()).unwrap(), id);
    for text in ["", "7", "00000000-0000-0000-0000-000000000000", "not-a-uuid\0"] {
        let refusal = idempotency::request_id(text).unwrap_err();
        assert_eq!(refusal.reason().name, "REQUEST_ID_MISSING");
        assert_eq!(refusal.field_violations()[0].field, "request_id");
    }
}

#[test]
fn a_digest_tells_callers_and_contents_apart() {
    let of = |actor: &str, content: &str| idempotency::digest(actor, &content.to_owned());
    assert_eq!(of("a", "b"), of("a", "b"));
    assert_ne!(of("a", "b"), of("a", "c"));
    assert_ne!(of("a", "b"), of("c", "b"));
    // "\n\u{1}b" is how the message with "b" is encoded: what moves from one to the other does not go unseen.
    assert_ne!(of("a", "b"), of("a\n\u{1}b", ""));
}
