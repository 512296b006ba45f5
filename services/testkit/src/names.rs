//! Names that nobody else has, and marks that say which process something belongs to.

use std::{fs, process, sync::LazyLock};

/// 32 hexadecimal digits, never given before.
pub(crate) fn unique() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// The mark of this process.
pub(crate) fn this_process() -> &'static str {
    static MARK: LazyLock<String> =
        LazyLock::new(|| mark(process::id()).expect("invariant: this process runs, and /proc is there"));
    &MARK
}

/// The process `pid` as a word of letters, digits and `_`, which no other process has: after a crash or a restart of the
/// machine a pid alone may be anyone's. `None` when there is no such process.
pub(crate) fn mark(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (_, after_name) = stat.rsplit_once(") ")?;
    // The 22nd field of proc_pid_stat(5), the start in clock ticks since boot; the third comes first here.
    let ticks = after_name.split(' ').nth(19)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(format!("{pid}_{ticks}_{}", boot.split('-').next()?))
}

/// The pid of the process that `mark` is of, if that one is still there. It may be a zombie.
pub(crate) fn pid_of(of: &str) -> Option<u32> {
    let pid = of.split('_').next()?.parse().ok()?;
    (mark(pid)? == of).then_some(pid)
}

/// Whether the process that `mark` is of still runs.
pub(crate) fn is_running(mark: &str) -> bool {
    pid_of(mark).is_some()
}
