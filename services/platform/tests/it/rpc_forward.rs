//! Calls that are passed on to the replica that leads: which they are, what goes with them, and what becomes of them when it is
//! lost.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::HeaderMap;
use platform::{
    leadership::Lead,
    rpc::{CORRELATION_HEADER, FORWARDED_HEADER, SERVICE_HEADER},
};
use tokio::{net::TcpListener, sync::watch};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Status, body::Body, client::Grpc, codegen::http, server::NamedService};
use tonic_types::StatusExt;
use tower::Service;

use crate::{
    rpc_access::{secured, secured_channel},
    support::{
        notes::{FORBIDDEN, GET, NOTE_SERVICE, NoteRequest, REPLACE, WAIT, WRITE},
        server::{House, Replica, call, endpoint, fields, metadata, note, reason, send},
    },
};

/// A server that leads, and a replica that knows it.
async fn led(house: &House) -> (Replica, watch::Sender<Lead>) {
    let (sender, lead) = watch::channel(Lead::at(&house.address.to_string()));
    (house.replica(lead).await, sender)
}

#[tokio::test]
async fn what_changes_something_is_done_by_the_leader_and_what_reads_by_any() {
    let house = House::open().await;
    let (replica, _lead) = led(&house).await;
    let maker = house.token("T1", "maker");
    let written = call(&replica.channel, WRITE, Some(&maker), &note("door", "open")).await.unwrap();
    assert_eq!(written.into_inner().writer, "T1");
    assert_eq!((house.notes.written(), replica.notes.written()), (1, 0));

    let read = call(&replica.channel, GET, Some(&maker), &note("door", "")).await.unwrap().into_inner();
    assert_eq!(read.before, "", "the replica reads for itself, and its notes are its own");
    let read = house.call(GET, &maker, &note("door", "")).await.unwrap();
    assert_eq!(read.before, "open");
}

#[tokio::test]
async fn whoever_leads_passes_nothing_on() {
    let house = House::open().await;
    let maker = house.token("T1", "maker");
    for lead in [Lead::Here, Lead::Unknown] {
        let (_sender, lead) = watch::channel(lead);
        let replica = house.replica(lead).await;
        call(&replica.channel, WRITE, Some(&maker), &note("door", "open")).await.unwrap();
        assert_eq!((house.notes.written(), replica.notes.written()), (0, 1));
    }
}

#[tokio::test]
async fn a_refusal_comes_back_as_it_is() {
    let house = House::open().await;
    let (replica, _lead) = led(&house).await;
    let maker = house.token("T1", "maker");
    let elsewhere = NoteRequest { branch: "310101".to_owned(), ..note("door", "open") };
    for (path, token, request) in [
        (WRITE, Some(maker.as_str()), note("door", FORBIDDEN)),
        (WRITE, Some(&*maker), elsewhere),
        (WRITE, None, note("door", "open")),
        (WRITE, Some("forged"), note("door", "open")),
    ] {
        let direct = call(&house.channel, path, token, &request).await.unwrap_err();
        let passed_on = call(&replica.channel, path, token, &request).await.unwrap_err();
        assert_eq!((passed_on.code(), passed_on.message()), (direct.code(), direct.message()));
        assert_eq!(reason(&passed_on), reason(&direct));
        assert_eq!(fields(&passed_on), fields(&direct));
        let values = |status: &Status| status.get_details_error_info().unwrap().metadata;
        assert_eq!(values(&passed_on), values(&direct));
    }
    let kept = call(&replica.channel, REPLACE, Some(&maker), &note("door", "open")).await.unwrap_err();
    assert_eq!(reason(&kept), "APPROVAL_REQUIRED");
    assert!(!metadata(&kept, "approval").is_empty());
}

#[tokio::test]
async fn a_call_is_passed_on_once() {
    let house = House::open().await;
    let (first_lead, lead) = watch::channel(Lead::Unknown);
    let first = house.replica(lead).await;
    let (second_lead, lead) = watch::channel(Lead::Unknown);
    let second = house.replica(lead).await;
    first_lead.send_replace(Lead::at(&second.address.to_string()));
    second_lead.send_replace(Lead::at(&first.address.to_string()));

    let maker = house.token("T1", "maker");
    call(&first.channel, WRITE, Some(&maker), &note("door", "open")).await.unwrap();
    assert_eq!((first.notes.written(), second.notes.written()), (0, 1));
}

#[tokio::test]
async fn a_leader_that_is_not_reached_or_lost_leaves_the_call_to_be_repeated() {
    let house = House::open().await;
    let (replica, lead) = led(&house).await;
    let maker = house.token("T1", "maker");
    let waiting = {
        let (channel, maker) = (replica.channel.clone(), maker.clone());
        tokio::spawn(async move { call(&channel, WRITE, Some(&maker), &note("door", WAIT)).await })
    };
    house.notes.has_waiting(1).await;
    lead.send_replace(Lead::Unknown);
    let lost = waiting.await.unwrap().unwrap_err();
    assert_eq!((lost.code(), reason(&lost)), (Code::Unavailable, "LEADER_LOST".to_owned()));
    assert!(lost.get_details_retry_info().is_some());
    house.notes.let_go(1);

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    lead.send_replace(Lead::at(&closed.to_string()));
    let unreached = call(&replica.channel, WRITE, Some(&maker), &note("door", "open")).await.unwrap_err();
    assert_eq!((unreached.code(), reason(&unreached)), (Code::Unavailable, "LEADER_UNREACHABLE".to_owned()));
    assert!(unreached.get_details_retry_info().is_some());
}

#[tokio::test]
async fn token_deadline_trace_and_id_go_with_a_call() {
    let house = House::open().await;
    let (seen, address) = ear().await;
    let (_sender, lead) = watch::channel(Lead::at(&address.to_string()));
    let replica = house.replica(lead).await;

    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut request = Request::new(note("door", "open"));
    request.set_timeout(Duration::from_secs(9));
    for (name, value) in
        [("authorization", "Bearer abc"), ("traceparent", trace), ("x-countinghouse-service", "vault")]
    {
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    let refused =
        send(Grpc::new(endpoint(replica.address).connect_lazy()), WRITE, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted, "{refused:?}");

    let seen = seen.lock().unwrap().take().expect("the call was passed on");
    let header = |name: &str| seen.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("authorization"), Some("Bearer abc"));
    assert_eq!(header(FORWARDED_HEADER.as_str()), Some("1"));
    assert_eq!(header(SERVICE_HEADER.as_str()), None, "nobody names a service but a replica");
    assert!(header("traceparent").unwrap().starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
    let left: u64 = header("grpc-timeout").unwrap().strip_suffix('m').unwrap().parse().unwrap();
    assert!((1..9_000).contains(&left), "{left}");
    let status = refused.metadata().get(CORRELATION_HEADER.as_str()).unwrap().to_str().unwrap();
    assert_eq!(header(CORRELATION_HEADER.as_str()), Some(status));
}

#[tokio::test]
async fn a_service_stays_who_it_is_and_nobody_else_may_name_one() {
    let (house, authority) = secured().await;
    // The leader passes nothing on, and knows its own kind.
    let (_sender, lead) = watch::channel(Lead::Here);
    let leader = house.replica(lead).await;
    let (_sender, lead) = watch::channel(Lead::at(&leader.address.to_string()));
    let to_leader = house.replica(lead).await;

    let settlement = secured_channel(to_leader.address, &authority, Some((&authority, "settlement")));
    let denied = call(&settlement, WRITE, None, &note("door", "open")).await.unwrap_err();
    assert_eq!(reason(&denied), "PERMISSION_DENIED");
    let bare = secured_channel(to_leader.address, &authority, None);
    let nobody = call(&bare, WRITE, None, &note("door", "open")).await.unwrap_err();
    assert_eq!(reason(&nobody), "UNAUTHENTICATED", "it is not taken for the replica that passes it on");
    let token = house.token("T1", "maker");
    let written = call(&bare, WRITE, Some(&token), &note("door", "open")).await.unwrap();
    assert_eq!(written.into_inner().writer, "T1");

    let vault = secured_channel(leader.address, &authority, Some((&authority, "vault")));
    let mut request = Request::new(note("door", "open"));
    for (name, value) in [("x-countinghouse-forwarded", "1"), ("x-countinghouse-service", "settlement")] {
        request.metadata_mut().insert(name, value.parse().unwrap());
    }
    assert_eq!(reason(&send(Grpc::new(vault), WRITE, request).await.unwrap_err()), "PERMISSION_DENIED");

    let denied: Vec<String> =
        sqlx::query_scalar("SELECT actor FROM platform.audit_record WHERE scope = '' ORDER BY position")
            .fetch_all(house.pool())
            .await
            .unwrap();
    assert_eq!(denied, ["service/settlement", "service/vault"]);
}

/// A leader that hears what is said to it, and does nothing.
async fn ear() -> (Arc<Mutex<Option<HeaderMap>>>, SocketAddr) {
    let heard = Arc::new(Mutex::new(None));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder().add_service(Ear(heard.clone()));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    (heard, address)
}

#[derive(Clone)]
struct Ear(Arc<Mutex<Option<HeaderMap>>>);

impl NamedService for Ear {
    const NAME: &'static str = NOTE_SERVICE;
}

impl Service<http::Request<Body>> for Ear {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        *self.0.lock().unwrap() = Some(request.headers().clone());
        Box::pin(async { Ok(Status::aborted("heard").into_http()) })
    }
}
