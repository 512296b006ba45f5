//! The service, put together.

use anyhow::{Context, Result};
use clap::Subcommand;
use platform::{
    Dependencies,
    db::{self, DbConfig},
    facts::Contract,
    jobs::Periodic,
    leadership::Lead,
    relay::JournalSource,
    service::{Host, Proof, Ran, Republish, Service, SettingInvalid, Settings},
};
use prost_reflect::DescriptorPool;
use proto_accounting::v1::{
    account_service_server::AccountServiceServer, base_data_service_server::BaseDataServiceServer,
    hold_service_server::HoldServiceServer, ledger_service_server::LedgerServiceServer,
    onboarding_service_server::OnboardingServiceServer, posting_service_server::PostingServiceServer,
    suspense_service_server::SuspenseServiceServer,
};
use sqlx::{PgPool, migrate::Migrator};
use tokio::sync::{mpsc, watch};

use crate::{
    SERVICE,
    app::{
        enquiry::Enquiries,
        verify::{self, Failed},
        writer::{self, Job, Metrics, Postgres, Recent, Writer, WriterHandle},
    },
    config::{self, Config},
    events::{BusinessFactConsumer, BusinessFacts, HoldJournal, PostingJournal},
    grpc::Api,
    import,
    jobs::{expire_holds::ExpireHolds, forget_answers, months},
    store::{base_records, opening},
    wire::fact,
};

/// Accounting (会计核算).
#[derive(Debug)]
pub struct Accounting;

/// The commands that only this service's program has.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Imports accounts or postings from a file, through the API of a running service.
    Import(Box<import::arguments::Arguments>),
}

impl Service for Accounting {
    const NAME: &'static str = SERVICE;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DEFAULTS: &'static str = config::DEFAULTS;
    type Settings = Config;
    type Command = Command;

    fn descriptors() -> &'static DescriptorPool {
        proto_accounting::descriptors()
    }

    fn contract() -> &'static Contract {
        fact::contract()
    }

    fn migrations() -> &'static Migrator {
        static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
        &MIGRATIONS
    }

    fn check(settings: &Settings<Config>) -> Result<(), SettingInvalid> {
        config::check(settings)
    }

    async fn assemble(host: &mut Host<Self>) -> Result<()> {
        let (writer, queue) = writer::queue(host.settings.own.writer.queue_max);
        let (leading, lead) = watch::channel(Lead::Unknown);
        let recent = Recent::default();
        serve(host, writer.clone());
        host.led_by(lead.clone());
        write(host, queue, recent.clone(), leading)?;
        host.relay("relay of postings", JournalSource::new(PostingJournal { recent }));
        host.relay("relay of holds", JournalSource::new(HoldJournal));
        take_in_facts(host, &writer, lead.clone())?;
        run_jobs(host, writer, lead);
        Ok(())
    }

    async fn verify(pool: &PgPool, progress: &mut (dyn FnMut(String) + Send)) -> Result<Proof> {
        match verify::journal(pool, |made| progress(made.to_string())).await {
            Ok(sound) => Ok(Proof::Sound(sound.to_string())),
            Err(Failed::Unsound(unsound)) => Ok(Proof::Broken(unsound.to_string())),
            Err(failed) => Err(failed.into()),
        }
    }

    async fn republish(republish: &mut Republish) -> Result<()> {
        let day = opening::business_day(&mut *republish.pool().acquire().await?).await?;
        let on = republish.business_date(day.as_ref().map(|day| day.date))?;
        for register in base_records::registers() {
            republish
                .register(&register, on, |record, metadata| fact::base_record_standing(record, &metadata))
                .await?;
        }
        if let Some(day) = day {
            let by = day.opened_by.to_string();
            republish.fact(&by, |metadata| fact::day_standing(&day, metadata)).await?;
        }
        Ok(())
    }

    async fn run(command: Command, _settings: &Settings<Config>) -> Result<Ran> {
        let Command::Import(arguments) = command;
        import::run(&arguments, &mut std::io::stdout()).await
    }
}

fn serve(host: &mut Host<Accounting>, writer: WriterHandle) {
    let api = Api { writer, enquiries: Enquiries { dependencies: host.dependencies.clone() } };
    host.serve(BaseDataServiceServer::new(api.clone()));
    host.serve(LedgerServiceServer::new(api.clone()));
    host.serve(AccountServiceServer::new(api.clone()));
    host.serve(PostingServiceServer::new(api.clone()));
    host.serve(HoldServiceServer::new(api.clone()));
    host.serve(OnboardingServiceServer::new(api.clone()));
    host.serve(SuspenseServiceServer::new(api));
}

/// The writer, which ends when its queue is closed. All requests wait for it, so it has its own thread.
fn write(
    host: &mut Host<Accounting>,
    queue: mpsc::Receiver<Job>,
    recent: Recent,
    leading: watch::Sender<Lead>,
) -> Result<()> {
    let config = host.settings.own.writer.clone();
    let writer = Writer {
        database: Postgres::new(host.settings.database.options()?, &config),
        config,
        clock: host.dependencies.clock.clone(),
        recent,
        address: host.settings.rpc.advertised(host.address()),
        leading,
        metrics: Metrics::default(),
    };
    host.lifecycle.spawn_apart("writer", writer.run(queue)).context("start the writer's thread")
}

/// The consumer of business facts, on connections of its own: a fact holds one while it waits for the writer.
fn take_in_facts(
    host: &mut Host<Accounting>,
    writer: &WriterHandle,
    leading: watch::Receiver<Lead>,
) -> Result<()> {
    let facts = host.settings.own.facts.clone();
    if facts.topics.is_empty() {
        return Ok(());
    }
    let connections_max = facts.connections_max;
    let pool = db::connect(&DbConfig { connections_max, ..host.settings.database.clone() })?;
    db::observe(&pool, "facts");
    let handler = BusinessFacts { topics: facts.topics, writer: writer.clone() };
    let (kafka, clock) = (host.settings.kafka.clone(), host.dependencies.clock.clone());
    let consumer = BusinessFactConsumer { handler, pool, kafka, clock, leading };
    host.spawn("business facts", |stop| consumer.run(stop));
    Ok(())
}

fn run_jobs(host: &mut Host<Accounting>, writer: WriterHandle, lead: watch::Receiver<Lead>) {
    let Dependencies { pool, clock, ids, .. } = host.dependencies.clone();
    let expire_holds = ExpireHolds { pool: pool.clone(), writer, clock: clock.clone(), ids };
    let expiry =
        Periodic::new("expiry of holds", host.settings.own.jobs.expire_holds_every()).where_leading(lead);
    host.spawn("expiry of holds", |stop| async move { expiry.run(stop, || expire_holds.run()).await });
    let (months_pool, months_clock) = (pool.clone(), clock.clone());
    host.spawn("next months", |stop| async move {
        let ensure = || months::ensure(&months_pool, months_clock.now().date_naive());
        Periodic::new("next months", months::EVERY).run(stop, ensure).await
    });
    let days = host.settings.own.writer.request_memory_days;
    host.spawn("kept answers", move |stop| async move {
        let forget = || forget_answers::forget(&pool, days, clock.now());
        Periodic::new("kept answers", forget_answers::EVERY).run(stop, forget).await
    });
}
