//! Who writes the book: the row in which the leading replica records its address and its session.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// How long the server waits until a session that it has ended is over.
const ENDED_WITHIN_MS: i64 = 500;

/// A session of the database. Its number alone is not enough, because the server reuses numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub pid: i32,
    pub began: DateTime<Utc>,
}

/// What a replica that does not lead sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nobody has led yet.
    Nobody,
    /// The leader is alive, and is reached here.
    Alive { address: String },
    /// The leader was silent. Its session still existed, and has been ended.
    Ended,
    /// The leader was silent, and its session is over or about to be.
    Silent,
}

/// Takes the lead in this session and records it, if no replica holds it. It is one statement: a replica that stops in the
/// middle has either recorded its session, or holds nothing.
pub async fn claim(
    conn: &mut PgConnection,
    lock: &str,
    address: &str,
) -> Result<Option<Session>, sqlx::Error> {
    sqlx::query_as!(
        Session,
        r#"
        WITH lead AS MATERIALIZED (SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS is_held)
        INSERT INTO leader (address, session_pid, session_began, beat_at)
        SELECT $2, own.pid, own.backend_start, clock_timestamp()
        FROM lead CROSS JOIN pg_stat_activity AS own WHERE lead.is_held AND own.pid = pg_backend_pid()
        ON CONFLICT (single) DO UPDATE
            SET address = EXCLUDED.address, session_pid = EXCLUDED.session_pid,
                session_began = EXCLUDED.session_began, beat_at = EXCLUDED.beat_at
        RETURNING session_pid AS pid, session_began AS began
        "#,
        lock,
        address,
    )
    .fetch_optional(conn)
    .await
}

/// Records that the writer of `session` is alive. Returns whether it still leads.
pub async fn beat(conn: &mut PgConnection, session: Session) -> Result<bool, sqlx::Error> {
    let updated = sqlx::query!(
        "UPDATE leader SET beat_at = clock_timestamp() WHERE session_pid = $1 AND session_began = $2",
        session.pid,
        session.began,
    )
    .execute(conn)
    .await?;
    Ok(updated.rows_affected() == 1)
}

/// Looks at the leader, and ends its session when it has been silent for `silence`. A session that is not the leader's any more
/// is left alone.
pub async fn look(conn: &mut PgConnection, silence: Duration) -> Result<Seen, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        SELECT address, beat_at < clock_timestamp() - make_interval(secs => $1) AS "is_silent!",
               CASE WHEN beat_at < clock_timestamp() - make_interval(secs => $1) THEN
                   (SELECT pg_terminate_backend(pid, $2) FROM pg_stat_activity
                    WHERE pid = session_pid AND backend_start = session_began)
               END AS has_ended
        FROM leader
        "#,
        silence.as_secs_f64(),
        ENDED_WITHIN_MS,
    )
    .fetch_optional(conn)
    .await?;
    Ok(match row {
        None => Seen::Nobody,
        Some(row) if row.has_ended == Some(true) => Seen::Ended,
        Some(row) if row.is_silent => Seen::Silent,
        Some(row) => Seen::Alive { address: row.address },
    })
}

/// Whether `session` is over, and with it all that it was doing. A session without a client is ended.
pub async fn is_over(conn: &mut PgConnection, session: Session) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT coalesce((SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity
                         WHERE pid = $1 AND backend_start = $2), true) AS "is_over!"
        "#,
        session.pid,
        session.began,
        ENDED_WITHIN_MS,
    )
    .fetch_one(conn)
    .await
}
