//! Who holds which numbers.

use basedata::ids::BranchCode;
use platform::refusal::Failure;
use sqlx::PgConnection;

use crate::domain::{
    holding::{Holding, Taken},
    number::Range,
};

/// How often it is looked again for what others split meanwhile.
const LOOKS_MAX: u32 = 10;

/// The first holding of a batch that was received.
pub async fn insert(conn: &mut PgConnection, kind: &str, holding: &Holding) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO holding (kind, first_number, last_number, branch, batch, line) VALUES ($1, $2, $3, $4, $5, $6)",
        kind,
        holding.range.first,
        holding.range.last,
        holding.branch.as_str(),
        holding.batch,
        holding.line,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks the holdings that share numbers with a range, in order. Whoever waited for another move sees the parts that it has made
/// only when looking again; so it is looked until nothing new is found.
pub async fn lock(conn: &mut PgConnection, kind: &str, range: Range) -> Result<Vec<Holding>, Failure> {
    let mut seen = look(conn, kind, range).await?;
    for _ in 0..LOOKS_MAX {
        let again = look(conn, kind, range).await?;
        if again == seen {
            return Ok(again);
        }
        seen = again;
    }
    Err(Failure::fault("holdings change faster than they can be locked"))
}

async fn look(conn: &mut PgConnection, kind: &str, range: Range) -> Result<Vec<Holding>, sqlx::Error> {
    // Holdings of a kind share no number (VOU-2), so the last that begins before the range is the only one that reaches into it.
    let rows = sqlx::query!(
        "SELECT first_number, last_number, branch, batch, line FROM holding
         WHERE kind = $1 AND first_number <= $3 AND first_number >= coalesce(
             (SELECT max(first_number) FROM holding WHERE kind = $1 AND first_number <= $2), $2)
           AND last_number >= $2
         ORDER BY first_number FOR UPDATE",
        kind,
        range.first,
        range.last,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Holding {
            range: Range { first: row.first_number, last: row.last_number },
            branch: BranchCode::new(row.branch),
            batch: row.batch,
            line: row.line,
        })
        .collect())
}

/// Takes parts out of locked holdings and gives them to a branch, each by its line.
#[expect(clippy::as_conversions, reason = "how sqlx learns the type of a parameter; nothing is converted")]
pub async fn take(
    conn: &mut PgConnection,
    kind: &str,
    taken: &[(Taken, i64)],
    to: &BranchCode,
) -> Result<(), Failure> {
    let gone: Vec<i64> = taken.iter().map(|(taken, _)| taken.holding.range.first).collect();
    let mut held: Vec<Holding> = Vec::new();
    for (Taken { holding, part, left_before, left_after }, line) in taken {
        let left = [*left_before, *left_after].into_iter().flatten();
        held.extend(left.map(|range| Holding { range, ..holding.clone() }));
        held.push(Holding { range: *part, branch: to.clone(), line: *line, batch: holding.batch });
    }
    let deleted = sqlx::query!("DELETE FROM holding WHERE kind = $1 AND first_number = ANY($2)", kind, &gone)
        .execute(&mut *conn)
        .await?;
    if deleted.rows_affected() != u64::try_from(gone.len()).unwrap_or(u64::MAX) {
        return Err(Failure::fault("a locked holding is gone"));
    }
    sqlx::query!(
        "INSERT INTO holding (kind, first_number, last_number, branch, batch, line)
         SELECT $1, * FROM UNNEST($2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])",
        kind,
        &held.iter().map(|holding| holding.range.first).collect::<Vec<_>>(),
        &held.iter().map(|holding| holding.range.last).collect::<Vec<_>>(),
        &held.iter().map(|holding| holding.branch.as_str()).collect::<Vec<_>>() as &[&str],
        &held.iter().map(|holding| holding.batch).collect::<Vec<_>>(),
        &held.iter().map(|holding| holding.line).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Up to `limit` holdings of a kind after a number, by number; of one branch when it is given.
pub async fn list(
    conn: &mut PgConnection,
    kind: &str,
    branch: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<Holding>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT first_number, last_number, branch, batch, line FROM holding
         WHERE kind = $1 AND first_number > $2 AND ($3::text IS NULL OR branch = $3)
         ORDER BY first_number LIMIT $4",
        kind,
        after,
        branch,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Holding {
            range: Range { first: row.first_number, last: row.last_number },
            branch: BranchCode::new(row.branch),
            batch: row.batch,
            line: row.line,
        })
        .collect())
}
