//! The matrix finds each way in which a server's authorisation can be wrong.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use testkit::{
    keys::{Claims, Issuer},
    matrix::{Matrix, Row},
};
use tonic::{Code, Status, body::Body, codegen::http};
use tonic_types::{ErrorDetails, StatusExt};

const ROLES: &[&str] = &["teller", "auditor"];
const BRANCH: &str = "110101";

/// What is wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hole {
    None,
    NeedsNoToken,
    TrustsAnyIssuer,
    TrustsExpired,
    TrustsAnyRole,
    TrustsAnyBranch,
    KeepsTellersOut,
    Faults,
}

#[tokio::test]
async fn a_server_that_keeps_to_the_matrix_has_no_faults() {
    assert_eq!(faults(Hole::None, rows()).await, Vec::<String>::new());
}

#[tokio::test]
async fn each_hole_is_found_and_named() {
    for (hole, fault) in [
        (
            Hole::NeedsNoToken,
            "HoldService/PlaceHold by nobody: should be refused UNAUTHENTICATED, was let in",
        ),
        (
            Hole::TrustsAnyIssuer,
            "HoldService/PlaceHold by a token of another issuer: should be refused UNAUTHENTICATED, was let in",
        ),
        (
            Hole::TrustsExpired,
            "HoldService/PlaceHold by an expired token: should be refused TOKEN_EXPIRED, was let in",
        ),
        (
            Hole::TrustsAnyRole,
            "HoldService/PlaceHold by auditor: should be refused PERMISSION_DENIED, was let in",
        ),
        (
            Hole::TrustsAnyBranch,
            "HoldService/PlaceHold by teller of branch 310101: should be refused SCOPE_DENIED, was let in",
        ),
        (
            Hole::KeepsTellersOut,
            "HoldService/PlaceHold by teller: should be let in, was refused PERMISSION_DENIED",
        ),
        (
            Hole::Faults,
            "HoldService/PlaceHold by teller: should be let in, was Internal without a reason: broken",
        ),
    ] {
        let faults = faults(hole, rows()).await;
        assert!(faults.iter().any(|found| found == fault), "{hole:?}: {faults:#?}");
    }
}

#[tokio::test]
async fn a_table_with_a_gap_is_found() {
    let mut rows = rows();
    rows.retain(|rpc| rpc != "HoldService/PlaceHold");
    rows.push("HoldService/GrabHold".to_owned());

    let faults = faults(Hole::None, rows).await;

    assert_eq!(
        faults,
        ["HoldService/PlaceHold has no row", "HoldService/GrabHold has a row and is no rpc of the server"]
    );
}

async fn faults(hole: Hole, rpcs: Vec<String>) -> Vec<String> {
    let issuer = Issuer::generate();
    let kid = issuer.kid().to_owned();
    let server = tower::service_fn(move |request: http::Request<Body>| {
        let status = decide(&request, hole, &kid);
        async move { Ok::<_, std::convert::Infallible>(status.into_http::<Body>()) }
    });
    let rows: Vec<_> = rpcs.iter().map(|rpc| Row { rpc, roles: &["teller"] }).collect();
    let matrix = Matrix {
        packages: &["countinghouse.accounting.v1"],
        rows: &rows,
        roles: ROLES,
        branch: BRANCH,
        other_branch: "310101",
    };
    matrix.faults(server, &issuer).await
}

/// All rpcs of the package.
fn rows() -> Vec<String> {
    let services = testkit::contract::pool().services();
    services
        .filter(|service| service.package_name() == "countinghouse.accounting.v1")
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|rpc| format!("{}/{}", rpc.parent_service().name(), rpc.name()))
        .collect()
}

/// A server that lets tellers of the branch in, and nobody else, but for its hole.
fn decide(request: &http::Request<Body>, hole: Hole, kid: &str) -> Status {
    let Some(bearer) = request.headers().get("authorization") else {
        return if hole == Hole::NeedsNoToken {
            let_in()
        } else {
            refused(Code::Unauthenticated, "UNAUTHENTICATED")
        };
    };
    let token = bearer.to_str().expect("a token is text").trim_start_matches("Bearer ");
    let (header, claims) = (part(token, 0), part(token, 1));
    if header["kid"] != kid && hole != Hole::TrustsAnyIssuer {
        return refused(Code::Unauthenticated, "UNAUTHENTICATED");
    }
    let lasts = claims["exp"].as_i64() > Some(Claims::of("T00000000", &[]).iat);
    if !lasts && hole != Hole::TrustsExpired {
        return refused(Code::Unauthenticated, "TOKEN_EXPIRED");
    }
    let is_teller = claims["roles"] == serde_json::json!(["teller"]);
    if hole == Hole::KeepsTellersOut || (!is_teller && hole != Hole::TrustsAnyRole) {
        return refused(Code::PermissionDenied, "PERMISSION_DENIED");
    }
    let covered = claims["scopes"] == serde_json::json!([BRANCH]);
    if !covered && hole != Hole::TrustsAnyBranch {
        return refused(Code::PermissionDenied, "SCOPE_DENIED");
    }
    if hole == Hole::Faults { Status::internal("broken") } else { let_in() }
}

fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).expect("a token has three parts");
    let json = URL_SAFE_NO_PAD.decode(part).expect("a part of a token is base64");
    serde_json::from_slice(&json).expect("a part of a token is JSON")
}

/// The rpc's own rules find the request empty.
fn let_in() -> Status {
    refused(Code::InvalidArgument, "FIELD_INVALID")
}

fn refused(code: Code, reason: &str) -> Status {
    Status::with_error_details(code, reason, ErrorDetails::with_error_info(reason, "countinghouse", []))
}
