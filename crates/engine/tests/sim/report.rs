//! What a run of many seeds came to, for people and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use panelworks_core::planted::Bug;
use serde_json::json;

use crate::run::Run;
use crate::{checks, edges, faults, house, trouble};

/// From this many seeds on, every kind of fault and every state must have been seen: what never happens tests nothing.
const ENOUGH_SEEDS: u64 = 1_000;
/// A planted bug is seen within so many seeds; an obvious one (invariants.md 7.7) within fewer.
pub(crate) const SEEDS_FOR_A_BUG: u64 = 500;
pub(crate) const SEEDS_FOR_AN_OBVIOUS_ONE: u64 = 5;
/// Bugs of the list that can't be planted in what is built, and what they wait for.
const OPEN: [(u8, &str); 2] = [
    (21, "a webhook's dedupe outside the posting's transaction: waits for payments"),
    (22, "a webhook's amount taken from its payload: waits for payments"),
];
/// Bugs of the list that another test plants.
const ELSEWHERE: [(u8, &str); 1] =
    [(29, "a migration that drops the scale of old amounts: `upgrade` in the store's contract")];

#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) elapsed: Duration,
    seeds: u64,
    batches: u64,
    commands: u64,
    orders: u64,
    unknowns: u64,
    found: Vec<(u64, String)>,
    fired: BTreeMap<&'static str, u64>,
    reached: BTreeMap<&'static str, u64>,
    bugs: Vec<(Bug, Option<u64>)>,
}

impl Report {
    pub(crate) fn add(&mut self, seed: u64, run: &Run) {
        self.seeds += 1;
        self.batches += run.batches;
        self.commands += run.commands;
        self.orders += run.orders;
        self.unknowns += run.unknowns;
        for (name, times) in &run.fired {
            *self.fired.entry(name).or_default() += times;
        }
        for (name, times) in &run.reached {
            *self.reached.entry(name).or_default() += times;
        }
        if let Some(violation) = run.violations.first() {
            self.violation(seed, violation);
        }
    }

    pub(crate) fn violation(&mut self, seed: u64, what: &str) {
        let commit = commit().unwrap_or_else(|| "an unknown commit".to_owned());
        println!("seed {seed}: {what}\n  again, at {commit}: cargo xtask simulate --seed {seed}");
        self.found.push((seed, what.to_owned()));
    }

    pub(crate) fn bug(&mut self, bug: Bug, seed: Option<u64>) {
        self.bugs.push((bug, seed));
    }

    pub(crate) fn violations(&self) -> usize {
        self.found.len()
    }

    /// Kinds of fault and states that no seed came to, though there were enough to.
    pub(crate) fn never_seen(&self) -> Vec<&'static str> {
        if self.seeds < ENOUGH_SEEDS {
            return Vec::new();
        }
        let seen: BTreeSet<&str> = self.fired.keys().chain(self.reached.keys()).copied().collect();
        kinds().chain(checks::STATES).chain(edges::all()).filter(|name| !seen.contains(name)).collect()
    }

    /// Planted bugs that were not seen, or too late.
    pub(crate) fn missed(&self) -> Vec<Bug> {
        let limit = |bug: &Bug| {
            if Bug::OBVIOUS.contains(bug) { SEEDS_FOR_AN_OBVIOUS_ONE } else { SEEDS_FOR_A_BUG }
        };
        let missed = self.bugs.iter().filter(|(bug, seed)| seed.is_none_or(|seeds| seeds > limit(bug)));
        missed.map(|(bug, _)| *bug).collect()
    }

    pub(crate) fn json(&self) -> String {
        let bugs: Vec<_> = (self.bugs.iter())
            .map(|(bug, seed)| json!({"number": bug.number(), "bug": format!("{bug:?}"), "caught_by_seed": seed}))
            .collect();
        let noted = |notes: &[(u8, &str)]| -> Vec<_> {
            notes.iter().map(|(number, what)| json!({"number": number, "what": what})).collect()
        };
        let fired: BTreeMap<&str, u64> =
            kinds().map(|name| (name, self.fired.get(name).copied().unwrap_or(0))).collect();
        let violations: Vec<_> =
            self.found.iter().map(|(seed, what)| json!({"seed": seed, "what": what})).collect();
        let report = json!({
            "seeds": self.seeds,
            "seconds": self.elapsed.as_secs(),
            "batches": self.batches,
            "commands": self.commands,
            "orders": self.orders,
            "unknown_outcomes_resolved": self.unknowns,
            "violations": violations,
            "faults": fired,
            "states": self.reached,
            "never_seen": self.never_seen(),
            "planted_bugs": bugs,
            "planted_elsewhere": noted(&ELSEWHERE),
            "planted_bugs_open": noted(&OPEN),
        });
        format!("{report:#}\n")
    }
}

/// The commit that is checked out, if git knows.
fn commit() -> Option<String> {
    let said = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output().ok()?;
    said.status.success().then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// The names of everything that can be fired.
fn kinds() -> impl Iterator<Item = &'static str> {
    let outside = faults::TROUBLES.into_iter().chain(faults::LINE).map(|(name, _)| name);
    outside.chain(trouble::KINDS).chain(house::KINDS)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} seeds in {:.1?}: {} batches, {} commands, {} orders, {} unknown outcomes resolved, {} violations",
            self.seeds,
            self.elapsed,
            self.batches,
            self.commands,
            self.orders,
            self.unknowns,
            self.found.len()
        )?;
        for name in kinds() {
            writeln!(f, "  fault {name}: {}", self.fired.get(name).copied().unwrap_or(0))?;
        }
        for name in self.never_seen() {
            writeln!(f, "  NEVER SEEN: {name}")?;
        }
        for (bug, seed) in &self.bugs {
            let number = bug.number().map_or_else(|| "a neighbour".to_owned(), |number| number.to_string());
            match seed {
                Some(seed) => writeln!(f, "  planted {bug:?} ({number}): caught by seed {seed}")?,
                None => writeln!(f, "  planted {bug:?} ({number}): NOT CAUGHT")?,
            }
        }
        if !self.bugs.is_empty() {
            let caught =
                self.bugs.iter().filter(|(bug, seed)| bug.number().is_some() && seed.is_some()).count();
            for (number, what) in ELSEWHERE.iter().chain(&OPEN) {
                writeln!(f, "  not here {number}: {what}")?;
            }
            writeln!(
                f,
                "  of the thirty {caught} are caught here, {} elsewhere, {} are open",
                ELSEWHERE.len(),
                OPEN.len()
            )?;
        }
        for bug in self.missed() {
            writeln!(f, "  MISSED: {bug:?}")?;
        }
        Ok(())
    }
}
