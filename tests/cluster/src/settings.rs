//! The settings of the node's parts: `deploy/cluster/node`, with `@words@` filled in.

use std::fs;

use anyhow::{Context, Result, ensure};
use testkit::folder;

use crate::{home, programs};

/// Where each file goes, from the cluster's folder.
const FILES: [(&str, &str); 5] = [
    ("containerd.toml", "containerd.toml"),
    ("kubelet.yaml", "kubelet.yaml"),
    ("kube-proxy.yaml", "kube-proxy.yaml"),
    ("cni.conflist", "cni/10-countinghouse.conflist"),
    ("Corefile", "Corefile"),
];

/// Writes them.
pub fn write() -> Result<()> {
    let run = home::run();
    for folder in [run.join("cni"), run.join("pod-logs"), run.join("volume-plugins"), home::sockets()] {
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    }
    // Only the cluster's own DNS is used; pods get its address.
    fs::write(run.join("resolv.conf"), "")?;
    let templates = folder::workspace().join("deploy/cluster/node");
    for (from, to) in FILES {
        let text = fs::read_to_string(templates.join(from)).with_context(|| format!("read {from}"))?;
        let text = filled(&text);
        ensure!(!text.contains('@'), "{from} has a word that nobody knows: {text}");
        fs::write(run.join(to), text)?;
    }
    Ok(())
}

fn filled(text: &str) -> String {
    let words = [
        ("@run@", home::run().display().to_string()),
        ("@sockets@", home::sockets().display().to_string()),
        ("@keys@", home::keys().display().to_string()),
        ("@programs@", programs::debian("usr/sbin").display().to_string()),
        ("@cni_programs@", programs::debian("usr/lib/cni").display().to_string()),
        ("@node@", home::NODE_ADDRESS.to_owned()),
        ("@node_name@", home::NODE.to_owned()),
        ("@pods@", home::PODS.to_owned()),
        ("@pause@", format!("docker.io/{}", home::PAUSE_IMAGE)),
    ];
    words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_templates_is_known() {
        for (from, _) in FILES {
            let text =
                fs::read_to_string(folder::workspace().join("deploy/cluster/node").join(from)).unwrap();
            assert!(text.contains('@'), "{from} has nothing to fill in");
            assert!(!filled(&text).contains('@'), "{from}: {}", filled(&text));
        }
    }
}
