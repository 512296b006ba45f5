//! Kubernetes and Helm by their own programs, as an operator would use them.

use std::{process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{home, programs};

fn kubectl() -> Command {
    let mut command = Command::new("kubectl");
    command.env("KUBECONFIG", home::kubeconfig());
    command
}

/// What kubectl tells.
pub async fn output(arguments: &[&str]) -> Result<String> {
    programs::run(kubectl().args(arguments)).await
}

/// An object, or a list of them.
pub async fn get(arguments: &[&str]) -> Result<Value> {
    let text = output(&[&["get", "-o", "json"][..], arguments].concat()).await?;
    serde_json::from_str(&text).context("kubectl tells no JSON")
}

/// Waits for a condition.
pub async fn wait(arguments: &[&str], within: Duration) -> Result<()> {
    let timeout = format!("--timeout={}s", within.as_secs());
    // An object that is not there yet is no condition that does not hold yet.
    let made = tokio::time::timeout(within, async {
        loop {
            let outcome = output(&[&["wait", &timeout][..], arguments].concat()).await;
            match outcome {
                Err(error) if format!("{error:#}").contains("NotFound") => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                outcome => return outcome,
            }
        }
    });
    made.await.with_context(|| format!("{} was not there within {within:?}", arguments.join(" ")))??;
    Ok(())
}

/// Waits until objects are gone; there may be none.
pub async fn wait_gone(arguments: &[&str]) -> Result<()> {
    match output(&[&["wait", "--timeout=2m"][..], arguments].concat()).await {
        Err(error) if !format!("{error:#}").contains("no matching resources") => Err(error),
        _ => Ok(()),
    }
}

/// Makes or changes `object`.
pub async fn apply(object: &Value) -> Result<()> {
    with_input(&["apply", "-f", "-"], object).await.map(drop)
}

/// Runs kubectl with `object` as its input.
pub async fn with_input(arguments: &[&str], object: &Value) -> Result<String> {
    let mut command = kubectl();
    command
        .args(arguments)
        .env("PATH", programs::path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().context("run kubectl")?;
    child.stdin.take().context("its input")?.write_all(object.to_string().as_bytes()).await?;
    let output = child.wait_with_output().await?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kubectl {}: {}", arguments.join(" "), error.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What Helm tells.
pub async fn helm(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("helm");
    command.env("KUBECONFIG", home::kubeconfig());
    programs::run(command.args(arguments)).await
}
