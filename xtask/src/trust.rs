//! `cargo xtask trust`: the long form of the failover tests (`invariants.md` A10, G6; `docs/trust.md`), or of overload.
//!
//! In: how many failovers, and how patient the cluster is. Out: a table of what each kind of failover cost, as JSON too
//! if asked; an error where an acknowledged order was lost, or one was bought twice. The work is done by the tests'
//! program `failover`, which runs its canary as well: a run whose checker can't see a loss proves nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::cargo::build;
use crate::root;
use crate::test::{is_outside, program};
use crate::tools::find_or_install;

/// How long it is tried.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Asked {
    /// So many failovers, every second one a freeze instead of a kill
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) kills: u64,
    /// Seconds until the cluster gives up a silent primary (Patroni's ttl; its own default is 30)
    #[arg(long, value_name = "SECONDS", default_value_t = 6, value_parser = clap::value_parser!(u64).range(5..=120))]
    pub(crate) ttl: u64,
    /// Instead of that, twice what the panel can do, for so many minutes, with its memory looked at all the while; a minute writes about a gigabyte
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["kills", "ttl", "json"])]
    pub(crate) soak: Option<u64>,
    /// Write what was measured as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask trust                          Ten kills and ten freezes, about eight minutes
  cargo xtask trust --kills 50 --ttl 20      With the settings of a careful operator
  cargo xtask trust --soak 60                An hour of overload";

/// What the tests' program measured.
#[derive(Debug, Deserialize)]
struct Report {
    failovers: Vec<Failover>,
    acknowledged: u64,
    slowest_answer_seconds: f64,
}

#[derive(Debug, Deserialize)]
struct Failover {
    primary: String,
    seconds_without_writes: f64,
}

/// Beyond the time-to-live: the take-over, and the old primary's return until it follows.
const FAILOVER_LIMIT: Duration = Duration::from_mins(2);
/// Starts, the canary, and the last look at the books.
const REST_LIMIT: Duration = Duration::from_mins(5);

pub(crate) fn run(asked: &Asked) -> Result<()> {
    match asked.soak {
        Some(minutes) => soak(minutes),
        None => failovers(asked),
    }
}

/// The long form of the test of overload: what it measures is in its own output.
fn soak(minutes: u64) -> Result<()> {
    let built = build()?;
    let Some(test) = built.tests.iter().find(|test| is_outside(test) && test.target == "siege") else {
        bail!("there is no test program for overload");
    };
    let panelworks = built.panelworks.context("the build made no program to test")?;
    let surroundings = [("TEST_PROGRAM", panelworks), ("TEST_SOAK_MINUTES", minutes.to_string().into())];
    let limit = Duration::from_secs(60 * minutes) + REST_LIMIT;
    program::run(test, &["an_overload", "--nocapture"], &surroundings, limit)?;
    let log = root().join("target").join("xtask").join("tests-siege.log");
    let said = std::fs::read_to_string(&log).with_context(|| format!("can't read {}", log.display()))?;
    said.lines()
        .filter(|line| line.contains("orders a second") || line.contains("MiB"))
        .for_each(|line| println!("{line}"));
    Ok(())
}

fn failovers(asked: &Asked) -> Result<()> {
    let missing: Vec<String> =
        find_or_install().into_iter().filter(|line| line.contains("a database that fails over")).collect();
    if !missing.is_empty() {
        bail!("missing: {}", missing.join("; "));
    }
    let built = build()?;
    let Some(test) = built.tests.iter().find(|test| is_outside(test) && test.target == "failover") else {
        bail!("there is no test program for failovers");
    };
    let panelworks = built.panelworks.context("the build made no program to test")?;
    let file = report_file(asked)?;
    let surroundings = [
        ("TEST_PROGRAM", panelworks),
        ("TEST_FAILOVERS", asked.kills.to_string().into()),
        ("TEST_TTL", asked.ttl.to_string().into()),
        ("TEST_REPORT", file.clone()),
    ];
    let failovers = u32::try_from(asked.kills).context("so many failovers take years")?;
    let limit = (FAILOVER_LIMIT + Duration::from_secs(asked.ttl)) * failovers + REST_LIMIT;
    eprintln!("{} failovers; each line of them is in target/xtask/tests-failover.log", asked.kills);
    program::run(test, &["--test-threads=1", "--nocapture"], &surroundings, limit)?;
    print(&read(&file)?);
    Ok(())
}

fn report_file(asked: &Asked) -> Result<PathBuf> {
    let folder = root().join("target").join("xtask");
    std::fs::create_dir_all(&folder)?;
    let file = asked.json.clone().unwrap_or_else(|| folder.join("trust.json"));
    // The tests run in their package's folder.
    let file = std::path::absolute(file).context("no such place for --json")?;
    match std::fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't write {}", file.display()))
        }
        Ok(()) | Err(_) => Ok(file),
    }
}

fn read(file: &Path) -> Result<Report> {
    let text = std::fs::read(file).with_context(|| format!("no report in {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no report", file.display()))
}

fn print(report: &Report) {
    println!("primary   times   seconds without writes: median   longest");
    for kind in ["killed", "frozen"] {
        let of_kind = report.failovers.iter().filter(|one| one.primary == kind);
        let mut outages: Vec<f64> = of_kind.map(|one| one.seconds_without_writes).collect();
        outages.sort_by(f64::total_cmp);
        if let (Some(median), Some(longest)) = (outages.get(outages.len() / 2), outages.last()) {
            println!("{kind:<9} {:>5} {median:>32.1} {longest:>9.1}", outages.len());
        }
    }
    println!(
        "{} orders acknowledged, none lost, none bought twice; the slowest answer took {:.1} s",
        report.acknowledged, report.slowest_answer_seconds
    );
    println!("(the same checker counted the orders lost without a synchronous standby)");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_the_tests_is_understood() {
        let text = r#"{"ttl_seconds":6,"failovers":[{"primary":"killed","from":2,"to":1,"timeline":2,
            "seconds_without_writes":6.7,"seconds_until_whole":7.1}],"acknowledged":2184,"refused":{},
            "slowest_answer_seconds":10.2}"#;
        let report: Report = serde_json::from_str(text).expect("a report");
        assert_eq!((report.failovers.len(), report.acknowledged), (1, 2184));
    }
}
