//! Approvals in the database.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use crate::auth::Actor;

/// A request that waits, or waited, for a second person (复核单).
#[derive(Clone, Debug)]
pub struct Approval {
    pub id: Uuid,
    /// `/package.Service/Method`.
    pub method: String,
    pub request_id: Uuid,
    pub digest: Vec<u8>,
    pub request: Vec<u8>,
    pub maker: Actor,
    pub scope: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub state: State,
}

/// Its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Executed { by: Decision, response: Vec<u8> },
    Rejected { by: Decision, reason: String },
}

/// Who decided, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub checker: String,
    pub at: DateTime<Utc>,
}

impl Approval {
    /// `approvals/{uuid}`.
    pub fn name(&self) -> String {
        format!("approvals/{}", self.id)
    }

    /// Whether nobody decided in time.
    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.state == State::Pending && self.expires_at <= now
    }
}

/// Which approvals a list shows.
#[derive(Debug)]
pub struct Filter<'a> {
    /// As it is stored; none for all. Those that expired are stored as pending.
    pub state: Option<&'static str>,
    /// Whether those pending have expired; none for either.
    pub has_expired: Option<bool>,
    pub maker: Option<&'a str>,
    /// None for all.
    pub scopes: Option<&'a [String]>,
    /// The caller, who sees their own requests in every scope.
    pub viewer: &'a str,
}

struct Row {
    id: Uuid,
    method: String,
    request_id: Uuid,
    digest: Vec<u8>,
    request: Vec<u8>,
    maker_identity: Json<Actor>,
    scope: String,
    state: String,
    checker: Option<String>,
    reason: Option<String>,
    response: Option<Vec<u8>>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Approval {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let by = row.checker.zip(row.decided_at).map(|(checker, at)| Decision { checker, at });
        let state = match (row.state.as_str(), by, row.response, row.reason) {
            ("pending", None, None, None) => State::Pending,
            ("executed", Some(by), Some(response), None) => State::Executed { by, response },
            ("rejected", Some(by), None, Some(reason)) => State::Rejected { by, reason },
            (state, ..) => {
                return Err(sqlx::Error::Decode(
                    format!("approval {} is in no state: {state}", row.id).into(),
                ));
            }
        };
        Ok(Approval {
            id: row.id,
            method: row.method,
            request_id: row.request_id,
            digest: row.digest,
            request: row.request,
            maker: row.maker_identity.0,
            scope: row.scope,
            created_at: row.created_at,
            expires_at: row.expires_at,
            state,
        })
    }
}

/// Stores a pending request. False when one with its method, maker and request id exists already.
pub async fn insert(conn: &mut PgConnection, approval: &Approval) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        r#"
        INSERT INTO platform.approval
            (id, method, request_id, digest, request, maker, maker_identity, scope, state, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10)
        ON CONFLICT ON CONSTRAINT approval_request_once DO NOTHING
        "#,
        approval.id,
        approval.method,
        approval.request_id,
        approval.digest,
        approval.request,
        approval.maker.id,
        Json(&approval.maker) as _,
        approval.scope,
        approval.created_at,
        approval.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The approval of a maker's request.
pub async fn find(
    conn: &mut PgConnection,
    method: &str,
    maker: &str,
    request_id: Uuid,
) -> Result<Option<Approval>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id, method, request_id, digest, request, maker_identity AS "maker_identity: Json<Actor>", scope, state,
               checker, reason, response, created_at, expires_at, decided_at
        FROM platform.approval
        WHERE method = $1 AND maker = $2 AND request_id = $3
        "#,
        method,
        maker,
        request_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Approval::try_from).transpose()
}

/// The approval with an id.
pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<Approval>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id, method, request_id, digest, request, maker_identity AS "maker_identity: Json<Actor>", scope, state,
               checker, reason, response, created_at, expires_at, decided_at
        FROM platform.approval
        WHERE id = $1
        "#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Approval::try_from).transpose()
}

/// The approval with an id, locked: others who decide on it wait.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<Approval>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT id, method, request_id, digest, request, maker_identity AS "maker_identity: Json<Actor>", scope, state,
               checker, reason, response, created_at, expires_at, decided_at
        FROM platform.approval
        WHERE id = $1
        FOR UPDATE
        "#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Approval::try_from).transpose()
}

/// Approvals, newest first, after the last of the previous page.
pub async fn page(
    conn: &mut PgConnection,
    filter: &Filter<'_>,
    after: Option<(DateTime<Utc>, Uuid)>,
    now: DateTime<Utc>,
    rows_max: i64,
) -> Result<Vec<Approval>, sqlx::Error> {
    let (after_at, after_id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT id, method, request_id, digest, request, maker_identity AS "maker_identity: Json<Actor>", scope, state,
               checker, reason, response, created_at, expires_at, decided_at
        FROM platform.approval
        WHERE ($1::text IS NULL OR state = $1)
          AND ($2::boolean IS NULL OR (expires_at <= $3) = $2)
          AND ($4::text IS NULL OR maker = $4)
          AND ($5::text[] IS NULL OR scope = '' OR scope = ANY ($5) OR maker = $9)
          AND ($6::timestamptz IS NULL OR (created_at, id) < ($6, $7))
        ORDER BY created_at DESC, id DESC
        LIMIT $8
        "#,
        filter.state,
        filter.has_expired,
        now,
        filter.maker,
        filter.scopes,
        after_at,
        after_id,
        rows_max,
        filter.viewer,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Approval::try_from).collect()
}

/// Stores the decision on a locked approval.
pub async fn decide(conn: &mut PgConnection, id: Uuid, state: &State) -> Result<(), sqlx::Error> {
    let (name, by, reason, response) = match state {
        State::Pending => return Ok(()),
        State::Executed { by, response } => ("executed", by, None, Some(response)),
        State::Rejected { by, reason } => ("rejected", by, Some(reason), None),
    };
    let decided = sqlx::query!(
        r#"
        UPDATE platform.approval
        SET state = $2, checker = $3, decided_at = $4, reason = $5, response = $6
        WHERE id = $1 AND state = 'pending'
        "#,
        id,
        name,
        by.checker,
        by.at,
        reason,
        response,
    )
    .execute(conn)
    .await?;
    match decided.rows_affected() {
        1 => Ok(()),
        _ => Err(sqlx::Error::RowNotFound),
    }
}

/// Deletes approvals that were decided or expired before a time.
pub async fn clear(pool: &PgPool, before: DateTime<Utc>, rows_max: i64) -> Result<u64, sqlx::Error> {
    let cleared =
        sqlx::query_scalar!(r#"SELECT platform.clear_approvals($1, $2) AS "cleared!""#, before, rows_max)
            .fetch_one(pool)
            .await?;
    Ok(cleared.unsigned_abs())
}
