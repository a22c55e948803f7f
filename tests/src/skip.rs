//! What a machine lacks: said aloud, and never in CI.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// True where the command runs and says 0.
pub fn has(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Leaves a test out, saying so where `cargo xtask test` collects it. In CI that is a failure.
pub fn skipped(what: &str, why: &str) {
    assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{what} can't be skipped in CI: {why}");
    // Past the test harness, which would keep it to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why}");
    if let Some(file) = std::env::var_os("TEST_SKIPPED") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
        let _ = file.and_then(|mut file| writeln!(file, "{what}: {why}"));
    }
}
