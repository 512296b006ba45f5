//! A fresh database for each test, copied from a template: migrated, which each set of migrations makes once, or founded as well.

mod founded;

use std::{
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use anyhow::{Context, Result};
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use self::founded::Template;
pub(crate) use self::founded::{copy_of, founded};
use crate::{names, shared};

/// The group that migrations grant to, and that every service's own role is a member of.
pub const DML_GROUP: &str = "countinghouse_dml";

/// Owns the tests' databases, as `<service>_owner` does in production.
const OWNER: &str = "test_owner";

/// Uses the tests' databases, as `<service>` does in production.
const USER: &str = "test_user";

/// They log in on a loopback port for the length of a test run; the superuser's password is random.
const PASSWORD: &str = "test";

/// Held while roles, templates and leftovers are set up: by one test process at a time.
const HOUSEKEEPING_LOCK: i64 = 0x636f_756e_7469_6e67;

/// Enough for a test with a few tasks; one that needs more makes a pool of its own from the URL.
const POOL_SIZE_MAX: u32 = 8;

/// A database of one test's own; dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    /// As the role that owns the tables: for what a migration may do.
    pub owner: PgPool,
    /// As the role that the service uses: can do what the migrations grant, and no more.
    pub dml: PgPool,
    pub owner_url: String,
    pub dml_url: String,
    name: String,
    superuser_url: String,
}

/// A fresh database in the shared server, with `migrator` applied.
pub async fn database(migrator: &Migrator) -> TestDatabase {
    let servers = shared::servers().await;
    TestDatabase::in_server(&servers.postgres_url, migrator).await.expect("a database for this test")
}

impl TestDatabase {
    pub(crate) async fn in_server(superuser_url: &str, migrator: &Migrator) -> Result<Self> {
        let mut superuser = connect(superuser_url).await?;
        let template = template(&mut superuser, superuser_url, migrator).await?;
        Self::copy(superuser, superuser_url, &template).await
    }

    async fn copy(mut superuser: PgConnection, superuser_url: &str, template: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t_{}_{}", names::this_process(), COUNT.fetch_add(1, Ordering::Relaxed));
        execute(&mut superuser, format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER}")).await?;
        superuser.close().await?;

        let owner_url = url_as(superuser_url, OWNER, PASSWORD, &name)?;
        let dml_url = url_as(superuser_url, USER, PASSWORD, &name)?;
        Ok(Self {
            owner: pool(&owner_url)?,
            dml: pool(&dml_url)?,
            owner_url,
            dml_url,
            name,
            superuser_url: superuser_url.to_owned(),
        })
    }

    /// Its name in the server.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        block_on_a_thread(async {
            // A server that the test has stopped has nothing to drop.
            let Ok(mut superuser) = PgConnection::connect(&self.superuser_url).await else { return Ok(()) };
            execute(&mut superuser, format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).await
        });
    }
}

/// The name of the template with `migrator` applied, which is made when it is not there.
async fn template(superuser: &mut PgConnection, superuser_url: &str, migrator: &Migrator) -> Result<String> {
    let name = format!("template_{:016x}", digest(migrator));
    lock(superuser).await?;
    prepare_server(superuser).await?;
    if !exists(superuser, &name).await? {
        // Renamed when complete, so that a half-migrated one is never copied.
        let draft = format!("{name}_draft");
        execute(superuser, format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await?;
        execute(superuser, format!("CREATE DATABASE {draft} OWNER {OWNER}")).await?;
        let mut owner = PgConnection::connect(&url_as(superuser_url, OWNER, PASSWORD, &draft)?).await?;
        migrator.run(&mut owner).await.context("apply the migrations")?;
        owner.close().await?;
        execute(superuser, format!("ALTER DATABASE {draft} RENAME TO {name}")).await?;
    }
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(HOUSEKEEPING_LOCK).execute(superuser).await?;
    Ok(name)
}

async fn connect(superuser_url: &str) -> Result<PgConnection> {
    PgConnection::connect(superuser_url).await.context("connect to the tests' Postgres")
}

async fn exists(superuser: &mut PgConnection, database: &str) -> Result<bool> {
    let found = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
    Ok(sqlx::query_scalar(found).bind(database).fetch_one(superuser).await?)
}

async fn lock(superuser: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_lock($1)").bind(HOUSEKEEPING_LOCK).execute(superuser).await?;
    Ok(())
}

/// Makes the roles, and drops the databases of test processes that are gone.
async fn prepare_server(superuser: &mut PgConnection) -> Result<()> {
    let roles: Vec<String> =
        sqlx::query_scalar("SELECT rolname::text FROM pg_roles").fetch_all(&mut *superuser).await?;
    for (role, attributes) in [
        (DML_GROUP, "NOLOGIN".to_owned()),
        (OWNER, format!("LOGIN PASSWORD '{PASSWORD}'")),
        (USER, format!("LOGIN PASSWORD '{PASSWORD}' IN ROLE {DML_GROUP}")),
    ] {
        if !roles.iter().any(|known| known == role) {
            execute(superuser, format!("CREATE ROLE {role} {attributes}")).await?;
        }
    }
    sweep(superuser).await
}

async fn sweep(superuser: &mut PgConnection) -> Result<()> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname LIKE 't\\_%'")
            .fetch_all(&mut *superuser)
            .await?;
    for name in names {
        let belongs_to = name.trim_start_matches("t_").rsplit_once('_').map_or("", |(mark, _)| mark);
        if !names::is_running(belongs_to) {
            execute(superuser, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        }
    }
    Ok(())
}

/// The same for the same migrations, and only for them.
fn digest(migrator: &Migrator) -> u64 {
    let mut hasher = DefaultHasher::new();
    for migration in migrator.iter() {
        (migration.version, &migration.checksum).hash(&mut hasher);
    }
    hasher.finish()
}

/// `url` for another role and database.
fn url_as(url: &str, role: &str, password: &str, database: &str) -> Result<String> {
    let options = PgConnectOptions::from_str(url)?;
    Ok(format!("postgres://{role}:{password}@{}:{}/{database}", options.get_host(), options.get_port()))
}

fn pool(url: &str) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(POOL_SIZE_MAX).connect_lazy(url)?)
}

/// The names in `statement` are made here, of letters, digits and `_`.
async fn execute(connection: &mut PgConnection, statement: String) -> Result<()> {
    connection.execute(AssertSqlSafe(statement.clone())).await.with_context(|| statement)?;
    Ok(())
}

/// Runs `work` to its end from a destructor, which may itself be on a runtime's thread. A failure is printed, and
/// the next run clears what is left.
#[expect(
    clippy::print_stderr,
    reason = "a destructor has nobody to answer to but the reader of the test's output"
)]
pub(crate) fn block_on_a_thread(work: impl Future<Output = Result<()>> + Send) {
    let outcome = thread::scope(|scope| {
        let worker = scope
            .spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work));
        worker.join().unwrap_or_else(|_| anyhow::bail!("the clean-up panicked"))
    });
    if let Err(error) = outcome {
        eprintln!("clean-up after a test: {error:#}");
    }
}
