//! `panelworks restore`: a backup in the place of a new panel's books, made safe to go on with.
//!
//! Since the backup was made, its panel may have sent orders that these books don't know. So nothing planned or under
//! way is sent again by itself: such attempts become unknown outcomes, for a person to settle with the provider's
//! list beside him; and order ids go on far beyond any that were given out since. Rules: invariants.md E7;
//! `domain.md`, Attempts 6. (Making a backup is the desk's: `control/desk.rs`.)

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, OrderId};
use panelworks_core::order::OrderFile;
use panelworks_core::order::attempt::{AttemptResult, AttemptState};
use panelworks_core::planted::Planted;
use panelworks_core::time::Timestamp;
use panelworks_store::executor::Executor;
use panelworks_store::ports::{Books, Queue, Views};
use panelworks_store::sqlite::{Options, Sqlite, SqliteBooks, SqliteReads};

use crate::config::Config;
use crate::control::has_books;
use crate::limits;
use crate::panel::SystemClock;
use crate::said::say;

/// The reason given with every attempt that a restored panel can't vouch for.
const WHY: &str = "the books were restored from a backup: it may have been sent since";

/// See the module's head.
pub fn restore(backup: &Path, config: &Config) -> anyhow::Result<()> {
    let folder = &config.data_dir;
    if has_books(folder) {
        bail!("{} holds books already; a restore never replaces any. Name a new folder", folder.display());
    }
    copy(backup, folder)?;
    let restored = settle(folder);
    if restored.is_err() {
        // What can't be trusted must not be started.
        let _ = fs::rename(folder.join("panelworks.db"), folder.join("panelworks.db.refused"));
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

fn copy(backup: &Path, folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let to = folder.join("panelworks.db");
    fs::copy(backup, &to).with_context(|| format!("can't copy {} to {}", backup.display(), to.display()))?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o600))?;
    fs::File::open(&to)?.sync_all()?;
    Ok(fs::File::open(folder)?.sync_all()?)
}

/// Audits the copy, takes it for the ledger itself, and marks what nobody can vouch for. Orders, and marked attempts.
fn settle(folder: &Path) -> anyhow::Result<(u64, usize)> {
    let opened = Sqlite::open(folder, Options::default())?;
    let violations = opened.reads.views()?.audit(&mut |_, _| ())?;
    if let Some(first) = violations.first() {
        bail!("the backup breaks {} laws of the books, the first: {first}", violations.len());
    }
    let next = opened.books.cursors().order;
    drop(opened);
    let order_floor =
        Some(next.saturating_add(limits::RESTORE_ID_GAP).min(panelworks_core::limits::ORDER_ID_MAX));
    let opened = Sqlite::open(folder, Options { claim: true, order_floor, ..Options::default() })?;
    let mut executor = Executor::new(opened.books, opened.node, opened.epoch, Planted::default());
    let unknown = doubt_all(&mut executor, &opened.reads)?;
    Ok((opened.reads.views()?.counts()?.orders, unknown))
}

fn doubt_all(executor: &mut Executor<SqliteBooks>, reads: &SqliteReads) -> anyhow::Result<usize> {
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

/// Makes every attempt unknown that is planned or being sent.
fn doubt(executor: &mut Executor<SqliteBooks>, file: &OrderFile) -> anyhow::Result<usize> {
    let now = SystemClock::default().now();
    let mut doubted = 0;
    for attempt in &file.attempts {
        let id = AttemptId { order: file.order.id, number: attempt.number };
        let unknown =
            Command::FinishAttempt { attempt: id, result: AttemptResult::Unknown { why: WHY.to_owned() } };
        match attempt.state {
            // Decided at the time it was due, for before that it can't be begun.
            AttemptState::Planned { due } => {
                let at = Timestamp(now.0.max(due.0));
                executor.run(at, &[Command::BeginAttempt { attempt: id }, unknown])?;
                doubted += 1;
            }
            AttemptState::Sending { .. } => {
                executor.run(now, &[unknown])?;
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
