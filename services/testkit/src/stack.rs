//! Postgres and Kafka together, in one folder: what a service needs around it.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{broker::Broker, folder, postgres::Postgres};

/// A private Postgres and a private Kafka. The value is a handle: dropping it leaves them as they are.
#[derive(Debug)]
pub struct Stack {
    folder: PathBuf,
    pub postgres: Postgres,
    pub broker: Broker,
}

impl Stack {
    /// The stack in `.local/<name>`. Starts nothing.
    pub fn named(name: &str) -> Result<Self> {
        let folder = folder::local().join(name);
        let postgres = Postgres::at(&folder.join("postgres"))?;
        let broker = Broker::at(&folder.join("kafka"))?;
        Ok(Self { folder, postgres, broker })
    }

    /// The same, on another address of this machine, which whoever is next to it reaches.
    #[must_use]
    pub fn on(self, address: &str) -> Self {
        Self { postgres: self.postgres.on(address), broker: self.broker.on(address), ..self }
    }

    /// Where the stack keeps its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts what does not run, and returns when both answer. Of several processes that come at once, one starts it.
    pub async fn up(&self) -> Result<()> {
        let _lock = self.lock().await?;
        tokio::try_join!(self.postgres.start(), self.broker.start())?;
        Ok(())
    }

    /// Stops both and keeps their data.
    pub async fn down(&self) -> Result<()> {
        let _lock = self.lock().await?;
        tokio::try_join!(self.broker.stop(), self.postgres.stop())?;
        Ok(())
    }

    /// Stops both and deletes their data.
    pub async fn clean(&self) -> Result<()> {
        self.down().await?;
        self.postgres.delete()?;
        folder::delete(&self.folder)
    }

    async fn lock(&self) -> Result<File> {
        let path = self.folder.join("lock");
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await?.context("lock the stack")
    }
}
