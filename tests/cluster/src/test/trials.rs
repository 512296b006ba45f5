//! What is tried without load: a wrong value, and removing and installing again.

use anyhow::{Context, Result, bail, ensure};
use day::report::thousands;
use faults::{
    attempt::{Attempt, SentRequest},
    proof,
};
use std::time::Duration;
use tonic::transport::Endpoint;

use super::{pods, round::Ground};

/// A value that the service knows to be wrong, and no schema does: too long beside writer.request_memory_days.
const WRONG_VALUE: &str = "accounting.settings.approval.expire_after_hours=481";
const ITS_NAME: &str = "approval.expire_after_hours";

/// A service that has just been installed finds out first who writes.
const POSTED_WITHIN: Duration = Duration::from_secs(30);

/// The rollout stops, the pods of before serve on, and a log names the value.
pub async fn wrong_value(ground: &Ground<'_>) -> Result<String> {
    let before: Vec<String> = pods::settled().await?.into_iter().map(|pod| pod.name).collect();
    let outcome = ground.release.upgrade(&[WRONG_VALUE]).await;
    let said = pods::logs().await?;
    let now = pods::all().await?;
    let posted = post(ground).await;
    // Whatever came of it, what follows begins from a release that is sound.
    ground.release.roll_back().await?;

    ensure!(outcome.is_err(), "Helm took it for a success");
    for name in &before {
        ensure!(now.iter().any(|pod| pod.name == *name && pod.is_ready), "{name} no longer serves");
    }
    let posted = posted.context("the pods of before serve no more")?;
    let named = said.iter().flat_map(|(pod, log)| log.lines().map(move |line| (pod, line)));
    let Some((pod, line)) = named.into_iter().find(|(_, line)| line.contains(ITS_NAME)) else {
        bail!("no log names {ITS_NAME}:\n{}", pods::last_words().await);
    };
    pods::settled().await?;
    Ok(format!("the pods of before took posting {posted}; {pod} says: {}", line.trim()))
}

/// The release goes, the books stay, and the next posting has the next number.
pub async fn install_again(ground: &Ground<'_>) -> Result<String> {
    let last = proof::last_posting(&ground.books).await?;
    ground.release.uninstall().await?;
    let left = pods::all().await?;
    ensure!(left.is_empty(), "pods are left: {left:?}");
    let kept = proof::last_posting(&ground.books).await?;
    ensure!(kept == last, "the last posting was {last}, and is {kept}");
    ground.release.install().await?;
    let posted = post(ground).await?;
    ensure!(posted == last + 1, "after posting {last} comes {posted}");
    let verified = pods::run(&["verify"]).await.context("the chain")?;
    Ok(format!("after posting {} comes {}; {verified}", thousands(last), thousands(posted)))
}

/// Makes a transfer, and gives the number of its posting.
async fn post(ground: &Ground<'_>) -> Result<i64> {
    let address = ground.release.address().await?;
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect_lazy();
    let (token, request) = ground.customers.transfer(&mut rand::rng());
    let sent = SentRequest { token, request };
    let posted = tokio::time::timeout(POSTED_WITHIN, async {
        loop {
            match sent.send(&channel, Duration::from_secs(2)).await {
                Attempt::Posted(number) => return Ok(number),
                Attempt::Lost => tokio::time::sleep(Duration::from_millis(50)).await,
                Attempt::Defect(defect) => bail!("a transfer was answered otherwise: {defect}"),
            }
        }
    });
    posted.await.with_context(|| format!("no transfer was posted within {POSTED_WITHIN:?}"))?
}
