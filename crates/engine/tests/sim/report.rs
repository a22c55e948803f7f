//! What a run of many seeds came to, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use panelworks_core::planted::Bug;
use serde_json::json;

use crate::run::Run;

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
    bugs: Vec<(Bug, Option<u64>)>,
}

/// Kinds of fault that must have happened in a run of some hundred seeds; a fault that never fires tests nothing.
const MUST_FIRE: [&str; 8] = [
    "A1 killed and started again",
    "A4 a commit refused",
    "A8 a commit that stands, its answer lost",
    "A8 a commit that does not stand, its answer lost",
    "A9 decide again",
    "C4 retried with its key",
    "network: answer lost",
    "network: not sent",
];

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
        if let Some(violation) = run.violations.first() {
            self.violation(seed, violation);
        }
    }

    pub(crate) fn violation(&mut self, seed: u64, what: &str) {
        println!("seed {seed}: {what}\n  again: cargo xtask simulate --seed {seed}");
        self.found.push((seed, what.to_owned()));
    }

    pub(crate) fn bug(&mut self, bug: Bug, seed: Option<u64>) {
        self.bugs.push((bug, seed));
    }

    pub(crate) fn violations(&self) -> usize {
        self.found.len()
    }

    pub(crate) fn every_fault_fired(&self) -> bool {
        self.seeds < 100 || MUST_FIRE.iter().all(|name| self.fired.contains_key(name))
    }

    pub(crate) fn json(&self) -> String {
        let bugs: BTreeMap<String, Option<u64>> =
            self.bugs.iter().map(|(bug, seed)| (format!("{bug:?}"), *seed)).collect();
        let report = json!({
            "seeds": self.seeds,
            "seconds": self.elapsed.as_secs(),
            "batches": self.batches,
            "commands": self.commands,
            "orders": self.orders,
            "unknown_outcomes_resolved": self.unknowns,
            "violations": self.found.iter().map(|(seed, what)| json!({"seed": seed, "what": what})).collect::<Vec<_>>(),
            "faults": self.fired,
            "planted_bugs": bugs,
        });
        format!("{report:#}\n")
    }
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
        for (name, times) in &self.fired {
            writeln!(f, "  fault {name}: {times}")?;
        }
        for (bug, seed) in &self.bugs {
            match seed {
                Some(seed) => writeln!(f, "  planted {bug:?}: caught by seed {seed}")?,
                None => writeln!(f, "  planted {bug:?}: NOT CAUGHT")?,
            }
        }
        Ok(())
    }
}
