//! P7: how long an add takes at half the rate that the panel can do, against the empty handler at the same rate.

use anyhow::Result;

use super::Bench;
use super::open_loop::open;
use super::plan::{CUSTOMERS, LATENCY_ROUNDS, MANY, SMALL_BOOKS};
use super::request::Adds;
use super::server::Server;
use super::sheet::{Goal, Sheet, Spread, per_second};
use super::tested::Tested;

/// See the module's head.
pub(crate) fn at_half_the_rate(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let empty = Server::empty(&bench.programs)?;
    let mut panel = Tested::start(bench, &bench.filled(SMALL_BOOKS, CUSTOMERS)?, None)?;
    let work = Adds::of(CUSTOMERS, false);
    let rate = panel.load(MANY, &work)?.rate / 2.0;
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..LATENCY_ROUNDS {
        let of_empty = open(empty.address, MANY, rate, bench.plan.window, &Adds::of(CUSTOMERS, false))?;
        let of_panel =
            open(panel.server.address, MANY, rate, bench.plan.window, &Adds::of(CUSTOMERS, false))?;
        panel.acknowledged(of_panel.acknowledged);
        ratios.push(of_panel.within(990) / of_empty.within(990));
        ours.push(of_panel);
        theirs.push(of_empty);
    }
    panel.finish()?;
    let median =
        |all: &[super::open_loop::Waited], part| Spread::of(all.iter().map(|one| one.within(part))).median();
    let note = format!(
        "{:.0} of {:.0} µs at {}; p50 {:.0} of {:.0} µs",
        median(&ours, 990),
        median(&theirs, 990),
        per_second(rate),
        median(&ours, 500),
        median(&theirs, 500)
    );
    sheet.add("P7 p99 at half the rate", Spread::of(ratios), Goal::AtMost(5.0), note);
    Ok(())
}
