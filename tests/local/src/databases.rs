//! A database and two roles for each service: one that owns the tables and migrates them, one that serves.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use testkit::{DML_GROUP, folder, stack::Stack};

use crate::endpoints::Endpoints;

/// Makes what of `service`'s database and roles is not there, and adds where they are to `endpoints`.
pub async fn provide(stack: &Stack, service: &str, endpoints: &mut Endpoints) -> Result<()> {
    let (owner, user) = (format!("{service}_owner"), service.to_owned());
    let owner_password = folder::kept_secret(&stack.folder().join(format!("{owner}.password")))?;
    let user_password = folder::kept_secret(&stack.folder().join(format!("{user}.password")))?;

    let mut superuser = PgConnection::connect(&stack.postgres.url("postgres")?).await?;
    make(&mut superuser, "role", DML_GROUP, format!("CREATE ROLE {DML_GROUP} NOLOGIN")).await?;
    let statement = format!("CREATE ROLE {owner} LOGIN PASSWORD '{owner_password}'");
    make(&mut superuser, "role", &owner, statement).await?;
    let statement = format!("CREATE ROLE {user} LOGIN PASSWORD '{user_password}' IN ROLE {DML_GROUP}");
    make(&mut superuser, "role", &user, statement).await?;
    if make(&mut superuser, "database", service, format!("CREATE DATABASE {service} OWNER {owner}")).await? {
        execute(&mut superuser, format!("REVOKE CONNECT, TEMPORARY ON DATABASE {service} FROM PUBLIC"))
            .await?;
        execute(&mut superuser, format!("GRANT CONNECT ON DATABASE {service} TO {user}")).await?;
    }
    superuser.close().await?;

    let prefix = service.to_uppercase();
    endpoints.add(format!("{prefix}_OWNER_URL"), stack.postgres.url_as(&owner, &owner_password, service)?);
    endpoints.add(format!("{prefix}_DATABASE_URL"), stack.postgres.url_as(&user, &user_password, service)?);
    Ok(())
}

/// Runs `statement` unless there is a role or database `name` already. Whether it ran.
async fn make(superuser: &mut PgConnection, kind: &str, name: &str, statement: String) -> Result<bool> {
    let look = match kind {
        "role" => "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)",
        _ => "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)",
    };
    let exists: bool = sqlx::query_scalar(look).bind(name).fetch_one(&mut *superuser).await?;
    if !exists {
        execute(superuser, statement).await.with_context(|| format!("make the {kind} {name}"))?;
    }
    Ok(!exists)
}

/// The names in `statement` are services', and the passwords hexadecimal digits.
async fn execute(superuser: &mut PgConnection, statement: String) -> Result<()> {
    superuser.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}
