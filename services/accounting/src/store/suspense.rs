//! Suspense items (挂账): written with their batch, read one by one and in lists.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{
    rows::{currency, side},
    text::{from_text, text_of},
};
use crate::domain::{
    ids::{AccountNumber, BranchCode, OperatorCode, PostingNumber, SuspenseNumber},
    recorded::Recorded,
    refusal::Refusal,
    side::Side,
    suspense::{FactIdentity, SuspenseItem, SuspenseLine, SuspenseRecord, SuspenseState},
    transaction::AccountRef,
};

/// Writes items.
#[expect(clippy::as_conversions, reason = "how sqlx learns the type of a parameter; nothing is converted")]
pub async fn append(conn: &mut PgConnection, records: &[SuspenseRecord]) -> Result<(), sqlx::Error> {
    if records.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::default();
    for record in records {
        columns.push(record)?;
    }
    sqlx::query!(
        r#"
        INSERT INTO suspense_item (number, branch, state, posting, line, account, debit, currency, exponent, amount, meant,
                                   refusal, code, service, topic, kind, fact_id, fact_key, fact_time, payload, opened_on,
                                   operator, request_id, traceparent, recorded_at)
        SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::integer[], $6::text[], $7::boolean[],
                             $8::text[], $9::smallint[], $10::numeric[], $11::jsonb[], $12::jsonb[], $13::text[],
                             $14::text[], $15::text[], $16::text[], $17::uuid[], $18::text[], $19::timestamptz[],
                             $20::jsonb[], $21::date[], $22::text[], $23::uuid[], $24::text[], $25::timestamptz[])
        "#,
        &columns.number,
        &columns.branch,
        &columns.state,
        &columns.posting as &[Option<i64>],
        &columns.line as &[Option<i32>],
        &columns.account as &[Option<String>],
        &columns.debit as &[Option<bool>],
        &columns.currency as &[Option<String>],
        &columns.exponent as &[Option<i16>],
        &columns.amount as &[Option<Decimal>],
        &columns.meant as &[Option<Value>],
        &columns.refusal,
        &columns.code,
        &columns.service,
        &columns.topic,
        &columns.kind,
        &columns.fact_id,
        &columns.fact_key,
        &columns.fact_time,
        &columns.payload as &[Option<Value>],
        &columns.opened_on,
        &columns.operator,
        &columns.request_id,
        &columns.traceparent as &[Option<String>],
        &columns.recorded_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The columns of `suspense_item`, for arrays.
#[derive(Default)]
struct Columns {
    number: Vec<i64>,
    branch: Vec<String>,
    state: Vec<String>,
    posting: Vec<Option<i64>>,
    line: Vec<Option<i32>>,
    account: Vec<Option<String>>,
    debit: Vec<Option<bool>>,
    currency: Vec<Option<String>>,
    exponent: Vec<Option<i16>>,
    amount: Vec<Option<Decimal>>,
    meant: Vec<Option<Value>>,
    refusal: Vec<Value>,
    code: Vec<String>,
    service: Vec<String>,
    topic: Vec<String>,
    kind: Vec<String>,
    fact_id: Vec<Uuid>,
    fact_key: Vec<String>,
    fact_time: Vec<DateTime<Utc>>,
    payload: Vec<Option<Value>>,
    opened_on: Vec<NaiveDate>,
    operator: Vec<String>,
    request_id: Vec<Uuid>,
    traceparent: Vec<Option<String>>,
    recorded_at: Vec<DateTime<Utc>>,
}

impl Columns {
    fn push(&mut self, record: &SuspenseRecord) -> Result<(), sqlx::Error> {
        let SuspenseItem { number, branch, state, line, refusal, code, fact, opened_on, opened } =
            &record.item;
        let json =
            |value: serde_json::Result<Value>| value.map_err(|error| sqlx::Error::Encode(error.into()));
        let of_line = line.as_ref();
        let place = of_line.map(|line| i32::try_from(line.line)).transpose();
        self.number.push(number.0);
        self.branch.push(branch.to_string());
        self.state.push(text_of(state));
        self.posting.push(of_line.map(|line| line.posting.0));
        self.line.push(place.map_err(|error| sqlx::Error::Encode(error.into()))?);
        self.account.push(of_line.map(|line| line.account.to_string()));
        self.debit.push(of_line.map(|line| line.side == Side::Debit));
        self.currency.push(of_line.map(|line| line.currency.code().to_owned()));
        self.exponent.push(of_line.map(|line| line.currency.exponent().into()));
        self.amount.push(of_line.map(|line| line.amount));
        self.meant.push(of_line.map(|line| json(serde_json::to_value(&line.meant))).transpose()?);
        self.refusal.push(json(serde_json::to_value(refusal))?);
        self.code.push(code.clone());
        self.service.push(fact.service.clone());
        self.topic.push(fact.topic.clone());
        self.kind.push(fact.kind.clone());
        self.fact_id.push(fact.id);
        self.fact_key.push(fact.key.clone());
        self.fact_time.push(fact.time);
        self.payload.push(record.payload.clone());
        self.opened_on.push(*opened_on);
        self.operator.push(opened.operator.to_string());
        self.request_id.push(opened.request_id);
        self.traceparent.push(opened.traceparent.clone());
        self.recorded_at.push(opened.at);
        Ok(())
    }
}

/// A row of `suspense_item`.
#[derive(Debug)]
struct Row {
    number: i64,
    branch: String,
    state: String,
    posting: Option<i64>,
    line: Option<i32>,
    account: Option<String>,
    debit: Option<bool>,
    currency: Option<String>,
    exponent: Option<i16>,
    amount: Option<Decimal>,
    meant: Option<Json<AccountRef>>,
    refusal: Json<Refusal>,
    code: String,
    service: String,
    topic: String,
    kind: String,
    fact_id: Uuid,
    fact_key: String,
    fact_time: DateTime<Utc>,
    payload: Option<Value>,
    opened_on: NaiveDate,
    operator: String,
    request_id: Uuid,
    traceparent: Option<String>,
    recorded_at: DateTime<Utc>,
}

impl Row {
    fn into_record(mut self) -> Result<SuspenseRecord, sqlx::Error> {
        let line = self.line()?;
        let item = SuspenseItem {
            number: SuspenseNumber(self.number),
            branch: BranchCode::new(self.branch),
            state: from_text(&self.state)?,
            line,
            refusal: self.refusal.0,
            code: self.code,
            fact: FactIdentity {
                service: self.service,
                topic: self.topic,
                kind: self.kind,
                id: self.fact_id,
                key: self.fact_key,
                time: self.fact_time,
            },
            opened_on: self.opened_on,
            opened: Recorded {
                request_id: self.request_id,
                operator: OperatorCode::new(self.operator),
                authoriser: None,
                at: self.recorded_at,
                traceparent: self.traceparent,
            },
        };
        Ok(SuspenseRecord { item, payload: self.payload })
    }

    fn line(&mut self) -> Result<Option<SuspenseLine>, sqlx::Error> {
        let Some(posting) = self.posting else { return Ok(None) };
        let half = || sqlx::Error::Decode(format!("suspense item {} has half a line", self.number).into());
        let line = self.line.and_then(|line| usize::try_from(line).ok()).ok_or_else(half)?;
        let (code, exponent) = self.currency.as_deref().zip(self.exponent).ok_or_else(half)?;
        Ok(Some(SuspenseLine {
            posting: PostingNumber(posting),
            line,
            currency: currency(code, exponent)?,
            side: side(self.debit.ok_or_else(half)?),
            amount: self.amount.ok_or_else(half)?,
            account: self.account.clone().map(AccountNumber::new).ok_or_else(half)?,
            meant: self.meant.clone().ok_or_else(half)?.0,
        }))
    }
}

/// One item.
pub async fn get(conn: &mut PgConnection, number: i64) -> Result<Option<SuspenseRecord>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT number, branch, state, posting, line, account, debit, currency, exponent, amount, meant AS "meant: _",
               refusal AS "refusal: _", code, service, topic, kind, fact_id, fact_key, fact_time, payload, opened_on,
               operator, request_id, traceparent, recorded_at
        FROM suspense_item WHERE number = $1
        "#,
        number,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::into_record).transpose()
}

/// Up to `limit` items below a number, newest first; without what was kept of their facts.
pub async fn list(
    conn: &mut PgConnection,
    branch: Option<&str>,
    state: Option<SuspenseState>,
    below: i64,
    limit: i64,
) -> Result<Vec<SuspenseItem>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT number, branch, state, posting, line, account, debit, currency, exponent, amount, meant AS "meant: _",
               refusal AS "refusal: _", code, service, topic, kind, fact_id, fact_key, fact_time,
               NULL::jsonb AS payload, opened_on, operator, request_id, traceparent, recorded_at
        FROM suspense_item
        WHERE number < $1 AND ($2::text IS NULL OR branch = $2) AND ($3::text IS NULL OR state = $3)
        ORDER BY number DESC LIMIT $4
        "#,
        below,
        branch,
        state.as_ref().map(text_of),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| row.into_record().map(|record| record.item)).collect()
}
