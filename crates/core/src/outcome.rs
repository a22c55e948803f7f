//! What a decision gives back: what was done, why not, or which rows it must see first.
//!
//! In: nothing; these are the words that decisions and their callers share. Out: an [`Outcome`] for who asked.
//! A decision itself returns a [`Decision`], whose [`Stop`] may also be a [`Need`]. Never: a rule, or knowledge of
//! the commands; so every decision stands on this file, and only [`crate::command`] stands on the decisions.

use serde::{Deserialize, Serialize};

use crate::ids::{
    CancelId, CustomerId, OperatorId, OrderId, ProviderAccountId, RefillId, ServiceId, TransferId,
};
use crate::operator::Role;
use crate::order::attempt::Outgoing;
use crate::time::Timestamp;
use crate::world::{Need, Posting};

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    Placed {
        order: OrderId,
        replayed: bool,
    },
    RefillRequested {
        refill: RefillId,
    },
    CancelRequested {
        cancel: CancelId,
        kind: CancelKind,
    },
    /// Now it may be sent.
    Began(Box<Outgoing>),
    CustomerOpened {
        customer: CustomerId,
    },
    Credited {
        transfer: TransferId,
    },
    ProviderPut {
        account: ProviderAccountId,
    },
    ServicePut {
        service: ServiceId,
    },
    OperatorOpened {
        operator: OperatorId,
        role: Role,
    },
    /// How many went.
    Archived {
        orders: u32,
    },
    /// Taken, and there is nothing to tell.
    Noted,
}

/// What a cancel request was for (`api-v2.md` §7, type).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelKind {
    Order,
    DripFeed,
    Subscription,
}

/// Why not. Changes nothing; every variant can be told to a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the account is suspended")]
    AccountSuspended,
    #[error("no such service, or it is not sold now")]
    UnknownService,
    #[error("the link is missing or not usable")]
    BadLink,
    #[error("{} is missing or not usable", .0.name())]
    Incorrect(Parameter),
    #[error("the quantity is below the minimum of {0}")]
    BelowMinimum(u64),
    #[error("the quantity is above the maximum of {0}")]
    AboveMaximum(u64),
    #[error("the service is not delivered in runs")]
    DripFeedUnsupported,
    #[error("an order on this link is still open")]
    ActiveOrderOnLink,
    #[error("the balance does not cover the charge")]
    NotEnoughFunds,
    #[error("the idempotency key was used with other parameters")]
    IdempotencyMismatch,
    #[error("no such order")]
    UnknownOrder,
    #[error("the service has no refill")]
    RefillDisabled,
    #[error("the order is not completed")]
    OrderNotCompleted,
    #[error("too early: less than a day since completion or the last refill")]
    RefillTooEarly,
    #[error("a refill of this order is still open")]
    RefillOpen,
    #[error("this order can't be refilled")]
    RefillUnavailable,
    #[error("this order can't be cancelled")]
    CancelUnavailable,
    #[error("a cancel was requested before")]
    CancelRepeated,
    #[error("no such customer")]
    UnknownCustomer,
    #[error("no such provider account")]
    UnknownProvider,
    #[error("no such operator")]
    UnknownOperator,
    #[error("an operator of this name is there already")]
    UsernameTaken,
    #[error("a panel needs an active owner, and this would leave none")]
    NoOwnerLeft,
    #[error("an amount does not fit")]
    AmountOutOfRange,
    #[error("the ids of this kind are used up")]
    IdsExhausted,
    /// Begun too early: the clock may have been set back since it was found due.
    #[error("the attempt is not due yet")]
    NotDue(Timestamp),
    #[error("not in the state this needs: {0}")]
    OutOfTurn(&'static str),
}

/// A parameter of `add`, as the wire spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    Quantity,
    Runs,
    Interval,
    Comments,
    Usernames,
    Hashtags,
    Keywords,
    Groups,
    Hashtag,
    Username,
    Media,
    AnswerNumber,
    Country,
    Device,
    TypeOfTraffic,
    GoogleKeyword,
    ReferringUrl,
    Min,
    Max,
    Posts,
    OldPosts,
    Delay,
    Expiry,
}

impl Parameter {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quantity => "quantity",
            Self::Runs => "runs",
            Self::Interval => "interval",
            Self::Comments => "comments",
            Self::Usernames => "usernames",
            Self::Hashtags => "hashtags",
            Self::Keywords => "keywords",
            Self::Groups => "groups",
            Self::Hashtag => "hashtag",
            Self::Username => "username",
            Self::Media => "media",
            Self::AnswerNumber => "answer_number",
            Self::Country => "country",
            Self::Device => "device",
            Self::TypeOfTraffic => "type_of_traffic",
            Self::GoogleKeyword => "google_keyword",
            Self::ReferringUrl => "referring_url",
            Self::Min => "min",
            Self::Max => "max",
            Self::Posts => "posts",
            Self::OldPosts => "old_posts",
            Self::Delay => "delay",
            Self::Expiry => "expiry",
        }
    }
}

/// What became of a command.
pub type Outcome = Result<Done, Refusal>;

/// A decision stops for one of two reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Rows must be loaded first; nothing that was changed counts.
    Need(Need),
    Refused(Refusal),
}

impl From<Need> for Stop {
    fn from(need: Need) -> Self {
        Self::Need(need)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Posting> for Stop {
    fn from(posting: Posting) -> Self {
        match posting {
            Posting::Need(need) => Self::Need(need),
            Posting::OutOfRange => Self::Refused(Refusal::AmountOutOfRange),
        }
    }
}

/// What a decision gives.
pub type Decision = Result<Done, Stop>;
