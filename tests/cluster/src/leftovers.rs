//! Ends all that a cluster has left, whether it was taken down, killed, or cut off by a restart of the machine: processes, mounts,
//! control groups, the network namespace, files. The cache stays.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use testkit::{folder, stack::Stack};
use tokio::process::Command;

use crate::{home, namespace, parts, programs};

/// The control groups that the kubelet makes for pods, under each hierarchy.
const POD_GROUPS: &str = "kubepods";

/// A killed process is gone at once, unless a disk holds it up.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// Looks at whether everything has gone.
const LOOKS: u32 = 200;

/// Ends it all.
pub async fn clear() -> Result<()> {
    for name in parts::NAMES.into_iter().rev() {
        parts::stop(name).await?;
    }
    end_processes().await?;
    Stack::named(home::STACK)?.clean().await?;
    unmount().await?;
    remove_pod_groups();
    namespace::delete().await?;
    for place in [home::run(), home::sockets()] {
        folder::delete(&place)?;
    }
    forget_logs()
}

/// Kills what is still in the namespace (Postgres and Kafka, which end in good order, aside), and the cluster's pods.
async fn end_processes() -> Result<()> {
    for look in 0..LOOKS {
        let mut left: Vec<i32> =
            processes_of_pods().into_iter().filter(|pid| is_in_a_pod_of_ours(*pid)).collect();
        left.extend(namespace::processes().await?.into_iter().filter(|pid| is_of_the_node(*pid)));
        if left.is_empty() {
            return Ok(());
        }
        for pid in left.into_iter().filter_map(Pid::from_raw) {
            // One that has just ended is what was wanted.
            let _ = kill_process(pid, Signal::KILL);
        }
        tokio::time::sleep(GONE_WITHIN / LOOKS).await;
        ensure!(look + 1 < LOOKS, "processes of the cluster survive a kill");
    }
    Ok(())
}

/// Whether a process in the namespace is one of ours that nobody keeps a note of: those that hold containers.
fn is_of_the_node(pid: i32) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let sockets = home::sockets().display().to_string();
    arguments.split(|byte| *byte == 0).any(|word| String::from_utf8_lossy(word).contains(&sockets))
}

/// Each control group of pods, and those in them: the innermost first.
fn pod_groups() -> Vec<PathBuf> {
    let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let roots = hierarchies.map(|entry| entry.path().join(POD_GROUPS));
    let mut groups = Vec::new();
    for root in roots.chain([Path::new("/sys/fs/cgroup").join(POD_GROUPS)]).filter(|root| root.is_dir()) {
        within(&root, &mut groups);
    }
    groups
}

fn within(group: &Path, groups: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            within(&entry.path(), groups);
        }
    }
    groups.push(group.to_owned());
}

/// What runs in pods, of whichever cluster.
fn processes_of_pods() -> Vec<i32> {
    let lists =
        pod_groups().into_iter().filter_map(|group| fs::read_to_string(group.join("cgroup.procs")).ok());
    let mut pids: Vec<i32> =
        lists.flat_map(|list| list.lines().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// Whether the files that a process sees lie in our folder. Another cluster of this machine has its pods in the same groups.
fn is_in_a_pod_of_ours(pid: i32) -> bool {
    let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
    mounts.contains(&home::run().display().to_string())
}

/// Removes the groups of pods, unless another cluster of this machine has pods in them.
fn remove_pod_groups() {
    if processes_of_pods().is_empty() {
        for group in pod_groups() {
            // One in which somebody begins just now stays.
            let _ = fs::remove_dir(group);
        }
    }
}

/// Unmounts what is mounted under our folders, the last first.
async fn unmount() -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("read what is mounted")?;
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let ours = places.filter(|place| {
        [home::run(), home::sockets()].iter().any(|folder| Path::new(place).starts_with(folder))
    });
    for place in ours.collect::<Vec<_>>().into_iter().rev() {
        programs::run(Command::new("umount").args(["-l", place])).await?;
    }
    Ok(())
}

/// The kubelet links the logs of pods from a folder that cannot be chosen.
fn forget_logs() -> Result<()> {
    for entry in fs::read_dir("/var/log/containers").into_iter().flatten().flatten() {
        if fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(home::run())) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
