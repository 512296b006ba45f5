//! What is read of holds grows with those that are open, and not with the history.

use accounting::{
    domain::hold::HoldState,
    store::{holds, load},
};
use chrono::{DateTime, TimeDelta, Utc};
use platform::clock::Clock;
use sqlx::PgConnection;

use crate::support::{BankFixture, people::TELLER};

/// Holds that were placed and released, two events each: every other one of the account, and the rest of many.
const ENDED: i32 = 50_000;
/// Of the holds of the account, those that are open.
const OPEN: i64 = 5;
/// Holds of other accounts that are open.
const OPEN_ELSEWHERE: i64 = 100;
const PAGE: i64 = 20;

/// Rows, and entries of indices, that reading a hold may take: its last event by an index, the event again by its number, the
/// account; several times that, for the plan follows statistics that are gathered meanwhile. The history is a thousand times more.
const READ_FOR_EACH: i64 = 50;

/// An account with a long history of holds, and `OPEN` that are open.
async fn account_with_history(bank: &BankFixture) -> i64 {
    let name = bank.open_account(TELLER, "C1").await;
    let owner = &bank.database.owner;
    let id: i64 = sqlx::query_scalar("SELECT id FROM account WHERE 'accounts/' || number = $1")
        .bind(&name)
        .fetch_one(owner)
        .await
        .unwrap();
    // The holds of other accounts have no account of theirs, which nobody asks for here.
    sqlx::query(
        "INSERT INTO hold_event (number, hold, version, account_id, state, amount, captured, remaining, purpose, reference,
                                 branch, placed_by, placed_at, expires_at, request_id, digest, operator, recorded_at)
         SELECT row_number() OVER (ORDER BY hold, version), hold, version,
                CASE WHEN hold > $2 + $3 OR (hold <= $2 AND hold % 2 = 0) THEN $1 + 1000 + hold % 1000 ELSE $1 END,
                CASE version WHEN 1 THEN 'open' ELSE 'released' END, 1, 0, 2 - version, 'x', '', '110100', 'T110101', now(),
                $5, gen_random_uuid(), decode(repeat('00', 32), 'hex'), 'T110101', now()
         FROM generate_series(1, $2 + $3 + $4) AS hold, generate_series(1, 2) AS version
         WHERE version = 1 OR hold <= $2",
    )
    .bind(id)
    .bind(i64::from(ENDED))
    .bind(OPEN)
    .bind(OPEN_ELSEWHERE)
    .bind(bank.clock.now() + TimeDelta::hours(1))
    .execute(owner)
    .await
    .unwrap();
    // As autovacuum does it: rows that were deleted are read once more at most.
    sqlx::query("VACUUM ANALYZE hold_event, open_hold").execute(owner).await.unwrap();
    id
}

/// Rows of the tables of holds and entries of their indices that this transaction has read so far.
async fn read_so_far(conn: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))::bigint
         FROM pg_class WHERE relname LIKE 'hold\\_event%' OR relname LIKE 'open\\_hold%'",
    )
    .fetch_one(conn)
    .await
    .unwrap()
}

async fn due(conn: &mut PgConnection, now: DateTime<Utc>) -> usize {
    holds::due(conn, now, 500).await.unwrap().len()
}

#[tokio::test]
async fn a_long_history_of_holds_is_not_read() {
    let mut bank = BankFixture::open().await;
    let account = account_with_history(&bank).await;
    // Nobody writes anything down meanwhile.
    bank.harness().stop().await;
    let now = bank.clock.now();
    let mut transaction = bank.database.dml.begin().await.unwrap();
    let conn = &mut *transaction;
    let mut before = 0;
    let mut reads = async |conn: &mut PgConnection| {
        let after = read_so_far(conn).await;
        after - std::mem::replace(&mut before, after)
    };

    assert_eq!(due(conn, now).await, 0);
    assert_eq!(reads(conn).await, 0, "nothing is due, and nothing is read");
    let later = now + TimeDelta::hours(2);
    assert_eq!(due(conn, later).await, usize::try_from(OPEN + OPEN_ELSEWHERE).unwrap());
    assert!(reads(conn).await <= (OPEN + OPEN_ELSEWHERE) * READ_FOR_EACH);

    let states = load::states(conn, &[account]).await.unwrap();
    assert_eq!(states[0].holds.len(), usize::try_from(OPEN).unwrap());
    let read = reads(conn).await;
    assert!(read <= OPEN * READ_FOR_EACH, "{read} for the open holds");

    for (state, count) in [
        (None, PAGE),
        (Some(HoldState::Open), OPEN),
        (Some(HoldState::Released), PAGE),
        (Some(HoldState::Captured), 0),
    ] {
        let page = holds::list(conn, account, state, i64::MAX, PAGE).await.unwrap();
        assert_eq!(i64::try_from(page.len()), Ok(count), "{state:?}");
        assert!(page.is_sorted_by_key(|hold| std::cmp::Reverse(hold.number)));
        let read = reads(conn).await;
        assert!(read <= PAGE * READ_FOR_EACH, "{read} for a page of {state:?}");
    }
    let below = i64::from(ENDED) / 2;
    let page = holds::list(conn, account, None, below, PAGE).await.unwrap();
    assert_eq!(page[0].number.0, below - 1);
    assert!(reads(conn).await <= PAGE * READ_FOR_EACH);
}

#[tokio::test]
async fn which_holds_are_open_follows_the_journal_and_nobody_else() {
    let bank = BankFixture::open().await;
    account_with_history(&bank).await;
    let differing: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT hold, account_id, expires_at FROM (
                 SELECT DISTINCT ON (hold) * FROM hold_event ORDER BY hold, version DESC
             ) AS last WHERE state = 'open'
         ) AS journal FULL JOIN open_hold USING (hold, account_id, expires_at)
         WHERE journal.hold IS NULL OR open_hold.hold IS NULL",
    )
    .fetch_one(&bank.database.dml)
    .await
    .unwrap();
    assert_eq!(differing, 0);
    for statement in ["DELETE FROM open_hold", "UPDATE open_hold SET account_id = 1", "TRUNCATE open_hold"] {
        let error = sqlx::query(statement).execute(&bank.database.dml).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{statement}: {error}");
    }
}
