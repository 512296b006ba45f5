//! What stands on what in a service that runs.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use anyhow::{Context, Result, bail};
use countinghouse_proto::accounting::v1::{
    account_service_server::AccountServiceServer, base_data_service_server::BaseDataServiceServer,
    hold_service_server::HoldServiceServer, ledger_service_server::LedgerServiceServer,
    moving_in_service_server::MovingInServiceServer, posting_service_server::PostingServiceServer,
    suspense_service_server::SuspenseServiceServer,
};
use platform::{
    audit::Sealer,
    auth::Authenticator,
    clock::SharedClock,
    db::{self, DbConfig},
    ids::SharedIds,
    leadership::Lead,
    lifecycle::Lifecycle,
    outbox::OutboxSource,
    pages::PageTokens,
    relay::{FactSource, JournalSource, Relay},
    retention, rpc,
};
use sqlx::{PgPool, migrate::Migrator};
use tokio::sync::{mpsc, watch};

use crate::{
    SERVICE,
    app::{
        enquiry::Enquiries,
        writer::{self, Job, Postgres, Recent, Telling, Writer, WriterHandle},
    },
    config::Config,
    events::{self, BusinessFacts, HoldJournal, Intake, PostingJournal},
    grpc::Api,
    jobs::{self, expire_holds::ExpireHolds},
};

/// Time and identity.
#[derive(Clone, Debug)]
pub struct Basis {
    pub clock: SharedClock,
    pub ids: SharedIds,
}

/// The platform's migrations and the service's own.
pub fn migrator() -> Migrator {
    static OWN: Migrator = sqlx::migrate!("./migrations");
    db::migrator(&OWN)
}

/// Starts the service's tasks in `lifecycle`, and gives the address that it serves on. Refuses while migrations are pending.
pub async fn start(config: &Config, basis: Basis, lifecycle: &Lifecycle) -> Result<SocketAddr> {
    let pool = db::connect(&config.database)?;
    db::observe(&pool, "calls");
    let pending = db::pending(&pool, &migrator()).await.context("look for pending migrations")?;
    if !pending.is_empty() {
        bail!("run `{SERVICE} migrate` first: these migrations have not run: {}", pending.join(", "));
    }
    let (writer, queue) = writer::queue(config.writer.queue_max);
    let (leading, lead) = watch::channel(Lead::Unknown);
    let server = bind(config, &pool, &basis, writer.clone(), lead.clone(), lifecycle).await?;
    let address = server.address();
    let recent = Recent::default();
    let advertised = config.rpc.advertised(address);
    spawn_writer(config, &basis, queue, recent.clone(), leading, advertised, lifecycle)?;
    let postings = JournalSource::new(PostingJournal { recent });
    spawn_relay("relay of postings", postings, config, &pool, &basis, lifecycle);
    spawn_relay("relay of holds", JournalSource::new(HoldJournal), config, &pool, &basis, lifecycle);
    spawn_relay("relay of the outbox", OutboxSource, config, &pool, &basis, lifecycle);
    spawn_intake(config, &basis, &writer, lead.clone(), lifecycle)?;
    spawn_jobs(config, &pool, &basis, writer, lead, lifecycle);
    server.serve();
    lifecycle.set_ready();
    Ok(address)
}

/// The writer, which ends when nobody can ask it any more. Everyone waits for it.
fn spawn_writer(
    config: &Config,
    basis: &Basis,
    queue: mpsc::Receiver<Job>,
    recent: Recent,
    leading: watch::Sender<Lead>,
    address: String,
    lifecycle: &Lifecycle,
) -> Result<()> {
    let writer = Writer {
        database: Postgres::new(config.database.options()?, &config.writer, events::facts_of),
        config: config.writer.clone(),
        clock: basis.clock.clone(),
        recent,
        address,
        leading,
        telling: Telling::default(),
    };
    lifecycle.spawn_apart("writer", writer.run(queue)).context("start the writer's thread")
}

fn spawn_relay(
    name: &'static str,
    source: impl FactSource,
    config: &Config,
    pool: &PgPool,
    basis: &Basis,
    lifecycle: &Lifecycle,
) {
    let relay = Relay::new(source, pool.clone(), config.kafka.clone(), SERVICE, basis.clock.clone());
    lifecycle.spawn(name, relay.run(lifecycle.soft()));
}

fn spawn_jobs(
    config: &Config,
    pool: &PgPool,
    basis: &Basis,
    writer: WriterHandle,
    leading: watch::Receiver<Lead>,
    lifecycle: &Lifecycle,
) {
    let expire_holds = ExpireHolds {
        pool: pool.clone(),
        writer,
        leading,
        clock: basis.clock.clone(),
        ids: basis.ids.clone(),
        every: config.jobs.expire_holds_every(),
    };
    lifecycle.spawn("expiry of holds", expire_holds.run(lifecycle.soft()));
    lifecycle.spawn("next months", jobs::months::run(pool.clone(), basis.clock.clone(), lifecycle.soft()));
    let days = jobs::retention::Days {
        answers: config.writer.request_memory_days,
        approvals: config.jobs.approval_days(),
    };
    let clear = jobs::retention::run(pool.clone(), days, basis.clock.clone(), lifecycle.soft());
    lifecycle.spawn("answers and approvals", clear);
    let (retention, clock, stop) = (config.retention.clone(), basis.clock.clone(), lifecycle.soft());
    let clear = retention::run(pool.clone(), retention, clock, stop);
    lifecycle.spawn("retention", async move {
        clear.await;
        Ok::<_, Infallible>(())
    });
    lifecycle.spawn("sealer", Sealer::new(pool.clone(), basis.clock.clone()).run(lifecycle.soft()));
}

/// The intake of business facts, on connections of its own: a fact holds one while it waits for the writer.
fn spawn_intake(
    config: &Config,
    basis: &Basis,
    writer: &WriterHandle,
    leading: watch::Receiver<Lead>,
    lifecycle: &Lifecycle,
) -> Result<()> {
    if config.facts.topics.is_empty() {
        return Ok(());
    }
    let connections_max = config.facts.connections_max;
    let pool = db::connect(&DbConfig { connections_max, ..config.database.clone() })?;
    db::observe(&pool, "facts");
    let handler = BusinessFacts { topics: config.facts.topics.clone(), writer: writer.clone() };
    let (kafka, clock) = (config.kafka.clone(), basis.clock.clone());
    let intake = Intake { handler, pool, kafka, clock, leading };
    lifecycle.spawn("intake of business facts", intake.run(lifecycle.soft()));
    Ok(())
}

async fn bind(
    config: &Config,
    pool: &PgPool,
    basis: &Basis,
    writer: WriterHandle,
    lead: watch::Receiver<Lead>,
    lifecycle: &Lifecycle,
) -> Result<rpc::Server> {
    let authenticator = Arc::new(Authenticator::open(&config.auth, basis.clock.clone()).await?);
    let page_tokens = PageTokens::new(&config.page_key());
    let enquiries =
        Enquiries { pool: pool.clone(), pages: Arc::new(page_tokens.clone()), clock: basis.clock.clone() };
    let api = Api { writer, enquiries };
    let approval = config.approval;
    let Basis { clock, ids } = basis.clone();
    let basis = rpc::Basis { pool: pool.clone(), authenticator, approval, page_tokens, clock, ids };
    Ok(rpc::Server::builder(countinghouse_proto::descriptor_pool(), &config.rpc)
        .add(BaseDataServiceServer::new(api.clone()))
        .add(LedgerServiceServer::new(api.clone()))
        .add(AccountServiceServer::new(api.clone()))
        .add(PostingServiceServer::new(api.clone()))
        .add(HoldServiceServer::new(api.clone()))
        .add(MovingInServiceServer::new(api.clone()))
        .add(SuspenseServiceServer::new(api))
        .led_by(lead)
        .bind(basis, lifecycle)
        .await?)
}
