//! An order in the books, and what a drip-feed and a subscription remember between their parts.
//!
//! Kept small: a benchmark fills the books with a million of them.

use crate::delivery::Plan;
use crate::draw::{Draw, Purpose};
use crate::event::{DripTerms, SubscriptionTerms};
use crate::limits;

/// See `event::Placed` for the meaning of the fields.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) service: u32,
    pub(crate) placed_at: i64,
    pub(crate) link: Box<str>,
    pub(crate) quantity: u64,
    /// Debited for it; of a subscription: for its posts so far.
    pub(crate) charge: i64,
    /// Given back so far; of a drip-feed or subscription: by its parts too.
    pub(crate) refunded: i64,
    pub(crate) part: Part,
}

impl Order {
    pub(crate) fn parent(&self) -> Option<u64> {
        self.part.parent()
    }
}

#[derive(Debug)]
pub(crate) enum Part {
    Single { plan: Plan, stop: Option<i64>, parent: Option<u64>, settled: bool },
    DripFeed(Box<DripState>),
    Subscription(Box<SubscriptionState>),
}

impl Part {
    pub(crate) fn parent(&self) -> Option<u64> {
        match self {
            Part::Single { parent, .. } => *parent,
            Part::DripFeed(_) | Part::Subscription(_) => None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct DripState {
    pub(crate) terms: DripTerms,
    pub(crate) made: Vec<u64>,
    /// Cancelled before all runs were made.
    pub(crate) stopped: bool,
}

impl DripState {
    pub(crate) fn is_all_made(&self) -> bool {
        self.made.len() as u64 >= u64::from(self.terms.runs)
    }

    /// When the run after the one made at `at` is due, and its number.
    pub(super) fn next_run(&self, at: i64) -> Option<(i64, u32)> {
        let made = u32::try_from(self.made.len()).ok()?;
        (made < self.terms.runs).then(|| (at.saturating_add(self.terms.interval_ms), made + 1))
    }
}

/// Why a subscription takes no more posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// All its posts were made.
    Full,
    Expired,
    /// Cancelled.
    Stopped,
}

#[derive(Debug)]
pub(crate) struct SubscriptionState {
    pub(crate) terms: SubscriptionTerms,
    pub(crate) made: Vec<u64>,
    /// Posts that appeared, old ones first, served or not.
    pub(crate) seen: u32,
    /// The last post could not be paid.
    pub(crate) paused: bool,
    pub(crate) last_post_at: i64,
    pub(crate) over: Option<Over>,
}

impl SubscriptionState {
    pub(super) fn new(terms: SubscriptionTerms, at: i64) -> SubscriptionState {
        SubscriptionState { terms, made: Vec::new(), seen: 0, paused: false, last_post_at: at, over: None }
    }

    pub(super) fn end(&mut self, over: Over) {
        self.over.get_or_insert(over);
    }

    pub(super) fn post_made(&mut self, id: u64, at: i64) {
        self.made.push(id);
        self.seen += 1;
        self.paused = false;
        self.last_post_at = at;
        if self.terms.posts.is_some_and(|posts| self.new_posts() >= posts) {
            self.end(Over::Full);
        }
    }

    /// New posts served so far; the old ones come first and don't count.
    pub(crate) fn new_posts(&self) -> u32 {
        u32::try_from(self.made.len()).unwrap_or(u32::MAX).saturating_sub(self.terms.old_posts)
    }

    /// When the post after the one that appeared at `at` is served, and its number.
    pub(super) fn next_post(&self, seed: u64, id: u64, at: i64) -> Option<(i64, u32)> {
        if self.over.is_some() {
            return None;
        }
        let number = self.seen + 1;
        if number <= self.terms.old_posts {
            return Some((at, number));
        }
        let mut draw = Draw::of(seed ^ id, Purpose::Post, number.into());
        let gap = self.terms.speed.drawn(&mut draw, limits::POST_GAP_MIN);
        Some((at.saturating_add(gap).saturating_add(self.terms.delay_ms), number))
    }
}
