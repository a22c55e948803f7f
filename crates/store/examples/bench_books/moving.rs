//! What a move between the stores costs: time of each step, and the most memory this process ever had.
//!
//! The server is one of its own, with its usual durability; its memory is not counted. The folder is marked afterwards
//! as moved, and a folder beside it holds what came back.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use panelworks_store::carry::{Arriving, Carried, Departing, Step, carry};
use panelworks_store::contract::cluster::Cluster;
use panelworks_store::postgres::{Options, PostgresCarrier, Side};
use panelworks_store::sqlite::SqliteCarrier;

/// Moves the books into a database and out of it again; what it took, in words.
pub(crate) fn there_and_back(folder: &Path) -> Result<String, Box<dyn Error>> {
    let cluster = Cluster::start(&["max_wal_size=4GB"])?;
    let options = Options::new(&cluster.address(), "bench")?;
    let schema = |side| PostgresCarrier::open(options.clone(), side, "a server".to_owned());
    let mut told = String::new();
    let (mut from, mut to) = (SqliteCarrier::open(folder)?, schema(Side::Arriving)?);
    timed("to PostgreSQL", &mut from, &mut to, &mut told)?;
    drop((from, to));
    let back = folder.with_extension("back");
    let (mut from, mut to) = (schema(Side::Departing)?, SqliteCarrier::open(&back)?);
    timed("to the embedded store", &mut from, &mut to, &mut told)?;
    Ok(told)
}

fn timed(
    what: &str,
    from: &mut dyn Departing,
    to: &mut dyn Arriving,
    told: &mut String,
) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let mut steps: Vec<(Step, f64)> = Vec::new();
    let carried = carry(from, to, &mut |step, _, _| {
        let now = begun.elapsed().as_secs_f64();
        match steps.last_mut() {
            Some((last, at)) if *last == step => *at = now,
            Some(_) | None => steps.push((step, now)),
        }
    })?;
    let Carried::Now(tables) = carried else { return Err("it had been moved before".into()) };
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    let peak = peak_memory()?;
    writeln!(told, "{what}: {rows} rows in {:.1} s, at most {peak} MiB", begun.elapsed().as_secs_f64())?;
    for (step, at) in steps {
        writeln!(told, "  {step:?} until {at:.1} s")?;
    }
    Ok(())
}

/// Of this process, in MiB.
fn peak_memory() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024)
}
