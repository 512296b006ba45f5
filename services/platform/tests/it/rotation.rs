//! Certificates, authorities and keys are replaced while the server serves: no call is cut, and what is new is in force for new
//! connections.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use platform::leadership::Lead;
use testkit::{
    keys::{Authority, Claims},
    wait_for,
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Status, transport::Channel};

use crate::{
    rpc_access::{secured, secured_channel},
    support::{
        notes::{GET, NoteResponse, WRITE},
        server::{BOUND, BRANCH, House, call, note, reason},
    },
};

/// The files of a server, as a Secret that is mounted shows them.
struct Files(PathBuf);

impl Files {
    fn of(house: &House) -> Files {
        Files(house.folder().to_path_buf())
    }

    /// Puts a new certificate of the service in, signed by `authority`.
    fn renew(&self, authority: &Authority) {
        authority.service("accounting").write(&self.0, "server").unwrap();
    }

    /// Trusts the services of these authorities.
    fn trust(&self, authorities: &[&Authority]) {
        let all: String = authorities.iter().map(|authority| authority.certificate()).collect();
        fs::write(self.0.join("ca.pem"), all).unwrap();
    }
}

/// A caller who calls all the time, on the connection that it has.
struct Caller {
    answered: Arc<AtomicU64>,
    calling: JoinHandle<Result<(), Status>>,
    stop: DropGuard,
}

impl Caller {
    fn on(channel: Channel, token: String) -> Caller {
        let (answered, stop) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
        let (count, stopped) = (answered.clone(), stop.clone());
        let calling = tokio::spawn(async move {
            while !stopped.is_cancelled() {
                call(&channel, WRITE, Some(&token), &note("door", "open")).await?;
                count.fetch_add(1, Ordering::SeqCst);
            }
            Ok(())
        });
        Caller { answered, calling, stop: stop.drop_guard() }
    }

    /// Waits until it has been answered some more.
    async fn goes_on(&self) {
        let before = self.answered.load(Ordering::SeqCst);
        wait_for(BOUND, "the caller to be answered", || async {
            assert!(!self.calling.is_finished(), "a call was cut");
            (self.answered.load(Ordering::SeqCst) > before + 2).then_some(())
        })
        .await;
    }

    /// Every call was answered.
    async fn ends(self) {
        drop(self.stop);
        self.calling.await.unwrap().unwrap();
    }
}

/// Asks on a new connection, showing the certificate of settlement.
async fn ask(address: SocketAddr, trusted: &Authority, shown: &Authority) -> Result<NoteResponse, Status> {
    let channel = secured_channel(address, trusted, Some((shown, "settlement")));
    call(&channel, GET, None, &note("door", "")).await.map(tonic::Response::into_inner)
}

/// Waits until a new connection to any of these is as `expected`.
async fn until(addresses: &[SocketAddr], trusted: &Authority, shown: &Authority, expected: bool) {
    for address in addresses {
        wait_for(BOUND, "the new certificates to be in force", || async {
            (ask(*address, trusted, shown).await.is_ok() == expected).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_and_authority_are_replaced_and_no_call_is_cut() {
    let (house, old) = secured().await;
    let (files, new) = (Files::of(&house), Authority::generate());
    let (first, here) = watch::channel(Lead::Here);
    let leader = house.replica(here).await;
    let (to_leader, there) = watch::channel(Lead::at(&leader.address.to_string()));
    let follower = house.replica(there).await;
    let token = house.token("T1", "maker");
    let caller = Caller::on(secured_channel(house.address, &old, None), token.clone());
    let through = Caller::on(secured_channel(follower.address, &old, None), token.clone());
    caller.goes_on().await;
    through.goes_on().await;
    let all = [house.address, leader.address, follower.address];
    assert!(ask(house.address, &old, &new).await.is_err(), "nobody trusts the new authority yet");

    // Both are trusted, then the certificate is renewed, then the old authority goes.
    files.trust(&[&old, &new]);
    until(&all, &old, &new, true).await;
    files.renew(&new);
    until(&all, &new, &new, true).await;
    assert!(ask(house.address, &old, &old).await.is_err(), "the server shows the new certificate");
    assert!(ask(house.address, &new, &old).await.is_ok(), "services of the old authority are still known");
    through.goes_on().await;
    files.trust(&[&new]);
    until(&all, &new, &old, false).await;
    assert!(ask(house.address, &new, &new).await.is_ok());

    // Replicas know each other by the new certificates.
    let beside = secured_channel(follower.address, &new, Some((&new, "settlement")));
    let denied = call(&beside, WRITE, None, &note("door", "open")).await.unwrap_err();
    assert_eq!(reason(&denied), "PERMISSION_DENIED", "it went to the leader and back");
    caller.goes_on().await;
    through.goes_on().await;
    caller.ends().await;
    through.ends().await;
    // Also when they meet for the first time.
    let (second, here) = watch::channel(Lead::Here);
    let next = house.replica(here).await;
    to_leader.send_replace(Lead::at(&next.address.to_string()));
    let fresh = secured_channel(follower.address, &new, None);
    call(&fresh, WRITE, Some(&token), &note("door", "open")).await.unwrap();
    assert_eq!(next.notes.written(), 1);
    drop((first, second));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuers_key_is_rotated_and_no_call_is_refused() {
    let mut house = House::open().await;
    let jwks = house.folder().join("jwks.json");
    let old = house.token("T1", "maker");
    let caller = Caller::on(house.channel.clone(), old.clone());
    caller.goes_on().await;
    house.issuer.rotate();
    house.issuer.write_jwks(&jwks).unwrap();
    let new = house.issuer.sign(&Claims::of("T2", &["maker"]).within(&[BRANCH]));
    wait_for(BOUND, "the new key to be known", || async {
        house.call(GET, &new, &note("door", "")).await.ok()
    })
    .await;
    caller.goes_on().await;
    caller.ends().await;
    house.issuer.withdraw_retired();
    house.issuer.write_jwks(&jwks).unwrap();
    wait_for(BOUND, "the old key to be forgotten", || async {
        house.call(GET, &old, &note("door", "")).await.is_err().then_some(())
    })
    .await;
    house.call(GET, &new, &note("door", "")).await.unwrap();
}
