//! Where the cluster keeps what it has, and the addresses in its network.

use std::path::PathBuf;

use testkit::folder;

/// The network namespace. One a machine: the bridge, the addresses and the ports in it are always the same.
pub const NAMESPACE: &str = "countinghouse";

/// The node's name.
pub const NODE: &str = "countinghouse";

/// The node's address, which is also that of the API server, of DNS, of Postgres and of Kafka.
pub const NODE_ADDRESS: &str = "10.80.0.1";

/// The addresses of pods, and of Services. Nothing outside the namespace sees them.
pub const PODS: &str = "10.81.0.0/16";
pub const SERVICES: &str = "10.82.0.0/16";

/// The first of [`SERVICES`], which Kubernetes gives to its API.
pub const API_SERVICE: &str = "10.82.0.1";

/// Where the API server listens.
pub const API_PORT: u16 = 6443;

/// The image that holds a pod's namespaces.
pub const PAUSE_IMAGE: &str = "countinghouse/pause:1";

/// The name of the cluster's Postgres and Kafka among the stacks of this machine.
pub const STACK: &str = "cluster/stack";

/// All of it but sockets.
pub fn home() -> PathBuf {
    folder::local().join("cluster")
}

/// What was built and fetched, and stays.
pub fn cache() -> PathBuf {
    home().join("cache")
}

/// The programs that were built and fetched.
pub fn programs() -> PathBuf {
    cache().join("programs")
}

/// What goes with the cluster.
pub fn run() -> PathBuf {
    home().join("run")
}

/// Keys and certificates of the cluster.
pub fn keys() -> PathBuf {
    run().join("keys")
}

/// Sockets: a path to one may have 107 bytes at most, and the work tree may lie deep. Gone after a restart of the machine.
pub fn sockets() -> PathBuf {
    PathBuf::from("/run/countinghouse")
}

/// The settings of kubectl and Helm: for the cluster that the user names, else for ours.
pub fn kubeconfig() -> PathBuf {
    named_kubeconfig().unwrap_or_else(own_kubeconfig)
}

/// The cluster that the user names. Whoever entered ours has it in the environment, and names none.
pub fn named_kubeconfig() -> Option<PathBuf> {
    let named = std::env::var_os("KUBECONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.filter(|path| *path != own_kubeconfig())
}

fn own_kubeconfig() -> PathBuf {
    run().join("admin.kubeconfig")
}
