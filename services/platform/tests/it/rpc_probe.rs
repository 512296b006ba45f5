//! What a server answers to the probes of an orchestrator.

use platform::{
    leadership::Lead,
    rpc::{
        RpcConfig,
        probe::{Question, Unwell, probe},
    },
};
use testkit::wait_for;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    rpc_access::secured,
    support::{
        notes::WAIT,
        server::{BOUND, House, call, note},
    },
};

/// The server's own settings, as its program has them.
fn config(house: &House) -> RpcConfig {
    RpcConfig { listen: house.address, ..house.config.clone() }
}

#[tokio::test]
async fn a_server_that_serves_has_started_is_ready_and_is_alive() {
    let house = House::open().await;
    for question in [Question::Started, Question::Ready, Question::Alive] {
        wait_for(BOUND, "the answer", || async { probe(&config(&house), question, None).await.ok() }).await;
        let at = Some(format!("localhost:{}", house.address.port()));
        probe(&config(&house), question, at).await.unwrap();
    }
}

#[tokio::test]
async fn the_answer_comes_over_tls_too() {
    let (house, _authority) = secured().await;
    wait_for(BOUND, "the answer", || async { probe(&config(&house), Question::Ready, None).await.ok() })
        .await;

    let without = RpcConfig { listen: house.address, ..crate::support::server::rpc_config() };
    let error = probe(&without, Question::Alive, None).await.unwrap_err();
    assert!(error.to_string().starts_with("not alive: "), "{error}");
}

#[tokio::test]
async fn one_that_knows_no_leader_is_ready_and_has_not_started() {
    let house = House::open().await;
    let (lead, known) = watch::channel(Lead::Unknown);
    let replica = house.replica(known).await;
    let config = RpcConfig { listen: replica.address, ..house.config.clone() };
    // Nobody has said yet that it takes work.
    let error = probe(&config, Question::Ready, None).await.unwrap_err();
    assert!(matches!(error, Unwell::NotServing { .. }), "{error}");
    probe(&config, Question::Alive, None).await.unwrap();

    replica.lifecycle.set_ready();
    wait_for(BOUND, "it to be ready", || async { probe(&config, Question::Ready, None).await.ok() }).await;
    let error = probe(&config, Question::Started, None).await.unwrap_err();
    assert!(matches!(error, Unwell::NoLeader { .. }), "{error}");
    for known in [Lead::at("10.0.0.7:50051"), Lead::Here] {
        lead.send_replace(known);
        wait_for(BOUND, "it to have started", || async {
            probe(&config, Question::Started, None).await.ok()
        })
        .await;
        lead.send_replace(Lead::Unknown);
        wait_for(BOUND, "it to know no leader", || async {
            probe(&config, Question::Started, None).await.err()
        })
        .await;
    }
}

#[tokio::test]
async fn one_that_stops_is_alive_and_not_ready() {
    let house = House::open().await;
    let (channel, token) = (house.channel.clone(), house.token("T1", "maker"));
    let waiting = tokio::spawn(async move {
        call(&channel, crate::support::notes::WRITE, Some(&token), &note("door", WAIT)).await
    });
    house.notes.has_waiting(1).await;
    house.lifecycle.stop();
    let error = wait_for(BOUND, "it to be unready", || async {
        probe(&config(&house), Question::Ready, None).await.err()
    })
    .await;
    assert!(matches!(error, Unwell::NotServing { .. }), "{error}");
    probe(&config(&house), Question::Alive, None).await.unwrap();
    house.notes.let_go(1);
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_does_not_answer_is_not_alive_and_says_where() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let config = RpcConfig { listen: address, ..crate::support::server::rpc_config() };
    // Connected and never answered, as a process that hangs would.
    let error = probe(&config, Question::Alive, None).await.unwrap_err();
    assert!(matches!(error, Unwell::Slow { .. }), "{error}");
    drop(silent);
    let error = probe(&config, Question::Alive, None).await.unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(matches!(error, Unwell::Unreachable { .. }), "{error}");
}
