//! The database: pool, migrations, and when a transaction is tried again.

use std::{borrow::Cow, path::PathBuf, time::Duration};

use opentelemetry::{KeyValue, global};
use serde::{Deserialize, Serialize};
use sqlx::{
    PgConnection, PgPool,
    error::DatabaseError,
    migrate::{Migrate, MigrateError, Migration, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{backoff::Backoff, config::Secret, refusal::Failure};

/// How often a transaction is tried that fails because of concurrent ones.
const ATTEMPTS_MAX: u32 = 5;
/// Rows that one statement clears of what is kept for a time: few enough that its locks and its log are gone in milliseconds.
pub const ROWS_CLEARED_MAX: i64 = 5_000;

/// How long it waits before it is tried again: first, and at most.
const RETRY_WAIT_MIN: Duration = Duration::from_millis(5);
const RETRY_WAIT_MAX: Duration = Duration::from_millis(200);

/// Where the database is, and the pool's bounds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DbConfig {
    /// `postgres://user:password@host:port/database`, for the role that reads and writes rows.
    pub url: Secret,
    /// The role, over that in `url`, for Secrets that hold it apart; empty for that in `url`.
    #[serde(default)]
    pub user: String,
    /// The role's password, over that in `url`; empty for that in `url`.
    #[serde(default)]
    pub password: Secret,
    /// How far TLS is required, as `sslmode` in `url`: `disable`, `allow`, `prefer`, `require`, `verify-ca`,
    /// `verify-full`; empty for what `url` says.
    #[serde(default)]
    pub tls_mode: String,
    /// The authorities (PEM) that the server's certificate is trusted by; empty for what `url` says.
    #[serde(default)]
    pub tls_ca_file: PathBuf,
    /// Connections at most.
    pub connections_max: u32,
    /// How long a call waits for a connection.
    pub acquire_timeout_ms: u64,
    /// How long a statement may take before Postgres ends it.
    pub statement_timeout_ms: u64,
}

impl DbConfig {
    /// How to connect.
    pub fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let mut options: PgConnectOptions = self.url.expose().parse()?;
        if !self.user.is_empty() {
            options = options.username(&self.user);
        }
        if !self.password.expose().is_empty() {
            options = options.password(self.password.expose());
        }
        if !self.tls_mode.is_empty() {
            options = options.ssl_mode(self.tls_mode.parse()?);
        }
        if !self.tls_ca_file.as_os_str().is_empty() {
            options = options.ssl_root_cert(&self.tls_ca_file);
        }
        let timeout = self.statement_timeout_ms.to_string();
        Ok(options.options([("statement_timeout", timeout.as_str())]))
    }
}

/// Opens the pool. Connections are made when they are needed, so a database that is away does not stop the start.
pub fn connect(config: &DbConfig) -> Result<PgPool, sqlx::Error> {
    Ok(PgPoolOptions::new()
        .max_connections(config.connections_max)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .connect_lazy_with(config.options()?))
}

/// Records how many connections of a pool are in use, for as long as the process lives.
pub fn observe(pool: &PgPool, name: &'static str) {
    let meter = global::meter("countinghouse.db");
    let named = || KeyValue::new("db.client.connection.pool.name", name);
    let state = |state: &'static str| [named(), KeyValue::new("db.client.connection.state", state)];
    let (used, idle, observed) = (state("used"), state("idle"), pool.clone());
    meter
        .i64_observable_up_down_counter("db.client.connection.count")
        .with_unit("{connection}")
        .with_description("connections to the database, by state")
        .with_callback(move |observer| {
            let all = i64::from(observed.size());
            let at_rest = i64::try_from(observed.num_idle()).unwrap_or(all).min(all);
            observer.observe(all - at_rest, &used);
            observer.observe(at_rest, &idle);
        })
        .build();
    let (max, named) = (i64::from(pool.options().get_max_connections()), [named()]);
    meter
        .i64_observable_up_down_counter("db.client.connection.max")
        .with_unit("{connection}")
        .with_description("connections to the database at most")
        .with_callback(move |observer| observer.observe(max, &named))
        .build();
}

/// The platform's own migrations, numbered below 1000; a service's begin at 1001.
static PLATFORM: Migrator = sqlx::migrate!("./migrations");

/// All migrations of a service: the platform's, then its own.
pub fn migrator(service: &Migrator) -> Migrator {
    let migrations: Vec<Migration> = PLATFORM.iter().chain(service.iter()).cloned().collect();
    Migrator { migrations: Cow::Owned(migrations), ..Migrator::DEFAULT }
}

/// Runs the migrations that have not run, as the role that owns the tables. They grant what services need to the group
/// `countinghouse_dml`, of which a service's own role is a member.
pub async fn migrate(owner: &PgPool, migrator: &Migrator) -> Result<(), MigrateError> {
    migrator.run(owner).await
}

/// The migrations that have not run. A service does not serve while there are any.
pub async fn pending(pool: &PgPool, migrator: &Migrator) -> Result<Vec<String>, MigrateError> {
    let mut conn = pool.acquire().await?;
    let applied = match conn.list_applied_migrations("_sqlx_migrations").await {
        Ok(applied) => applied,
        Err(MigrateError::Execute(error)) if is_missing_table(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(migrator
        .iter()
        .filter(|migration| applied.iter().all(|done| done.version != migration.version))
        .map(|migration| format!("{:04} {}", migration.version, migration.description))
        .collect())
}

fn is_missing_table(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("42P01"))
}

/// Whether and when to retry a transaction that Postgres ended because of concurrent ones: 40001 serialization failure, 40P01
/// deadlock. A bounded number of times.
#[derive(Debug)]
pub struct Retries {
    left: u32,
    backoff: Backoff,
}

impl Default for Retries {
    fn default() -> Self {
        Self { left: ATTEMPTS_MAX - 1, backoff: Backoff::new(RETRY_WAIT_MIN, RETRY_WAIT_MAX) }
    }
}

impl Retries {
    /// Whether the transaction that failed so may be tried once more.
    pub fn may_repeat(&mut self, failure: &Failure) -> bool {
        let error = failure.database_error().and_then(sqlx::Error::as_database_error);
        let code = error.and_then(DatabaseError::code);
        let is_others_fault = matches!(code.as_deref(), Some("40001" | "40P01"));
        is_others_fault && self.left.checked_sub(1).inspect(|left| self.left = *left).is_some()
    }

    /// Waits before the next try.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.backoff.wait()).await;
    }
}

/// The name of the constraint that an error speaks of.
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}

/// Takes the advisory lock of a name for the session, if it is free. It is held until the session ends, and so proves that the
/// session which held it before has ended.
pub async fn try_lock(conn: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS "held!""#, name)
        .fetch_one(conn)
        .await
}
