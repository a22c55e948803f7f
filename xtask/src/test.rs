//! `cargo xtask test`: everything CI needs, in the order in which failures are cheapest to find.
//!
//! In: a checkout, on a fresh machine if need be. Out: a line per step with its time, the failed step's output, and a
//! summary. The first failure ends it. What a laptop lacks is skipped and said so; in CI (`CI=true`) nothing may be
//! skipped. Bounds: 30 minutes cold, 15 warm on two cores; `--quick` 5 minutes warm.

pub(crate) mod program;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::cargo::{Built, PLANTED, TestProgram, build, cargo, succeed};
use crate::steps::{Outcome, Steps};
use crate::tools::{find_or_install, has_postgres, succeeds};
use crate::{fuzz, root, simulate, tidy};

/// How much is tested.
#[derive(Debug, Clone, Args)]
pub(crate) struct Asked {
    /// For daily work: format, tidy, clippy, unit tests, 300 seeds, the API from outside
    #[arg(long)]
    pub(crate) quick: bool,
    /// Install cargo-deny if it is missing, which takes some minutes
    #[arg(long, conflicts_with = "quick")]
    pub(crate) full: bool,
}

/// The tests from outside, each a program of the package `tests`, and what a hurried reader should know of each.
const OUTSIDE: [(&str, &str); 9] = [
    ("api", "every action, bad input and races over HTTP; the command line"),
    ("crash", "kill -9 in mid-load, a full disk, the order of write and answer"),
    ("chain", "simulator, panel, panel: every type, refund, refill and cancel all the way"),
    ("faults", "a provider that misbehaves, and thirteen dialects"),
    (
        "siege",
        "guessed keys, planted secrets, ambiguous framing, slow and giant requests, a hog, twice the capacity",
    ),
    ("clients", "PHP, Python, Node and the examples"),
    ("database", "PostgreSQL that is away, falls over, freezes, refuses"),
    ("nodes", "several panels on one PostgreSQL: races, news, kill -9 of one, a rolling restart"),
    ("failover", "a Patroni cluster whose primary is killed and frozen under load"),
];
/// Those that are run again with the panels' books in PostgreSQL.
const ON_POSTGRES: [&str; 4] = ["api", "crash", "chain", "siege"];
/// What of them is about the embedded store's file, or about no store.
const ABOUT_FILES: [&str; 14] = [
    "copies::",
    "disk::",
    "power::",
    "images::",
    "restore::",
    "sync::",
    "command_line::books_are_checked_examined_backed_up_and_restored",
    "command_line::damaged_books_are_found",
    "operators::the_demos_operator_is_in_the_books_and_no_secret_of_his_is",
    // What is about the doors and not about the books.
    "framing::",
    "guesses::",
    "hog::",
    "overload::",
    "sizes::",
];
/// Seeds of the simulation in the whole run, and in the quick one.
const SEEDS: u64 = 2_000;
const SEEDS_QUICK: u64 = 300;
/// One test program may take this long before it counts as hung.
const UNIT_LIMIT: Duration = Duration::from_mins(5);
const OUTSIDE_LIMIT: Duration = Duration::from_mins(10);

pub(crate) fn run(asked: &Asked) -> Result<()> {
    let in_ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false");
    let mut steps = Steps::new();
    let done = all(asked, in_ci, &mut steps);
    steps.print_summary();
    done
}

fn all(asked: &Asked, in_ci: bool, steps: &mut Steps) -> Result<()> {
    if !asked.quick {
        steps.step("tools", || tools(in_ci))?;
    }
    steps.step("format", || passed(succeed(&mut cargo(&["fmt", "--all", "--check"]))))?;
    steps.step("tidy", || passed(tidy::run()))?;
    steps.step("clippy", || passed(clippy()))?;
    let mut built = Built::default();
    steps.step("build", || {
        built = build()?;
        Ok(Outcome::Passed)
    })?;
    steps.step("unit tests", || units(&built.tests))?;
    steps.step("simulation", || simulation(asked.quick))?;
    if !asked.quick {
        steps.step("interleavings", || passed(interleavings()))?;
        steps.step("fuzzing", || fuzz::short().map(Outcome::Remarked))?;
    }
    for (target, what) in OUTSIDE.iter().filter(|(target, _)| !asked.quick || *target == "api") {
        steps.step(&format!("outside: {target} ({what})"), || {
            outside(&built, target, Store::Embedded, in_ci)
        })?;
    }
    if asked.quick {
        return Ok(());
    }
    for target in ON_POSTGRES {
        let name = format!("outside, on PostgreSQL: {target}");
        steps.step(&name, || outside(&built, target, Store::Postgres, in_ci))?;
    }
    steps.step("documentation", || passed(documentation()))?;
    steps.step("dependencies (cargo deny)", || dependencies(asked.full, in_ci))
}

fn passed(result: Result<()>) -> Result<Outcome> {
    result.map(|()| Outcome::Passed)
}

fn tools(in_ci: bool) -> Result<Outcome> {
    let missing = find_or_install();
    if missing.is_empty() {
        return Ok(Outcome::Passed);
    }
    if in_ci {
        bail!("missing: {}", missing.join("; "));
    }
    Ok(Outcome::Skipped(format!("tests that need {}", missing.join("; "))))
}

/// Once as the tests are built, once for what only the simulation compiles.
fn clippy() -> Result<()> {
    let strict = ["--", "-D", "warnings"];
    succeed(cargo(&["clippy", "--workspace", "--all-targets"]).args(strict))?;
    let planted = ["clippy", "--workspace", "--test", "sim", "--test", "interleavings"];
    succeed(cargo(&planted).args(PLANTED).args(strict))
}

/// Everything but the tests from outside.
fn units(tests: &[TestProgram]) -> Result<Outcome> {
    let mut sum = 0;
    for test in tests.iter().filter(|test| !is_outside(test)) {
        sum += program::run(test, &[], &[], UNIT_LIMIT)?.passed;
    }
    Ok(Outcome::Remarked(format!("{sum} passed")))
}

pub(crate) fn is_outside(test: &TestProgram) -> bool {
    test.package == "tests" && OUTSIDE.iter().any(|(target, _)| *target == test.target)
}

fn simulation(quick: bool) -> Result<Outcome> {
    let seeds = if quick { SEEDS_QUICK } else { SEEDS };
    let asked = simulate::Asked { seeds: Some(seeds), ..simulate::Asked::default() };
    simulate::run(&asked)?;
    Ok(Outcome::Remarked(format!("{seeds} seeds, and every planted bug was found")))
}

/// Every interleaving of an order's life, to a depth; with planted bugs, so built as the simulation is.
fn interleavings() -> Result<()> {
    succeed(cargo(&["test", "--quiet", "--workspace", "--test", "interleavings"]).args(PLANTED))
}

/// Where the panels under test keep their books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Embedded,
    Postgres,
}

fn outside(built: &Built, target: &str, store: Store, in_ci: bool) -> Result<Outcome> {
    if store == Store::Postgres && !has_postgres() {
        return if in_ci {
            bail!("PostgreSQL is missing")
        } else {
            Ok(Outcome::Skipped("no PostgreSQL".to_owned()))
        };
    }
    let Some(test) = built.tests.iter().find(|test| is_outside(test) && test.target == target) else {
        bail!("there is no such test program");
    };
    let Some(panelworks) = &built.panelworks else {
        bail!("the build made no program to test");
    };
    let skipped = skipped_file(target);
    let _ = std::fs::remove_file(&skipped);
    let mut surroundings = vec![("TEST_PROGRAM", panelworks.clone()), ("TEST_SKIPPED", skipped.clone())];
    let mut left_out = Vec::new();
    if store == Store::Postgres {
        surroundings.push(("TEST_STORE", PathBuf::from("postgres")));
        left_out.extend(ABOUT_FILES.iter().flat_map(|name| ["--skip", name]));
    }
    let ended = program::run(test, &left_out, &surroundings, OUTSIDE_LIMIT)?;
    let skipped = std::fs::read_to_string(&skipped).unwrap_or_default();
    if skipped.is_empty() {
        return Ok(Outcome::Remarked(format!("{} passed", ended.passed)));
    }
    let skipped = skipped.lines().collect::<Vec<_>>().join("; ");
    if in_ci {
        bail!("skipped in CI: {skipped}");
    }
    Ok(Outcome::Remarked(format!("{} passed, of which SKIPPED {skipped}", ended.passed)))
}

/// Where tests write what they had to leave out.
fn skipped_file(target: &str) -> PathBuf {
    root().join("target").join("xtask").join(format!("{target}.skipped"))
}

/// Every link in the documentation leads somewhere, and its examples run.
fn documentation() -> Result<()> {
    succeed(cargo(&["doc", "--quiet", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    succeed(&mut cargo(&["test", "--quiet", "--workspace", "--doc"]))
}

/// Licences, sources and bans, which can be judged without a network; advisories where there is one.
/// Shows C32.
fn dependencies(install: bool, in_ci: bool) -> Result<Outcome> {
    if !succeeds(&["cargo-deny", "--version"]) {
        if !install && !in_ci {
            let how = "cargo-deny is not installed; --full installs it, or cargo install --locked cargo-deny";
            return Ok(Outcome::Skipped(how.to_owned()));
        }
        succeed(&mut cargo(&["install", "--quiet", "--locked", "cargo-deny"]))?;
    }
    succeed(&mut cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"]))?;
    // Known weaknesses are a database of their own, which lies on the network.
    let fetched = cargo(&["deny", "--log-level", "off", "fetch"]).stderr(Stdio::null()).status()?;
    if !fetched.success() {
        let why = "the database of advisories can't be reached: they were not looked at";
        return Ok(Outcome::Remarked(why.to_owned()));
    }
    succeed(&mut cargo(&["deny", "--log-level", "error", "check", "advisories"]))?;
    Ok(Outcome::Remarked("advisories looked at too".to_owned()))
}
