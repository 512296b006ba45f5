//! The programs that know charts better than we do.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{NAMESPACE, RELEASE, UMBRELLA, root};

/// The versions of Kubernetes that every object is checked against: the oldest that the charts allow, the one that they are
/// installed on by `make kube-test`, and the newest.
pub const KUBERNETES_VERSIONS: &[&str] = &["1.32", "1.34", "1.37"];

/// Where `scripts/setup --charts` puts them.
fn tool(path: &str) -> Result<PathBuf> {
    let tool = root().join(".local/tools").join(path);
    ensure!(tool.exists(), "{} is not there: run scripts/setup --charts", tool.display());
    Ok(tool)
}

/// Helm.
#[derive(Debug)]
pub struct Helm(PathBuf);

impl Helm {
    pub fn installed() -> Result<Helm> {
        Ok(Helm(tool("bin/helm")?))
    }

    /// What an install of the umbrella with these files of values and these single values would make.
    pub fn template(&self, files: &[&str], values: &[&str]) -> Result<String> {
        said(self.render("template", files, values)?)
    }

    /// The notes that people read after such an install.
    pub fn notes(&self, files: &[&str]) -> Result<String> {
        let text = said(self.render("install", files, &["--dry-run=client"])?)?;
        let (_, notes) = text.split_once("NOTES:\n").context("an install shows notes")?;
        Ok(notes.to_owned())
    }

    /// Why such an install is refused.
    pub fn refusal(&self, files: &[&str], values: &[&str]) -> Result<String> {
        let output = self.render("template", files, values)?;
        ensure!(!output.status.success(), "this is not refused: {values:?}");
        Ok(String::from_utf8(output.stderr)?)
    }

    /// What is wrong with a chart.
    pub fn lint(&self, chart: &str, files: &[&str]) -> Result<String> {
        let mut command = self.command(&["lint", "--strict", chart]);
        command.args(files.iter().flat_map(|file| ["--values", *file]));
        said(command.output()?)
    }

    fn render(&self, verb: &str, files: &[&str], options: &[&str]) -> Result<Output> {
        let mut command = self.command(&[verb, RELEASE, UMBRELLA, "--namespace", NAMESPACE]);
        command.args(files.iter().flat_map(|file| ["--values", *file]));
        Ok(command.args(options).output()?)
    }

    /// From the root, and with nothing of the machine's own: no cluster, no settings, no cache.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        let home = root().join(".local/tools/helm-home");
        command.args(words).current_dir(root()).env("HOME", &home).env_remove("KUBECONFIG");
        for (name, folder) in
            [("HELM_CONFIG_HOME", "config"), ("HELM_CACHE_HOME", "cache"), ("HELM_DATA_HOME", "data")]
        {
            command.env(name, home.join(folder));
        }
        command
    }
}

/// What the objects in a file are refused for by some version of Kubernetes, and the kinds that it does not know: one line each.
pub fn validate(file: &Path) -> Result<Vec<String>> {
    let mut command = Command::new(tool("kubernetes/bin/kubernetes-validate")?);
    command.args(["--strict", "--quiet"]);
    for version in KUBERNETES_VERSIONS {
        command.args(["--kubernetes-version", version]);
    }
    let output = command.arg(file).output()?;
    let said = String::from_utf8(output.stdout)?;
    if !output.status.success() && said.is_empty() {
        bail!("kubernetes-validate: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(said.lines().map(str::to_owned).collect())
}

/// Has promtool check something in `folder`.
pub fn promtool(folder: &Path, words: &[&str]) -> Result<String> {
    said(Command::new(tool("bin/promtool")?).args(words).current_dir(folder).output()?)
}

fn said(output: Output) -> Result<String> {
    let said = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(said)
}
