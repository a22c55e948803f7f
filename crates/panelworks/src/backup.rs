//! `panelworks restore`: a backup in the place of a new panel's books, made safe to go on with.
//!
//! Since the backup was made, its panel may have sent orders that these books don't know. So nothing planned or under
//! way is sent again by itself: such attempts become unknown outcomes, for a person to settle with the provider's
//! list beside him; and order ids go on far beyond any that were given out since. Rules: invariants.md E7;
//! `domain.md`, Attempts 6. (Making a backup is the desk's: `control/desk.rs`.)

use std::path::Path;

use anyhow::bail;
use panelworks_core::planted::Planted;
use panelworks_engine::restored::doubt_all;
use panelworks_store::executor::Executor;
use panelworks_store::ports::Share;

use crate::books::{self, Opening};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::limits;
use crate::said::say;

/// See the module's head. Without a backup the books are in their place already, put there by other means.
pub fn restore(backup: Option<&Path>, config: &Config) -> anyhow::Result<()> {
    let (orders, unknown) = match backup {
        Some(backup) => replace(backup, config)?,
        None if books::may_be_there(config) => settle(config)?,
        None => bail!("{} holds no books", books::place(config)),
    };
    say(&format!("Restored {orders} orders to {}; the books balance.", books::place(config)));
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

fn replace(backup: &Path, config: &Config) -> anyhow::Result<(u64, usize)> {
    books::must_be_files(config, "panelworks restore")?;
    let folder = &config.data_dir;
    if books::are_there(config)? {
        bail!("{} holds books already; a restore never replaces any. Name a new folder", folder.display());
    }
    books::put_in_place(backup, folder)?;
    let restored = settle(config);
    if restored.is_err() {
        // What can't be trusted must not be started.
        let _ = books::put_aside(folder);
    }
    restored
}

/// Audits the copy, takes it for the ledger itself, and marks what nobody can vouch for. Orders, and marked attempts.
fn settle(config: &Config) -> anyhow::Result<(u64, usize)> {
    let opened = books::open(config, Opening { after_loss: true, ..Opening::default() })?;
    let violations = opened.reads.views()?.audit(&mut |_, _| ())?;
    if let Some(first) = violations.first() {
        bail!("the backup breaks {} laws of the books, the first: {first}", violations.len());
    }
    let next = opened.books.cursors().order;
    drop(opened);
    let order_floor =
        Some(next.saturating_add(limits::RESTORE_ID_GAP).min(panelworks_core::limits::ORDER_ID_MAX));
    let opening = Opening { claim: true, order_floor, after_loss: true, ..Opening::default() };
    let opened = books::open(config, opening)?;
    let mut executor = Executor::new(opened.books, opened.node, opened.epoch, Planted::default());
    let (now, views) = (SystemClock::default().now(), opened.reads.views()?);
    let unknown = doubt_all(&mut executor, now, |_, after| {
        views.open_files(&Share::Everybody, after, limits::LIST_ROWS)
    })?;
    books::forget_loss(config)?;
    Ok((opened.reads.views()?.counts()?.orders, unknown))
}
