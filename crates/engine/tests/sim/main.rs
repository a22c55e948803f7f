//! The seeded simulation: the real core, executor, engine and provider, with time, network, store and crashes
//! drawn from one seed, and every invariant checked after each step (invariants.md 4.2, 7.7).
//!
//! `cargo xtask simulate` runs it; `--seed N` replays one, `--bug NAME` plants a bug, `--json FILE` writes what
//! was found. A seed is the whole run: the same seed gives the same last hash.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test program")]

mod checks;
mod outside;
mod report;
mod run;
mod shop;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use panelworks_core::planted::Bug;
use report::Report;

/// What was asked on the command line.
#[derive(Debug)]
struct Asked {
    seeds: u64,
    first: u64,
    only: Option<u64>,
    bug: Option<Bug>,
    all_bugs: bool,
    minutes: Option<u64>,
    json: Option<String>,
}

fn main() -> ExitCode {
    let asked = match parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            println!("{why}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::default();
    if let Some(seed) = asked.only {
        let run = run::run(seed, asked.bug, true);
        println!("seed {seed}: hash {:016x}, {} violations", run.hash, run.violations.len());
        run.violations.iter().for_each(|violation| println!("  {violation}"));
        return if run.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if let Some(bug) = asked.bug {
        return hunt(bug, asked.seeds, &mut report);
    }
    let clean = healthy(&asked, &mut report);
    let caught = !asked.all_bugs || hunt_all(asked.seeds.min(500), &mut report);
    println!("{report}");
    if let Some(file) = &asked.json {
        std::fs::write(file, report.json()).unwrap();
    }
    if clean && caught && report.every_fault_fired() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs seeds without a bug: nothing may be found.
fn healthy(asked: &Asked, report: &mut Report) -> bool {
    let begun = Instant::now();
    let limit = asked.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    for seed in asked.first.. {
        let done = match limit {
            Some(limit) => begun.elapsed() >= limit,
            None => seed >= asked.first + asked.seeds,
        };
        if done {
            break;
        }
        let run = run::run(seed, None, false);
        report.add(seed, &run);
        // One seed in a hundred runs twice: the same seed must end in the same place.
        if seed % 100 == 1 {
            let again = run::run(seed, None, false);
            if again.hash != run.hash {
                report.violation(seed, "two runs of one seed ended differently");
            }
        }
        if report.violations() > 20 {
            break;
        }
    }
    report.elapsed = begun.elapsed();
    report.violations() == 0
}

fn hunt(bug: Bug, seeds: u64, report: &mut Report) -> ExitCode {
    let Some((seed, violation)) = find(bug, seeds) else {
        println!("{bug:?}: not found in {seeds} seeds");
        return ExitCode::FAILURE;
    };
    println!("{bug:?}: found by seed {seed}: {violation}");
    report.bug(bug, Some(seed));
    ExitCode::SUCCESS
}

fn hunt_all(seeds: u64, report: &mut Report) -> bool {
    let mut all = true;
    for bug in Bug::ALL {
        let found = find(bug, seeds);
        all &= found.is_some();
        report.bug(bug, found.map(|(seed, _)| seed));
    }
    all
}

fn find(bug: Bug, seeds: u64) -> Option<(u64, String)> {
    (1..=seeds).find_map(|seed| {
        run::run(seed, Some(bug), false).violations.into_iter().next().map(|violation| (seed, violation))
    })
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked =
        Asked { seeds: 500, first: 1, only: None, bug: None, all_bugs: true, minutes: None, json: None };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|_| format!("{text} is no number"));
        match arg.as_str() {
            "--seeds" => asked.seeds = number(value()?)?,
            "--first" => asked.first = number(value()?)?,
            "--seed" => asked.only = Some(number(value()?)?),
            "--minutes" => asked.minutes = Some(number(value()?)?),
            "--json" => asked.json = Some(value()?),
            "--no-bugs" => asked.all_bugs = false,
            "--bug" => {
                let name = value()?;
                let bug = Bug::ALL.into_iter().find(|bug| format!("{bug:?}").eq_ignore_ascii_case(&name));
                asked.bug = Some(bug.ok_or_else(|| format!("no such bug; there are {:?}", Bug::ALL))?);
            }
            // What a test runner may pass to every test program.
            "--nocapture" | "--test-threads" | "--quiet" | "-q" => {}
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(asked)
}
