//! The pods of the release, and which of them writes.

use anyhow::{Context, Result, bail, ensure};
use day::report::Report;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{
    ROLLED_OUT_WITHIN, SERVICE,
    release::{NAME, NAMESPACE},
};
use crate::kubectl;

/// The replicas that the chart has by default.
const REPLICAS: usize = 2;

/// Lines of a pod's log that are shown when something has gone wrong.
const LINES_SHOWN: &str = "--tail=15";

/// The labels by which the service's pods are known.
pub fn selector() -> String {
    format!("app.kubernetes.io/instance={NAME},app.kubernetes.io/name={SERVICE}")
}

/// The label of all pods of the release.
pub fn of_release() -> String {
    format!("app.kubernetes.io/instance={NAME}")
}

/// A pod of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    pub name: String,
    pub address: String,
    pub image: String,
    pub is_ready: bool,
    /// It is about to end.
    pub is_ending: bool,
    pub restarts: u64,
}

impl Pod {
    fn of(pod: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let conditions = pod["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_ready =
            conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        let containers = pod["status"]["containerStatuses"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            name: text(&pod["metadata"]["name"]),
            address: text(&pod["status"]["podIP"]),
            image: text(&pod["spec"]["containers"][0]["image"]),
            is_ready,
            is_ending: !pod["metadata"]["deletionTimestamp"].is_null(),
            restarts: containers.iter().filter_map(|container| container["restartCount"].as_u64()).sum(),
        }
    }
}

/// All of them.
pub async fn all() -> Result<Vec<Pod>> {
    let list = kubectl::get(&["pods", "--namespace", NAMESPACE, "--selector", &selector()]).await?;
    Ok(list["items"].as_array().into_iter().flatten().map(Pod::of).collect())
}

/// The pod that writes, and one that does not.
pub async fn writer(books: &PgPool) -> Result<(Pod, Pod)> {
    let leader: String =
        sqlx::query_scalar("SELECT address FROM leader").fetch_one(books).await.context("who leads")?;
    let (mut writers, others): (Vec<Pod>, Vec<Pod>) = all()
        .await?
        .into_iter()
        .filter(|pod| !pod.is_ending)
        .partition(|pod| leader.rsplit_once(':').is_some_and(|(address, _)| address == pod.address));
    let (Some(writer), Some(other)) = (writers.pop(), others.into_iter().next()) else {
        bail!("no pod is at {leader}, or no other one is there");
    };
    Ok((writer, other))
}

/// Waits until as many as were set are ready, and nothing else is left.
pub async fn settled() -> Result<Vec<Pod>> {
    let settled = tokio::time::timeout(ROLLED_OUT_WITHIN, async {
        loop {
            let pods = all().await?;
            if pods.len() == REPLICAS && pods.iter().all(|pod| pod.is_ready && !pod.is_ending) {
                return Ok::<_, anyhow::Error>(pods);
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    });
    settled.await.with_context(|| format!("the pods have not settled within {ROLLED_OUT_WITHIN:?}"))?
}

/// Kills it without a word, as a node does that goes.
pub async fn kill(pod: &Pod) -> Result<()> {
    let arguments = ["delete", "pod", &pod.name, "--namespace", NAMESPACE, "--force", "--grace-period=0"];
    kubectl::output(&arguments).await.map(drop)
}

/// Asks for its eviction, as a drain does. `false` when its disruption budget forbids it for now.
pub async fn evict(pod: &Pod) -> Result<bool> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{}/eviction", pod.name);
    let eviction = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": NAMESPACE},
    });
    match kubectl::with_input(&["create", "--raw", &path, "-f", "-"], &eviction).await {
        Ok(_) => Ok(true),
        Err(error) if format!("{error:#}").contains("disruption budget") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Runs the service's program in a pod, with the pod's own settings; its last line.
pub async fn run(words: &[&str]) -> Result<String> {
    let pods = settled().await?;
    let pod = pods.first().context("no pod")?;
    let object = kubectl::get(&["pod", &pod.name, "--namespace", NAMESPACE]).await?;
    let command = object["spec"]["containers"][0]["command"].as_array().cloned().unwrap_or_default();
    let program: Vec<&str> = command.iter().filter_map(Value::as_str).collect();
    let exec = ["exec", &pod.name, "--namespace", NAMESPACE, "--"];
    let output = kubectl::output(&[&exec[..], &program, words].concat()).await?;
    Ok(output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned())
}

/// What operators rely on without looking.
pub async fn check(report: &mut Report<'_>) -> Result<()> {
    let pods = settled().await?;
    let pod = pods.first().context("no pod")?;
    report.check("pods", Ok(format!("{} of {}, all ready", pods.len(), pod.image)))?;
    let object = kubectl::get(&["pod", &pod.name, "--namespace", NAMESPACE]).await?;
    report.check("it serves on a root file system that it cannot write", read_only(&object))?;
    let shell =
        kubectl::output(&["exec", &pod.name, "--namespace", NAMESPACE, "--", "sh", "-c", "true"]).await;
    report.check("nobody gets a shell in it", refused(shell))?;
    Ok(())
}

fn read_only(pod: &Value) -> Result<String> {
    let security = &pod["spec"]["containers"][0]["securityContext"];
    ensure!(security["readOnlyRootFilesystem"] == true, "the chart asks for none: {security}");
    Ok("readOnlyRootFilesystem, under the restricted Pod Security Standard".to_owned())
}

fn refused(outcome: Result<String>) -> Result<String> {
    match outcome {
        Ok(_) => bail!("`sh` ran"),
        Err(error) => {
            let output = format!("{error:#}");
            ensure!(output.contains("executable file not found"), "{output}");
            Ok("`kubectl exec -- sh` finds none".to_owned())
        }
    }
}

/// The logs of all pods in the release's namespace, each with its name: jobs too.
pub async fn logs() -> Result<Vec<(String, String)>> {
    let list = kubectl::get(&["pods", "--namespace", NAMESPACE]).await?;
    let mut logs = Vec::new();
    for pod in list["items"].as_array().into_iter().flatten().map(Pod::of) {
        // One that has not started has none.
        let log = kubectl::output(&["logs", &pod.name, "--namespace", NAMESPACE, LINES_SHOWN]).await;
        logs.push((pod.name, log.unwrap_or_default()));
    }
    Ok(logs)
}

/// What somebody looks at first when something has gone wrong.
pub async fn last_words() -> String {
    let pods = kubectl::output(&["get", "pods", "--namespace", NAMESPACE, "--output", "wide"]).await;
    let logs = logs().await.unwrap_or_default();
    let logs = logs.into_iter().map(|(pod, log)| format!("\n--- {pod}\n{log}"));
    let pods = pods.unwrap_or_else(|error| format!("{error:#}"));
    format!("{pods}{}", logs.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_read() {
        let object = json!({
            "metadata": {"name": "a", "deletionTimestamp": "2026-11-25T10:00:00Z"},
            "spec": {"containers": [{"image": "countinghouse/accounting:1"}]},
            "status": {
                "podIP": "10.0.0.2",
                "conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": [{"restartCount": 3}],
            },
        });
        let pod = Pod::of(&object);
        assert_eq!((&*pod.name, &*pod.address, pod.restarts), ("a", "10.0.0.2", 3));
        assert!(pod.is_ending && !pod.is_ready);
    }

    #[test]
    fn only_a_missing_shell_is_a_shell_that_is_missing() {
        assert!(refused(Ok(String::new())).is_err());
        assert!(refused(Err(anyhow::anyhow!("connection refused"))).is_err());
        assert!(refused(Err(anyhow::anyhow!("exec: \"sh\": executable file not found in $PATH"))).is_ok());
    }
}
