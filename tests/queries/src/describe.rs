//! What Postgres says of a query.

use std::{borrow::Cow, path::Path};

use anyhow::{Context, Result};
use sqlx::{
    AssertSqlSafe, Describe, Executor, PgPool, Postgres, SqlSafeStr,
    migrate::{Migration, Migrator},
};
use testkit::TestDatabase;

use crate::sources::Query;

/// The platform has its own migrations in every service's database.
const PLATFORM: &str = "platform";

/// A database with all migrations of a crate, gone with the value.
pub async fn database(services: &Path, name: &str) -> Result<TestDatabase> {
    let mut migrations = migrations_in(&services.join(PLATFORM).join("migrations")).await?;
    if name != PLATFORM {
        migrations.extend(migrations_in(&services.join(name).join("migrations")).await?);
    }
    let migrator = Migrator { migrations: Cow::Owned(migrations), ..Migrator::DEFAULT };
    Ok(testkit::database(&migrator).await)
}

async fn migrations_in(folder: &Path) -> Result<Vec<Migration>> {
    let migrator = Migrator::new(folder).await.with_context(|| format!("read {}", folder.display()))?;
    Ok(migrator.iter().cloned().collect())
}

/// Its columns, its parameters and what may be NULL.
pub async fn describe(database: &PgPool, query: &Query) -> Result<Describe<Postgres>> {
    let described = database.describe(AssertSqlSafe(query.text.clone()).into_sql_str()).await;
    described.with_context(|| format!("{}: Postgres does not take this query", query.place))
}
