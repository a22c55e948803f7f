//! P1 and P3: durable adds over HTTP, against the empty handler and against themselves on other books.

use std::path::Path;

use anyhow::Result;

use super::Bench;
use super::database::Database;
use super::load::{Loaded, Target, closed};
use super::plan::{CUSTOMERS, FEW, MANY, MANY_CUSTOMERS, ROUNDS, SMALL_BOOKS};
use super::request::Adds;
use super::server::Server;
use super::sheet::{Goal, Sheet, Spread, per_second};
use super::sync;
use super::tested::Tested;

/// One round at one number of connections.
struct Compared {
    empty: Loaded,
    plain: Loaded,
    marked: Loaded,
    /// With a millisecond added to each sync.
    slow: Loaded,
}

/// P1: rate and processor time per add against the empty handler, with and without idempotency keys.
pub(crate) fn against_the_empty_handler(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let library = sync::slow_library(bench.scratch.folder())?;
    let empty = Server::empty(&bench.programs)?;
    let mut few = Vec::new();
    let mut many = Vec::new();
    for _ in 0..ROUNDS {
        let mut panel = Tested::start(bench, &bench.filled(SMALL_BOOKS, CUSTOMERS)?, None)?;
        let mut slow = Tested::start(bench, &bench.filled(SMALL_BOOKS, CUSTOMERS)?, Some(&library))?;
        few.push(compare(bench, &empty, &mut panel, &mut slow, FEW)?);
        many.push(compare(bench, &empty, &mut panel, &mut slow, MANY)?);
        panel.finish()?;
        slow.finish()?;
    }
    let sync = sync::cost(bench.scratch.folder())?.as_micros();
    tell(sheet, FEW, &few, 0.45, sync);
    tell(sheet, MANY, &many, 0.50, sync);
    Ok(())
}

fn compare(
    bench: &Bench,
    empty: &Server,
    panel: &mut Tested<'_>,
    slow: &mut Tested<'_>,
    connections: usize,
) -> Result<Compared> {
    let (plain, marked) = (Adds::of(CUSTOMERS, false), Adds::of(CUSTOMERS, true));
    Ok(Compared {
        empty: closed(Target::new(empty, connections, &bench.plan), &plain)?,
        plain: panel.load(connections, &plain)?,
        marked: panel.load(connections, &marked)?,
        slow: slow.load(connections, &plain)?,
    })
}

fn tell(sheet: &mut Sheet, connections: usize, rounds: &[Compared], rate: f64, sync: u128) {
    let each = |of: fn(&Compared) -> f64| Spread::of(rounds.iter().map(of));
    let empty = each(|round| round.empty.rate).median();
    let idle = each(|round| round.empty.cpu_us).median();
    let against =
        |ours: &Spread| format!("{} of {}; sync {sync} µs", per_second(ours.median()), per_second(empty));
    let busy = |ours: &Spread| format!("{:.1} of {idle:.1} µs", ours.median());
    sheet.add(
        format!("P1 cpu {connections}"),
        each(|round| round.plain.cpu_us / round.empty.cpu_us),
        Goal::AtMost(3.0),
        busy(&each(|round| round.plain.cpu_us)),
    );
    sheet.add(
        format!("P1 cpu {connections} with key"),
        each(|round| round.marked.cpu_us / round.empty.cpu_us),
        Goal::AtMost(3.0),
        busy(&each(|round| round.marked.cpu_us)),
    );
    sheet.add(
        format!("P1 rate {connections}"),
        each(|round| round.plain.rate / round.empty.rate),
        Goal::AtLeast(rate),
        against(&each(|round| round.plain.rate)),
    );
    sheet.add(
        format!("P1 rate {connections} with key"),
        each(|round| round.marked.rate / round.empty.rate),
        Goal::AtLeast(rate),
        against(&each(|round| round.marked.rate)),
    );
    // Few connections can't fill a slow disk's time, whatever the code (performance.md, What follows 7).
    let goal = if connections == MANY { Goal::AtLeast(0.45) } else { Goal::None };
    sheet.add(
        format!("P1 slow sync {connections}"),
        each(|round| round.slow.rate / round.plain.rate),
        goal,
        format!(
            "{} with 1 ms added to a sync of {sync} µs",
            per_second(each(|round| round.slow.rate).median())
        ),
    );
}

/// P3: large books against small ones, one customer and many against a thousand.
pub(crate) fn on_large_books(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let crowd = bench.filled(SMALL_BOOKS, MANY_CUSTOMERS)?;
    let mut large = Tested::start(bench, bench.large_books()?, None)?;
    let (mut size, mut hot, mut many) = (Vec::new(), Vec::new(), Vec::new());
    let (mut costs, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // The base is measured on both sides of what is compared with it, on books as fresh as theirs.
        let before = on_fresh_books(bench, CUSTOMERS)?;
        let on_large = large.load(MANY, &Adds::of(CUSTOMERS, false))?;
        let of_one = on_fresh_books(bench, 1)?;
        let of_many = on_books(bench, &crowd, MANY_CUSTOMERS)?;
        let after = on_fresh_books(bench, CUSTOMERS)?;
        let base = f64::midpoint(before.rate, after.rate);
        size.push(on_large.rate / base);
        hot.push(of_one.rate / base);
        many.push(of_many.rate / base);
        costs.push([
            f64::midpoint(before.cpu_us, after.cpu_us),
            on_large.cpu_us,
            of_one.cpu_us,
            of_many.cpu_us,
        ]);
        rates.push(base);
    }
    large.finish()?;
    let cost = |place: usize| Spread::of(costs.iter().map(|all| all[place])).median();
    let note = |place: usize| format!("{:.1} of {:.1} µs cpu", cost(place), cost(0));
    let base = per_second(Spread::of(rates).median());
    let orders = bench.plan.large_books;
    sheet.add(
        format!("P3 {orders} orders"),
        Spread::of(size),
        Goal::AtLeast(0.85),
        format!("{} at {base}", note(1)),
    );
    sheet.add("P3 hot customer", Spread::of(hot), Goal::AtLeast(0.9), note(2));
    sheet.add(format!("P3 {MANY_CUSTOMERS} customers"), Spread::of(many), Goal::AtLeast(0.5), note(3));
    Ok(())
}

/// P3 on PostgreSQL: the same in a database. The crowd and the hot customer are on books as small as the base's.
pub(crate) fn on_a_large_database(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let Some(database) = Database::start(bench, "P3 on PostgreSQL", None)? else { return Ok(()) };
    let fresh = |customers| database.filled(bench, SMALL_BOOKS, customers);
    let (base, hot, crowd) = (fresh(CUSTOMERS)?, fresh(1)?, fresh(MANY_CUSTOMERS)?);
    let large = database.filled(bench, bench.plan.large_books, CUSTOMERS)?;
    // As an operator's would be by then.
    database.ask("vacuum analyze")?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let before = on_books(bench, &base, CUSTOMERS)?.rate;
        let on_large = on_books(bench, &large, CUSTOMERS)?.rate;
        let of_one = on_books(bench, &hot, 1)?.rate;
        let of_many = on_books(bench, &crowd, MANY_CUSTOMERS)?.rate;
        let base = f64::midpoint(before, on_books(bench, &base, CUSTOMERS)?.rate);
        rounds.push([on_large / base, of_one / base, of_many / base, base]);
    }
    let each = |place: usize| Spread::of(rounds.iter().map(|round| round[place]));
    let base = per_second(each(3).median());
    let orders = bench.plan.large_books;
    sheet.add(format!("P3 PostgreSQL {orders} orders"), each(0), Goal::AtLeast(0.85), format!("of {base}"));
    sheet.add("P3 PostgreSQL hot customer", each(1), Goal::AtLeast(0.9), "");
    sheet.add(format!("P3 PostgreSQL {MANY_CUSTOMERS} customers"), each(2), Goal::AtLeast(0.5), "");
    Ok(())
}

fn on_fresh_books(bench: &Bench, customers: u32) -> Result<Loaded> {
    on_books(bench, &bench.filled(SMALL_BOOKS, CUSTOMERS)?, customers)
}

fn on_books(bench: &Bench, books: &Path, customers: u32) -> Result<Loaded> {
    let mut panel = Tested::start(bench, books, None)?;
    let loaded = panel.load(MANY, &Adds::of(customers, false))?;
    panel.finish()?;
    Ok(loaded)
}
