//! Templates that hold more than migrations make: what a fixture founds with many calls, once for all the tests that start from it.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use anyhow::{Result, ensure};
use sqlx::{Connection, PgConnection, migrate::Migrator};

use super::{TestDatabase, connect, digest, execute, exists};
use crate::shared;

/// A session that is ended is gone at once, unless its machine is very busy.
const ENDED_WITHIN_MS: i64 = 30_000;

/// A database to copy. It stays for the next run of the same test program.
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
}

/// The database that `found` makes, as a template: made when this build of the test program has not made it yet with these migrations
/// and this content. Of several tests or processes that come at once, one makes it.
pub(crate) async fn founded(
    migrator: &Migrator,
    name: &str,
    content: &[u8],
    found: impl AsyncFnOnce() -> TestDatabase,
) -> Template {
    let url = &shared::servers().await.postgres_url;
    find_or_found(url, migrator, name, content, found).await.expect("the fixture is founded")
}

/// A database of one test's own with all that the template holds.
pub(crate) async fn copy_of(template: &Template) -> TestDatabase {
    let url = &shared::servers().await.postgres_url;
    let copied = async { TestDatabase::copy(connect(url).await?, url, &template.name).await };
    copied.await.expect("a copy of the template")
}

async fn find_or_found(
    superuser_url: &str,
    migrator: &Migrator,
    name: &str,
    content: &[u8],
    found: impl AsyncFnOnce() -> TestDatabase,
) -> Result<Template> {
    let program = &*PROGRAM;
    let version = hash(&(program.build, digest(migrator), content));
    let of_program = format!("founded_{name}_{:08x}", program.place);
    let template = Template { name: format!("{of_program}_{version:016x}") };
    let mut superuser = connect(superuser_url).await?;
    if exists(&mut superuser, &template.name).await? {
        return Ok(template);
    }
    // Held until this session ends. Not the lock of housekeeping: that is taken meanwhile, for the database to found in.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(i64::from_ne_bytes(hash(&of_program).to_ne_bytes()))
        .execute(&mut superuser)
        .await?;
    if !exists(&mut superuser, &template.name).await? {
        drop_earlier(&mut superuser, &of_program).await?;
        found().await.into_template(&mut superuser, &template.name).await?;
    }
    superuser.close().await?;
    Ok(template)
}

/// Drops what earlier builds of this program have founded under the name.
async fn drop_earlier(superuser: &mut PgConnection, of_program: &str) -> Result<()> {
    let earlier: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE starts_with(datname, $1)")
            .bind(format!("{of_program}_"))
            .fetch_all(&mut *superuser)
            .await?;
    for name in earlier {
        execute(superuser, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    }
    Ok(())
}

impl TestDatabase {
    /// Renames it, so that it stays when this value is dropped, and lets nobody in any more: a database with a session cannot be
    /// copied.
    async fn into_template(self, superuser: &mut PgConnection, name: &str) -> Result<()> {
        execute(superuser, format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name)).await?;
        self.owner.close().await;
        self.dml.close().await;
        // What is left are connections of a service that has stopped, which nobody uses.
        let ended: bool = sqlx::query_scalar(
            "SELECT coalesce(bool_and(pg_terminate_backend(pid, $2)), true) FROM pg_stat_activity WHERE datname = $1",
        )
        .bind(&self.name)
        .bind(ENDED_WITHIN_MS)
        .fetch_one(&mut *superuser)
        .await?;
        ensure!(ended, "sessions of {} did not end", self.name);
        execute(superuser, format!("ALTER DATABASE {} RENAME TO {name}", self.name)).await
    }
}

/// The test program that runs.
struct Program {
    /// Of its path, which stays the same from build to build.
    place: u32,
    /// Of what a build changes: what an earlier build of the service has written is not taken for what this one writes.
    build: u64,
}

static PROGRAM: LazyLock<Program> = LazyLock::new(|| {
    let path = env::current_exe().expect("invariant: /proc is there");
    let built = fs::metadata(&path).and_then(|metadata| Ok((metadata.len(), metadata.modified()?)));
    let [_, _, _, _, place @ ..] = hash(&path).to_be_bytes();
    Program {
        place: u32::from_be_bytes(place),
        build: hash(&built.expect("invariant: this program is a file")),
    }
});

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use sqlx::PgPool;

    use super::*;
    use crate::database;

    static MIGRATOR: Migrator = sqlx::migrate!("tests/it/migrations");

    /// A fixture with one note; counts how often it is founded.
    async fn found(name: &str, content: &str, count: &AtomicU32) -> Template {
        founded(&MIGRATOR, name, content.as_bytes(), async || {
            count.fetch_add(1, Ordering::SeqCst);
            let database = database(&MIGRATOR).await;
            sqlx::query("INSERT INTO note (text) VALUES ($1)")
                .bind(content)
                .execute(&database.dml)
                .await
                .unwrap();
            database
        })
        .await
    }

    async fn notes(pool: &PgPool) -> Vec<String> {
        sqlx::query_scalar("SELECT text FROM note ORDER BY id").fetch_all(pool).await.unwrap()
    }

    #[tokio::test]
    async fn a_fixture_is_founded_once_and_each_copy_is_a_tests_own() {
        let (name, count) = (format!("once_{}", std::process::id()), AtomicU32::new(0));
        let (template, same) = tokio::join!(found(&name, "kept", &count), found(&name, "kept", &count));
        assert_eq!((count.load(Ordering::SeqCst), &template.name), (1, &same.name));

        let (one, other) = tokio::join!(copy_of(&template), copy_of(&template));
        sqlx::query("INSERT INTO note (text) VALUES ('mine')").execute(&one.dml).await.unwrap();
        assert_eq!(notes(&one.owner).await, ["kept", "mine"]);
        assert_eq!(notes(&other.dml).await, ["kept"]);
        drop_founded(&name).await;
    }

    #[tokio::test]
    async fn other_content_is_founded_again_in_place_of_the_earlier() {
        let (name, count) = (format!("again_{}", std::process::id()), AtomicU32::new(0));
        let earlier = found(&name, "earlier", &count).await;
        let later = found(&name, "later", &count).await;
        assert_eq!(count.load(Ordering::SeqCst), 2);
        assert_eq!(notes(&copy_of(&later).await.dml).await, ["later"]);

        let mut superuser = connect(&shared::servers().await.postgres_url).await.unwrap();
        assert!(!exists(&mut superuser, &earlier.name).await.unwrap());
        drop_founded(&name).await;
    }

    async fn drop_founded(name: &str) {
        let mut superuser = connect(&shared::servers().await.postgres_url).await.unwrap();
        drop_earlier(&mut superuser, &format!("founded_{name}")).await.unwrap();
        superuser.close().await.unwrap();
    }
}
