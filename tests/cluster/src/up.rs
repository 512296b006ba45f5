//! Brings the cluster up: programs, namespace, parts, node, Postgres and Kafka.

use std::{collections::BTreeMap, fs, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use testkit::folder;
use tokio::process::Command;

use crate::{
    home, images, keys, kubectl, leftovers, namespace, parts, programs, progress::Progress, settings,
};

/// A node joins when its kubelet has found containerd and the network's settings.
const NODE_READY_WITHIN: Duration = Duration::from_mins(2);

/// `make cluster`.
pub async fn up() -> Result<()> {
    if let Some(kubeconfig) = home::named_kubeconfig() {
        let output = kubectl::output(&["version"])
            .await
            .context("the cluster that KUBECONFIG names does not answer")?;
        println!("The cluster of {} is used; nothing is started.\n{}", kubeconfig.display(), output.trim());
        return Ok(());
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "a cluster of its own needs network namespaces and control groups: run `sudo make cluster`, or name a cluster in KUBECONFIG"
    );
    let progress = Progress::start();
    programs::provide(progress).await?;
    if is_whole() {
        println!("The cluster is up already.");
        return Ok(());
    }
    progress.say("clearing what an earlier cluster has left");
    leftovers::clear().await?;
    namespace::create().await?;
    let started = namespace::again(&["start"]).await.and_then(namespace::succeeded);
    started.context("the cluster did not start; its logs are in .local/cluster/run")?;
    progress.say("the cluster is up");
    println!("\nTry: scripts/built cluster enter kubectl get nodes\nIt goes with: make cluster-down");
    Ok(())
}

/// Within the namespace: starts everything in it.
pub async fn start() -> Result<()> {
    ensure!(namespace::is_here(), "`start` is for `up` alone");
    let progress = Progress::start();
    fs::create_dir_all(home::run())?;
    keys::make()?;
    settings::write()?;
    for name in parts::NAMES {
        progress.say(format_args!("starting {name}"));
        parts::start(name).await?;
        if name == "containerd" {
            images::load_pause().await?;
        }
    }
    progress.say("waiting for the node");
    kubectl::wait(&["--for=condition=Ready", &format!("node/{}", home::NODE)], NODE_READY_WITHIN).await?;
    progress.say("starting Postgres and Kafka");
    stack().await.map(drop)
}

/// Postgres and Kafka on the node's address, with a database and roles for each service; where they are. Topics are made by
/// whoever installs a service.
pub async fn stack() -> Result<BTreeMap<String, String>> {
    let local = day::program::built("local")?;
    let arguments = ["--stack", home::STACK, "--address", home::NODE_ADDRESS, "up", "--without-topics"];
    programs::run(Command::new(local).args(arguments)).await?;
    let file = folder::local().join(home::STACK).join("endpoints.env");
    let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// `make cluster-down`.
pub async fn down() -> Result<()> {
    if home::named_kubeconfig().is_some() {
        println!("The cluster that KUBECONFIG names is not ours, and is left as it is.");
    }
    leftovers::clear().await
}

/// What runs.
pub fn status() {
    for name in parts::NAMES {
        println!("{name:<24} {}", if parts::daemon(name).running().is_some() { "runs" } else { "stopped" });
    }
}

/// Whether every part runs.
fn is_whole() -> bool {
    namespace::exists() && parts::NAMES.into_iter().all(|name| parts::daemon(name).running().is_some())
}

/// Goes on within the namespace, unless the cluster is somebody else's.
pub async fn enter(words: &[String]) -> Result<()> {
    if words.is_empty() {
        bail!("which program? cluster enter kubectl get pods");
    }
    namespace::succeeded(namespace::run_in(words).await?)
}
