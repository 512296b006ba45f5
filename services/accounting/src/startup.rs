//! What stands on what in a service that runs.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use anyhow::{Context, Result, bail};
use countinghouse_proto::accounting::v1::{
    account_service_server::AccountServiceServer, base_data_service_server::BaseDataServiceServer,
    hold_service_server::HoldServiceServer, ledger_service_server::LedgerServiceServer,
    moving_in_service_server::MovingInServiceServer, posting_service_server::PostingServiceServer,
};
use platform::{
    audit::Sealer,
    auth::Authenticator,
    clock::SharedClock,
    db,
    ids::SharedIds,
    lifecycle::Lifecycle,
    outbox::OutboxSource,
    pages::PageTokens,
    relay::{FactSource, JournalSource, Relay},
    retention, rpc,
};
use sqlx::{PgPool, migrate::Migrator};
use tokio::sync::watch;

use crate::{
    SERVICE,
    app::{
        enquiry::Enquiries,
        writer::{self, Postgres, Recent, Writer, WriterHandle},
    },
    config::Config,
    events::{self, HoldJournal, PostingJournal},
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
    let pending = db::pending(&pool, &migrator()).await.context("look for pending migrations")?;
    if !pending.is_empty() {
        bail!("run `{SERVICE} migrate` first: these migrations have not run: {}", pending.join(", "));
    }
    let recent = Recent::default();
    let (writer, leading) = spawn_writer(config, &basis, recent.clone(), lifecycle)?;
    let postings = JournalSource::new(PostingJournal { recent });
    spawn_relay("relay of postings", postings, config, &pool, &basis, lifecycle);
    spawn_relay("relay of holds", JournalSource::new(HoldJournal), config, &pool, &basis, lifecycle);
    spawn_relay("relay of the outbox", OutboxSource, config, &pool, &basis, lifecycle);
    spawn_jobs(config, &pool, &basis, &writer, leading, lifecycle);
    serve(config, pool, basis, writer, lifecycle).await
}

/// The writer, which ends when nobody can ask it any more.
fn spawn_writer(
    config: &Config,
    basis: &Basis,
    recent: Recent,
    lifecycle: &Lifecycle,
) -> Result<(WriterHandle, watch::Receiver<bool>)> {
    let (handle, queue) = writer::queue(config.writer.queue_max);
    let (leading, told) = watch::channel(false);
    let writer = Writer {
        database: Postgres::new(config.database.options()?, &config.writer, events::facts_of),
        config: config.writer.clone(),
        clock: basis.clock.clone(),
        recent,
        leading,
    };
    lifecycle.spawn("writer", writer.run(queue));
    Ok((handle, told))
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
    writer: &WriterHandle,
    leading: watch::Receiver<bool>,
    lifecycle: &Lifecycle,
) {
    let expire_holds = ExpireHolds {
        pool: pool.clone(),
        writer: writer.clone(),
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

async fn serve(
    config: &Config,
    pool: PgPool,
    basis: Basis,
    writer: WriterHandle,
    lifecycle: &Lifecycle,
) -> Result<SocketAddr> {
    let authenticator = Arc::new(Authenticator::open(&config.auth, basis.clock.clone()).await?);
    let page_tokens = PageTokens::new(config.page_key());
    let enquiries =
        Enquiries { pool: pool.clone(), pages: Arc::new(page_tokens.clone()), clock: basis.clock.clone() };
    let api = Api { writer, enquiries };
    let approval = config.approval;
    let Basis { clock, ids } = basis;
    let basis = rpc::Basis { pool, authenticator, approval, page_tokens, clock, ids };
    let server = rpc::Server::builder(countinghouse_proto::descriptor_pool(), &config.rpc)
        .add(BaseDataServiceServer::new(api.clone()))
        .add(LedgerServiceServer::new(api.clone()))
        .add(AccountServiceServer::new(api.clone()))
        .add(PostingServiceServer::new(api.clone()))
        .add(HoldServiceServer::new(api.clone()))
        .add(MovingInServiceServer::new(api))
        .bind(basis, lifecycle)
        .await?;
    let address = server.address();
    server.serve();
    lifecycle.set_ready();
    Ok(address)
}
