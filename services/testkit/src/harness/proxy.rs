//! A network between a service and Postgres that fails: it loses an answer, so that the session does not learn what the server did,
//! or it carries nothing at all for a while.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

const CHUNK_BYTES: usize = 16 * 1024;

/// A proxy in front of Postgres.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct Gate {
    /// The application whose sessions can be held back: it stands in the startup packet.
    application: &'static str,
    /// How many more answers those sessions get; [`OPEN`] for all.
    answers: AtomicU8,
    /// Counts the cuts: every one of those sessions that stood then is over.
    cuts: watch::Sender<u32>,
    /// Nothing is carried, either way.
    is_frozen: watch::Sender<bool>,
}

const OPEN: u8 = u8::MAX;

impl Proxy {
    /// Begins to pass on to `postgres`. Only sessions of `application` can be held back or cut.
    pub async fn to(postgres: String, application: &'static str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let gate = Arc::new(Gate {
            application,
            answers: AtomicU8::new(OPEN),
            cuts: watch::Sender::new(0),
            is_frozen: watch::Sender::new(false),
        });
        let proxy = Proxy { address, gate: gate.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&postgres).await else { continue };
                tokio::spawn(pass(client, server, gate.clone()));
            }
        });
        proxy
    }

    /// Lets this many more answers through to the application, and holds back what comes after.
    pub fn hold_back_after(&self, answers: u8) {
        self.gate.answers.store(answers, Ordering::SeqCst);
    }

    /// Carries nothing any more, and ends no connection.
    pub fn freeze(&self) {
        self.gate.is_frozen.send_replace(true);
    }

    /// Carries everything again, what was held back first.
    pub fn thaw(&self) {
        self.gate.is_frozen.send_replace(false);
    }

    /// Ends the application's sessions, with what was held back.
    pub fn cut(&self) {
        self.gate.answers.store(OPEN, Ordering::SeqCst);
        self.gate.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Gate {
    /// Waits until anything may pass.
    async fn thawed(&self) {
        let mut is_frozen = self.is_frozen.subscribe();
        // The gate is here as long as anyone waits at it.
        drop(is_frozen.wait_for(|is_frozen| !is_frozen).await);
    }

    /// Waits until an answer may pass.
    async fn admit(&self) {
        let taken = self.answers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |answers| match answers {
            OPEN => Some(OPEN),
            answers => answers.checked_sub(1),
        });
        if taken.is_err() {
            // Until the session is cut.
            std::future::pending::<()>().await;
        }
    }
}

async fn pass(mut client: TcpStream, server: TcpStream, gate: Arc<Gate>) {
    let mut first = [0; CHUNK_BYTES];
    let Ok(read) = client.read(&mut first).await else { return };
    let mark = gate.application.as_bytes();
    let is_held_back = first[..read].windows(mark.len()).any(|window| window == mark);
    let (from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    if to_server.write_all(&first[..read]).await.is_err() {
        return;
    }
    let mut cuts = gate.cuts.subscribe();
    tokio::select! {
        () = copy(from_client, to_server, &gate, false) => {}
        () = copy(from_server, to_client, &gate, is_held_back) => {}
        _ = cuts.changed(), if is_held_back => {}
    }
}

/// Passes on until either side ends. Answers of a session without a large result come in one piece each.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: &Gate, is_held_back: bool) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        gate.thawed().await;
        if is_held_back {
            gate.admit().await;
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
