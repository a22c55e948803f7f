//! A list of steps that is run from the top until one fails, with a summary at the end.
//!
//! In: named steps. Out: a line before and after each, and the table that a hurried reader looks at. It knows nothing
//! about what the steps do.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

/// How a step ended when it didn't fail.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Passed,
    /// With a remark for the summary.
    Remarked(String),
    Skipped(String),
}

/// What was run so far.
#[derive(Debug)]
pub(crate) struct Steps {
    began: Instant,
    done: Vec<(String, Duration, Mark)>,
}

#[derive(Debug)]
enum Mark {
    Ended(Outcome),
    Failed(String),
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), done: Vec::new() }
    }

    /// Runs one step; the error of a failed one is given back, so that `?` ends the list.
    pub(crate) fn step(&mut self, name: &str, act: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        eprintln!("\n── {name}");
        let began = Instant::now();
        let result = act();
        let took = began.elapsed();
        let (mark, result) = match result {
            Ok(outcome) => (Mark::Ended(outcome), Ok(())),
            Err(error) => (Mark::Failed(format!("{error:#}")), Err(anyhow!("{name} failed"))),
        };
        if let Mark::Failed(why) = &mark {
            eprintln!("   failed after {:.1} s: {why}", took.as_secs_f32());
        } else {
            eprintln!("   {:.1} s", took.as_secs_f32());
        }
        self.done.push((name.to_owned(), took, mark));
        result
    }

    /// One line per step.
    pub(crate) fn print_summary(&self) {
        eprintln!("\n{:─<78}", "");
        for (name, took, mark) in &self.done {
            let (word, remark) = match mark {
                Mark::Ended(Outcome::Passed) => ("ok", ""),
                Mark::Ended(Outcome::Remarked(remark)) => ("ok", remark.as_str()),
                Mark::Ended(Outcome::Skipped(why)) => ("SKIPPED", why.as_str()),
                Mark::Failed(why) => ("FAILED", why.lines().next().unwrap_or_default()),
            };
            eprintln!("{word:8} {:>7.1} s  {name}{}{remark}", took.as_secs_f32(), gap(remark));
        }
        let failed = self.done.iter().any(|(_, _, mark)| matches!(mark, Mark::Failed(_)));
        let end = if failed { "failed; the steps after it were not run" } else { "all passed" };
        eprintln!("{:8} {:>7.1} s  {end}", "", self.began.elapsed().as_secs_f32());
    }
}

fn gap(remark: &str) -> &'static str {
    if remark.is_empty() { "" } else { ": " }
}
