//! A server of notes on a free port, with an issuer of tokens, a clock that is moved by hand, and a client.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use platform::{
    Dependencies,
    approval::ApprovalConfig,
    auth::{AuthConfig, Authenticator},
    clock::{Clock, ManualClock, SystemClock},
    config::Secret,
    ids::UuidV7Ids,
    leadership::Lead,
    lifecycle::{Ending, Lifecycle},
    pages::PageTokens,
    rpc::{Builder, Listening, RpcConfig, Server, StartError},
};
use proto_common::approval::v1::approval_service_client::ApprovalServiceClient;
use sqlx::PgPool;
use testkit::{
    TestDatabase,
    keys::{AUDIENCE, Claims, ISSUER, Issuer},
};
use tokio::{sync::watch, task::JoinHandle};
use tonic::{
    Request, Status,
    client::Grpc,
    metadata::MetadataMap,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;
use uuid::Uuid;

use super::{
    bench::MIGRATOR,
    notes::{NoteRequest, NoteResponse, NoteRpcs, Notes, contract},
};

/// For anything that must happen.
pub const BOUND: Duration = Duration::from_mins(1);

pub const BRANCH: &str = "110101";

/// The calls that the server takes at a time.
pub const IN_FLIGHT_MAX: u32 = 8;
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// A server that serves, and what it stands on.
pub struct House {
    pub database: TestDatabase,
    pub issuer: Issuer,
    pub notes: Notes,
    pub clock: Arc<ManualClock>,
    pub lifecycle: Lifecycle,
    pub address: SocketAddr,
    pub channel: Channel,
    /// How the process ends.
    pub ending: JoinHandle<Ending>,
    pub config: RpcConfig,
    folder: Folder,
}

impl House {
    pub async fn open() -> House {
        House::open_with(|_, _| {}).await
    }

    /// With other settings; `folder` is a place for files of the server.
    pub async fn open_with(change: impl FnOnce(&mut RpcConfig, &Path)) -> House {
        let folder = Folder::new();
        let issuer = Issuer::generate();
        let jwks_file = folder.path().join("jwks.json");
        issuer.write_jwks(&jwks_file).unwrap();
        let database = testkit::database(&MIGRATOR).await;
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let mut config = rpc_config();
        change(&mut config, folder.path());
        let lifecycle = Lifecycle::new();
        let notes = Notes::new();
        let auth = auth_config(&jwks_file);
        let dependencies = dependencies(database.dml.clone(), clock.clone());
        let add = |server: &mut Builder| server.add(NoteRpcs(notes.clone()));
        let server = server(&config, &auth, dependencies, &lifecycle, add).await.unwrap();
        let address = server.address();
        server.serve();
        lifecycle.set_ready();
        let ending = tokio::spawn(lifecycle.clone().run_until(std::future::pending(), BOUND));
        let channel = endpoint(address).connect_lazy();
        House { database, issuer, notes, clock, lifecycle, address, channel, ending, config, folder }
    }

    /// Another replica, which passes on what changes something to where `lead` says.
    pub async fn replica(&self, lead: watch::Receiver<Lead>) -> Replica {
        let lifecycle = Lifecycle::new();
        let notes = Notes::new();
        let auth = auth_config(&self.folder.path().join("jwks.json"));
        let dependencies = dependencies(self.database.dml.clone(), self.clock.clone());
        let add = |server: &mut Builder| {
            server.add(NoteRpcs(notes.clone()));
            server.led_by(lead);
        };
        let server = server(&self.config, &auth, dependencies, &lifecycle, add).await.unwrap();
        let address = server.address();
        server.serve();
        Replica { notes, address, channel: endpoint(address).connect_lazy(), lifecycle }
    }

    /// Where the server's files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn pool(&self) -> &PgPool {
        &self.database.dml
    }

    /// The token of an operator of the branch.
    pub fn token(&self, operator: &str, role: &str) -> String {
        self.issuer.sign(&Claims::of(operator, &[role]).within(&[BRANCH]))
    }

    /// Calls an rpc of the notes.
    pub async fn call(&self, path: &str, token: &str, request: &NoteRequest) -> Result<NoteResponse, Status> {
        call(&self.channel, path, Some(token), request).await.map(tonic::Response::into_inner)
    }

    /// The approvals, as an operator of the branch calls them.
    pub fn approvals(
        &self,
        operator: &str,
        role: &str,
    ) -> ApprovalServiceClient<InterceptedService<Channel, Bearer>> {
        ApprovalServiceClient::with_interceptor(self.channel.clone(), Bearer(self.token(operator, role)))
    }

    /// Asks the process to stop, and waits until it has.
    pub async fn stop(self) -> Ending {
        self.lifecycle.stop();
        tokio::time::timeout(BOUND, self.ending).await.expect("the process ends").unwrap()
    }
}

/// A server on what another stands on; it stops when it is dropped.
pub struct Replica {
    pub notes: Notes,
    pub address: SocketAddr,
    pub channel: Channel,
    pub lifecycle: Lifecycle,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.lifecycle.stop();
    }
}

/// Adds a token to every call.
#[derive(Clone)]
pub struct Bearer(pub String);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        authorize(request.metadata_mut(), &self.0);
        Ok(request)
    }
}

fn authorize(metadata: &mut MetadataMap, token: &str) {
    metadata.insert("authorization", format!("Bearer {token}").parse().unwrap());
}

pub fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::from_shared(format!("http://{address}")).unwrap()
}

/// Calls an rpc of the notes, with a token or with none.
pub async fn call(
    channel: &Channel,
    path: &str,
    token: Option<&str>,
    request: &NoteRequest,
) -> Result<tonic::Response<NoteResponse>, Status> {
    let mut request = Request::new(request.clone());
    if let Some(token) = token {
        authorize(request.metadata_mut(), token);
    }
    send(Grpc::new(channel.clone()), path, request).await
}

/// Sends a request as the client is set up to.
pub async fn send(
    mut client: Grpc<Channel>,
    path: &str,
    request: Request<NoteRequest>,
) -> Result<tonic::Response<NoteResponse>, Status> {
    client.ready().await.map_err(|error| Status::from_error(error.into()))?;
    let codec = ProstCodec::<NoteRequest, NoteResponse>::default();
    client.unary(request, path.parse().unwrap(), codec).await
}

/// A request of the branch that says something, with an id of its own.
pub fn note(name: &str, text: &str) -> NoteRequest {
    NoteRequest {
        request_id: fresh().to_string(),
        branch: BRANCH.to_owned(),
        name: name.to_owned(),
        text: text.to_owned(),
        validate_only: false,
    }
}

pub fn fresh() -> Uuid {
    Uuid::from_u128(rand::random())
}

/// The reason in a refusal.
pub fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map_or_else(|| format!("none: {status:?}"), |info| info.reason)
}

/// A value in a refusal's metadata.
pub fn metadata(status: &Status, key: &str) -> String {
    let info = status.get_details_error_info().expect("a refusal has a reason");
    info.metadata.get(key).cloned().unwrap_or_else(|| panic!("no {key} in {:?}", info.metadata))
}

/// The fields that a refusal names.
pub fn fields(status: &Status) -> Vec<String> {
    let request = status.get_details_bad_request();
    request
        .into_iter()
        .flat_map(|request| request.field_violations)
        .map(|violation| violation.field)
        .collect()
}

/// A server with the services that `add` gives it, which does not serve yet.
pub async fn server(
    config: &RpcConfig,
    auth: &AuthConfig,
    dependencies: Dependencies,
    lifecycle: &Lifecycle,
    add: impl FnOnce(&mut Builder),
) -> Result<Server, StartError> {
    let mut builder = Server::builder(contract(), config);
    add(&mut builder);
    let listening = Listening::on(config).await?;
    let authenticator = Arc::new(Authenticator::open(auth, dependencies.clock.clone()).await.unwrap());
    let approval = ApprovalConfig { expire_after_hours: 2 };
    builder.build(listening, authenticator, approval, dependencies, lifecycle).await
}

pub fn dependencies(pool: PgPool, clock: Arc<ManualClock>) -> Dependencies {
    let page_tokens = PageTokens::new(&Secret::new("a key of these tests"));
    Dependencies { pool, page_tokens, clock, ids: Arc::new(UuidV7Ids) }
}

pub fn rpc_config() -> RpcConfig {
    RpcConfig {
        advertise: String::new(),
        listen: "127.0.0.1:0".parse().unwrap(),
        request_bytes_max: REQUEST_BYTES_MAX,
        deadline_default_ms: 30_000,
        deadline_max_ms: 60_000,
        in_flight_max: IN_FLIGHT_MAX,
        streams_per_connection_max: 100,
        keepalive_interval_ms: 30_000,
        keepalive_timeout_ms: 10_000,
        connection_age_max_s: 0,
        tls_certificate_file: PathBuf::new(),
        tls_key_file: PathBuf::new(),
        tls_client_ca_file: PathBuf::new(),
        tls_reload_every_ms: 100,
    }
}

pub fn auth_config(jwks_file: &Path) -> AuthConfig {
    let map = |entries: &[(&str, &[&str])]| -> HashMap<String, Vec<String>> {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        entries.iter().map(|&(name, permissions)| (name.to_owned(), owned(permissions))).collect()
    };
    AuthConfig {
        jwks_file: jwks_file.to_path_buf(),
        jwks_url: String::new(),
        jwks_ca_file: PathBuf::new(),
        jwks_refresh_ms: 100,
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        leeway_s: 30,
        tokens_max: 64,
        roles: map(&[
            ("maker", &["test.notes.read", "test.notes.write", "approval.approvals.read"]),
            ("checker", &["test.notes.check", "approval.*"]),
            ("decider", &["approval.*"]),
            ("master", &["*"]),
        ]),
        services: map(&[("settlement", &["test.notes.read"])]),
    }
}

/// A folder of one test's own, gone with the value.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("countinghouse-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
