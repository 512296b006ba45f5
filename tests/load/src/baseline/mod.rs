//! What the same machine and Postgres do without the service.

mod append;
mod pgbench;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

pub use append::bare_append;
pub use pgbench::tpcb;

/// Where the cluster is, and who may do everything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    user: String,
    password: String,
    host: String,
    port: String,
}

impl Cluster {
    /// From a URL as the stack gives it: with all of these, and no character of them escaped.
    pub fn at(url: &str) -> Result<Self> {
        let parts = || {
            let (account, place) = url.strip_prefix("postgres://")?.split_once('@')?;
            let (user, password) = account.split_once(':')?;
            let (host, port) = place.split_once('/')?.0.split_once(':')?;
            Some(Self {
                user: user.to_owned(),
                password: password.to_owned(),
                host: host.to_owned(),
                port: port.to_owned(),
            })
        };
        parts().context("the URL of Postgres is not postgres://user:password@host:port/database")
    }

    fn url(&self, database: &str) -> String {
        let Self { user, password, host, port } = self;
        format!("postgres://{user}:{password}@{host}:{port}/{database}")
    }

    /// Writes back what earlier rows have changed, so that no row pays for another.
    pub async fn settle(&self) -> Result<()> {
        self.execute("CHECKPOINT".to_owned()).await
    }

    /// Makes an empty database in place of one of that name.
    async fn make(&self, database: &'static str) -> Result<()> {
        self.drop(database).await?;
        self.execute(format!("CREATE DATABASE {database}")).await
    }

    async fn drop(&self, database: &'static str) -> Result<()> {
        self.execute(format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await
    }

    async fn execute(&self, statement: String) -> Result<()> {
        let mut superuser =
            PgConnection::connect(&self.url("postgres")).await.context("connect to Postgres")?;
        superuser.execute(AssertSqlSafe(statement)).await?;
        Ok(superuser.close().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_put_together() {
        let url = "postgres://postgres:0af3@127.0.0.1:20001/postgres";
        assert_eq!(Cluster::at(url).unwrap().url("postgres"), url);
        for wrong in ["postgres://postgres@127.0.0.1:20001/postgres", "127.0.0.1:20001", "postgres://a:b@c/d"]
        {
            assert!(Cluster::at(wrong).is_err(), "{wrong}");
        }
    }
}
