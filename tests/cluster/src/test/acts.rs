//! What is done to the release under load.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use clap::ValueEnum;

use super::{next_version, pods, round::Ground};
use crate::{home, kubectl};

/// How soon a pod that was evicted must be about to go.
const EVICTED_WITHIN: Duration = Duration::from_secs(10);

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Act {
    /// Nothing: what the release does when it is left alone.
    Nothing,
    /// The pod that writes is deleted by force.
    KillWriter,
    /// Both pods are evicted, as from a node that is drained.
    Drain,
    /// The release goes to another image.
    Upgrade,
    /// The release goes back to the one before.
    RollBack,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

impl Act {
    pub const ALL: [Self; 5] = [Self::Nothing, Self::KillWriter, Self::Drain, Self::Upgrade, Self::RollBack];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "left alone",
            Self::KillWriter => "kubectl delete pod --force of the writer",
            Self::Drain => "a drain of the node",
            Self::Upgrade => "a rolling upgrade",
            Self::RollBack => "a rollback",
        }
    }

    /// Does it, waits until the release has all its pods again, and says what was done.
    pub async fn run(self, ground: &Ground<'_>) -> Result<String> {
        match self {
            Self::Nothing => Ok("nothing was done".to_owned()),
            Self::KillWriter => kill_writer(ground).await,
            Self::Drain => drain(ground).await,
            Self::Upgrade => {
                let next = next_version();
                ground.release.upgrade(&[&format!("accounting.image.tag={next}")]).await?;
                all_are_of(&next).await
            }
            Self::RollBack => {
                ground.release.roll_back().await?;
                all_are_of(super::VERSION).await
            }
        }
    }
}

async fn kill_writer(ground: &Ground<'_>) -> Result<String> {
    let (writer, _) = pods::writer(&ground.books).await?;
    pods::kill(&writer).await?;
    let settled = pods::settled().await?;
    ensure!(settled.iter().all(|pod| pod.name != writer.name), "{} is still there", writer.name);
    Ok(format!("{} was killed and replaced", writer.name))
}

/// Evicts both pods as `kubectl drain` does, the writer first: each only when the disruption budget lets it go. The node is closed
/// to new pods in the meantime, as a drain closes it, and opened again as if another node had come: there is only one.
async fn drain(ground: &Ground<'_>) -> Result<String> {
    let (writer, other) = pods::writer(&ground.books).await?;
    kubectl::output(&["cordon", home::NODE]).await?;
    let evicted = async {
        ensure!(pods::evict(&writer).await?, "the budget keeps the first pod");
        ensure!(!pods::evict(&other).await?, "the budget lets both pods go at once");
        is_going(&writer.name).await
    };
    let evicted = evicted.await;
    kubectl::output(&["uncordon", home::NODE]).await?;
    evicted?;
    pods::settled().await?;
    ensure!(pods::evict(&other).await?, "the budget keeps the second pod, though all are ready");
    is_going(&other.name).await?;
    let settled = pods::settled().await?;
    ensure!(
        settled.iter().all(|pod| pod.name != writer.name && pod.name != other.name),
        "a pod was not replaced"
    );
    Ok("both pods were evicted and replaced, the second only once the first one's heir was ready".to_owned())
}

async fn is_going(name: &str) -> Result<()> {
    let began = Instant::now();
    while pods::all().await?.iter().any(|pod| pod.name == name && !pod.is_ending) {
        ensure!(began.elapsed() < EVICTED_WITHIN, "{name} was evicted and does not go");
    }
    Ok(())
}

async fn all_are_of(version: &str) -> Result<String> {
    let pods = pods::settled().await?;
    for pod in &pods {
        ensure!(pod.image.ends_with(&format!(":{version}")), "{} is of {}", pod.name, pod.image);
        ensure!(pod.restarts == 0, "{} has been restarted {} times", pod.name, pod.restarts);
    }
    Ok(format!("all {} pods are of {version}", pods.len()))
}
