//! `cargo xtask simulate`: the seeded simulation of core, executor and engine (`invariants.md` 4.2, 7.7).
//!
//! In: how many seeds, or for how long, or which one. Out: what the simulation's own program says; its exit code is
//! ours. The program is `crates/engine/tests/sim`, built with the planted bugs.

use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::cargo::{PLANTED, cargo, succeed};

/// How much is simulated.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Asked {
    /// So many seeds, from 1 on; 5,000 without this
    #[arg(long, value_name = "N", conflicts_with_all = ["minutes", "seed"])]
    pub(crate) seeds: Option<u64>,
    /// For so long, over seeds nobody has tried yet
    #[arg(long, value_name = "N", conflicts_with = "seed")]
    pub(crate) minutes: Option<u64>,
    /// Replay this one and print what it finds
    #[arg(long, value_name = "X")]
    pub(crate) seed: Option<u64>,
    /// Plant a bug and look for the first seed that finds it; with --seed, replay that seed with the bug
    #[arg(long, value_name = "NAME")]
    pub(crate) bug: Option<String>,
    /// Leave the planted bugs out
    #[arg(long, conflicts_with = "bug")]
    pub(crate) no_bugs: bool,
    /// Write what was found as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask simulate                        5,000 seeds, then every planted bug must be found
  cargo xtask simulate --minutes 60           An hour over new seeds
  cargo xtask simulate --seed 4711            Replay one
  cargo xtask simulate --bug RefundRepeated   Which seed finds this bug first";

pub(crate) fn run(asked: &Asked) -> Result<()> {
    succeed(&mut command(asked)?)
}

/// The command that builds the simulation and runs it.
pub(crate) fn command(asked: &Asked) -> Result<Command> {
    let mut command = cargo(&["test", "--quiet", "--workspace", "--test", "sim"]);
    command.args(PLANTED).arg("--").args(arguments(asked)?);
    Ok(command)
}

fn arguments(asked: &Asked) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
    if let Some(seeds) = asked.seeds {
        flag("--seeds", seeds.to_string());
    }
    if let Some(minutes) = asked.minutes {
        flag("--minutes", minutes.to_string());
        flag("--first", unseen_seed()?.to_string());
    }
    if let Some(seed) = asked.seed {
        flag("--seed", seed.to_string());
    }
    if let Some(bug) = &asked.bug {
        flag("--bug", bug.clone());
    }
    if let Some(file) = &asked.json {
        // The simulation runs in its package's folder.
        let file = std::path::absolute(file).context("no such place for --json")?;
        flag("--json", file.display().to_string());
    }
    if asked.no_bugs {
        words.push("--no-bugs".to_owned());
    }
    Ok(words)
}

/// The clock in milliseconds: an hour of seeds does not reach the next hour's.
fn unseen_seed() -> Result<u128> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    let first = now.as_millis();
    eprintln!("seeds from {first} on");
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_reaches_the_simulation() {
        let asked = Asked { seed: Some(7), bug: Some("RefundWithoutCap".to_owned()), ..Asked::default() };
        assert_eq!(arguments(&asked).expect("words"), ["--seed", "7", "--bug", "RefundWithoutCap"]);
    }

    #[test]
    fn an_hour_of_simulation_tries_seeds_of_its_own() {
        let asked = Asked { minutes: Some(60), ..Asked::default() };
        let words = arguments(&asked).expect("words");
        assert_eq!(words[..3], ["--minutes", "60", "--first"]);
        assert!(words[3].parse::<u64>().expect("a number") > 1_000_000);
    }
}
