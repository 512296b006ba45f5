//! What is in an image, and what is not: read from its archive, whichever engine has made it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use day::report::Report;
use serde_json::Value;
use tokio::process::Command;

use crate::{images, programs};

/// Decimal megabytes, unpacked.
const BYTES_MAX: u64 = 60_000_000;

/// The user that it runs as, where nobody says another.
const USER: &str = "65532:65532";

/// The labels that a registry shows, and operators search by. (Where the source is, a work tree without a remote cannot tell.)
const LABELS: [&str; 5] = ["title", "version", "revision", "created", "licenses"];

/// Programs that let whoever gets in do more than the service does.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "busybox", "ash", "env"];

/// Checks the image of `service`.
pub async fn check(service: &str, version: &str, report: &mut Report<'_>) -> Result<()> {
    let archive = images::archive(service, version);
    let manifest: Value = serde_json::from_str(&read(&archive, "manifest.json").await?)?;
    let image = &manifest[0];
    let config = image["Config"].as_str().context("the archive names no configuration")?;
    let config: Value = serde_json::from_str(&read(&archive, config).await?)?;
    let config = &config["config"];
    report.check("user, by number", user(config))?;
    report.check("labels", labels(config, version))?;
    let mut files = Vec::new();
    for layer in image["Layers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        files.extend(listed(&archive, layer).await?);
    }
    report.check("size", size(&files))?;
    report.check("one program, and no shell", one_program(&files, service))?;
    Ok(())
}

fn user(config: &Value) -> Result<String> {
    let user = config["User"].as_str().unwrap_or_default();
    ensure!(user == USER, "`{user}`, and `{USER}` was meant");
    Ok(user.to_owned())
}

fn labels(config: &Value, version: &str) -> Result<String> {
    for label in LABELS {
        let value =
            config["Labels"][format!("org.opencontainers.image.{label}")].as_str().unwrap_or_default();
        ensure!(!value.is_empty() && value != "unknown", "{label} is missing");
        ensure!(label != "version" || value == version, "the version is {value}");
    }
    Ok(format!("{} of them", LABELS.len()))
}

/// A file of a layer.
#[derive(Debug, Clone)]
struct File {
    path: String,
    bytes: u64,
    is_program: bool,
}

fn size(files: &[File]) -> Result<String> {
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    ensure!(bytes < BYTES_MAX, "{bytes} bytes, and {BYTES_MAX} is the most");
    Ok(format!("{}.{} MB in {} files", bytes / 1_000_000, bytes / 100_000 % 10, files.len()))
}

fn one_program(files: &[File], service: &str) -> Result<String> {
    ensure!(!files.is_empty(), "there is nothing in it");
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        ensure!(!SHELLS.contains(&name), "there is {}", file.path);
        let is_library = name.contains(".so");
        ensure!(!file.is_program || is_library || name == service, "{} can be run", file.path);
    }
    let programs =
        files.iter().filter(|file| file.is_program && file.path.rsplit('/').next() == Some(service)).count();
    ensure!(programs == 1, "{programs} files are called {service}");
    Ok(format!("/{service}"))
}

async fn read(archive: &Path, name: &str) -> Result<String> {
    programs::run(Command::new("tar").arg("-xOf").arg(archive).arg(name)).await
}

/// The regular files of a layer.
async fn listed(archive: &Path, layer: &str) -> Result<Vec<File>> {
    let script = "tar -xOf \"$1\" \"$2\" | tar -tvf - --full-time";
    let mut command = Command::new("bash");
    command.args(["-o", "pipefail", "-c", script, "bash"]).arg(archive).arg(layer);
    Ok(programs::run(&mut command).await?.lines().filter_map(file).collect())
}

/// A line of `tar -tv`: `-rwxr-xr-x 0/0 1234 2026-11-25 10:00:00 a/path`.
fn file(line: &str) -> Option<File> {
    let mut words = line.split_whitespace();
    let mode = words.next()?;
    let bytes = words.nth(1)?.parse().ok()?;
    let path = words.nth(2)?.to_owned();
    mode.starts_with('-').then(|| File { path, bytes, is_program: mode.contains('x') })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &str = "drwxr-xr-x 0/0 0 2026-11-25 10:00:00 lib/
-rwxr-xr-x 0/0 2000000 2026-11-25 10:00:00 lib/libc.so.6
-rwxr-xr-x 0/0 29000000 2026-11-25 10:00:00 accounting
lrwxrwxrwx 0/0 0 2026-11-25 10:00:00 service -> accounting
-rw-r--r-- 0/0 200 2026-11-25 10:00:00 etc/passwd";

    fn files(text: &str) -> Vec<File> {
        text.lines().filter_map(file).collect()
    }

    #[test]
    fn a_lean_image_passes() {
        let files = files(FILES);
        assert_eq!(size(&files).unwrap(), "31.0 MB in 3 files");
        assert_eq!(one_program(&files, "accounting").unwrap(), "/accounting");
    }

    #[test]
    fn a_shell_another_program_or_too_much_is_found() {
        let with = |line: &str| files(&format!("{FILES}\n{line}"));
        assert!(one_program(&with("-rwxr-xr-x 0/0 1 2026-11-25 10:00:00 bin/sh"), "accounting").is_err());
        assert!(one_program(&with("-rwxr-xr-x 0/0 1 2026-11-25 10:00:00 bin/curl"), "accounting").is_err());
        assert!(one_program(&files(FILES), "settlement").is_err());
        assert!(size(&with("-rw-r--r-- 0/0 30000000 2026-11-25 10:00:00 usr/share/doc")).is_err());
    }

    #[test]
    fn what_is_not_told_is_found() {
        let mut config = serde_json::json!({"User": USER, "Labels": {}});
        assert!(labels(&config, "1").is_err());
        for label in LABELS {
            config["Labels"][format!("org.opencontainers.image.{label}")] = "1".into();
        }
        assert!(labels(&config, "1").is_ok());
        assert!(labels(&config, "2").is_err());
        assert!(user(&config).is_ok());
        config["User"] = "root".into();
        assert!(user(&config).is_err());
    }
}
