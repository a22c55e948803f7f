//! What happened at the provider, as facts: the lines of its journal and the only way its books change.
//!
//! A fact carries every number that was drawn or computed when it happened (plan, charge, due times), so that
//! a journal read back by a later version, at another speed or with another catalogue, gives the same books.
//! Times are milliseconds since 1970, amounts micro-units.

use serde::{Deserialize, Serialize};

use crate::catalogue::Profile;
use crate::delivery::{Plan, RefillPlan, Speed};

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The books were opened: always the first fact, never repeated.
    Opened(Opening),
    /// An order came to be: by an `add`, or as a run or post of an earlier one.
    Placed(Placed),
    /// A subscription's post fell due and could not be paid.
    PostSkipped {
        /// The subscription.
        order: u64,
        /// When.
        at: i64,
    },
    /// A subscription expired because no post could be paid for too long.
    Starved {
        /// The subscription.
        order: u64,
        /// When.
        at: i64,
    },
    /// A refill was taken.
    RefillTaken {
        /// Its id, from 1.
        refill: u64,
        /// The order to refill.
        order: u64,
        /// When.
        at: i64,
        /// How it will go.
        plan: RefillPlan,
    },
    /// A cancel was taken.
    CancelTaken {
        /// Its id, from 1000.
        cancel: u64,
        /// The order to cancel.
        order: u64,
        /// When.
        at: i64,
        /// When it takes effect; never, for a provider that only says yes.
        due: Option<i64>,
    },
    /// The customer paid in (or the provider took away).
    ToppedUp {
        /// When.
        at: i64,
        /// How much.
        micros: i64,
    },
    /// An `add` was refused: changes nothing, kept for the witness.
    Refused(Refused),
}

/// What the books start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The seed of everything drawn.
    pub seed: u64,
    /// The customer's balance.
    pub balance_micros: i64,
    /// The first order's id.
    pub first_order: u64,
    /// At most this many ids go to other customers between two of ours.
    pub id_gap: u64,
}

/// An order as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Its id.
    pub id: u64,
    /// When.
    pub at: i64,
    /// Of which service.
    pub service: u32,
    /// For which link or username; empty where the service takes none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub link: String,
    /// Units to deliver: of all runs for a drip-feed, 0 for a subscription as a whole.
    pub quantity: u64,
    /// What it takes from the balance: of all runs for a drip-feed, 0 for a subscription, an allotted share
    /// of the drip-feed's charge for a run.
    pub charge: i64,
    /// The idempotency key it was sent with, where this provider honours them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<UsedKey>,
    /// What sort of order it is.
    #[serde(flatten)]
    pub detail: Detail,
}

/// An idempotency key, and what it was used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedKey {
    /// The key.
    pub key: String,
    /// A hash of the parameters it came with.
    pub print: u64,
}

/// The sorts of order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Delivered once.
    Single(Plan),
    /// One run of a drip-feed.
    Run {
        /// The drip-feed.
        parent: u64,
        /// How it is delivered.
        plan: Plan,
    },
    /// One post of a subscription.
    Post {
        /// The subscription.
        parent: u64,
        /// How it is delivered.
        plan: Plan,
    },
    /// Delivered in runs.
    DripFeed(DripTerms),
    /// Delivered to each new post of an account.
    Subscription(SubscriptionTerms),
}

/// What a drip-feed was ordered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DripTerms {
    /// How many runs.
    pub runs: u32,
    /// Units of one run.
    pub each: u64,
    /// Time between two runs.
    pub interval_ms: i64,
    /// How a run is delivered.
    pub profile: Profile,
    /// The provider's speed when it was ordered.
    pub speed: Speed,
}

/// What a subscription was ordered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionTerms {
    /// Fewest units for a post.
    pub min: u64,
    /// Most units for a post.
    pub max: u64,
    /// New posts to serve; all, where it is missing.
    pub posts: Option<u32>,
    /// Posts that were there already, served at once and not counted.
    pub old_posts: u32,
    /// Wait after a post before its order.
    pub delay_ms: i64,
    /// When it expires.
    pub expires_at: Option<i64>,
    /// Price of 1000 units.
    pub rate_micros: i64,
    /// How a post is delivered.
    pub profile: Profile,
    /// The provider's speed when it was ordered.
    pub speed: Speed,
}

/// An `add` that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// When.
    pub at: i64,
    /// The service it named, if it was a number.
    pub service: Option<u32>,
    /// The link or username it named.
    pub link: String,
    /// The quantity it named, if it was a number.
    pub quantity: Option<u64>,
    /// Why.
    pub error: String,
}
