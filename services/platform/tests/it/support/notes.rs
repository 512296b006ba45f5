//! A small service behind the gate, in memory: it writes notes, waits, panics and fails as the text of a note says. And the
//! contract of notes, which the [notebook](super::notebook) has in common with it.

use std::{
    collections::HashMap,
    convert::Infallible,
    path::Path,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use platform::{
    call::Call,
    refusal::{Failure, reasons},
};
use prost::Name;
use prost_reflect::DescriptorPool;
use serde::Serialize;
use testkit::wait_for;
use tokio::sync::Semaphore;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::http,
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::Service;

pub const NOTE_SERVICE: &str = "countinghouse.test.v1.NoteService";

pub const GET: &str = "/countinghouse.test.v1.NoteService/GetNote";
pub const WRITE: &str = "/countinghouse.test.v1.NoteService/WriteNote";
pub const REPLACE: &str = "/countinghouse.test.v1.NoteService/ReplaceNote";
pub const EXTEND: &str = "/countinghouse.test.v1.NoteService/ExtendNote";

/// What a note must say for the handler to do something else than write it.
pub const WAIT: &str = "wait";
pub const PANIC: &str = "panic";
pub const FAIL: &str = "fail";
pub const FORBIDDEN: &str = "forbidden";

/// Longer texts need a second person under `ExtendNote`.
pub const CHARS_MAX: usize = 20;

#[derive(Clone, PartialEq, prost::Message)]
pub struct NoteRequest {
    #[prost(string, tag = "1")]
    pub request_id: String,
    #[prost(string, tag = "2")]
    pub branch: String,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub text: String,
    #[prost(bool, tag = "5")]
    pub validate_only: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct NoteResponse {
    #[prost(string, tag = "1")]
    pub before: String,
    #[prost(string, tag = "2")]
    pub after: String,
    #[prost(string, tag = "3")]
    pub writer: String,
    #[prost(string, tag = "4")]
    pub approver: String,
}

/// The fact that a note was written.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub struct NoteWritten {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub text: String,
    #[prost(int32, tag = "3")]
    pub version: i32,
}

impl Name for NoteWritten {
    const NAME: &'static str = "NoteWritten";
    const PACKAGE: &'static str = "countinghouse.test.v1";
}

/// The contract of the notes, with the approvals and policies of the real one.
pub fn contract() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut compiler =
            protox::Compiler::new([here.join("tests/it/proto"), here.join("../../proto")]).unwrap();
        compiler.include_imports(true);
        compiler
            .open_files(["countinghouse/test/v1/note.proto", "countinghouse/approval/v1/approval.proto"])
            .unwrap();
        DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
    });
    &POOL
}

/// The service.
#[derive(Debug, Clone)]
pub struct Notes(Arc<State>);

#[derive(Debug)]
struct State {
    texts: Mutex<HashMap<String, String>>,
    /// The answers by request id, as a service's journal has them.
    journal: Mutex<HashMap<String, NoteResponse>>,
    written: AtomicUsize,
    waiting: AtomicUsize,
    let_go: Semaphore,
}

impl Notes {
    pub fn new() -> Notes {
        Notes(Arc::new(State {
            texts: Mutex::default(),
            journal: Mutex::default(),
            written: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            let_go: Semaphore::new(0),
        }))
    }

    /// How many notes were written.
    pub fn written(&self) -> usize {
        self.0.written.load(Ordering::SeqCst)
    }

    /// Waits until so many calls wait in the handler.
    pub async fn has_waiting(&self, calls: usize) {
        wait_for(Duration::from_secs(20), "calls to reach the handler", || async {
            (self.0.waiting.load(Ordering::SeqCst) == calls).then_some(())
        })
        .await;
    }

    /// Lets waiting calls go on.
    pub fn let_go(&self, calls: usize) {
        self.0.let_go.add_permits(calls);
    }

    async fn wait(&self) {
        self.0.waiting.fetch_add(1, Ordering::SeqCst);
        self.0.let_go.acquire().await.expect("the semaphore is never closed").forget();
    }

    fn note(&self, call: &Call, request: &NoteRequest) -> Result<NoteResponse, Failure> {
        let mut journal = self.0.journal.lock().unwrap();
        if let Some(answer) = journal.get(&request.request_id).filter(|_| !request.request_id.is_empty()) {
            return Ok(answer.clone());
        }
        if request.text == FORBIDDEN {
            return Err(reasons::FIELD_INVALID.refuse("no").field("text", "must be allowed").into());
        }
        check_length(call, &request.text)?;
        let mut texts = self.0.texts.lock().unwrap();
        let before = texts.get(&request.name).cloned().unwrap_or_default();
        let answer = answer(call, before, request.text.clone());
        if !call.policy.only_reads && !call.is_dry_run() {
            texts.insert(request.name.clone(), request.text.clone());
            journal.insert(request.request_id.clone(), answer.clone());
            self.0.written.fetch_add(1, Ordering::SeqCst);
        }
        Ok(answer)
    }
}

impl HandleNote for Notes {
    async fn handle(&self, call: Call, request: NoteRequest) -> Result<NoteResponse, Status> {
        match request.text.as_str() {
            PANIC => panic!("the handler panics, and knows a secret"),
            FAIL => return Err(Status::internal("a secret of the database")),
            WAIT => self.wait().await,
            _ => {}
        }
        self.note(&call, &request).map_err(|failure| failure.into_status(call.caller.correlation_id))
    }
}

/// Refuses a long text under `ExtendNote` until a second person agrees.
pub fn check_length(call: &Call, text: &str) -> Result<(), Failure> {
    let is_long = *call.policy.path == *EXTEND && text.chars().count() > CHARS_MAX;
    if is_long && !call.is_seconded() {
        return Err(reasons::APPROVAL_REQUIRED
            .refuse("the text is long")
            .with("chars_max", CHARS_MAX.to_string())
            .into());
    }
    Ok(())
}

/// The answer to a call.
pub fn answer(call: &Call, before: String, after: String) -> NoteResponse {
    NoteResponse {
        before,
        after,
        writer: call.caller.actor.id.clone(),
        approver: call.caller.approver.as_ref().map(|approver| approver.id.clone()).unwrap_or_default(),
    }
}

/// What answers the rpcs of notes.
pub trait HandleNote: Clone + Send + Sync + 'static {
    fn handle(
        &self,
        call: Call,
        request: NoteRequest,
    ) -> impl Future<Output = Result<NoteResponse, Status>> + Send;
}

/// The rpcs of notes, as the generated code would have them.
#[derive(Clone, Debug)]
pub struct NoteRpcs<H>(pub H);

impl<H> NamedService for NoteRpcs<H> {
    const NAME: &'static str = NOTE_SERVICE;
}

impl<H: HandleNote> Service<http::Request<Body>> for NoteRpcs<H> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let notes = self.0.clone();
        Box::pin(async move {
            let handler = tower::service_fn(move |request: Request<NoteRequest>| {
                let notes = notes.clone();
                async move {
                    let call = Call::of(&request)?;
                    notes.handle(call, request.into_inner()).await.map(Response::new)
                }
            });
            let codec = ProstCodec::<NoteResponse, NoteRequest>::default();
            Ok(Grpc::new(codec).unary(handler, request).await)
        })
    }
}
