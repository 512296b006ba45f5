//! A program of the house: `impl Service`, and nothing more.
//!
//! The service says its name, its contract, its migrations and settings, and puts its parts together in [`Service::assemble`].
//! With that comes everything that all programs have: the shared [settings](Settings), the server with its gate, the relay of the
//! outbox, the sealer of the audit, retention, and the commands `serve`, `migrate`, `topics`, `check-config`, `verify`,
//! `dead-letters`, `republish` and `probe`.
//!
//! ```ignore
//! fn main() -> ExitCode {
//!     platform::service::main::<Voucher>()
//! }
//! ```

mod host;
mod letters;
mod program;
mod republish;
mod settings;

use std::fmt::Debug;

use clap::Subcommand;
use prost_reflect::DescriptorPool;
use serde::de::DeserializeOwned;
use sqlx::{PgPool, migrate::Migrator};

pub use self::{
    host::{Host, Task, start},
    program::{Ran, main},
    republish::{Arguments as RepublishArguments, Republish, republish},
    settings::{Bounds, LifecycleConfig, PagesConfig, SettingInvalid, Settings},
};
use crate::{
    db,
    facts::{Contract, Topic, TopicSettings},
};

/// A service: what is its own. A type without values; everything is said once, for the program.
pub trait Service: Sized + 'static {
    /// Its name: of its program, its settings, its topics and its traces.
    const NAME: &'static str;

    /// Its version.
    const VERSION: &'static str;

    /// The defaults of its own settings, and of shared ones that it sets otherwise (TOML).
    const DEFAULTS: &'static str;

    /// Its settings besides the shared ones.
    type Settings: Clone + Debug + Send + Sync + DeserializeOwned + 'static;

    /// Its commands besides those that every service has; [`NoCommand`] for none.
    type Command: Subcommand + Debug + Send;

    /// Its contract: where policies are read from, and what reflection shows.
    fn descriptors() -> &'static DescriptorPool;

    /// Where its facts are published.
    fn contract() -> &'static Contract;

    /// Its own migrations, without those of the platform.
    fn migrations() -> &'static Migrator;

    /// Refuses settings of its own that cannot be meant.
    fn check(settings: &Settings<Self::Settings>) -> Result<(), SettingInvalid>;

    /// Puts its parts together: rpcs, handlers of others' facts, relays, jobs.
    fn assemble(host: &mut Host<Self>) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Proves what it keeps, besides the audit; says on one line what it has found sound.
    fn verify(
        pool: &PgPool,
        progress: &mut (dyn FnMut(String) + Send),
    ) -> impl Future<Output = anyhow::Result<Proof>> + Send {
        let _ = (pool, progress);
        async { Ok(Proof::Sound(String::new())) }
    }

    /// Publishes again what stands in its registers, for the compacted topics that show them.
    fn republish(republish: &mut Republish) -> impl Future<Output = anyhow::Result<()>> + Send {
        let _ = republish;
        async { Ok(()) }
    }

    /// Runs a command of its own.
    fn run(
        command: Self::Command,
        settings: &Settings<Self::Settings>,
    ) -> impl Future<Output = anyhow::Result<Ran>> + Send;
}

/// All migrations of a service: the platform's, then its own.
pub fn migrator<S: Service>() -> Migrator {
    db::migrator(S::migrations())
}

/// The topics that a service publishes to.
pub fn topics<S: Service>(settings: &TopicSettings) -> Vec<Topic> {
    S::contract().topics(S::NAME, settings)
}

/// What a proof has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// All is as it should be; says what was looked at.
    Sound(String),
    /// Something was changed behind the service's back; says what.
    Broken(String),
}

/// The commands of a service that has none of its own.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum NoCommand {}
