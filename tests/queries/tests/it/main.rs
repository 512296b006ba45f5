//! What is committed of each query is what the database says of it.

#![cfg(test)]

use queries::{crates, files, fresh, sources};
use testkit::folder;

#[tokio::test]
async fn every_query_is_as_the_database_describes_it() {
    let services = folder::workspace().join("services");
    for name in crates().unwrap() {
        let fresh = fresh(&services, &name).await.unwrap();
        let differences = files::differences(&files::committed(&services.join(&name)).unwrap(), &fresh);
        assert!(differences.is_empty(), "run `scripts/prepare {name}`:\n{}", differences.join("\n"));
    }
}

#[tokio::test]
async fn a_query_that_postgres_does_not_take_is_named() {
    let services = folder::workspace().join("services");
    let database = queries::describe::database(&services, "platform").await.unwrap();
    let query = sources::Query { text: "SELECT nothing FROM nowhere".to_owned(), place: "a.rs:1".to_owned() };
    let error = queries::describe::describe(&database.owner, &query).await.unwrap_err();
    assert!(format!("{error:#}").starts_with("a.rs:1: "), "{error:#}");
}
