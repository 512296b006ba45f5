//! Printed batches.

use basedata::ids::{BranchCode, OperatorCode};
use chrono::{DateTime, Utc};
use platform::{db, refusal::Failure};
use sqlx::PgConnection;

use crate::domain::{
    batch::{Batch, NewBatch, value},
    number::Range,
    refusal::Rule,
};

/// Keeps a batch whose numbers are new, and gives its number.
pub async fn insert(conn: &mut PgConnection, batch: &NewBatch, at: DateTime<Utc>) -> Result<Batch, Failure> {
    let Range { first, last } = batch.range;
    let value = value(&batch.kind, batch.range);
    let inserted = sqlx::query_scalar!(
        "INSERT INTO print_batch
             (kind, first_number, last_number, branch, printer, value, received_on, operator, recorded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING number",
        batch.kind.code,
        first,
        last,
        batch.branch.as_str(),
        batch.printer,
        value,
        batch.received_on,
        batch.operator.as_str(),
        at,
    )
    .fetch_one(conn)
    .await;
    match inserted {
        Ok(number) => Ok(Batch {
            number,
            kind: batch.kind.code.clone(),
            range: batch.range,
            branch: batch.branch.clone(),
            printer: batch.printer.clone(),
            value,
            received_on: batch.received_on,
            operator: batch.operator.clone(),
            recorded_at: at,
        }),
        Err(error) if db::constraint(&error) == Some("print_batch_disjoint") => {
            let (first, last) = (batch.kind.text(first), batch.kind.text(last));
            Err(Rule::NumbersReceived { kind: batch.kind.code.clone(), first, last }.at("range").into())
        }
        Err(error) => Err(error.into()),
    }
}

/// One batch.
pub async fn get(conn: &mut PgConnection, number: i64) -> Result<Option<Batch>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT number, kind, first_number, last_number, branch, printer, value, received_on, operator, recorded_at
         FROM print_batch WHERE number = $1",
        number,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Batch {
        number: row.number,
        kind: row.kind,
        range: Range { first: row.first_number, last: row.last_number },
        branch: BranchCode::new(row.branch),
        printer: row.printer,
        value: row.value,
        received_on: row.received_on,
        operator: OperatorCode::new(row.operator),
        recorded_at: row.recorded_at,
    }))
}
