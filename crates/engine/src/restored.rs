//! The quarantine of books that were restored from a backup.
//!
//! Since the backup was made, its panel may have sent orders that these books don't know. In: the executor over the
//! restored books, before any engine runs on them. Out: runs that fell due since the backup are made, every attempt
//! that is planned, being sent or unknown is of unknown outcome, for a person to settle, and so will be what
//! subscriptions ask for next. Rules: invariants.md
//! E7; `domain.md`, Attempts 6. (That ids go on beyond any that were given out is the store's, at its opening.)
//! Never: a call to a provider.

use panelworks_core::command::Command;
use panelworks_core::ids::{AttemptId, OrderId};
use panelworks_core::order::attempt::AttemptState;
use panelworks_core::order::{DripFeed, OrderFile, Part};
use panelworks_core::planted::Bug;
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::{Executor, Stopped, Undecided};
use panelworks_store::ports::{Books, StoreError};

/// Why the books can't be trusted to go on.
#[derive(Debug, thiserror::Error)]
pub enum NotDoubted {
    #[error(transparent)]
    Read(#[from] StoreError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("an attempt could not be marked: {0}")]
    Undecided(#[from] Undecided),
}

/// Marks all there are, and counts them. `open`: open orders after an id, some at a time, none at the end.
pub fn doubt_all<B: Books>(
    executor: &mut Executor<B>,
    now: Timestamp,
    open: impl Fn(&B, OrderId) -> Result<Vec<OrderFile>, StoreError>,
) -> Result<usize, NotDoubted> {
    let (mut after, mut doubted) = (OrderId(0), 0);
    if executor.planted().has(Bug::RestoreWithoutQuarantine) {
        return Ok(doubted);
    }
    loop {
        let files = open(executor.books(), after)?;
        let Some(last) = files.last() else { return Ok(doubted) };
        after = last.order.id;
        for (parent, drip) in files.iter().filter_map(drip_feed) {
            make_missed_runs(executor, parent, drip, now)?;
        }
        let subscriptions = files.iter().filter(|file| matches!(file.order.part, Part::Subscription(_)));
        let posts: Vec<Command> =
            subscriptions.map(|file| Command::DoubtPosts { subscription: file.order.id }).collect();
        carried_out(executor, now, &posts)?;
        let doubts: Vec<Command> =
            files.iter().flat_map(in_doubt).map(|attempt| Command::DoubtAttempt { attempt }).collect();
        doubted += carried_out(executor, now, &doubts)?;
    }
}

const fn drip_feed(file: &OrderFile) -> Option<(OrderId, &DripFeed)> {
    match &file.order.part {
        Part::DripFeed(drip) => Some((file.order.id, drip)),
        Part::Whole | Part::Run { .. } | Part::Subscription(_) | Part::Post { .. } => None,
    }
}

/// Runs that fell due since the backup were made and sent by its panel, as far as anybody knows: they are made here
/// too, each at the time it was due. They become the newest open orders, so that the walk still comes to them.
fn make_missed_runs<B: Books>(
    executor: &mut Executor<B>,
    parent: OrderId,
    drip: &DripFeed,
    now: Timestamp,
) -> Result<(), NotDoubted> {
    let interval = Span::minutes(i64::from(drip.interval_min));
    let mut due = drip.due();
    for _run in drip.made.len()..drip.runs as usize {
        let Some(at) = due.filter(|at| *at <= now) else { break };
        carried_out(executor, at, &[Command::MakeRun { parent }])?;
        due = Some(at.after(interval));
    }
    Ok(())
}

/// How many were not refused: a refusal means that nothing of the kind is open.
fn carried_out<B: Books>(
    executor: &mut Executor<B>,
    at: Timestamp,
    commands: &[Command],
) -> Result<usize, NotDoubted> {
    let mut done = 0;
    if !commands.is_empty() {
        for reply in executor.run(at, commands)?.into_iter().flat_map(|ran| ran.replies) {
            done += usize::from(reply?.is_ok());
        }
    }
    Ok(done)
}

fn in_doubt(file: &OrderFile) -> impl Iterator<Item = AttemptId> {
    let open = file.attempts.iter().filter(|attempt| {
        matches!(
            attempt.state,
            AttemptState::Planned { .. } | AttemptState::Sending { .. } | AttemptState::Unknown { .. }
        )
    });
    open.map(|attempt| AttemptId { order: file.order.id, number: attempt.number })
}
