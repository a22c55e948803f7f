//! Runs one test program: its output goes to a file, and to the screen only when it fails.
//!
//! In: a program that cargo built, with a limit in time. Out: how many tests passed. A program beyond its limit is
//! killed and counts as failed. Never tries again: a test that passes at the second try is red (`workshop.md`).

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::cargo::TestProgram;
use crate::root;

/// Between two looks at a running program.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Lines shown of a failed program's output; the file has all.
const LINES_SHOWN: usize = 200;

/// What a program that passed said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) passed: u64,
}

/// `arguments` are those of the test harness.
pub(crate) fn run(
    test: &TestProgram,
    arguments: &[&str],
    surroundings: &[(&str, PathBuf)],
    limit: Duration,
) -> Result<Ended> {
    let name = format!("{}-{}", test.package, test.target);
    let log = root().join("target").join("xtask").join(format!("{name}.log"));
    let began = Instant::now();
    let mut child = start(test, arguments, surroundings, &log)?;
    let status = wait(&mut child, limit)?;
    let said = fs::read_to_string(&log).unwrap_or_default();
    if !status.is_some_and(|status| status.success()) {
        show(&said);
        let how = status.map_or_else(|| format!("not done after {limit:?}"), |status| status.to_string());
        bail!("{name}: {how}; all of its output is in {}", log.display());
    }
    let passed = passed(&said);
    if passed > 0 {
        eprintln!("   {name}: {passed} passed, {:.1} s", began.elapsed().as_secs_f32());
    }
    Ok(Ended { passed })
}

fn start(
    test: &TestProgram,
    arguments: &[&str],
    surroundings: &[(&str, PathBuf)],
    log: &Path,
) -> Result<Child> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let output = File::create(log).with_context(|| format!("can't write {}", log.display()))?;
    let mut command = Command::new(&test.executable);
    command.args(arguments);
    command.current_dir(&test.folder).env("CARGO_MANIFEST_DIR", &test.folder);
    command.envs(surroundings.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
    command.spawn().with_context(|| format!("can't run {}", test.executable.display()))
}

/// Nothing when the limit was reached; the program is gone then.
fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn show(said: &str) {
    let lines: Vec<&str> = said.lines().collect();
    for line in &lines[lines.len().saturating_sub(LINES_SHOWN)..] {
        eprintln!("   | {line}");
    }
}

/// Sums what the test harness said: `test result: ok. 12 passed; …`.
fn passed(said: &str) -> u64 {
    let results = said.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted() {
        let said = "running 2 tests\n\ntest result: ok. 2 passed; 0 failed; 0 ignored\n";
        assert_eq!(passed(said), 2);
        assert_eq!(passed("test result: FAILED. 1 passed; 1 failed\n"), 0);
    }

    #[test]
    fn a_program_beyond_its_limit_is_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep is everywhere");
        assert!(wait(&mut child, Duration::from_millis(50)).expect("waited").is_none());
    }
}
