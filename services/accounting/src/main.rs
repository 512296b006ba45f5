//! Accounting (会计核算): the books of the bank.

use std::process::ExitCode;

use accounting::service::Accounting;
use mimalloc::MiMalloc;

/// Half of what a posting costs the service is memory allocated and freed.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    platform::service::main::<Accounting>()
}
