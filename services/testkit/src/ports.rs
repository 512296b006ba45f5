//! Ports for servers of our own.

use std::{fs, net::TcpListener, path::Path};

use anyhow::{Context, Result};
use rand::Rng;

/// Below the range that Linux gives to outgoing connections, so that none of those takes a server's port while it restarts.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The address that servers of our own listen on, unless they are given another.
pub const LOOPBACK: &str = "127.0.0.1";

/// Far more than a machine with any free port needs.
const ATTEMPTS_MAX: usize = 200;

/// A port of the loopback address that nobody listens on now.
fn free() -> Result<u16> {
    let mut random = rand::rng();
    (0..ATTEMPTS_MAX)
        .map(|_| random.random_range(PORTS))
        .find(|port| is_free(*port))
        .context("no free port on the loopback address")
}

/// The port noted in `file` if it is still free, else a free one, which is noted.
pub fn kept_in(file: &Path) -> Result<u16> {
    let kept = fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
    if let Some(port) = kept.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    let port = free()?;
    fs::write(file, port.to_string()).with_context(|| format!("write {}", file.display()))?;
    Ok(port)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((LOOPBACK, port)).is_ok()
}
