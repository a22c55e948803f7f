//! All processes of a folder: those that work in it or below. The children of a server that has gone are among them.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Those that run or are stopped; not those that have ended.
pub(super) fn of(folder: &Path) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let works_there =
        |path: &Path| std::fs::read_link(path.join("cwd")).is_ok_and(|place| place.starts_with(folder));
    all.filter(|entry| works_there(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Some may have ended a moment ago.
pub(super) fn signal_all(processes: &[i32], signal: Signal) {
    for process in processes.iter().filter_map(|number| Pid::from_raw(*number)) {
        let _ = kill_process(process, signal);
    }
}
