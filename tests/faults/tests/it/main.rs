//! The short form of `make faults`.

#![cfg(test)]

use std::io;

use faults::{Arguments, victim::Victim};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_whatever_is_killed() {
    let kills = 2 * u32::try_from(Victim::ALL.len()).unwrap();
    let victims = Victim::ALL.to_vec();
    let arguments = Arguments { kills, seed: None, victims, restores: 1, callers: 16, verify_every: kills };
    assert!(faults::run(&arguments, "test", &mut io::stderr()).await.unwrap());
}
