//! The program of a service: `impl Service`, and nothing more.
//!
//! The service gives its name, its contract, its migrations and settings, and assembles its parts in [`Service::assemble`]. It gets
//! everything that all programs have: the shared [settings](Settings), the server with its gate, the relay of the
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

/// What differs from service to service. Implemented by a type without values, once for the program.
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

    /// Refuses invalid settings of its own.
    fn check(settings: &Settings<Self::Settings>) -> Result<(), SettingInvalid>;

    /// Assembles its parts: rpcs, handlers of others' facts, relays, jobs.
    fn assemble(host: &mut Host<Self>) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Verifies its data, besides the audit; the proof says on one line what it has checked.
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

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Everything is as it should be; says what was checked.
    Sound(String),
    /// Data was changed outside the service; says what.
    Broken(String),
}

/// The commands of a service that has none of its own.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum NoCommand {}
