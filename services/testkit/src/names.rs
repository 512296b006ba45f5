//! Names that nobody else has, and names that say which test process something was made for, so that what a killed one
//! left behind is found and removed.

use std::{fs, process, sync::LazyLock};

/// This process, as a word of letters, digits and `_`: its pid and when it started.
pub(crate) fn this_process() -> &'static str {
    static MARK: LazyLock<String> = LazyLock::new(|| {
        let pid = process::id();
        format!("{pid}_{}", started(&pid.to_string()).expect("invariant: this process runs"))
    });
    &MARK
}

/// 32 hexadecimal digits, never given before.
pub(crate) fn unique() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Whether the process that `mark` names (see [`this_process`]) still runs.
pub(crate) fn is_running(mark: &str) -> bool {
    mark.split_once('_').is_some_and(|(pid, start)| started(pid).is_some_and(|now| now == start))
}

/// When a process started, in clock ticks since the machine did.
fn started(pid: &str) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    // The 22nd field of proc_pid_stat(5); the third comes first here.
    after_name.split(' ').nth(19).map(str::to_owned)
}
