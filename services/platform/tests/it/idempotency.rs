//! Requests and their kept answers. How a command uses them is tested with the commands.

use platform::{
    call::{self, Digest},
    db,
    idempotency::{self, Claim, RESPONSE_BYTES_MAX},
    refusal::Failure,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::support::bench::{MIGRATOR, now};

const METHOD: &str = "countinghouse.test.v1.DrawerService/OpenDrawer";

const ID: Uuid = Uuid::from_u128(1);

fn digest_of(content: &str) -> Digest {
    blake3::hash(content.as_bytes()).into()
}

async fn claim(conn: &mut PgConnection, id: Uuid, method: &str, content: &str) -> Result<Claim, Failure> {
    idempotency::claim(conn, id, method, &digest_of(content), now()).await
}

#[tokio::test]
async fn a_repeat_finds_the_first_answer_and_nobody_else_does() {
    let database = testkit::database(&MIGRATOR).await;
    let mut transaction = database.dml.begin().await.unwrap();
    assert_eq!(claim(&mut transaction, ID, METHOD, "big").await.unwrap(), Claim::New);
    idempotency::keep(&mut transaction, ID, b"drawer 1").await.unwrap();
    transaction.commit().await.unwrap();

    let mut conn = database.dml.acquire().await.unwrap();
    let repeat = claim(&mut conn, ID, METHOD, "big").await.unwrap();
    assert_eq!(repeat, Claim::Answered(b"drawer 1".to_vec()));
    // The digest covers the caller too.
    for (method, content) in [(METHOD, "small"), ("countinghouse.test.v1.DrawerService/Other", "big")] {
        let failure = claim(&mut conn, ID, method, content).await.unwrap_err();
        let refusal = failure.refusal().expect("a refusal");
        assert_eq!(refusal.reason().name, "REQUEST_ID_REUSED");
        assert_eq!(refusal.field_violations()[0].field, "request_id");
    }
}

#[tokio::test]
async fn what_was_rolled_back_is_claimed_again() {
    let database = testkit::database(&MIGRATOR).await;
    for content in ["big", "big, and now there is room"] {
        let mut transaction = database.dml.begin().await.unwrap();
        assert_eq!(claim(&mut transaction, ID, METHOD, content).await.unwrap(), Claim::New);
        idempotency::keep(&mut transaction, ID, b"answer").await.unwrap();
        transaction.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn no_request_commits_without_its_answer() {
    let database = testkit::database(&MIGRATOR).await;
    let mut transaction = database.dml.begin().await.unwrap();
    assert_eq!(claim(&mut transaction, ID, METHOD, "big").await.unwrap(), Claim::New);
    let error = transaction.commit().await.unwrap_err();
    assert_eq!(db::constraint(&error), Some("request_answered"));
    let mut transaction = database.dml.begin().await.unwrap();
    assert_eq!(claim(&mut transaction, ID, METHOD, "big").await.unwrap(), Claim::New);
}

#[tokio::test]
async fn an_answer_is_kept_once_for_a_claimed_request_and_is_bounded() {
    let database = testkit::database(&MIGRATOR).await;
    let mut transaction = database.dml.begin().await.unwrap();
    let unclaimed = idempotency::keep(&mut transaction, ID, b"answer").await.unwrap_err();
    assert!(unclaimed.refusal().is_none(), "a fault of ours");
    assert_eq!(claim(&mut transaction, ID, METHOD, "big").await.unwrap(), Claim::New);
    idempotency::keep(&mut transaction, ID, &vec![7; RESPONSE_BYTES_MAX]).await.unwrap();
    idempotency::keep(&mut transaction, ID, b"another").await.unwrap_err();
    transaction.commit().await.unwrap();

    let mut transaction = database.dml.begin().await.unwrap();
    let id = Uuid::from_u128(2);
    assert_eq!(claim(&mut transaction, id, METHOD, "big").await.unwrap(), Claim::New);
    let too_large = idempotency::keep(&mut transaction, id, &vec![7; RESPONSE_BYTES_MAX + 1]).await;
    assert!(too_large.unwrap_err().refusal().is_none(), "a fault of ours");
}

#[test]
fn a_request_id_is_a_uuid() {
    assert_eq!(call::request_id(&ID.to_string()).unwrap(), ID);
    for text in ["", "7", "00000000-0000-0000-0000-000000000000", "not-a-uuid\0"] {
        let refusal = call::request_id(text).unwrap_err();
        assert_eq!(refusal.reason().name, "REQUEST_ID_MISSING");
        assert_eq!(refusal.field_violations()[0].field, "request_id");
    }
}
