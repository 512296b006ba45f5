//! The processes of the cluster, each with its arguments: etcd, the API server, those that act on it, and the node's.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use testkit::daemon::{Daemon, Program, Signal};
use tokio::{net::TcpStream, process::Command};

use crate::{
    home::{self, API_PORT, API_SERVICE, NODE, NODE_ADDRESS, PODS, SERVICES},
    programs,
};

/// Each starts in seconds, once its program has been read from the disk; two busy cores take longer.
const START_BOUND: Duration = Duration::from_mins(2);

/// Nothing that it holds is worth more: all of it goes with the cluster.
const STOP_BOUND: Duration = Duration::from_secs(5);

/// In the order in which they start; they stop in the opposite one.
pub const NAMES: [&str; 8] = [
    "etcd",
    "containerd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
];

/// The process of the part called `name`.
pub fn daemon(name: &'static str) -> Daemon {
    Daemon::new(name, &home::run())
}

/// Starts the part called `name`, and returns when it answers, if it is one that is probed.
pub async fn start(name: &'static str) -> Result<()> {
    fs::create_dir_all(home::run())?;
    let environment = BTreeMap::from([("PATH".to_owned(), programs::path())]);
    let daemon = daemon(name);
    daemon.spawn(&Program::new(program(name), arguments(name)).with_environment(environment))?;
    daemon.wait_until_ready(START_BOUND, || is_ready(name)).await
}

/// Stops it.
pub async fn stop(name: &'static str) -> Result<()> {
    daemon(name).stop(Signal::TERM, STOP_BOUND).await.with_context(|| format!("stop {name}"))
}

fn program(name: &str) -> PathBuf {
    match name {
        "etcd" | "containerd" => programs::debian("usr/bin").join(name),
        _ => home::programs().join(name),
    }
}

async fn is_ready(name: &str) -> bool {
    let listens = |address: String| async move { TcpStream::connect(address).await.is_ok() };
    match name {
        "etcd" => listens("127.0.0.1:2379".to_owned()).await,
        "containerd" => home::sockets().join("containerd.sock").exists(),
        "kube-apiserver" => {
            let mut ask = Command::new(home::programs().join("kubectl"));
            ask.arg("--kubeconfig")
                .arg(home::run().join("admin.kubeconfig"))
                .args(["get", "--raw", "/readyz"]);
            programs::run(&mut ask).await.is_ok()
        }
        "kubelet" => listens("127.0.0.1:10248".to_owned()).await,
        "kube-proxy" => listens("127.0.0.1:10256".to_owned()).await,
        "coredns" => listens("127.0.0.1:8181".to_owned()).await,
        // Nobody waits for them by name: pods that run are their sign.
        _ => true,
    }
}

fn arguments(name: &str) -> Vec<String> {
    let run = |file: &str| home::run().join(file).display().to_string();
    match name {
        "etcd" => {
            let listen = "http://127.0.0.1:2379".to_owned();
            let data = run("etcd");
            flags(&[
                ("data-dir", &data),
                ("listen-client-urls", &listen),
                ("advertise-client-urls", &listen),
                ("listen-peer-urls", "http://127.0.0.1:2380"),
            ])
        }
        "containerd" => vec!["--config".to_owned(), run("containerd.toml")],
        "kube-apiserver" => api_server(),
        "kube-controller-manager" => flags(&[
            ("kubeconfig", &run("controller-manager.kubeconfig")),
            ("service-account-private-key-file", &run("keys/service-accounts.key.pem")),
            ("root-ca-file", &run("keys/ca.pem")),
            ("use-service-account-credentials", "true"),
            ("cluster-cidr", PODS),
            ("leader-elect", "false"),
            ("bind-address", "127.0.0.1"),
        ]),
        "kube-scheduler" => flags(&[
            ("kubeconfig", &run("scheduler.kubeconfig")),
            ("leader-elect", "false"),
            ("bind-address", "127.0.0.1"),
        ]),
        "kubelet" => flags(&[
            ("config", &run("kubelet.yaml")),
            ("kubeconfig", &run("kubelet.kubeconfig")),
            ("root-dir", &run("kubelet")),
            ("cert-dir", &run("kubelet-keys")),
            ("hostname-override", NODE),
            ("node-ip", NODE_ADDRESS),
        ]),
        "kube-proxy" => flags(&[("config", &run("kube-proxy.yaml"))]),
        "coredns" => vec!["-conf".to_owned(), run("Corefile")],
        _ => Vec::new(),
    }
}

fn api_server() -> Vec<String> {
    let key = |name: &str| home::keys().join(name).display().to_string();
    flags(&[
        ("etcd-servers", "http://127.0.0.1:2379"),
        ("bind-address", NODE_ADDRESS),
        ("advertise-address", NODE_ADDRESS),
        ("secure-port", &API_PORT.to_string()),
        ("service-cluster-ip-range", SERVICES),
        ("client-ca-file", &key("ca.pem")),
        ("tls-cert-file", &key("server.pem")),
        ("tls-private-key-file", &key("server.key.pem")),
        ("service-account-issuer", &format!("https://{API_SERVICE}")),
        ("service-account-key-file", &key("service-accounts.pem")),
        ("service-account-signing-key-file", &key("service-accounts.key.pem")),
        ("authorization-mode", "Node,RBAC"),
        ("enable-admission-plugins", "NodeRestriction"),
        ("kubelet-client-certificate", &key("apiserver.pem")),
        ("kubelet-client-key", &key("apiserver.key.pem")),
        // Else logs and exec go by the node's name, which nobody knows.
        ("kubelet-preferred-address-types", "InternalIP"),
    ])
}

fn flags(flags: &[(&str, &str)]) -> Vec<String> {
    flags.iter().map(|(name, value)| format!("--{name}={value}")).collect()
}
