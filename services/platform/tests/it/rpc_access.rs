//! Who gets through the gate: by token, by certificate, in which scope; and who does not get to start.

use std::{convert::Infallible, net::SocketAddr, path::Path};

use futures::future::BoxFuture;
use platform::{
    lifecycle::Lifecycle,
    rpc::{Builder, RpcConfig},
};
use sqlx::postgres::PgPoolOptions;
use testkit::{
    keys::{Authority, Claims, Issuer},
    matrix::{Matrix, Row},
};
use tonic::{
    Code,
    body::Body,
    codegen::http,
    server::NamedService,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tower::Service;

use crate::support::{
    notes::{GET, NoteRequest, NoteRpcs, Notes, WRITE},
    server::{
        BRANCH, Folder, House, auth_config, call, dependencies, fields, metadata, note, reason, rpc_config,
        server,
    },
};

const DENIALS: &str = "SELECT actor, method, scope, reason FROM platform.audit_record WHERE reason LIKE '%_DENIED' ORDER BY position";

#[tokio::test]
async fn a_caller_needs_a_token_a_permission_and_the_scope() {
    let house = House::open().await;
    let request = note("door", "open");
    let nobody = call(&house.channel, WRITE, None, &request).await.unwrap_err();
    assert_eq!((nobody.code(), reason(&nobody)), (Code::Unauthenticated, "UNAUTHENTICATED".to_owned()));
    let forged = Issuer::generate().token("T1", &["master"]);
    assert_eq!(reason(&house.call(WRITE, &forged, &request).await.unwrap_err()), "UNAUTHENTICATED");

    let denied = house.call(WRITE, &house.token("T1", "checker"), &request).await.unwrap_err();
    assert_eq!((denied.code(), reason(&denied)), (Code::PermissionDenied, "PERMISSION_DENIED".to_owned()));
    assert_eq!(metadata(&denied, "permission"), "test.notes.write");
    let maker = house.token("T2", "maker");
    for branch in ["310101", ""] {
        let elsewhere = NoteRequest { branch: branch.to_owned(), ..request.clone() };
        let denied = house.call(WRITE, &maker, &elsewhere).await.unwrap_err();
        assert_eq!((denied.code(), reason(&denied)), (Code::PermissionDenied, "SCOPE_DENIED".to_owned()));
        assert_eq!(fields(&denied), ["branch"]);
    }
    assert_eq!(house.notes.written(), 0);
    assert_eq!(house.call(WRITE, &maker, &request).await.unwrap().writer, "T2");

    let written: Vec<(String, String, String, String)> =
        sqlx::query_as(DENIALS).fetch_all(house.pool()).await.unwrap();
    let method = "countinghouse.test.v1.NoteService/WriteNote";
    let row = |actor: &str, scope: &str, reason: &str| {
        (actor.to_owned(), method.to_owned(), scope.to_owned(), reason.to_owned())
    };
    assert_eq!(
        written,
        [
            row("T1", "", "PERMISSION_DENIED"),
            row("T2", "310101", "SCOPE_DENIED"),
            row("T2", "", "SCOPE_DENIED")
        ]
    );
}

#[tokio::test]
async fn a_scope_is_printable() {
    let house = House::open().await;
    let request = NoteRequest { branch: "1101\u{0}01".to_owned(), ..note("door", "open") };
    let everywhere = house.issuer.token("T1", &["master"]);
    let refused = house.call(WRITE, &everywhere, &request).await.unwrap_err();
    assert_eq!((reason(&refused), fields(&refused)), ("FIELD_INVALID".to_owned(), vec!["branch".to_owned()]));
}

#[tokio::test]
async fn only_those_who_are_known_learn_that_a_method_is_unknown() {
    let house = House::open().await;
    let path = "/countinghouse.test.v1.NoteService/BurnNote";
    let nobody = call(&house.channel, path, None, &note("door", "open")).await.unwrap_err();
    assert_eq!(reason(&nobody), "UNAUTHENTICATED");
    let known = house.call(path, &house.token("T1", "maker"), &note("door", "open")).await.unwrap_err();
    assert_eq!((known.code(), reason(&known)), (Code::Unimplemented, "METHOD_UNKNOWN".to_owned()));
    assert_eq!(metadata(&known, "method"), path);
}

/// A server with TLS, and the authority of its certificates.
pub async fn secured() -> (House, Authority) {
    let authority = Authority::generate();
    let house = House::open_with(|config, folder| {
        authority.service("accounting").write(folder, "server").unwrap();
        std::fs::write(folder.join("ca.pem"), authority.certificate()).unwrap();
        config.tls_certificate_file = folder.join("server.pem");
        config.tls_key_file = folder.join("server.key.pem");
        config.tls_client_ca_file = folder.join("ca.pem");
    })
    .await;
    (house, authority)
}

/// A connection to the server that shows the certificate of a service of some authority, or none.
pub fn secured_channel(
    address: SocketAddr,
    authority: &Authority,
    shown: Option<(&Authority, &str)>,
) -> Channel {
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.certificate()))
        .domain_name("localhost");
    if let Some((authority, service)) = shown {
        let certificate = authority.service(service);
        tls = tls.identity(Identity::from_pem(certificate.certificate, certificate.key));
    }
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    endpoint.tls_config(tls).unwrap().connect_lazy()
}

#[tokio::test]
async fn a_service_is_known_by_its_certificate_and_may_what_is_configured() {
    let (house, authority) = secured().await;
    let settlement = secured_channel(house.address, &authority, Some((&authority, "settlement")));
    for _ in 0..2 {
        let read = call(&settlement, GET, None, &note("door", "")).await.unwrap().into_inner();
        assert_eq!(read.writer, "service/settlement");
    }
    let denied = call(&settlement, WRITE, None, &note("door", "open")).await.unwrap_err();
    assert_eq!(reason(&denied), "PERMISSION_DENIED");
    let vault = secured_channel(house.address, &authority, Some((&authority, "vault")));
    assert_eq!(reason(&call(&vault, GET, None, &note("door", "")).await.unwrap_err()), "PERMISSION_DENIED");

    let token = house.token("T1", "maker");
    let passed_on = call(&settlement, WRITE, Some(&token), &note("door", "open")).await.unwrap();
    assert_eq!(passed_on.into_inner().writer, "T1");
}

#[tokio::test]
async fn an_operator_needs_no_certificate_and_a_strangers_certificate_opens_nothing() {
    let (house, authority) = secured().await;
    let bare = secured_channel(house.address, &authority, None);
    let token = house.token("T1", "maker");
    assert_eq!(call(&bare, GET, Some(&token), &note("door", "")).await.unwrap().into_inner().writer, "T1");
    assert_eq!(reason(&call(&bare, GET, None, &note("door", "")).await.unwrap_err()), "UNAUTHENTICATED");

    let stranger = Authority::generate();
    let strange = secured_channel(house.address, &authority, Some((&stranger, "settlement")));
    let refused = call(&strange, GET, Some(&token), &note("door", "")).await.unwrap_err();
    assert!(!matches!(refused.code(), Code::Ok | Code::PermissionDenied), "the handshake fails: {refused:?}");
    assert!(call(&house.channel, GET, Some(&token), &note("door", "")).await.is_err(), "no plain text");
}

/// A service of the contract that has nothing to offer.
#[derive(Clone)]
struct Named<const N: usize>;

const NAMES: [&str; 4] = [
    "countinghouse.test.v1.OpenDoorService",
    "countinghouse.test.v1.HalfOpenDoorService",
    "countinghouse.test.v1.NowhereService",
    "countinghouse.test.v1.MissingService",
];

impl<const N: usize> NamedService for Named<N> {
    const NAME: &'static str = NAMES[N];
}

impl<const N: usize> Service<http::Request<Body>> for Named<N> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        Box::pin(async { Ok(http::Response::new(Body::empty())) })
    }
}

/// Why a server does not start.
async fn start(add: impl FnOnce(&mut Builder), change: impl FnOnce(&mut RpcConfig, &Path)) -> String {
    let folder = Folder::new();
    let jwks_file = folder.path().join("jwks.json");
    Issuer::generate().write_jwks(&jwks_file).unwrap();
    let mut config = rpc_config();
    change(&mut config, folder.path());
    let pool =
        PgPoolOptions::new().max_connections(4).connect_lazy("postgres://nobody@127.0.0.1:1/none").unwrap();
    let clock = std::sync::Arc::new(platform::clock::ManualClock::new(chrono::DateTime::UNIX_EPOCH));
    let dependencies = dependencies(pool, clock);
    let add = |server: &mut Builder| {
        server.add(NoteRpcs(Notes::new()));
        add(server);
    };
    let (auth, lifecycle) = (auth_config(&jwks_file), Lifecycle::new());
    let started = server(&config, &auth, dependencies, &lifecycle, add).await;
    started.map_or_else(|error| error.to_string(), |_| "it starts".to_owned())
}

#[tokio::test]
async fn a_method_without_a_whole_policy_stops_the_start() {
    let unchanged = |_: &mut RpcConfig, _: &Path| {};
    assert_eq!(start(|_| (), unchanged).await, "it starts");
    assert_eq!(
        start(|server| server.add(Named::<0>), unchanged).await,
        "rpc /countinghouse.test.v1.OpenDoorService/Enter: has no policy"
    );
    let half = start(|server| server.add(Named::<1>), unchanged).await;
    assert!(half.contains("must have a checking_permission exactly when it needs approval"), "{half}");
    let nowhere = start(|server| server.add(Named::<2>), unchanged).await;
    assert!(nowhere.contains("needs a field place"), "{nowhere}");
    assert_eq!(
        start(|server| server.add(Named::<3>), unchanged).await,
        "the contract has no service countinghouse.test.v1.MissingService"
    );
}

#[tokio::test]
async fn settings_that_cannot_be_meant_stop_the_start() {
    let too_large = start(|_| (), |config, _| config.request_bytes_max = 5 << 20).await;
    assert_eq!(too_large, "rpc.request_bytes_max must be from 1 to 4194304");
    let too_long = start(|_| (), |config, _| config.deadline_default_ms = config.deadline_max_ms + 1).await;
    assert!(too_long.starts_with("rpc.deadline_default_ms must be from 1"), "{too_long}");
    assert_eq!(
        start(|_| (), |config, _| config.in_flight_max = 0).await,
        "rpc.in_flight_max must be above 0"
    );
    let half = start(|_| (), |config, folder| config.tls_key_file = folder.join("key.pem")).await;
    assert!(half.starts_with("set all of rpc.tls_certificate_file"), "{half}");
    let missing = start(
        |_| (),
        |config, folder| {
            config.tls_certificate_file = folder.join("a.pem");
            config.tls_key_file = folder.join("b.pem");
            config.tls_client_ca_file = folder.join("c.pem");
        },
    );
    assert!(missing.await.ends_with("a.pem cannot be read"));
}

#[tokio::test]
async fn a_port_that_is_taken_stops_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    assert_eq!(
        start(|_| (), |config, _| config.listen = address).await,
        format!("cannot listen on {address}")
    );
}

#[tokio::test]
async fn the_matrix_holds_for_the_approvals() {
    let house = House::open().await;
    let reads = &["maker", "checker", "decider", "master"];
    let decides = &["checker", "decider", "master"];
    let matrix = Matrix {
        packages: &["countinghouse.approval.v1"],
        rows: &[
            Row { rpc: "ApprovalService/GetApproval", roles: reads },
            Row { rpc: "ApprovalService/ListApprovals", roles: reads },
            Row { rpc: "ApprovalService/ApproveRequest", roles: decides },
            Row { rpc: "ApprovalService/RejectRequest", roles: decides },
        ],
        roles: &["maker", "checker", "decider", "master"],
        branch: BRANCH,
        other_branch: "310101",
    };
    assert_eq!(matrix.faults(house.channel.clone(), &house.issuer).await, Vec::<String>::new());
    let expired =
        Claims::of("T1", &["maker"]).issued(chrono::DateTime::UNIX_EPOCH, std::time::Duration::from_mins(1));
    let refused = house.call(GET, &house.issuer.sign(&expired), &note("door", "")).await.unwrap_err();
    assert_eq!(reason(&refused), "TOKEN_EXPIRED");
}
