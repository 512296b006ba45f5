//! A network between the service and Postgres that loses an answer: what the server did is done, and the writer is not told. Or
//! that carries nothing at all for a while.

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

/// What the startup packet of the writer's sessions holds.
const WRITERS_MARK: &[u8] = b"accounting.writer";

const CHUNK_BYTES: usize = 16 * 1024;

/// A proxy in front of Postgres.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub address: SocketAddr,
    gate: Arc<Gate>,
}

#[derive(Debug)]
struct Gate {
    /// How many more answers the writer gets; [`OPEN`] for all.
    answers: AtomicU8,
    /// Counts the cuts: every session of the writer that stood then is over.
    cuts: watch::Sender<u32>,
    /// Nothing is carried, either way.
    is_frozen: watch::Sender<bool>,
}

const OPEN: u8 = u8::MAX;

impl Proxy {
    /// Begins to pass on to `postgres`.
    pub async fn to(postgres: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let gate = Arc::new(Gate {
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

    /// Lets this many more answers through to the writer's session, and holds back what comes after.
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

    /// Ends the writer's session, with what was held back.
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
    let is_writer = first[..read].windows(WRITERS_MARK.len()).any(|window| window == WRITERS_MARK);
    let (from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    if to_server.write_all(&first[..read]).await.is_err() {
        return;
    }
    let mut cuts = gate.cuts.subscribe();
    tokio::select! {
        () = copy(from_client, to_server, &gate, false) => {}
        () = copy(from_server, to_client, &gate, is_writer) => {}
        _ = cuts.changed(), if is_writer => {}
    }
}

/// Passes on until either side ends. Answers of a session without a large result come in one piece each.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: &Gate, is_answer_to_writer: bool) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        gate.thawed().await;
        if is_answer_to_writer {
            gate.admit().await;
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}
