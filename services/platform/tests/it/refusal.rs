//! What is answered to callers: refusals with their details, faults with nothing but an id.

use std::{collections::HashSet, time::Duration};

use platform::refusal::{Failure, reasons};
use sqlx::{Connection, PgConnection, migrate::Migrator};
use testkit::TestDatabase;
use tokio::net::TcpListener;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use uuid::Uuid;

const CALL: Uuid = Uuid::from_u128(0xca11);

fn status_of(failure: impl Into<Failure>) -> (Status, ErrorDetails) {
    let status = failure.into().into_status(CALL);
    let details = status.get_error_details();
    (status, details)
}

#[test]
fn a_refusal_has_its_reason_and_values() {
    let refusal = reasons::PERMISSION_DENIED.refuse("no drawers for you").with("permission", "drawers.open");
    let (status, details) = status_of(refusal);
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "no drawers for you"));
    let info = details.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("PERMISSION_DENIED", "countinghouse"));
    assert_eq!(info.metadata["permission"], "drawers.open");
    assert!(details.bad_request().is_none() && details.precondition_failure().is_none());
    assert!(details.retry_info().is_none() && details.request_info().is_none());
}

#[test]
fn a_refusal_of_fields_names_each_and_its_rule() {
    let refusal = reasons::FIELD_INVALID
        .refuse("two fields break their rules")
        .field("drawer.size", "must be positive")
        .field("drawer.keys[1]", "must not be empty");
    let (status, details) = status_of(refusal);
    assert_eq!(status.code(), Code::InvalidArgument);
    let violations = &details.bad_request().unwrap().field_violations;
    let named: Vec<_> = violations.iter().map(|one| (one.field.as_str(), one.description.as_str())).collect();
    assert_eq!(named, [("drawer.size", "must be positive"), ("drawer.keys[1]", "must not be empty")]);
}

#[test]
fn a_refusal_of_state_names_what_must_hold_first() {
    let (status, details) =
        status_of(reasons::APPROVAL_REQUIRED.refuse("somebody must agree").with("approval", "approvals/17"));
    assert_eq!(status.code(), Code::FailedPrecondition);
    let violation = &details.precondition_failure().unwrap().violations[0];
    assert_eq!(
        (violation.r#type.as_str(), violation.subject.as_str()),
        ("APPROVAL_REQUIRED", "approvals/17")
    );
    assert_eq!(violation.description, "somebody must agree");
}

#[test]
fn a_refusal_for_now_says_when_to_come_back() {
    let (status, details) =
        status_of(reasons::OVERLOADED.refuse("too many calls").retry_after(Duration::from_millis(250)));
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(250)));
}

#[test]
fn every_reason_is_named_once_and_explained() {
    let names: HashSet<&str> = reasons::ALL.iter().map(|reason| reason.name).collect();
    assert_eq!(names.len(), reasons::ALL.len());
    for reason in reasons::ALL {
        assert!(
            reason.name.chars().all(|char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_'),
            "{}",
            reason.name
        );
        assert!(reason.meaning.ends_with('.') && reason.remedy.ends_with('.'), "{}", reason.name);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the drawer's key is hunter2")]
struct Fault;

#[test]
fn a_fault_shows_an_id_and_nothing_else() {
    let (status, details) = status_of(Failure::fault(Fault));
    assert_eq!(status.code(), Code::Internal);
    assert!(status.message().contains(&CALL.to_string()));
    assert_eq!(details.request_info().unwrap().request_id, CALL.to_string());
    assert!(
        details.error_info().is_none() && details.retry_info().is_none() && details.debug_info().is_none()
    );
    let wire = [status.message().as_bytes(), status.details()].concat();
    assert!(!String::from_utf8_lossy(&wire).contains("hunter2"));
}

fn assert_comes_back(failure: impl Into<Failure>) {
    let (status, details) = status_of(failure);
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(details.retry_info().unwrap().retry_delay.is_some_and(|delay| !delay.is_zero()));
    assert!(status.message().contains(&CALL.to_string()));
}

async fn database() -> TestDatabase {
    testkit::database(&Migrator { migrations: Vec::new().into(), ..Migrator::DEFAULT }).await
}

#[derive(Debug, thiserror::Error)]
#[error("could not be done")]
struct Wrapped(#[source] sqlx::Error);

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_answered_as_unavailable() {
    let error = PgConnection::connect("postgres://nobody:x@127.0.0.1:1/none").await.unwrap_err();
    assert_comes_back(error);
    assert_comes_back(Failure::fault(Wrapped(sqlx::Error::PoolTimedOut)));

    // What stands in front of a database that is gone accepts a connection, and ends it.
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://nobody:x@{}/none", front.local_addr().unwrap());
    let end = async { drop(front.accept().await.unwrap()) };
    let (connected, ()) = tokio::join!(PgConnection::connect(&url), end);
    assert_comes_back(connected.unwrap_err());
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_answered_as_unavailable() {
    let database = database().await;
    let mut conn = PgConnection::connect(&database.dml_url).await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut conn).await.unwrap();
    let mut other = PgConnection::connect(&database.dml_url).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(&mut other).await.unwrap();
    let error = loop {
        if let Err(error) = sqlx::query("SELECT 1").execute(&mut conn).await {
            break error;
        }
    };
    assert_comes_back(error);
}

#[tokio::test]
async fn what_the_database_objects_to_is_a_fault_of_ours() {
    let database = database().await;
    let error = sqlx::query("SELECT 1 / 0").execute(&database.dml).await.unwrap_err();
    let (status, details) = status_of(error);
    assert_eq!(status.code(), Code::Internal);
    assert!(details.retry_info().is_none());
}
