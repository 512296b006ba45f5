//! Images: built by `scripts/images` as anybody would, and loaded into the node.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use testkit::{folder, services::names};
use tokio::process::Command;

use crate::{home, programs};

/// Where archives of images are.
fn archives() -> PathBuf {
    folder::local().join("images")
}

/// Builds the image of every service under `tag`.
pub async fn build(tag: &str) -> Result<String> {
    let mut command = Command::new(folder::workspace().join("scripts/images"));
    command.args(["--tag", tag, "--archives"]).arg(archives());
    programs::run(&mut command).await
}

/// The image of `service`, as a file.
pub fn archive(service: &str, tag: &str) -> PathBuf {
    archives().join(format!("{service}-{tag}.tar"))
}

/// Loads the image of every service into the node.
pub async fn load(tag: &str) -> Result<()> {
    for service in names() {
        import(&archive(service, tag)).await?;
    }
    Ok(())
}

/// Makes the image that holds a pod's namespaces, of one static program, and loads it.
pub async fn load_pause() -> Result<()> {
    let context = home::run().join("pause");
    std::fs::create_dir_all(&context)?;
    std::fs::copy(home::programs().join("pause"), context.join("pause")).context("the program `pause`")?;
    std::fs::write(
        context.join("Containerfile"),
        "FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT [\"/pause\"]\n",
    )?;
    let archive = home::run().join("pause.tar");
    let build = ["build", "-q", "-t", home::PAUSE_IMAGE];
    programs::run(buildah().args(build).arg(&context)).await?;
    let to = format!("docker-archive:{}:docker.io/{}", archive.display(), home::PAUSE_IMAGE);
    programs::run(buildah().args(["push", "-q", home::PAUSE_IMAGE, &to])).await?;
    import(&archive).await
}

fn buildah() -> Command {
    let mut command = Command::new("buildah");
    command.env("BUILDAH_ISOLATION", "chroot");
    command
}

/// Loads an archive into the node.
async fn import(archive: &Path) -> Result<()> {
    let mut command = Command::new(programs::debian("usr/bin/ctr"));
    command.arg("--address").arg(home::sockets().join("containerd.sock"));
    command.args(["--namespace", "k8s.io", "images", "import"]).arg(archive);
    programs::run(&mut command).await.map(drop)
}
