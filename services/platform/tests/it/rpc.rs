//! What the gate does with a call: deadlines, load, shutdown, malformed and oversized requests, panics; health, reflection.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use platform::lifecycle::Ending;
use testkit::wait_for;
use tonic::{
    Code, Request, Status, body::Body, client::Grpc, codec::CompressionEncoding, codegen::http,
    transport::Channel,
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt;
use tower::{Service, ServiceExt};
use uuid::Uuid;

use crate::support::{
    notes::{FAIL, FORBIDDEN, GET, NoteRequest, PANIC, REPLACE, WAIT, WRITE},
    server::{
        BOUND, Bearer, House, IN_FLIGHT_MAX, REQUEST_BYTES_MAX, call, endpoint, fields, fresh, metadata,
        note, reason, send,
    },
};

const CORRELATION: &str = "x-correlation-id";

fn with_token(house: &House, request: NoteRequest) -> Request<NoteRequest> {
    let mut sent = Request::new(request);
    let bearer = format!("Bearer {}", house.token("T1", "maker"));
    sent.metadata_mut().insert("authorization", bearer.parse().unwrap());
    sent
}

fn client(house: &House) -> Grpc<Channel> {
    Grpc::new(house.channel.clone())
}

fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().and_then(|info| info.retry_delay)
}

#[tokio::test]
async fn every_answer_names_the_call() {
    let house = House::open().await;
    let given = fresh();
    for (sent, kept) in [(Some(given.to_string()), true), (Some("no uuid".to_owned()), false), (None, false)]
    {
        let mut request = with_token(&house, note("door", "open"));
        if let Some(id) = &sent {
            request.metadata_mut().insert(CORRELATION, id.parse().unwrap());
        }
        let answer = send(client(&house), WRITE, request).await.unwrap();
        let id = answer.metadata().get(CORRELATION).unwrap().to_str().unwrap();
        assert_eq!(Uuid::try_parse(id).unwrap() == given, kept, "{sent:?}");
    }
    let refused = call(&house.channel, WRITE, None, &note("door", "open")).await.unwrap_err();
    Uuid::try_parse(refused.metadata().get(CORRELATION).unwrap().to_str().unwrap()).unwrap();
}

#[tokio::test]
async fn a_call_has_the_time_that_its_caller_names_within_the_bound() {
    let house = House::open_with(|config, _| {
        config.deadline_default_ms = 50;
        config.deadline_max_ms = 100;
    })
    .await;
    let mut request = with_token(&house, note("door", WAIT));
    // Far longer, so that it is the server that ends the call, on the slowest machine.
    request.set_timeout(BOUND);
    let late = send(client(&house), GET, request).await.unwrap_err();
    assert_eq!((late.code(), reason(&late)), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".to_owned()));
    assert_eq!(metadata(&late, "deadline_ms"), "100");

    let mut request = with_token(&house, note("door", "open"));
    request.metadata_mut().insert("grpc-timeout", "soon".parse().unwrap());
    let refused = send(client(&house), GET, request).await.unwrap_err();
    assert_eq!(
        (reason(&refused), fields(&refused)),
        ("FIELD_INVALID".to_owned(), vec!["grpc-timeout".to_owned()])
    );
}

#[tokio::test]
async fn a_call_without_a_deadline_has_the_default_one() {
    let house = House::open_with(|config, _| config.deadline_default_ms = 100).await;
    let late = send(client(&house), GET, with_token(&house, note("door", WAIT))).await.unwrap_err();
    assert_eq!(
        (reason(&late), metadata(&late, "deadline_ms")),
        ("DEADLINE_EXCEEDED".to_owned(), "100".to_owned())
    );
}

#[tokio::test]
async fn one_call_too_many_is_refused_at_once_and_the_others_are_answered() {
    let house = House::open().await;
    let token = house.token("T1", "maker");
    let most = usize::try_from(IN_FLIGHT_MAX).unwrap();
    let calls: Vec<_> = (0..most)
        .map(|_| {
            let (channel, token) = (house.channel.clone(), token.clone());
            tokio::spawn(async move { call(&channel, GET, Some(&token), &note("door", WAIT)).await })
        })
        .collect();
    house.notes.has_waiting(most).await;
    let refused = house.call(GET, &token, &note("door", "")).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "OVERLOADED".to_owned()));
    assert!(retry_after(&refused).is_some_and(|delay| delay > Duration::ZERO));
    assert!(health(&house, "").await == Some(ServingStatus::Serving), "health is not counted");

    house.notes.let_go(most);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    house.call(GET, &token, &note("door", "")).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_gives_its_place_back() {
    let house = House::open().await;
    let token = house.token("T1", "maker");
    let most = usize::try_from(IN_FLIGHT_MAX).unwrap();
    let calls: Vec<_> = (0..most)
        .map(|_| {
            let (channel, token) = (house.channel.clone(), token.clone());
            tokio::spawn(async move { call(&channel, GET, Some(&token), &note("door", WAIT)).await })
        })
        .collect();
    house.notes.has_waiting(most).await;
    for call in calls {
        call.abort();
    }
    wait_for(BOUND, "a place to be free", || async { house.call(GET, &token, &note("door", "")).await.ok() })
        .await;
}

#[tokio::test]
async fn calls_in_flight_are_answered_after_the_soft_shutdown_and_new_ones_are_not_taken() {
    let house = House::open().await;
    let token = house.token("T1", "maker");
    let (channel, waiting) = (house.channel.clone(), token.clone());
    let in_flight =
        tokio::spawn(async move { call(&channel, WRITE, Some(&waiting), &note("door", WAIT)).await });
    house.notes.has_waiting(1).await;
    let watched = HealthRequest::of("");
    let mut watch = HealthClient::new(house.channel.clone()).watch(watched).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);

    house.lifecycle.stop();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    for channel in [house.channel.clone(), endpoint(house.address).connect_lazy()] {
        let refused = call(&channel, WRITE, Some(&token), &note("door", "open")).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused)), (Code::Unavailable, "SHUTTING_DOWN".to_owned()));
        assert!(retry_after(&refused).is_some());
    }
    assert!(!in_flight.is_finished());
    house.notes.let_go(1);
    assert_eq!(in_flight.await.unwrap().unwrap().into_inner().after, WAIT);
    let ended = watch.message().await;
    assert!(!matches!(ended, Ok(Some(_))), "the watch ends with the server: {ended:?}");
    assert_eq!(house.notes.written(), 1);
    assert_eq!(house.stop().await, Ending::Drained);
}

#[tokio::test]
async fn a_panic_is_a_fault_that_tells_nothing_and_ends_nothing() {
    let house = House::open().await;
    for text in [PANIC, FAIL] {
        let mut request = with_token(&house, note("door", text));
        let id = fresh();
        request.metadata_mut().insert(CORRELATION, id.to_string().parse().unwrap());
        let fault = send(client(&house), WRITE, request).await.unwrap_err();
        assert_eq!(fault.code(), Code::Internal);
        assert!(fault.message().contains(&id.to_string()), "{fault:?}");
        assert!(!fault.message().contains("secret"), "{fault:?}");
        assert_eq!(fault.get_details_request_info().unwrap().request_id, id.to_string());
    }
    let always = house.call(REPLACE, &house.token("T1", "maker"), &note("door", PANIC)).await.unwrap_err();
    assert_eq!(always.code(), Code::Internal);
    house.call(WRITE, &house.token("T1", "maker"), &note("door", "open")).await.unwrap();
}

#[tokio::test]
async fn a_packed_request_is_unpacked_within_the_bound() {
    let house = House::open().await;
    let packed = || client(&house).send_compressed(CompressionEncoding::Gzip);
    for path in [GET, WRITE] {
        let answer =
            send(packed(), path, with_token(&house, note("door", &"open ".repeat(100)))).await.unwrap();
        assert!(answer.into_inner().after.starts_with("open open"));
    }
    let bomb = with_token(&house, note("door", &"0".repeat(REQUEST_BYTES_MAX + 1)));
    let refused = send(packed(), WRITE, bomb).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::ResourceExhausted, "REQUEST_TOO_LARGE".to_owned()));
    let elsewhere = NoteRequest { branch: "310101".to_owned(), ..note("door", "open") };
    let refused = send(packed(), WRITE, with_token(&house, elsewhere)).await.unwrap_err();
    assert_eq!(reason(&refused), "SCOPE_DENIED");
    let always = send(packed(), REPLACE, with_token(&house, note("door", "open"))).await.unwrap_err();
    assert_eq!(reason(&always), "APPROVAL_REQUIRED");
}

#[tokio::test]
async fn a_request_beyond_the_bound_is_refused_whatever_the_rpc() {
    let house = House::open().await;
    for path in [GET, WRITE, REPLACE] {
        let large = note("door", &"0".repeat(REQUEST_BYTES_MAX));
        let refused = house.call(path, &house.token("T1", "maker"), &large).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused)),
            (Code::ResourceExhausted, "REQUEST_TOO_LARGE".to_owned())
        );
        assert_eq!(metadata(&refused, "bytes_max"), REQUEST_BYTES_MAX.to_string());
    }
    let fits = note("door", &"0".repeat(REQUEST_BYTES_MAX - 200));
    house.call(WRITE, &house.token("T1", "maker"), &fits).await.unwrap();
}

/// Sends bytes as they are, and gives the status of the answer.
async fn raw(house: &House, path: &str, headers: &[(&'static str, &str)], bytes: &[u8]) -> Status {
    let mut request = http::Request::post(format!("http://{}{path}", house.address))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {}", house.token("T1", "maker")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::new(Full::new(Bytes::copy_from_slice(bytes)));
    let mut channel = house.channel.clone();
    let ready = channel.ready().await.unwrap();
    let answer = ready.call(request.body(body).unwrap()).await.unwrap();
    Status::from_header_map(answer.headers()).expect("a refusal is in the headers")
}

#[tokio::test]
async fn what_is_no_request_is_refused_by_its_form() {
    let house = House::open().await;
    for (what, bytes) in [
        ("nothing", &b""[..]),
        ("half a head", b"\0\0\0"),
        ("less than the head says", b"\0\0\0\0\x05ab"),
        ("more than the head says", b"\0\0\0\0\x01\x08\x01\x08"),
        ("two messages", b"\0\0\0\0\0\0\0\0\0\0"),
        ("packed, and no word of how", b"\x01\0\0\0\x02ab"),
        ("a flag that is none", b"\x07\0\0\0\0"),
        ("a field that breaks off", b"\0\0\0\0\x02\x12\x7f"),
        ("a field of number 0", b"\0\0\0\0\x02\x02\0"),
        ("a group", b"\0\0\0\0\x02\x13\x14"),
        ("a varint without an end", b"\0\0\0\0\x0b\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("a scope that is no text", b"\0\0\0\0\x04\x12\x02\xff\xfe"),
        ("a scope that is a number", b"\0\0\0\0\x02\x10\x01"),
        ("a name that is no text", b"\0\0\0\0\x0c\x12\x06110101\x1a\x02\xff\xfe"),
    ] {
        for path in [GET, WRITE, REPLACE] {
            let refused = raw(&house, path, &[], bytes).await;
            let status = reason(&refused);
            let is_by_form =
                ["FIELD_INVALID", "REQUEST_ID_MISSING", "SCOPE_DENIED"].contains(&status.as_str());
            assert!(is_by_form, "{what} to {path}: {refused:?}");
            assert!(!fields(&refused).is_empty(), "{what} to {path} names no field");
        }
    }
    let refused = raw(&house, WRITE, &[("grpc-encoding", "zstd")], b"\x01\0\0\0\x02ab").await;
    assert_eq!(fields(&refused), ["grpc-encoding"]);
    let refused = raw(&house, WRITE, &[("grpc-encoding", "gzip")], b"\x01\0\0\0\x02ab").await;
    assert_eq!(
        (reason(&refused), fields(&refused)),
        ("FIELD_INVALID".to_owned(), vec!["request".to_owned()])
    );
    assert_eq!(house.notes.written(), 0);
}

#[tokio::test]
async fn a_refusal_of_the_service_comes_through_as_it_is() {
    let house = House::open().await;
    let refused = house.call(WRITE, &house.token("T1", "maker"), &note("door", FORBIDDEN)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
    assert_eq!(fields(&refused), ["text"]);
}

/// Requests of the health service.
struct HealthRequest;

impl HealthRequest {
    fn of(service: &str) -> HealthCheckRequest {
        HealthCheckRequest { service: service.to_owned() }
    }
}

async fn health(house: &House, service: &str) -> Option<ServingStatus> {
    let answer = HealthClient::new(house.channel.clone()).check(HealthRequest::of(service)).await;
    answer.ok().map(|answer| answer.into_inner().status())
}

#[tokio::test]
async fn health_and_reflection_are_open_to_all() {
    let house = House::open().await;
    for service in ["", "countinghouse.test.v1.NoteService", "countinghouse.approval.v1.ApprovalService"] {
        wait_for(BOUND, "the service to be ready", || async {
            (health(&house, service).await == Some(ServingStatus::Serving)).then_some(())
        })
        .await;
    }
    assert_eq!(health(&house, "countinghouse.test.v1.NoService").await, None);

    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(house.channel.clone())
        .server_reflection_info(tokio_stream::once(ask))
        .await
        .unwrap()
        .into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list of services");
    };
    let mut names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "countinghouse.approval.v1.ApprovalService",
            "countinghouse.test.v1.NoteService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
        ]
    );
}

#[tokio::test]
async fn a_token_on_an_open_rpc_changes_nothing() {
    let house = House::open().await;
    let mut client = HealthClient::with_interceptor(house.channel.clone(), Bearer("abc".to_owned()));
    let health = client.check(HealthRequest::of("")).await.unwrap().into_inner();
    assert_ne!(health.status(), ServingStatus::Unknown);
}
