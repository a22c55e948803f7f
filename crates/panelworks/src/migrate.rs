//! `panelworks migrate-store`: the books of a stopped panel into the other store, or a move taken back.
//!
//! In: a configuration that names both places. Out: the books in the other one, and a table of what is there now. What
//! a move is, and why nothing of it can be half done, stands in `panelworks_store::carry`; here are the words and the
//! progress bar. The key over the providers' keys stays in the data folder, where both stores need it.

use std::io::IsTerminal as _;

use indicatif::ProgressBar;
use panelworks_core::money::Amount;
use panelworks_store::carry::{Arriving, Carried, Departing, Place, Step, Tally, carry, take_back};
use panelworks_store::postgres::Side;
use serde_json::{Value, json};

use crate::books;
use crate::cli::{MoveArgs, Store};
use crate::config::{Config, LogSettings};
use crate::control::table::{Align, Table};
use crate::operate::bar;
use crate::said::say;
use crate::telemetry::Telemetry;

/// See the module's head. Blocks.
pub fn run(args: &MoveArgs, config: &Config) -> anyhow::Result<()> {
    let _log = Telemetry::start(&LogSettings { level: "error".to_owned(), ..LogSettings::default() })?;
    let told = match args.to {
        None => undo(config)?,
        Some(Store::Postgres) => {
            let (mut embedded, mut database) = books::carriers(config, Side::Arriving)?;
            moved(
                &mut embedded,
                &mut database,
                "Start the panel with the same configuration: it goes on there.",
            )?
        }
        Some(Store::Embedded) => {
            let (mut embedded, mut database) = books::carriers(config, Side::Departing)?;
            let next = "Take url out of [database] (and PANELWORKS_DATABASE_URL away) before you start the panel: it goes on \
                        in the folder.";
            moved(&mut database, &mut embedded, next)?
        }
    };
    say(&if args.output.json { serde_json::to_string_pretty(&told.json())? } else { told.text() });
    Ok(())
}

/// What is said at the end.
struct Told {
    from: String,
    to: String,
    /// None where nothing was left to be done.
    tables: Option<Vec<Tally>>,
    what: String,
    next: &'static str,
}

fn moved(from: &mut dyn Departing, to: &mut dyn Arriving, next: &'static str) -> anyhow::Result<Told> {
    let bar = std::io::stderr().is_terminal().then(|| bar("")).transpose()?;
    let carried = carry(from, to, &mut |step, done, all| {
        if let Some(bar) = &bar {
            show(bar, step, done, all);
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let (from, to) = (from.shown().to_owned(), to.shown().to_owned());
    let (tables, what) = match carried? {
        Carried::Now(tables) => {
            let what = format!(
                "The books of {from} are in {to} now. They balance on both sides, and these tables are the same on both:"
            );
            (Some(tables), what)
        }
        Carried::Before => {
            (None, format!("The books of {from} are in {to} already. There was nothing to do."))
        }
    };
    Ok(Told { from, to, tables, what, next })
}

fn show(bar: &ProgressBar, step: Step, done: u64, all: u64) {
    bar.set_message(match step {
        Step::Auditing => "Auditing the books",
        Step::Copying => "Copying them      ",
        Step::AuditingCopy => "Auditing the copy ",
    });
    bar.set_length(all);
    bar.set_position(done);
}

/// Whichever place is marked gets its books back.
fn undo(config: &Config) -> anyhow::Result<Told> {
    let (mut embedded, mut database) = books::carriers(config, Side::Departing)?;
    let is_marked = |place: &mut dyn Place| -> anyhow::Result<bool> {
        Ok(place.standing()?.is_some_and(|standing| standing.moved_to.is_some()))
    };
    let (from, to): (&mut dyn Place, &mut dyn Place) =
        if is_marked(&mut database)? && !is_marked(&mut embedded)? {
            (&mut database, &mut embedded)
        } else {
            (&mut embedded, &mut database)
        };
    take_back(from, to)?;
    Ok(Told {
        what: format!("The books in {} can be started again; those in {} can't.", from.shown(), to.shown()),
        from: from.shown().to_owned(),
        to: to.shown().to_owned(),
        tables: None,
        next: "Let the configuration name the store that is used.",
    })
}

impl Told {
    fn text(&self) -> String {
        let tables = self.tables.as_ref().map(|tables| table(tables));
        let lines = [Some(self.what.clone()), tables, Some(self.next.to_owned())];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }

    fn json(&self) -> Value {
        let tables = self.tables.iter().flatten().map(|tally| {
            let sums = tally.sums.iter().map(|(currency, sum)| (currency.clone(), json!(amount(*sum))));
            json!({
                "table": tally.table,
                "rows": tally.rows,
                "sums": sums.collect::<serde_json::Map<_, _>>(),
            })
        });
        json!({
            "from": self.from,
            "to": self.to,
            "moved": self.tables.is_some(),
            "tables": tables.collect::<Vec<_>>(),
        })
    }
}

fn table(tallies: &[Tally]) -> String {
    let mut table = Table::new(&[("table", Align::Left), ("rows", Align::Right), ("sum", Align::Left)]);
    for tally in tallies {
        let sums = tally.sums.iter().map(|(currency, sum)| format!("{} {currency}", amount(*sum)));
        table.row(vec![tally.table.to_owned(), tally.rows.to_string(), sums.collect::<Vec<_>>().join(", ")]);
    }
    table.text()
}

/// Sums may be larger than any amount.
fn amount(micros: i128) -> String {
    i64::try_from(micros)
        .map_or_else(|_| format!("{micros} micro-units of"), |micros| Amount(micros).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_shown_with_their_sums_by_currency() {
        let sums = [("EUR".to_owned(), -5_000_000), ("USD".to_owned(), i128::from(i64::MAX) + 1)];
        let tally = Tally { table: "account", rows: 2, sums: sums.into() };
        let shown = table(&[tally, Tally { table: "batch", rows: 10, sums: [].into() }]);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "table    rows  sum");
        assert_eq!(lines[1], "account     2  -5.00 EUR, 9223372036854775808 micro-units of USD");
        assert_eq!(lines[2], "batch      10");
    }
}
