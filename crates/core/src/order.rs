//! An order and everything that hangs on it: its kind, its money, its attempts, refills and cancels.
//!
//! Rules: `domain.md`, Orders, Attempts, Refills, Cancels. One decision per file below: [`draft`] turns what
//! was asked into a kind, [`place`] accepts, [`attempt`] spends upstream, [`observe`] follows,
//! [`settle`] moves the money of an end, [`cancel`], [`refill`], [`dripfeed`], [`subscription`] and [`archive`] are
//! what their names say. A change is a new value of the [`OrderFile`]; stores write what differs.

pub mod archive;
pub mod attempt;
pub mod cancel;
pub mod draft;
pub mod dripfeed;
pub mod observe;
pub mod place;
pub mod refill;
pub mod settle;
pub mod share;
pub mod subscription;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use attempt::{Attempt, AttemptState, Purpose};
pub use cancel::{Cancel, CancelState};
pub use dripfeed::DripFeed;
pub use refill::{Refill, RefillState};
pub use subscription::Subscription;

use crate::catalogue::ServiceType;
use crate::ids::{CustomerId, OrderId, ServiceId};
use crate::money::{Amount, Currency, Quantity, Rate};
use crate::time::{Date, Timestamp};

/// Lines of a list, shared because an order's file is copied when it changes.
pub type Lines = Arc<[String]>;

/// What is ordered, beside link and quantity: each variant has what its type needs, no more, no less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderKind {
    Default,
    Seo { keywords: Lines },
    CustomComments { comments: Lines },
    MentionsWithHashtags { usernames: Lines, hashtags: Lines },
    MentionsCustomList { usernames: Lines },
    MentionsHashtag { hashtag: String },
    MentionsUserFollowers { username: String },
    MentionsMediaLikers { media: String },
    Mentions { usernames: Lines, hashtags: Option<Lines> },
    Package,
    CustomCommentsPackage { comments: Lines },
    CommentLikes { username: String },
    Poll { answer_number: String },
    CommentReplies { comments: Lines, username: Option<String> },
    InvitesFromGroups { groups: Lines },
    Subscriptions(PostsAsked),
    WebTraffic(Traffic),
}

/// What a subscription asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostsAsked {
    pub username: String,
    /// Quantity of each post: drawn in `min..=max`.
    pub min: Quantity,
    pub max: Quantity,
    /// New posts to serve; None without end.
    pub posts: Option<u64>,
    pub old_posts: Option<u64>,
    pub delay_min: u64,
    pub expiry: Option<Date>,
}

/// Where web traffic shall come from (`api-v2.md` §4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub country: String,
    pub device: u64,
    pub source: TrafficSource,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrafficSource {
    Google { keyword: String },
    Referrer { url: String },
    Blank,
}

impl OrderKind {
    pub const fn service_type(&self) -> ServiceType {
        match self {
            Self::Default => ServiceType::Default,
            Self::Seo { .. } => ServiceType::Seo,
            Self::CustomComments { .. } => ServiceType::CustomComments,
            Self::MentionsWithHashtags { .. } => ServiceType::MentionsWithHashtags,
            Self::MentionsCustomList { .. } => ServiceType::MentionsCustomList,
            Self::MentionsHashtag { .. } => ServiceType::MentionsHashtag,
            Self::MentionsUserFollowers { .. } => ServiceType::MentionsUserFollowers,
            Self::MentionsMediaLikers { .. } => ServiceType::MentionsMediaLikers,
            Self::Mentions { .. } => ServiceType::Mentions,
            Self::Package => ServiceType::Package,
            Self::CustomCommentsPackage { .. } => ServiceType::CustomCommentsPackage,
            Self::CommentLikes { .. } => ServiceType::CommentLikes,
            Self::Poll { .. } => ServiceType::Poll,
            Self::CommentReplies { .. } => ServiceType::CommentReplies,
            Self::InvitesFromGroups { .. } => ServiceType::InvitesFromGroups,
            Self::Subscriptions(_) => ServiceType::Subscriptions,
            Self::WebTraffic(_) => ServiceType::WebTraffic,
        }
    }
}

/// Where an order stands. Moves only go forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OrderStatus {
    /// Accepted here; planned, sending, rejected and unknown attempts all show it.
    Pending,
    /// Accepted or adopted upstream, not started.
    Processing,
    InProgress,
    Completed,
    Partial,
    Canceled,
    /// Subscriptions only: the date came, or thirty days without a post.
    Expired,
}

impl OrderStatus {
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Pending | Self::Processing | Self::InProgress => false,
            Self::Completed | Self::Partial | Self::Canceled | Self::Expired => true,
        }
    }
}

/// What an order is part of, and what is part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// An order of its own.
    Whole,
    /// Makes runs, each an order.
    DripFeed(DripFeed),
    /// Makes posts, each an order.
    Subscription(Subscription),
    Run {
        parent: OrderId,
        number: u32,
    },
    Post {
        parent: OrderId,
        number: u32,
    },
}

impl Part {
    /// The order whose debit pays for this one, if it is not its own.
    pub const fn parent(&self) -> Option<OrderId> {
        match self {
            Self::Run { parent, .. } | Self::Post { parent, .. } => Some(*parent),
            Self::Whole | Self::DripFeed(_) | Self::Subscription(_) => None,
        }
    }
}

/// An order's money so far. For an order with a debit: what went to *in flight*, and what left it again.
/// For runs and posts `debited` is zero and the rest is mirrored in the parent's sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sums {
    pub debited: Amount,
    /// Prepaid and given back unused by a subscription: no refund.
    pub returned: Amount,
    pub refunded: Amount,
    /// Earned, less what corrections took back.
    pub recognised: Amount,
    /// Entries written with this order as their cause; the next one's sequence.
    pub entries: u32,
}

impl Sums {
    /// What is still in flight. None only if the books are broken.
    pub fn in_flight(&self) -> Option<Amount> {
        self.debited.minus(self.returned)?.minus(self.refunded)?.minus(self.recognised)
    }
}

/// Why an order does not move, and since when. Shown to operators; customers see their own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub reason: HoldReason,
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldReason {
    /// The service has no provider.
    Manual,
    /// Not one byte left: refused connection, no name, TLS failed.
    NotSent { why: String },
    /// The provider refused; a new attempt may follow.
    Refused { class: crate::provider::RejectionClass, text: String },
    /// Sent, and nobody knows whether it was taken.
    UnknownOutcome { why: String },
    /// A `Partial` came without a usable remains.
    PartialWithoutRemains { remains: crate::provider::SeenRemains },
    /// A package came back `Partial`: an operator enters the delivered share.
    PartialPackage,
    /// The provider says the order failed.
    Failed { text: String },
    /// The provider's rate is above what the order was sold for.
    PriceAboveCharge { expected_cost: Amount, charge: Amount },
}

/// The mark of an idempotency key on the order it made: truncated SHA-256 of key and of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdempotencyMark {
    pub key: [u8; 16],
    pub parameters: [u8; 16],
}

/// An accepted order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub customer: CustomerId,
    pub service: ServiceId,
    pub kind: OrderKind,
    pub link: Option<String>,
    /// All of it: of a drip-feed runs × quantity, of a package 1, of a subscription 0.
    pub quantity: Quantity,
    pub part: Part,
    pub currency: Currency,
    /// The customer's effective rate when it was accepted; never recomputed.
    pub rate: Rate,
    pub price_version: u32,
    /// What it was sold for. Of a subscription: settled posts and what is prepaid.
    pub charge: Amount,
    pub sums: Sums,
    pub status: OrderStatus,
    pub remains: Quantity,
    pub start_count: Option<i64>,
    pub accepted_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub hold: Option<Hold>,
    pub mark: Option<IdempotencyMark>,
    /// Counts for the duplicate guard while it is open.
    pub guarded: bool,
}

impl Order {
    /// What the customer really pays so far (`api-v2.md` §5, charge).
    pub fn net_charge(&self) -> Amount {
        self.charge.above(self.sums.refunded)
    }

    /// The link or username that the duplicate guard compares, as given.
    pub fn target(&self) -> Option<&str> {
        match &self.kind {
            OrderKind::Subscriptions(asked) => Some(&asked.username),
            OrderKind::Default
            | OrderKind::Seo { .. }
            | OrderKind::CustomComments { .. }
            | OrderKind::MentionsWithHashtags { .. }
            | OrderKind::MentionsCustomList { .. }
            | OrderKind::MentionsHashtag { .. }
            | OrderKind::MentionsUserFollowers { .. }
            | OrderKind::MentionsMediaLikers { .. }
            | OrderKind::Mentions { .. }
            | OrderKind::Package
            | OrderKind::CustomCommentsPackage { .. }
            | OrderKind::CommentLikes { .. }
            | OrderKind::Poll { .. }
            | OrderKind::CommentReplies { .. }
            | OrderKind::InvitesFromGroups { .. }
            | OrderKind::WebTraffic(_) => self.link.as_deref(),
        }
    }
}

/// An order with everything that hangs on it: what a decision loads, and what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFile {
    pub order: Order,
    /// By number, from 1, without gaps.
    pub attempts: Vec<Attempt>,
    pub refills: Vec<Refill>,
    pub cancels: Vec<Cancel>,
}

impl OrderFile {
    pub const fn new(order: Order) -> Self {
        Self { order, attempts: Vec::new(), refills: Vec::new(), cancels: Vec::new() }
    }

    pub fn attempt(&self, number: u16) -> Option<&Attempt> {
        self.attempts.get(usize::from(number).checked_sub(1)?)
    }

    /// Attempts that may stand behind a provider's "active order with this link": unknown ones, and absent ones
    /// while the order is open. Stores index them by account and by [`Order::target`] as given.
    pub fn in_doubt(&self) -> impl Iterator<Item = &Attempt> {
        let open = !self.order.status.has_ended();
        self.attempts.iter().filter(move |attempt| attempt.state.is_in_doubt(open))
    }

    /// Whether a request to cancel waits for its end.
    pub fn asked_to_cancel(&self) -> bool {
        self.cancels.iter().any(|cancel| cancel.state.is_open())
    }

    pub fn attempt_mut(&mut self, number: u16) -> Option<&mut Attempt> {
        self.attempts.get_mut(usize::from(number).checked_sub(1)?)
    }
}

/// No provider is asked: an operator or an outside worker delivers it, or a detector reports its posts.
pub fn wait_for_a_person(file: &mut OrderFile, now: Timestamp) {
    file.order.hold = Some(Hold { reason: HoldReason::Manual, since: now });
    if let Part::Subscription(subscription) = &mut file.order.part {
        subscription.segments += 1;
        file.order.status = OrderStatus::InProgress;
    }
}

/// The form of a link that the duplicate guard compares; never forwarded so (`domain.md`, Duplicate guard).
pub fn normalised_target(target: &str) -> String {
    let trimmed = target.trim();
    let without_fragment = trimmed.split('#').next().unwrap_or(trimmed);
    let Some(at) = without_fragment.as_bytes().windows(3).position(|three| three == b"://") else {
        return without_fragment.trim_end_matches('/').to_owned();
    };
    let (scheme, rest) = (&without_fragment[..at], &without_fragment[at + 3..]);
    let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = lower_case(host);
    let mut normalised = String::with_capacity(target.len());
    normalised.push_str(&lower_case(scheme));
    normalised.push_str("://");
    normalised.push_str(host.strip_prefix("www.").unwrap_or(&host));
    normalised.push_str(path.trim_end_matches('/'));
    normalised
}

/// Nearly all hosts are in lower case already.
fn lower_case(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_mean_the_same_page_compare_equal() {
        let same = ["https://example.com/a", " HTTPS://www.Example.com/a/ ", "https://example.com/a#top"];
        for link in same {
            assert_eq!(normalised_target(link), "https://example.com/a", "{link}");
        }
        assert_ne!(normalised_target("https://example.com/A"), normalised_target("https://example.com/a"));
        assert_eq!(normalised_target("anna/"), "anna");
        assert_eq!(normalised_target("https://example.com?x=1"), "https://example.com?x=1");
    }
}
