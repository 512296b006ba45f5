//! A database to check a crate's queries against: `scripts/prepare`.

use std::{borrow::Cow, path::Path};

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection, migrate::Migrator};
use testkit::folder;

/// Makes the scratch database of `package`, applies the platform's migrations and its own, and prints its URL.
pub async fn database(package: &str) -> Result<()> {
    let services = folder::workspace().join("services");
    let mut migrations = migrations_in(&services.join("platform/migrations")).await?;
    if package != "platform" {
        migrations.extend(migrations_in(&services.join(package).join("migrations")).await?);
    }
    let url = testkit::scratch_database(&format!("scratch_{package}")).await?;
    let mut owner = PgConnection::connect(&url).await?;
    let migrator = Migrator { migrations: Cow::Owned(migrations), ..Migrator::DEFAULT };
    migrator.run(&mut owner).await.context("apply the migrations")?;
    owner.close().await?;
    println!("{url}");
    Ok(())
}

async fn migrations_in(folder: &Path) -> Result<Vec<sqlx::migrate::Migration>> {
    let migrator = Migrator::new(folder).await.with_context(|| format!("read {}", folder.display()))?;
    Ok(migrator.iter().cloned().collect())
}
