//! The books as an answer shows them: where an order, refill or cancel stands at the books' time.
//!
//! Out: values, never texts of the wire. A drip-feed's and a subscription's state is put together from their
//! parts each time it is asked for (`domain.md`, Drip-feed, Subscription).

use super::order::{DripState, Order, Over, Part, SubscriptionState};
use super::{Books, Cancel, Refill};
use crate::delivery::{Progress, Stage};

/// A state in the words of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// That of a plain order, or of a drip-feed as a whole.
    Plain(Stage),
    /// A subscription that waits for posts.
    Active,
    /// A subscription whose last post could not be paid.
    Paused,
    /// A subscription that is over before its posts were reached.
    Expired,
}

/// What a drip-feed or subscription shows besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Child {
    /// A plain order.
    None,
    /// A drip-feed: the orders of its runs so far.
    Runs(Vec<u64>),
    /// A subscription.
    Posts {
        /// New posts served so far.
        posts: u32,
        /// When it expires, milliseconds since 1970.
        expires_at: Option<i64>,
        /// The orders of its posts, old ones first.
        orders: Vec<u64>,
    },
}

/// An order as `status` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its state.
    pub word: Word,
    /// Charged less given back, in micro-units.
    pub charge: i64,
    /// Units not delivered.
    pub remains: u64,
    /// Units ordered; 0 for a subscription.
    pub quantity: u64,
    /// The counter before the start, 0 while unknown.
    pub start_count: u32,
    /// Runs or posts.
    pub child: Child,
}

impl View {
    /// True where nothing will change any more.
    pub fn is_over(&self) -> bool {
        match self.word {
            Word::Plain(stage) => stage.is_end(),
            Word::Active | Word::Paused => false,
            Word::Expired => true,
        }
    }
}

/// States of a refill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefillWord {
    Pending,
    InProgress,
    Completed,
    Rejected,
}

/// States of a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelWord {
    Pending,
    Completed,
    Rejected,
}

impl Books {
    /// Where an order stands now.
    pub(crate) fn view(&self, order: &Order) -> View {
        match &order.part {
            Part::Single { .. } => {
                let progress = self.progress(order);
                View {
                    word: Word::Plain(progress.stage),
                    charge: order.charge - order.refunded,
                    remains: order.quantity - progress.delivered.min(order.quantity),
                    quantity: order.quantity,
                    start_count: progress.start_count,
                    child: Child::None,
                }
            }
            Part::DripFeed(state) => self.view_drip_feed(order, state),
            Part::Subscription(state) => self.view_subscription(order, state),
        }
    }

    /// When a plain order ended, milliseconds since 1970; `None` while it is open and for all other orders.
    pub(crate) fn ended_at(&self, order: &Order) -> Option<i64> {
        match &order.part {
            Part::Single { plan, stop, .. } => {
                let end = plan.end(*stop);
                (end <= self.now).then_some(end)
            }
            Part::DripFeed(_) | Part::Subscription(_) => None,
        }
    }

    pub(crate) fn refill_word(&self, refill: &Refill) -> RefillWord {
        let plan = refill.plan;
        match (self.now >= plan.ends_at, self.now >= plan.taken_at, plan.rejected) {
            (true, _, true) => RefillWord::Rejected,
            (true, _, false) => RefillWord::Completed,
            (false, true, _) => RefillWord::InProgress,
            (false, false, _) => RefillWord::Pending,
        }
    }

    pub(crate) fn cancel_word(&self, cancel: &Cancel) -> CancelWord {
        let (Some(due), Some(order)) = (cancel.due, self.find(cancel.order)) else {
            return CancelWord::Pending;
        };
        if self.now < due {
            return CancelWord::Pending;
        }
        let came_too_late = match &order.part {
            Part::Single { .. } => self.progress(order).stage == Stage::Completed,
            Part::DripFeed(state) => !state.stopped,
            Part::Subscription(state) => state.over != Some(Over::Stopped),
        };
        if came_too_late { CancelWord::Rejected } else { CancelWord::Completed }
    }

    fn progress(&self, order: &Order) -> Progress {
        match &order.part {
            Part::Single { plan, stop, .. } => plan.progress(order.quantity, *stop, self.now),
            Part::DripFeed(_) | Part::Subscription(_) => {
                Progress { stage: Stage::Pending, delivered: 0, start_count: 0 }
            }
        }
    }

    fn progress_of_parts<'a>(&'a self, made: &'a [u64]) -> impl Iterator<Item = Progress> + 'a {
        made.iter().filter_map(|id| self.find(*id)).map(|order| self.progress(order))
    }

    fn view_drip_feed(&self, order: &Order, state: &DripState) -> View {
        let parts: Vec<Progress> = self.progress_of_parts(&state.made).collect();
        let delivered: u64 = parts.iter().map(|part| part.delivered).sum();
        let no_more = state.stopped || state.is_all_made();
        let stage = if no_more && parts.iter().all(|part| part.stage.is_end()) {
            if delivered == 0 {
                Stage::Canceled
            } else if delivered == order.quantity {
                Stage::Completed
            } else {
                Stage::Partial
            }
        } else if parts.iter().all(|part| part.stage == Stage::Pending) {
            Stage::Pending
        } else {
            Stage::InProgress
        };
        View {
            word: Word::Plain(stage),
            charge: order.charge - order.refunded,
            remains: order.quantity - delivered.min(order.quantity),
            quantity: order.quantity,
            start_count: parts.first().map_or(0, |part| part.start_count),
            child: Child::Runs(state.made.clone()),
        }
    }

    fn view_subscription(&self, order: &Order, state: &SubscriptionState) -> View {
        let parts_ended = || self.progress_of_parts(&state.made).all(|part| part.stage.is_end());
        let word = match state.over {
            None if state.paused => Word::Paused,
            // The last post's charge may still shrink: the word is final, so it is said when that is over.
            Some(Over::Full) if parts_ended() => Word::Plain(Stage::Completed),
            Some(Over::Stopped) if state.made.is_empty() => Word::Plain(Stage::Canceled),
            Some(Over::Expired | Over::Stopped) if state.made.is_empty() || parts_ended() => Word::Expired,
            None | Some(Over::Full | Over::Expired | Over::Stopped) => Word::Active,
        };
        View {
            word,
            charge: order.charge - order.refunded,
            remains: 0,
            quantity: 0,
            start_count: 0,
            child: Child::Posts {
                posts: state.new_posts(),
                expires_at: state.terms.expires_at,
                orders: state.made.clone(),
            },
        }
    }
}
