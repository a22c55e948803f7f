//! P13: what an order costs on disk over its whole life.

use anyhow::Result;

use super::Bench;
use super::sheet::{Goal, Sheet, Spread};

/// The file after a checkpoint, by the orders in it: placed, claimed, accepted, in progress, completed.
pub(crate) fn of_a_whole_life(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let orders = bench.plan.lives;
    let bytes = bench.programs.live(&bench.scratch.fresh("lives"), orders)?;
    #[expect(clippy::cast_precision_loss, reason = "a file is far below 2⁵² bytes")]
    let each = bytes as f64 / f64::from(orders);
    let note = format!("{orders} orders in batches of 50, links of 39 characters");
    sheet.add("P13 bytes per order", Spread::of([each]), Goal::AtMost(400.0), note);
    Ok(())
}
