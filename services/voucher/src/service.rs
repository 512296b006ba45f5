//! The service, put together.

use anyhow::Result;
use basedata::reader::{Reader, ReaderConfig};
use platform::{
    facts::Contract,
    service::{Bounds, Host, NoCommand, Ran, Republish, Service, SettingInvalid, Settings},
};
use prost_reflect::DescriptorPool;
use proto_voucher::v1::{kind_service_server::KindServiceServer, stock_service_server::StockServiceServer};
use serde::Deserialize;
use sqlx::migrate::Migrator;

use crate::{app::enquiry::Enquiries, grpc::Api, store::kinds::KINDS, wire::fact};

/// Voucher (凭证管理).
#[derive(Debug)]
pub struct Vouchers;

/// What an installation may set of this service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub base_data: ReaderConfig,
}

impl Service for Vouchers {
    const NAME: &'static str = "voucher";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const DEFAULTS: &'static str = include_str!("../config/default.toml");
    type Settings = Config;
    type Command = NoCommand;

    fn descriptors() -> &'static DescriptorPool {
        proto_voucher::descriptors()
    }

    fn contract() -> &'static Contract {
        fact::contract()
    }

    fn migrations() -> &'static Migrator {
        static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
        &MIGRATIONS
    }

    fn check(settings: &Settings<Config>) -> Result<(), SettingInvalid> {
        Bounds::at_least("base_data.behind_max_s", settings.own.base_data.behind_max_s.into(), 5)
    }

    async fn assemble(host: &mut Host<Self>) -> Result<()> {
        let (kafka, clock) = (host.settings.kafka.clone(), host.dependencies.clock.clone());
        let (base_data, following) = Reader::new(&host.settings.own.base_data, kafka, clock);
        host.spawn("copy of base data", |stop| following.run(stop));
        let enquiries = Enquiries { dependencies: host.dependencies.clone(), base_data };
        let api = Api { commands: host.commands(), enquiries };
        host.serve(KindServiceServer::new(api.clone()));
        host.serve(StockServiceServer::new(api));
        Ok(())
    }

    async fn republish(republish: &mut Republish) -> Result<()> {
        let on = republish.business_date(None)?;
        republish
            .register(KINDS, on, |kind, metadata| {
                fact::contract()
                    .fact(&fact::kind_changed(&kind.latest.version, kind.versions.iter()), metadata)
            })
            .await
    }

    async fn run(command: NoCommand, _settings: &Settings<Config>) -> Result<Ran> {
        command.run()
    }
}
