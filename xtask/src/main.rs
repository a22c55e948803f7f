//! The project's tasks: `cargo xtask test`, `bench`, `simulate`, `fuzz`, `trust`, `sbom`, `evidence`, `tidy`.
//!
//! In: a command line. Out: what cargo and the programs it built said, and an exit code that is not 0 when anything
//! failed. A laptop and CI run the same; only what may be skipped differs (`test.rs`). One file per task.

mod bench;
mod cargo;
mod evidence;
mod fuzz;
mod sbom;
mod simulate;
mod steps;
mod test;
mod tidy;
mod tools;
mod trust;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Run everything CI runs; with --quick the part for daily work
    Test(test::Asked),
    /// Run the seeded simulation, or replay one seed of it
    Simulate(simulate::Asked),
    /// Feed what nobody thought of to everything that reads a stranger's bytes
    Fuzz(fuzz::Asked),
    /// Measure what `performance.md` asks for: ratios within one run
    Bench(bench::Asked),
    /// Kill and freeze a database cluster's primary under load, at least twenty times
    Trust(trust::Asked),
    /// Write the table of faults, attacks and invariants with their tests into docs/trust.md
    Evidence,
    /// List everything that is compiled into the program (CycloneDX)
    Sbom(sbom::Asked),
    /// Check what no compiler checks: sizes, names, heads, dead modules, edges between crates
    Tidy,
}

fn main() -> ExitCode {
    let done = match Cli::parse().work {
        Work::Test(asked) => test::run(&asked),
        Work::Simulate(asked) => simulate::run(&asked),
        Work::Fuzz(asked) => fuzz::run(&asked),
        Work::Bench(asked) => bench::run(&asked),
        Work::Trust(asked) => trust::run(&asked),
        Work::Evidence => evidence::run(),
        Work::Sbom(asked) => sbom::run(&asked),
        Work::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The repository's root: every path of the tasks is meant from here.
fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}
