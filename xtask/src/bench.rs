//! `cargo xtask bench`: the benchmark (`performance.md`, P1, P2, P3 to one million orders, P4 to P7, P9 to P14).
//!
//! In: release builds of the program and of two examples that stand beside what they measure. Out: a table of ratios
//! within this one run, and with `--json` an object from each goal's name to `{value, goal, met}`. The generator of
//! the load runs here, shares the cores with what it loads, and is part of every comparison alike. A run is void,
//! and ends with an error, if an answer is not what it should be, if an acknowledged order is missing, or if
//! `panelworks check` finds anything. A missed goal is a result, no error.

mod adds;
mod database;
mod latency;
mod load;
mod nodes;
mod open_loop;
mod peer;
mod plan;
mod programs;
mod request;
mod scratch;
mod server;
mod services;
mod sheet;
mod standing;
mod status;
mod storage;
mod sync;
mod tested;
mod upkeep;
mod upstream;
mod usual;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use plan::Plan;
use programs::Programs;
use scratch::Scratch;
use sheet::Sheet;

/// What is measured.
#[derive(Debug, Clone, Args)]
pub(crate) struct Asked {
    /// Under a minute: shorter rounds, small books, only P1, P5, P11 and P12
    #[arg(long)]
    quick: bool,
    /// Only these, such as P1,P5
    #[arg(long, value_name = "GOALS", value_delimiter = ',')]
    only: Vec<String>,
    /// Orders of the large books, instead of a million or, in the quick run, a tenth of one
    #[arg(long, value_name = "NUMBER")]
    orders: Option<u32>,
    /// The large books lie there already (`bench_books fill DIR NUMBER 1000`); this run adds orders to them
    #[arg(long, value_name = "DIR", requires = "orders")]
    books: Option<PathBuf>,
    /// Write the results as JSON too: an object from the goal's name to value, goal and met
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the results as a page of Markdown too, with a chart
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Measure the programs that lie there, without building them anew
    #[arg(long)]
    as_built: bool,
    /// Where the books lie meanwhile, on the disk to be measured; without this in the build's folder
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// What every measurement is given.
#[derive(Debug)]
struct Bench {
    plan: Plan,
    programs: Programs,
    scratch: Scratch,
}

/// One measurement: the goal it is about, whether it belongs to the quick run, and how it is done.
struct Measurement {
    goal: &'static str,
    in_quick: bool,
    measure: fn(&Bench, &mut Sheet) -> Result<()>,
}

/// In this order: what asks of the large books comes before what adds to them.
const MEASUREMENTS: [Measurement; 14] = [
    Measurement { goal: "P1", in_quick: true, measure: adds::against_the_empty_handler },
    Measurement { goal: "P5", in_quick: true, measure: status::against_the_bare_rows },
    Measurement { goal: "P12", in_quick: true, measure: standing::until_the_first_answer },
    Measurement { goal: "P2", in_quick: false, measure: usual::against_the_usual_transaction },
    Measurement { goal: "P3-PG", in_quick: false, measure: adds::on_a_large_database },
    Measurement { goal: "P6", in_quick: false, measure: peer::against_the_usual_script },
    Measurement { goal: "P14", in_quick: false, measure: nodes::two_against_one },
    Measurement { goal: "P3", in_quick: false, measure: adds::on_large_books },
    Measurement { goal: "P7", in_quick: false, measure: latency::at_half_the_rate },
    Measurement { goal: "P9", in_quick: false, measure: upkeep::a_million_open_orders },
    Measurement { goal: "P10", in_quick: false, measure: upkeep::forwarding_under_load },
    Measurement { goal: "P13", in_quick: false, measure: storage::of_a_whole_life },
    Measurement { goal: "P4", in_quick: false, measure: services::against_a_file },
    Measurement { goal: "P11", in_quick: true, measure: standing::memory },
];

pub(crate) fn run(asked: &Asked) -> Result<()> {
    let wanted = wanted(asked)?;
    let programs = if asked.as_built { Programs::as_built()? } else { Programs::build()? };
    let mut plan = if asked.quick { Plan::quick() } else { Plan::full() };
    plan.large_books = asked.orders.unwrap_or(plan.large_books);
    let scratch = Scratch::new(asked.folder.as_deref(), asked.books.as_deref())?;
    let bench = Bench { plan, programs, scratch };
    let began = Instant::now();
    let mut sheet = Sheet::default();
    println!("{}\n", bench.plan);
    println!("a sync of 4 KiB costs {} µs here", sync::cost(bench.scratch.folder())?.as_micros());
    for Measurement { goal, measure, .. } in wanted {
        eprintln!("   {goal} …");
        measure(&bench, &mut sheet).with_context(|| format!("{goal} could not be measured"))?;
    }
    println!("\n{sheet}");
    println!("measured in {} s", began.elapsed().as_secs());
    let write = |file: &PathBuf, text: String| {
        std::fs::write(file, text).with_context(|| format!("can't write {}", file.display()))
    };
    if let Some(file) = &asked.json {
        write(file, sheet.to_json()?)?;
    }
    if let Some(file) = &asked.report {
        let sync = sync::cost(bench.scratch.folder())?.as_micros();
        let head = format!("# Measured\n\n{}. A sync of 4 KiB costs {sync} µs here.\n\n", bench.plan);
        write(file, head + &sheet.to_markdown())?;
    }
    Ok(())
}

fn wanted(asked: &Asked) -> Result<Vec<&'static Measurement>> {
    if asked.only.is_empty() {
        return Ok(MEASUREMENTS.iter().filter(|one| one.in_quick || !asked.quick).collect());
    }
    let named = |word: &String| {
        let found = MEASUREMENTS.iter().find(|one| one.goal.eq_ignore_ascii_case(word.trim()));
        found.with_context(|| format!("{word} is not measured here; known are {}", known()))
    };
    let wanted = asked.only.iter().map(named).collect::<Result<Vec<_>>>()?;
    if wanted.is_empty() {
        bail!("nothing is asked for; known are {}", known());
    }
    Ok(wanted)
}

fn known() -> String {
    MEASUREMENTS.map(|one| one.goal).join(", ")
}
