//! A network in front of Postgres that breaks: after so many answers of the server, every connection through it is cut. What the
//! server has done by then is done, and whoever called it does not know.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// More than any answer has in these tests, so that each comes in one piece.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

pub struct Proxy {
    address: SocketAddr,
    answers_left: Arc<AtomicU32>,
}

impl Proxy {
    /// Passes everything on, until [`cut_after`](Self::cut_after), to the server that `url` names.
    pub async fn before(url: &str) -> Proxy {
        let server: PgConnectOptions = url.parse().expect("a URL");
        let server = (server.get_host().to_owned(), server.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let answers_left = Arc::new(AtomicU32::new(u32::MAX));
        let left = answers_left.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                tokio::spawn(pass(client, server, left.clone()));
            }
        });
        Proxy { address, answers_left }
    }

    /// The URL of the same database, through the proxy.
    pub fn url(&self, url: &str) -> String {
        let (before, place) = url.rsplit_once('@').expect("a URL with a role");
        let (_, database) = place.split_once('/').expect("a URL with a database");
        format!("{before}@{}/{database}", self.address)
    }

    /// Lets so many more answers through; the next cuts its connection.
    pub fn cut_after(&self, answers: u32) {
        self.answers_left.store(answers, Ordering::SeqCst);
    }
}

async fn pass(client: TcpStream, server: TcpStream, answers_left: Arc<AtomicU32>) {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        _ = io::copy(&mut from_client, &mut to_server) => {}
        () = answer(from_server, to_client, &answers_left) => {}
    }
}

async fn answer(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, left: &AtomicU32) {
    let mut answer = vec![0; ANSWER_BYTES_MAX];
    while let Ok(read @ 1..) = server.read(&mut answer).await {
        let admitted =
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if !admitted || client.write_all(&answer[..read]).await.is_err() {
            return;
        }
    }
}
