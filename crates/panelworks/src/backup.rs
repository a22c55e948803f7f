//! `panelworks restore`: a backup in the place of a new panel's books, made safe to go on with.
//!
//! Since the backup was made, its panel may have sent orders that these books don't know. So nothing planned or under
//! way is sent again by itself: such attempts become unknown outcomes, for a person to settle with the provider's
//! list beside him; and order ids go on far beyond any that were given out since. Rules: invariants.md E7;
//! `domain.md`, Attempts 6. (Making a backup is the desk's: `control/desk.rs`.)

use std::path::Path;

use anyhow::bail;
use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, OrderId};
use panelworks_core::order::attempt::AttemptState;
use panelworks_core::order::{DripFeed, OrderFile, Part};
use panelworks_core::planted::Planted;
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::Executor;
use panelworks_store::ports::Books;

use crate::books::{self, Opening, Reads};
use crate::config::Config;
use crate::limits;
use crate::panel::SystemClock;
use crate::said::say;

/// The reason given with every attempt that a restored panel can't vouch for.
const WHY: &str = "the books were restored from a backup: it may have been sent since";

/// See the module's head.
pub fn restore(backup: &Path, config: &Config) -> anyhow::Result<()> {
    let folder = &config.data_dir;
    if books::are_there(config) {
        bail!("{} holds books already; a restore never replaces any. Name a new folder", folder.display());
    }
    books::put_in_place(backup, folder)?;
    let restored = settle(config);
    if restored.is_err() {
        // What can't be trusted must not be started.
        let _ = books::put_aside(folder);
    }
    let (orders, unknown) = restored?;
    say(&format!("Restored {orders} orders to {}; the books balance.", folder.display()));
    if unknown > 0 {
        say(&format!(
            "{unknown} attempts may have been sent since the backup. They are held: panelworks order list-held, then \
             panelworks order resolve, with the provider's own list of orders beside you."
        ));
    }
    if !config.secret_key_path().exists() {
        say(&format!(
            "Put the panel's secret.key to {} before it starts.",
            config.secret_key_path().display()
        ));
    }
    Ok(())
}

/// Audits the copy, takes it for the ledger itself, and marks what nobody can vouch for. Orders, and marked attempts.
fn settle(config: &Config) -> anyhow::Result<(u64, usize)> {
    let opened = books::open(config, Opening::default())?;
    let violations = opened.reads.views()?.audit(&mut |_, _| ())?;
    if let Some(first) = violations.first() {
        bail!("the backup breaks {} laws of the books, the first: {first}", violations.len());
    }
    let next = opened.books.cursors().order;
    drop(opened);
    let order_floor =
        Some(next.saturating_add(limits::RESTORE_ID_GAP).min(panelworks_core::limits::ORDER_ID_MAX));
    let opened = books::open(config, Opening { claim: true, order_floor, ..Opening::default() })?;
    let mut executor = Executor::new(opened.books, opened.node, opened.epoch, Planted::default());
    let unknown = doubt_all(&mut executor, &opened.reads)?;
    Ok((opened.reads.views()?.counts()?.orders, unknown))
}

fn doubt_all(executor: &mut Executor<Box<dyn Books>>, reads: &Reads) -> anyhow::Result<usize> {
    let views = reads.views()?;
    let (mut after, mut unknown) = (OrderId(0), 0);
    loop {
        let files = views.open_files(after, limits::LIST_ROWS)?;
        let Some(last) = files.last() else { return Ok(unknown) };
        after = last.order.id;
        for file in &files {
            unknown += doubt(executor, file)?;
        }
    }
}

/// Makes every attempt unknown that is planned or being sent. Runs that fell due since the backup were made and sent
/// by its panel, as far as anybody knows: they are made here too, and their attempts doubted like the others.
fn doubt(executor: &mut Executor<Box<dyn Books>>, file: &OrderFile) -> anyhow::Result<usize> {
    let now = SystemClock::default().now();
    if let Part::DripFeed(drip) = &file.order.part {
        make_missed_runs(executor, file.order.id, drip, now)?;
    }
    let mut doubted = 0;
    for attempt in &file.attempts {
        match attempt.state {
            AttemptState::Planned { .. } | AttemptState::Sending { .. } => {
                let attempt = AttemptId { order: file.order.id, number: attempt.number };
                decide(executor, now, Command::DoubtAttempt { attempt, why: WHY.to_owned() })?;
                doubted += 1;
            }
            AttemptState::Accepted { .. }
            | AttemptState::Rejected { .. }
            | AttemptState::NotSent { .. }
            | AttemptState::Unknown { .. }
            | AttemptState::Adopted { .. }
            | AttemptState::Absent { .. }
            | AttemptState::WrittenOff { .. }
            | AttemptState::FoundLate { .. }
            | AttemptState::Voided => {}
        }
    }
    Ok(doubted)
}

/// Each at the time it was due. They are the newest open orders, so that the walk over these still comes to them.
fn make_missed_runs(
    executor: &mut Executor<Box<dyn Books>>,
    parent: OrderId,
    drip: &DripFeed,
    now: Timestamp,
) -> anyhow::Result<()> {
    let interval = Span::minutes(i64::from(drip.interval_min));
    let mut due = drip.due();
    for _run in drip.made.len()..drip.runs as usize {
        let Some(at) = due.filter(|at| *at <= now) else { return Ok(()) };
        decide(executor, at, Command::MakeRun { parent })?;
        due = Some(at.after(interval));
    }
    Ok(())
}

/// A restore that can't write down a doubt is none.
fn decide(executor: &mut Executor<Box<dyn Books>>, at: Timestamp, command: Command) -> anyhow::Result<()> {
    for ran in executor.run(at, &[command])? {
        for reply in ran.replies {
            reply??;
        }
    }
    Ok(())
}
