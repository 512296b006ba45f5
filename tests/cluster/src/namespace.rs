//! The network namespace that all of the cluster is in: it has no way out, and nothing outside has a way in.

use std::{
    env, fs,
    os::unix::{fs::MetadataExt, process::ExitStatusExt},
    path::PathBuf,
    process::ExitStatus,
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{home, programs};

fn file() -> PathBuf {
    PathBuf::from("/run/netns").join(home::NAMESPACE)
}

pub fn exists() -> bool {
    file().exists()
}

/// Makes it, with the node's address on a bridge of its own: not every kernel has a device that is made for that.
pub async fn create() -> Result<()> {
    ip(&["netns", "add", home::NAMESPACE]).await?;
    let address = format!("{}/24", home::NODE_ADDRESS);
    for arguments in [
        vec!["link", "set", "lo", "up"],
        vec!["link", "add", "node0", "type", "bridge"],
        vec!["address", "add", &address, "dev", "node0"],
        vec!["link", "set", "node0", "up"],
        // Leads nowhere; without a default route Kubernetes finds no address of its node.
        vec!["route", "add", "default", "via", home::NODE_ADDRESS],
    ] {
        ip(&[&["-n", home::NAMESPACE][..], &arguments].concat()).await?;
    }
    let forward = ["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"].map(str::to_owned);
    run_in(&forward).await.and_then(succeeded).context("let pods reach each other")
}

/// Deletes it, and with it all devices and rules in it.
pub async fn delete() -> Result<()> {
    if exists() {
        ip(&["netns", "delete", home::NAMESPACE]).await?;
    }
    Ok(())
}

/// The processes in it.
pub async fn processes() -> Result<Vec<i32>> {
    if !exists() {
        return Ok(Vec::new());
    }
    let list = programs::run(Command::new("ip").args(["netns", "pids", home::NAMESPACE])).await?;
    Ok(list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

/// Runs a program in it. Not by `ip netns exec`, which hides the control groups that containers need.
pub async fn run_in(words: &[String]) -> Result<ExitStatus> {
    if !exists() {
        bail!("the cluster is not up: run `make cluster` first");
    }
    let [program, arguments @ ..] = words else { bail!("which program?") };
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={}", file().display())).arg("--").arg(program).args(arguments);
    command.env("PATH", programs::path()).env("KUBECONFIG", home::kubeconfig()).kill_on_drop(true);
    command.status().await.with_context(|| format!("run {program} in the cluster's network"))
}

/// Goes on as `arguments` of this program, within the namespace.
pub async fn again(arguments: &[&str]) -> Result<ExitStatus> {
    let own = env::current_exe()?.display().to_string();
    let words: Vec<String> =
        std::iter::once(own).chain(arguments.iter().map(|&word| word.to_owned())).collect();
    run_in(&words).await
}

/// An error unless a program has ended well.
pub fn succeeded(status: ExitStatus) -> Result<()> {
    match (status.success(), status.signal()) {
        (true, _) => Ok(()),
        (false, Some(signal)) => bail!("it was ended by signal {signal}"),
        (false, None) => bail!("it failed (see above)"),
    }
}

/// Whether this process is in it.
pub fn is_here() -> bool {
    let (Ok(own), Ok(there)) = (fs::metadata("/proc/self/ns/net"), fs::metadata(file())) else {
        return false;
    };
    (own.dev(), own.ino()) == (there.dev(), there.ino())
}

async fn ip(arguments: &[&str]) -> Result<()> {
    programs::run(Command::new("ip").args(arguments)).await.map(drop)
}
