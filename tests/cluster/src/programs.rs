//! Kubernetes and CoreDNS, built from the Go module proxy once and kept; Helm and what Debian has are fetched by `scripts/setup`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use testkit::folder;
use tokio::process::Command;

use crate::{home, progress::Progress};

/// The least Go that the modules can be built with.
const GO_MINOR_MIN: u32 = 25;

/// A module in `deploy/cluster` of which programs are built.
struct Module {
    folder: &'static str,
    what: &'static str,
    /// The arguments of `go build`.
    packages: &'static str,
    programs: &'static [&'static str],
}

const MODULES: [Module; 2] = [
    Module {
        folder: "kubernetes",
        what: "Kubernetes (about 10 minutes on two cores, once)",
        packages: "tool",
        programs: &[
            "kube-apiserver",
            "kube-controller-manager",
            "kube-proxy",
            "kube-scheduler",
            "kubectl",
            "kubelet",
        ],
    },
    Module { folder: "coredns", what: "CoreDNS", packages: ".", programs: &["coredns"] },
];

/// Builds what is not there, or of another version.
pub async fn provide(progress: Progress) -> Result<()> {
    fs::create_dir_all(home::programs())?;
    for module in MODULES {
        let folder = folder::workspace().join("deploy/cluster").join(module.folder);
        let wanted = fs::read_to_string(folder.join("go.mod"))?;
        let built = home::cache().join(format!("{}.mod", module.folder));
        let are_there = module.programs.iter().all(|program| home::programs().join(program).exists());
        if are_there && fs::read_to_string(&built).is_ok_and(|built| built == wanted) {
            continue;
        }
        build(progress, &folder, &module, &wanted).await?;
        fs::write(built, wanted)?;
    }
    if !home::programs().join("pause").exists() {
        pause(progress).await?;
    }
    Ok(())
}

/// Links none of the machine's libraries, so that they also run in an image.
async fn build(progress: Progress, folder: &Path, module: &Module, go_mod: &str) -> Result<()> {
    let mut flags = vec!["-s -w".to_owned()];
    if let Some(version) = version_of(go_mod, "k8s.io/kubernetes") {
        let variables = version_variables(version)?.into_iter();
        flags.extend(variables.map(|(package, variable, value)| format!("-X {package}.{variable}={value}")));
    }
    let flags = flags.join(" ");
    let mut command = Command::new(go().await?);
    command.args(["build", "-v", "-trimpath", "-ldflags", &flags, "-o"]);
    command.arg(format!("{}/", home::programs().display())).arg(module.packages);
    command.env("CGO_ENABLED", "0").current_dir(folder);
    progress.watch(&format!("building {}", module.what), &mut command).await
}

/// The version of `module` that a go.mod requires.
fn version_of<'a>(go_mod: &'a str, module: &str) -> Option<&'a str> {
    go_mod.lines().find_map(|line| {
        let mut words = line.trim().trim_start_matches("require ").split_whitespace();
        (words.next()? == module).then(|| words.next()).flatten()
    })
}

/// Without them the programs take themselves for version 0.0, and refuse each other.
fn version_variables(version: &str) -> Result<Vec<(&'static str, &'static str, &str)>> {
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().context("a major version")?, parts.next().context("a minor version")?);
    Ok(["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
        .into_iter()
        .flat_map(|package| {
            [(package, "gitVersion", version), (package, "gitMajor", major), (package, "gitMinor", minor)]
        })
        .collect())
}

/// The machine's Go if it is recent, else the one that `scripts/setup --charts` has fetched.
async fn go() -> Result<PathBuf> {
    let fetched = folder::local().join("tools/go/bin/go");
    for candidate in [PathBuf::from("go"), PathBuf::from("/usr/local/go/bin/go"), fetched] {
        if is_recent(&candidate).await {
            return Ok(candidate);
        }
    }
    bail!("there is no Go of version 1.{GO_MINOR_MIN} or later: run scripts/setup --charts")
}

async fn is_recent(go: &Path) -> bool {
    let version = Command::new(go).args(["env", "GOVERSION"]).output().await;
    let version =
        version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let minor =
        version.trim().strip_prefix("go1.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    minor.is_some_and(|minor| minor >= GO_MINOR_MIN)
}

/// The program that holds a pod's namespaces, as Kubernetes' own module brings it.
async fn pause(progress: Progress) -> Result<()> {
    progress.say("building pause");
    let folder = folder::workspace().join("deploy/cluster/kubernetes");
    let mut command = Command::new(go().await?);
    command.args(["list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"]).current_dir(folder);
    let output = command.stderr(Stdio::inherit()).output().await?;
    let module = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    let mut command = Command::new("cc");
    command.args(["-Os", "-static", "-DVERSION=1", "-o"]).arg(home::programs().join("pause"));
    run(command.arg(module.join("build/pause/linux/pause.c"))).await.map(drop)
}

/// Runs a program to its end, with the cluster's own first among those that it finds; an error has its output.
pub async fn run(command: &mut Command) -> Result<String> {
    command.env("PATH", path()).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.with_context(|| format!("run {}", shown(command)))?;
    if !output.status.success() {
        let output = [output.stdout, output.stderr].concat();
        bail!("{} failed:\n{}", shown(command), String::from_utf8_lossy(&output).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// `PATH` with the cluster's programs first.
pub fn path() -> String {
    let path = env::var("PATH").unwrap_or_default();
    let own = [home::programs(), folder::local().join("tools/bin"), debian("usr/bin"), debian("usr/sbin")];
    let own: String = own.iter().map(|folder| format!("{}:", folder.display())).collect();
    format!("{own}{path}:/usr/sbin:/sbin")
}

/// A folder of the packages that `scripts/setup --cluster` unpacked.
pub fn debian(folder: &str) -> PathBuf {
    home::cache().join("debian").join(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_kubernetes_is_found_in_either_form() {
        assert_eq!(
            version_of("module a\nrequire k8s.io/kubernetes v1.34.2\n", "k8s.io/kubernetes"),
            Some("v1.34.2")
        );
        let block = "require (\n\tk8s.io/kubernetes/x v1.0.0\n\tk8s.io/kubernetes v1.34.2 // indirect\n)\n";
        assert_eq!(version_of(block, "k8s.io/kubernetes"), Some("v1.34.2"));
        assert_eq!(version_of("module a\n", "k8s.io/kubernetes"), None);
        assert!(version_variables("v1.34.2").unwrap().contains(&(
            "k8s.io/component-base/version",
            "gitMinor",
            "34"
        )));
    }
}
