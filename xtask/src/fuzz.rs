//! `cargo xtask fuzz`: libFuzzer over everything a stranger can feed (`fuzz/README.md`; `invariants.md` 4.4, G8).
//!
//! In: how long, and which target. Out: a table of executions, as JSON too if asked; an error where a property did not
//! hold, with the input kept in `fuzz/found`, or where a canary was not found. Works with stable Rust: the coverage
//! comes from the compiler's own pass, by flags that only this build is given.

mod driver;
mod session;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Serialize;

use driver::Driver;
use session::{Ended, Session};

/// How long it is tried.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Asked {
    /// So many minutes in all; 40 seconds without this
    #[arg(long, value_name = "N")]
    pub(crate) minutes: Option<u64>,
    /// Only this target
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// Write what was counted as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask fuzz                        The canaries, then 40 seconds over all targets
  cargo xtask fuzz --minutes 60           An hour, on all processors
  cargo xtask fuzz --target answer        Providers' answers only";

/// The targets of `fuzz/src/lib.rs`; a test keeps the two lists the same.
const TARGETS: [&str; 7] = ["request", "encodings", "lists", "answer", "services", "money", "repeated"];
const CANARIES: [&str; 3] = ["canary_panic", "canary_memory", "canary_encodings"];
/// What a run in CI may take, over all targets.
const SHORT: Duration = Duration::from_secs(36);
/// A canary is found within seconds, or the fuzzer sees nothing.
const CANARY_LIMIT: Duration = Duration::from_secs(30);

/// What a run did.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    seconds: u64,
    executions: u64,
    targets: Vec<Session>,
    canaries: Vec<Session>,
}

pub(crate) fn run(asked: &Asked) -> Result<()> {
    let report = fuzz(asked)?;
    print(&report);
    if let Some(file) = &asked.json {
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(file, text + "\n").with_context(|| format!("can't write {}", file.display()))?;
    }
    Ok(())
}

/// The short run of `cargo xtask test`; a remark for its summary.
pub(crate) fn short() -> Result<String> {
    let report = fuzz(&Asked::default())?;
    print(&report);
    Ok(format!("{} executions, and every canary was found", report.executions))
}

fn fuzz(asked: &Asked) -> Result<Report> {
    let targets: Vec<&str> = TARGETS.into_iter().filter(|name| wanted(asked, name)).collect();
    if targets.is_empty() {
        bail!("there is no such target; there are {}", TARGETS.join(", "));
    }
    let whole = asked.minutes.map_or(SHORT, |minutes| Duration::from_secs(minutes * 60));
    let driver = Driver::build()?;
    let canaries = driver.all(&CANARIES, CANARY_LIMIT)?;
    for canary in &canaries {
        if !matches!(canary.ended, Ended::Found { .. }) {
            bail!("{} was not found: the fuzzer sees nothing", canary.target);
        }
    }
    let sessions = driver.all(&targets, driver.share_of(whole, targets.len()))?;
    let found: Vec<String> =
        sessions.iter().filter_map(|session| Driver::keep(session).transpose()).collect::<Result<_>>()?;
    if !found.is_empty() {
        bail!("a property does not hold:\n{}", found.join("\n"));
    }
    let executions = sessions.iter().map(|session| session.executions).sum();
    Ok(Report { seconds: whole.as_secs(), executions, targets: sessions, canaries })
}

fn wanted(asked: &Asked, name: &str) -> bool {
    asked.target.as_deref().is_none_or(|target| target == name)
}

fn print(report: &Report) {
    println!(
        "{:<18} {:>12} {:>12} {:>8} {:>8} {:>10}",
        "", "executions", "a second", "edges", "inputs", "peak MiB"
    );
    for session in &report.targets {
        let a_second = session.executions / session.seconds.max(1);
        println!(
            "{:<18} {:>12} {:>12} {:>8} {:>8} {:>10}",
            session.target, session.executions, a_second, session.edges, session.inputs, session.peak_mib
        );
    }
    for canary in &report.canaries {
        println!("{:<18} {:>12} found after so many, as it must be", canary.target, canary.executions);
    }
    println!("{:<18} {:>12}", "in all", report.executions);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_of_the_fuzzer_is_run() {
        let source = std::fs::read_to_string(crate::root().join("fuzz/src/lib.rs")).expect("a source");
        let named: Vec<&str> =
            source.split("Target { name: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(named, [&TARGETS[..], &CANARIES[..]].concat());
    }
}
