//! P5: `status` of 100 ids over HTTP against the bare look-up of the same rows.

use anyhow::Result;

use super::Bench;
use super::plan::{CUSTOMERS, FEW, ROUNDS};
use super::request::Pool;
use super::sheet::{Goal, Sheet, Spread, per_second};
use super::tested::Tested;

/// The bare look-up is one prepared statement for the 100 rows in one thread, without HTTP.
pub(crate) fn against_the_bare_rows(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let (books, orders) = (bench.large_books()?, bench.plan.large_books);
    let questions = Pool::statuses(orders, CUSTOMERS);
    let mut panel = Tested::start(bench, books, None)?;
    let (mut ours, mut bare, mut cost) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(bench.programs.look_up(books, orders, CUSTOMERS, bench.plan.window)?);
        let loaded = panel.load(FEW, &questions)?;
        ours.push(loaded.rate);
        cost.push(loaded.cpu_us);
    }
    panel.finish()?;
    let ratios = ours.iter().zip(&bare).map(|(ours, bare)| ours / bare);
    let note = format!(
        "{} of {}; {:.0} µs cpu, at {orders} orders",
        per_second(Spread::of(ours.clone()).median()),
        per_second(Spread::of(bare.clone()).median()),
        Spread::of(cost).median()
    );
    sheet.add("P5 status of 100", Spread::of(ratios), Goal::AtLeast(0.5), note);
    Ok(())
}
