//! P14: two nodes on one PostgreSQL against one node, durable adds over HTTP.

use anyhow::Result;

use super::Bench;
use super::database::Database;
use super::load::{Target, closed, closed_together};
use super::plan::{CUSTOMERS, MANY, ROUNDS, SMALL_BOOKS};
use super::request::{Adds, first_customer};
use super::server::{Panel, Server};
use super::sheet::{Goal, Sheet, Spread, per_second};
use super::tested::audit;

/// See the module's head. The same connections, all to one node or half of them to each.
pub(crate) fn two_against_one(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let Some(database) = Database::start(bench, "P14", None)? else { return Ok(()) };
    let books = database.filled(bench, SMALL_BOOKS, CUSTOMERS)?;
    let mut orders = bench.programs.count(&books)?;
    let first = first_customer("action=balance");
    let start = |books| Server::panel(&bench.programs, Panel { books, preload: None, first: &first });
    let other_folder = Database::shared(bench, &books)?;
    let (one, other) = (start(&books)?, start(&other_folder)?);
    let work = Adds::of(CUSTOMERS, false);
    let (mut ratios, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let alone = closed(Target::new(&one, MANY, &bench.plan), &work)?;
        let half = |server| Target::new(server, MANY / 2, &bench.plan);
        let both = closed_together(&[half(&one), half(&other)], &work)?;
        orders += alone.acknowledged + both.acknowledged;
        ratios.push(both.rate / alone.rate);
        rates.push([both.rate, alone.rate]);
    }
    one.stop()?;
    other.stop()?;
    audit(bench, &books, orders)?;
    let rate = |place: usize| per_second(Spread::of(rates.iter().map(|both| both[place])).median());
    let note = format!("{} of {}", rate(0), rate(1));
    sheet.add("P14 two nodes", Spread::of(ratios), Goal::AtLeast(1.0), note);
    Ok(())
}
