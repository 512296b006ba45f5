//! Holds as read: the last event of each, and the events in order.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{rows::HoldEventRow, text::text_of};
use crate::domain::hold::{Hold, HoldEvent, HoldState};

/// Hold events by number, in order.
pub async fn events_by_numbers(
    conn: &mut PgConnection,
    numbers: &[i64],
) -> Result<Vec<HoldEvent>, sqlx::Error> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query_as!(
        HoldEventRow,
        r#"
        SELECT event.number, event.hold, event.version, event.account_id, account.number AS account, account.currency,
               account.exponent, event.state, event.amount, event.captured, event.remaining, event.purpose,
               event.reference, event.branch, event.placed_by, event.placed_at, event.expires_at, event.request_id,
               event.digest, event.operator, event.posting, event.recorded_at, event.traceparent
        FROM hold_event AS event JOIN account ON account.id = event.account_id
        WHERE event.number = ANY($1) ORDER BY event.number
        "#,
        numbers,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(HoldEventRow::into_event).collect()
}

/// Up to `limit` hold events after a number, in order: the journal as it was written.
pub async fn events_after(
    conn: &mut PgConnection,
    number: i64,
    limit: i64,
) -> Result<Vec<HoldEvent>, sqlx::Error> {
    let rows = sqlx::query_as!(
        HoldEventRow,
        r#"
        SELECT event.number, event.hold, event.version, event.account_id, account.number AS account, account.currency,
               account.exponent, event.state, event.amount, event.captured, event.remaining, event.purpose,
               event.reference, event.branch, event.placed_by, event.placed_at, event.expires_at, event.request_id,
               event.digest, event.operator, event.posting, event.recorded_at, event.traceparent
        FROM hold_event AS event JOIN account ON account.id = event.account_id
        WHERE event.number > $1 ORDER BY event.number LIMIT $2
        "#,
        number,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(HoldEventRow::into_event).collect()
}

/// The number of the last hold event; 0 when there is none.
pub async fn last_event(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let last = sqlx::query_scalar!("SELECT max(number) FROM hold_event").fetch_one(conn).await?;
    Ok(last.unwrap_or(0))
}

/// One hold as it stands.
pub async fn get(conn: &mut PgConnection, hold: i64) -> Result<Option<Hold>, sqlx::Error> {
    let number = sqlx::query_scalar!(
        "SELECT number FROM hold_event WHERE hold = $1 ORDER BY version DESC LIMIT 1",
        hold
    )
    .fetch_optional(&mut *conn)
    .await?;
    let events = events_by_numbers(conn, number.as_slice()).await?;
    Ok(events.into_iter().next().map(|event| event.hold))
}

/// Up to `limit` holds of an account below a number, newest first, as they stand. What it reads grows with the page and not with
/// the history.
pub async fn list(
    conn: &mut PgConnection,
    account_id: i64,
    state: Option<HoldState>,
    below: i64,
    limit: i64,
) -> Result<Vec<Hold>, sqlx::Error> {
    let numbers = match state {
        None => of_account(conn, account_id, below, limit).await?,
        Some(HoldState::Open) => open(conn, account_id, below, limit).await?,
        Some(ended) => having_ended(conn, account_id, ended, below, limit).await?,
    };
    let mut holds: Vec<Hold> =
        events_by_numbers(conn, &numbers).await?.into_iter().map(|event| event.hold).collect();
    holds.sort_by_key(|hold| std::cmp::Reverse(hold.number));
    Ok(holds)
}

/// The last events of an account's holds.
async fn of_account(
    conn: &mut PgConnection,
    account_id: i64,
    below: i64,
    limit: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT DISTINCT ON (hold) number FROM hold_event WHERE account_id = $1 AND hold < $2
        ORDER BY hold DESC, version DESC LIMIT $3
        "#,
        account_id,
        below,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The last events of those that are open.
async fn open(
    conn: &mut PgConnection,
    account_id: i64,
    below: i64,
    limit: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT last.number
        FROM (
            SELECT hold FROM open_hold WHERE account_id = $1 AND hold < $2 ORDER BY hold DESC LIMIT $3
        ) AS page
        CROSS JOIN LATERAL (
            SELECT number FROM hold_event WHERE hold_event.hold = page.hold ORDER BY version DESC LIMIT 1
        ) AS last
        "#,
        account_id,
        below,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The events with which holds ended in a state.
async fn having_ended(
    conn: &mut PgConnection,
    account_id: i64,
    state: HoldState,
    below: i64,
    limit: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT number FROM hold_event
        WHERE account_id = $1 AND state = $2 AND state <> 'open' AND hold < $3 ORDER BY hold DESC LIMIT $4
        "#,
        account_id,
        text_of(&state),
        below,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Up to `limit` holds that have lapsed and are still recorded as open.
pub async fn due(conn: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT hold FROM open_hold WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
        now,
        limit,
    )
    .fetch_all(conn)
    .await
}
