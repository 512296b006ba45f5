//! Assembles a service, and starts it.

use std::{convert::Infallible, fmt::Display, net::SocketAddr, sync::Arc};

use anyhow::{Context, Result, bail};
use futures::future::BoxFuture;
use http::{Request, Response};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, server::NamedService};

use super::{Service, Settings, migrator};
use crate::{
    Dependencies,
    audit::Sealer,
    auth::Authenticator,
    clock::SharedClock,
    command::Commands,
    consumer::{Consumer, Handler},
    db,
    ids::SharedIds,
    leadership::Lead,
    lifecycle::Lifecycle,
    outbox::OutboxSource,
    pages::PageTokens,
    relay::{FactSource, Relay},
    retention, rpc,
};

/// A service that is being assembled.
pub struct Host<S: Service> {
    pub settings: Settings<S::Settings>,
    pub dependencies: Dependencies,
    pub lifecycle: Lifecycle,
    address: SocketAddr,
    server: rpc::Builder,
    tasks: Vec<(&'static str, Task)>,
}

/// A task of a service: it ends after the token is cancelled.
pub type Task = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, Result<(), String>> + Send>;

impl<S: Service> Host<S> {
    pub fn pool(&self) -> &PgPool {
        &self.dependencies.pool
    }

    /// The address that the service listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes the service's changes.
    pub fn commands(&self) -> Commands {
        Commands::new(self.dependencies.clone(), S::contract())
    }

    /// Serves the rpcs of a service of the contract.
    pub fn serve<R>(&mut self, rpcs: R)
    where
        R: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        R::Future: Send + 'static,
    {
        self.server.add(rpcs);
    }

    /// Forwards calls that change something to the leading replica, whenever that is another one.
    pub fn led_by(&mut self, lead: watch::Receiver<Lead>) {
        self.server.led_by(lead);
    }

    /// Publishes another source of facts besides the outbox.
    pub fn relay(&mut self, name: &'static str, source: impl FactSource) {
        let Dependencies { pool, clock, .. } = self.dependencies.clone();
        let relay = Relay::new(source, pool, self.settings.kafka.clone(), S::NAME, clock);
        self.spawn(name, |stop| relay.run(stop));
    }

    /// Takes in facts of other services.
    pub fn consume(&mut self, name: &'static str, handler: impl Handler) {
        let Dependencies { pool, clock, .. } = self.dependencies.clone();
        let consumer = Consumer::new(handler, pool, self.settings.kafka.clone(), S::NAME, clock);
        self.spawn(name, |stop| consumer.run(stop));
    }

    /// Runs a task for as long as the service runs. Tasks begin once the whole service is assembled.
    pub fn spawn<F, E>(
        &mut self,
        name: &'static str,
        task: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let task: Task = Box::new(|stop| {
            let task = task(stop);
            Box::pin(async { task.await.map_err(|error| error.to_string()) })
        });
        self.tasks.push((name, task));
    }
}

/// Starts a service's tasks in `lifecycle`, and returns the address that it serves on. Refuses while migrations are pending.
pub async fn start<S: Service>(
    settings: &Settings<S::Settings>,
    clock: SharedClock,
    ids: SharedIds,
    lifecycle: &Lifecycle,
) -> Result<SocketAddr> {
    let pool = db::connect(&settings.database)?;
    db::observe(&pool, "calls");
    refuse_pending::<S>(&pool).await?;
    let page_tokens = PageTokens::new(&settings.page_key());
    let dependencies = Dependencies { pool, page_tokens, clock, ids };
    let listening = rpc::Listening::on(&settings.rpc).await?;
    let mut host = Host {
        settings: settings.clone(),
        dependencies: dependencies.clone(),
        lifecycle: lifecycle.clone(),
        address: listening.address(),
        server: rpc::Server::builder(S::descriptors(), &settings.rpc),
        tasks: Vec::new(),
    };
    S::assemble(&mut host).await?;
    add_mechanisms(&mut host);
    let Host { server, tasks, address, .. } = host;
    let authenticator = Arc::new(Authenticator::open(&settings.auth, dependencies.clock.clone()).await?);
    let server = server.build(listening, authenticator, settings.approval, dependencies, lifecycle).await?;
    for (name, task) in tasks {
        lifecycle.spawn(name, task(lifecycle.soft()));
    }
    server.serve();
    lifecycle.set_ready();
    Ok(address)
}

/// Refuses a database whose migrations have not all run.
pub(super) async fn refuse_pending<S: Service>(pool: &PgPool) -> Result<()> {
    let pending = db::pending(pool, &migrator::<S>()).await.context("look for pending migrations")?;
    if !pending.is_empty() {
        bail!("run `{} migrate` first: these migrations have not run: {}", S::NAME, pending.join(", "));
    }
    Ok(())
}

/// Adds what every service runs.
fn add_mechanisms<S: Service>(host: &mut Host<S>) {
    host.relay("relay of the outbox", OutboxSource);
    let Dependencies { pool, clock, .. } = host.dependencies.clone();
    let sealer = Sealer::new(pool.clone(), clock.clone());
    host.spawn("sealer", |stop| sealer.run(stop));
    let retention = host.settings.retention.clone();
    host.spawn("retention", |stop| retention::run(pool, retention, clock, stop));
}
