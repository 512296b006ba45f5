//! Builds a server, and serves.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use futures::TryStreamExt;
use http::Request;
use prost_reflect::DescriptorPool;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;
use tonic::{
    body::Body,
    codegen::http::Response,
    server::NamedService,
    service::Routes,
    transport::{self, server::TcpIncoming},
};
use tonic_health::server::HealthReporter;
use tower::Service;

use super::{
    CoalescedIo, ConfigError, RpcConfig,
    admission::Admission,
    certificates::{self, Certificates},
    deadline::Deadlines,
    forward::Forward,
    gate::{Gate, Parts},
    metrics::Metrics,
    public,
};
use crate::{
    Dependencies,
    approval::{ApprovalConfig, Approvals, POOL_CONNECTIONS_MIN},
    auth::Authenticator,
    call::{Policies, PolicyError, Runner},
    leadership::Lead,
    lifecycle::Lifecycle,
};

/// How long a TCP connection is idle before the system probes it.
const TCP_KEEPALIVE: Duration = Duration::from_mins(1);

/// The address of a server that is not built yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listening {
    /// Listens where the settings say. Clients that connect wait until the server serves.
    pub async fn on(config: &RpcConfig) -> Result<Self, StartError> {
        config.check()?;
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A server that is being built.
pub struct Builder {
    contract: &'static DescriptorPool,
    config: RpcConfig,
    routes: Routes,
    services: Vec<&'static str>,
    lead: Option<watch::Receiver<Lead>>,
}

/// A server that is built and does not serve yet.
pub struct Server {
    listening: Listening,
    transport: transport::Server,
    certificates: Option<Arc<Certificates>>,
    services: Vec<&'static str>,
    lead: Option<watch::Receiver<Lead>>,
    gate: Gate,
    reporter: HealthReporter,
    lifecycle: Lifecycle,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error("approvals need {POOL_CONNECTIONS_MIN} database connections at least")]
    PoolTooSmall,
    #[error("reflection cannot serve the contract")]
    Reflection(#[from] tonic_reflection::server::Error),
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
}

impl Server {
    /// Begins with no services. `contract` is where policies are read from and what reflection serves.
    pub fn builder(contract: &'static DescriptorPool, config: &RpcConfig) -> Builder {
        Builder {
            contract,
            config: config.clone(),
            routes: Routes::default(),
            services: Vec::new(),
            lead: None,
        }
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.listening.address
    }

    /// Serves as a task of the process, until it is stopped and every call in flight is answered. Health reports whether
    /// the process is ready. The issuer's keys are kept fresh meanwhile.
    pub fn serve(self) {
        let (authenticator, stop) = (self.gate.0.authenticator.clone(), self.lifecycle.soft());
        self.lifecycle.spawn("keys", async move { authenticator.keep_fresh(stop).await });
        if let Some(certificates) = self.certificates.clone() {
            let stop = self.lifecycle.soft();
            self.lifecycle.spawn("certificates", async move {
                certificates.keep_fresh(stop).await;
                Ok::<_, Infallible>(())
            });
        }
        let ready = self.lifecycle.ready();
        self.lifecycle.clone().spawn("rpc", async move {
            let incoming = TcpIncoming::from(self.listening.listener)
                .with_nodelay(Some(true))
                .with_keepalive(Some(TCP_KEEPALIVE));
            let parts = self.gate.0.clone();
            let drained = async move {
                parts.admission.drained().await;
                parts.ended.cancel();
            };
            let (transport, gate, certificates) = (self.transport, self.gate, self.certificates);
            let served = async move {
                if let Some(certificates) = certificates {
                    let incoming = certificates::secured(incoming, certificates).map_ok(CoalescedIo::over);
                    transport.serve_with_incoming_shutdown(gate, incoming, drained).await
                } else {
                    let incoming = incoming.map_ok(CoalescedIo::over);
                    transport.serve_with_incoming_shutdown(gate, incoming, drained).await
                }
            };
            tokio::select! {
                // First, so that the server is not reported as ready before it is.
                biased;
                () = public::report(self.reporter.clone(), self.services, ready) => Ok(()),
                () = public::report_lead(self.reporter, self.lead) => Ok(()),
                served = served => served,
            }
        });
    }
}

impl Builder {
    /// Adds a service. Each of its rpcs must have a policy in the contract.
    pub fn add<S>(&mut self, service: S)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.services.push(S::NAME);
        self.routes = std::mem::take(&mut self.routes).add_service(service);
    }

    /// Passes calls that change something on to the replica that leads, whenever that is another one. Without this they are all
    /// done here.
    pub fn led_by(&mut self, lead: watch::Receiver<Lead>) {
        self.lead = Some(lead);
    }

    /// Checks everything and adds `ApprovalService`. The server lives for as long as `lifecycle` lets it.
    pub async fn build(
        mut self,
        listening: Listening,
        authenticator: Arc<Authenticator>,
        approval: ApprovalConfig,
        dependencies: Dependencies,
        lifecycle: &Lifecycle,
    ) -> Result<Server, StartError> {
        if dependencies.pool.options().get_max_connections() < POOL_CONNECTIONS_MIN {
            return Err(StartError::PoolTooSmall);
        }
        self.services.push(Approvals::SERVICE);
        let policies = Arc::new(Policies::from_descriptors(self.contract, &self.services)?);
        let behind = Runner::new(self.routes.clone());
        let approvals = Approvals::new(&dependencies, approval, policies.clone(), behind);
        let runner = Runner::new(self.routes.clone().add_service(approvals.service()));
        let reporter = HealthReporter::new();
        let public = public::routes(self.contract, &self.services, &reporter)?;

        let transport = self.transport();
        let certificates = Certificates::open(&self.config, &dependencies.clock).await?;
        let lead = self.lead.clone();
        let forward = match self.lead.take() {
            Some(lead) => Some(Forward::new(&self.config, lead, certificates.clone())?),
            None => None,
        };
        let Dependencies { pool, clock, ids, .. } = dependencies;
        let gate = Gate(Arc::new(Parts {
            policies,
            forward,
            authenticator,
            approvals,
            admission: Admission::new(self.config.in_flight_max, lifecycle.soft()),
            deadlines: Deadlines::new(&self.config),
            metrics: Metrics::new(ids),
            request_bytes_max: self.config.request_bytes_max,
            runner,
            public,
            ended: CancellationToken::new(),
            pool,
            clock,
        }));
        let lifecycle = lifecycle.clone();
        let services = self.services;
        Ok(Server { listening, transport, certificates, services, lead, gate, reporter, lifecycle })
    }

    fn transport(&self) -> transport::Server {
        let mut transport = transport::Server::builder()
            .max_concurrent_streams(self.config.streams_per_connection_max)
            .http2_keepalive_interval(Some(Duration::from_millis(self.config.keepalive_interval_ms)))
            .http2_keepalive_timeout(Some(Duration::from_millis(self.config.keepalive_timeout_ms)));
        if let Some(age) = self.config.connection_age_max() {
            transport = transport.max_connection_age(age);
        }
        transport
    }
}
