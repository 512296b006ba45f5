//! Registers: effective-dated, versioned records (channels, kinds, rules, rates ...), generic over what they say.
//!
//! What a record says, and which change is allowed, is the service's own; the crate `dated` has versions and dates as values. Here
//! they are kept: appended, and read as of a date or with their history. A change locks its register, so that the numbers of versions
//! have no gap. It is made under approval, as the policy of its rpc says.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, Utc};
use dated::{Change, Content, Register, Version};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    command::Tx,
    refusal::{Refusal, Rule, Violation, field_invalid, reasons},
};

/// What is kept in a register.
pub trait Record: Content + Serialize + DeserializeOwned + Send + Sync + Unpin + 'static {
    /// The name of its register, unique in the service. Never changed once deployed.
    fn register(&self) -> String;
}

/// A version with what its history keeps of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<C> {
    pub version: Version<C>,
    pub reason: String,
    pub maker: String,
    /// The second person; none where one person may set up a register.
    pub checker: Option<String>,
    pub request_id: Uuid,
    pub recorded_at: DateTime<Utc>,
}

/// What stands of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<C> {
    /// The version that was made last, whatever date it holds from.
    pub latest: Entry<C>,
    /// The version in force on a date, and those that come into force later, in the order of their dates.
    pub versions: Vec<Version<C>>,
}

/// A change that was decided: each record before and after, and the register after the change.
#[derive(Clone, Debug)]
pub struct Changed<C> {
    pub changes: Vec<Change<C>>,
    pub register: Register<C>,
}

/// Decides on a change of a register, all of it or none: each record is checked against the register with the earlier ones applied.
///
/// `on` is the open business date. A change must hold from a later date; a new record, which no decision has used yet, may also hold
/// from this one. `field` is the request's list of records, and `check` the service's own rule, which names fields from the record on.
pub fn decide<C: Content + Clone, R: Rule>(
    mut register: Register<C>,
    field: &str,
    records: &[(NaiveDate, C)],
    on: NaiveDate,
    check: impl Fn(&Register<C>, NaiveDate, &C) -> Result<(), Violation<R>>,
) -> Result<Changed<C>, Refusal> {
    let mut named = HashSet::new();
    let mut changes = Vec::with_capacity(records.len());
    for (place, (effective_date, content)) in records.iter().enumerate() {
        let (item, code) = (format!("{field}[{place}]"), content.code());
        let is_new = register.of(&code).next().is_none();
        if *effective_date < on || (*effective_date == on && !is_new) {
            let rule = format!("{effective_date} is not after business date {on}");
            return Err(reasons::EFFECTIVE_DATE_PAST
                .refuse(rule.clone())
                .field(format!("{item}.effective_date"), rule)
                .with("effective_date", effective_date.to_string())
                .with("business_date", on.to_string()));
        }
        check(&register, *effective_date, content).map_err(|broken| broken.of_item(&item).to_refusal())?;
        if !named.insert((code.clone(), *effective_date)) {
            return Err(field_invalid(item, format!("sets {code} from {effective_date} a second time")));
        }
        let change = register.change(*effective_date, content.clone());
        register.insert(Arc::new(change.after.clone()));
        changes.push(change);
    }
    Ok(Changed { changes, register })
}

/// Locks a register until the transaction ends: its changes come one after the other.
pub async fn lock(conn: &mut PgConnection, register: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('platform.register/' || $1, 0))", register)
        .fetch_one(conn)
        .await?;
    Ok(())
}

/// Keeps a change that a use case has decided, as made by its call.
pub async fn keep<C: Record + Clone>(
    tx: &mut Tx<'_>,
    changes: &[Change<C>],
    reason: &str,
) -> Result<(), sqlx::Error> {
    let (call, now) = (tx.call(), tx.now());
    let entries: Vec<Entry<C>> = changes
        .iter()
        .map(|change| Entry {
            version: change.after.clone(),
            reason: reason.to_owned(),
            maker: call.caller.actor.id.clone(),
            checker: call.caller.approver.as_ref().map(|checker| checker.id.clone()),
            request_id: call.request_id.unwrap_or_default(),
            recorded_at: now,
        })
        .collect();
    append(tx.conn(), &entries).await
}

/// Appends versions, whatever registers they are in, and locks those: who [locks](lock) a register sees no change of it.
#[expect(clippy::as_conversions, reason = "how sqlx learns the type of a parameter; nothing is converted")]
pub async fn append<C: Record>(conn: &mut PgConnection, entries: &[Entry<C>]) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let registers: BTreeSet<String> = entries.iter().map(|entry| entry.version.content.register()).collect();
    for register in &registers {
        lock(conn, register).await?;
    }
    let contents = entries.iter().map(|entry| serde_json::to_value(&entry.version.content));
    let contents: Vec<serde_json::Value> =
        contents.collect::<Result<_, _>>().map_err(|error| sqlx::Error::Encode(error.into()))?;
    let versions = || entries.iter().map(|entry| &entry.version);
    sqlx::query!(
        r#"
        INSERT INTO platform.register_version
            (register, code, version, effective_date, content, reason, maker, checker, request_id, recorded_at)
        SELECT * FROM UNNEST($1::text[], $2::text[], $3::integer[], $4::date[], $5::jsonb[], $6::text[], $7::text[],
                             $8::text[], $9::uuid[], $10::timestamptz[])
        "#,
        &versions().map(|version| version.content.register()).collect::<Vec<_>>(),
        &versions().map(|version| version.content.code()).collect::<Vec<_>>(),
        &versions().map(|version| version.version).collect::<Vec<_>>(),
        &versions().map(|version| version.effective_date).collect::<Vec<_>>(),
        &contents,
        &entries.iter().map(|entry| entry.reason.clone()).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.maker.clone()).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.checker.clone()).collect::<Vec<_>>() as &[Option<String>],
        &entries.iter().map(|entry| entry.request_id).collect::<Vec<_>>(),
        &entries.iter().map(|entry| entry.recorded_at).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All versions of all records of some registers, in the order in which they were made.
pub async fn load<C: Record>(
    conn: &mut PgConnection,
    registers: &[String],
) -> Result<Vec<Version<C>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT version, effective_date, content FROM platform.register_version
           WHERE register = ANY($1) ORDER BY recorded_at, register, code, version"#,
        registers,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| version(row.version, row.effective_date, row.content)).collect()
}

/// The version of a record in force on a date.
pub async fn in_force<C: Record>(
    conn: &mut PgConnection,
    register: &str,
    code: &str,
    on: NaiveDate,
) -> Result<Option<Version<C>>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT version, effective_date, content FROM platform.register_version
           WHERE register = $1 AND code = $2 AND effective_date <= $3
           ORDER BY effective_date DESC, version DESC LIMIT 1"#,
        register,
        code,
        on,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| version(row.version, row.effective_date, row.content)).transpose()
}

/// Up to `limit` records of a register in force on a date after a code, by code.
pub async fn list<C: Record>(
    conn: &mut PgConnection,
    register: &str,
    on: NaiveDate,
    after: &str,
    limit: i64,
) -> Result<Vec<Version<C>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (code) version, effective_date, content FROM platform.register_version
           WHERE register = $1 AND effective_date <= $2 AND code > $3
           ORDER BY code, effective_date DESC, version DESC LIMIT $4"#,
        register,
        on,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| version(row.version, row.effective_date, row.content)).collect()
}

/// Up to `limit` versions of a record below a version, newest first.
pub async fn history<C: Record>(
    conn: &mut PgConnection,
    register: &str,
    code: &str,
    below: i32,
    limit: i64,
) -> Result<Vec<Entry<C>>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT version, effective_date, content, reason, maker, checker, request_id, recorded_at
           FROM platform.register_version
           WHERE register = $1 AND code = $2 AND version < $3 ORDER BY version DESC LIMIT $4"#,
        register,
        code,
        below,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::decode).collect()
}

/// What stands of up to `limit` records of a register after a code, by code. None when there are no more.
pub async fn standing_after<C: Record + Clone>(
    conn: &mut PgConnection,
    register: &str,
    on: NaiveDate,
    after: &str,
    limit: i64,
) -> Result<Vec<Standing<C>>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT version, effective_date, content, reason, maker, checker, request_id, recorded_at
           FROM platform.register_version
           WHERE register = $1 AND code IN (
               SELECT DISTINCT code FROM platform.register_version
               WHERE register = $1 AND code > $2 ORDER BY code LIMIT $3
           )
           ORDER BY code, version"#,
        register,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let entries: Vec<Entry<C>> = rows.into_iter().map(Row::decode).collect::<Result<_, _>>()?;
    let register: Register<C> = entries.iter().map(|entry| entry.version.clone()).collect();
    let mut standing: Vec<Standing<C>> = Vec::new();
    for latest in entries {
        let code = latest.version.content.code();
        let known = standing.last_mut().filter(|record| record.latest.version.content.code() == code);
        if let Some(record) = known {
            record.latest = latest;
        } else {
            let versions = register.standing(&code, on).cloned().collect();
            standing.push(Standing { latest, versions });
        }
    }
    Ok(standing)
}

/// A version as the table has it.
struct Row {
    version: i32,
    effective_date: NaiveDate,
    content: serde_json::Value,
    reason: String,
    maker: String,
    checker: Option<String>,
    request_id: Uuid,
    recorded_at: DateTime<Utc>,
}

impl Row {
    fn decode<C: Record>(self) -> Result<Entry<C>, sqlx::Error> {
        Ok(Entry {
            version: version(self.version, self.effective_date, self.content)?,
            reason: self.reason,
            maker: self.maker,
            checker: self.checker,
            request_id: self.request_id,
            recorded_at: self.recorded_at,
        })
    }
}

fn version<C: Record>(
    version: i32,
    effective_date: NaiveDate,
    content: serde_json::Value,
) -> Result<Version<C>, sqlx::Error> {
    let content = serde_json::from_value(content).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Version { version, effective_date, content })
}
