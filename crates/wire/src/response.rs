//! Our server's answers as types, and their exact bytes (`api-v2.md` §3-§9): names, order and types of the fields
//! are those of the two seed documents.
//!
//! In come values that core and web have decided; out goes a JSON body. Money arrives as text already
//! ([`decimal::format`](crate::decimal::format)). It never decides what a customer may see.

mod encode;
mod services;

pub use services::encode_services;

use crate::error::ErrorText;
use crate::request::AskedId;
use crate::service_type::ServiceType;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    Services(Vec<ServiceRow>),
    /// `add`: the id of the accepted order.
    Order(u64),
    Status(StatusRow),
    /// `status` of a list, by the ids as sent; a repeated id is answered once.
    StatusMany(Vec<(String, Result<StatusRow, ErrorText>)>),
    /// `refill` of one order: the refill's id, as a string.
    Refill(u64),
    RefillMany(Vec<RefillRow>),
    RefillStatus(RefillWord),
    RefillStatusMany(Vec<RefillStatusRow>),
    /// `cancel` of one order: the id of the cancel request.
    Cancel(u64),
    CancelMany(Vec<CancelRow>),
    CancelStatus(CancelWord),
    CancelStatusMany(Vec<CancelStatusRow>),
    Balance {
        balance: String,
        currency: String,
    },
    Error(ErrorText),
}

/// Whether errors are sentences or the untranslated keys of hosted panels (a switch of the account, `api-v2.md` §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorStyle {
    #[default]
    Text,
    /// Where a key is known; the sentence elsewhere.
    Code,
}

impl Response {
    /// The body, compact JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.encode_styled(ErrorStyle::Text)
    }

    /// The body, with errors in the account's style.
    #[must_use]
    pub fn encode_styled(&self, style: ErrorStyle) -> Vec<u8> {
        encode::response(self, style)
    }
}

/// One service, at the caller's prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRow {
    pub service: u64,
    pub name: String,
    pub service_type: ServiceType,
    /// Per 1000, or per order for packages, in the caller's currency.
    pub rate: String,
    pub min: u64,
    pub max: u64,
    pub dripfeed: bool,
    pub refill: bool,
    pub cancel: bool,
    pub category: String,
    /// The fields an account gets on request only.
    pub extras: Option<Box<ServiceExtras>>,
}

/// Descriptions and translations, sent to accounts that asked for them (`api-v2.md` §3). Empty parts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceExtras {
    /// Sent as `desc` and `description`.
    pub description: Option<String>,
    /// Language code and text.
    pub name_lang: Vec<(String, String)>,
    /// Sent as `cat_lang` and `category_lang`.
    pub category_lang: Vec<(String, String)>,
    /// Sent as `desc_lang` and `description_lang`.
    pub description_lang: Vec<(String, String)>,
}

/// The five fields of a status answer, and what the kind of order adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRow {
    /// Net of refunds.
    pub charge: String,
    /// 0 when unknown; below zero is shown as 0.
    pub start_count: i64,
    pub status: StatusWord,
    pub remains: u64,
    pub currency: String,
    pub extra: StatusExtra,
}

/// What drip-feeds and subscriptions carry beside the five fields (`api-v2.md` §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusExtra {
    Plain,
    DripFeed {
        /// Runs made so far.
        runs: u64,
        /// Their order ids.
        orders: Vec<u64>,
    },
    Subscription {
        /// Posts handled so far.
        posts: u64,
        /// `d/m/Y`; `None` is sent as null.
        expiry: Option<String>,
        /// The posts' order ids.
        orders: Vec<u64>,
    },
}

/// The nine words of `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusWord {
    Pending,
    Processing,
    InProgress,
    Completed,
    Partial,
    Canceled,
    /// Subscriptions only.
    Active,
    /// Subscriptions only, and only for accounts that ask for it.
    Paused,
    /// Subscriptions only.
    Expired,
}

impl StatusWord {
    #[must_use]
    pub const fn exact(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Processing => "Processing",
            Self::InProgress => "In progress",
            Self::Completed => "Completed",
            Self::Partial => "Partial",
            Self::Canceled => "Canceled",
            Self::Active => "Active",
            Self::Paused => "Paused",
            Self::Expired => "Expired",
        }
    }
}

/// `refill` of a list: the refill's id, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefillRow {
    pub order: AskedId,
    pub result: Result<u64, ErrorText>,
}

/// `refill_status` of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefillStatusRow {
    pub refill: AskedId,
    pub result: Result<RefillWord, ErrorText>,
}

/// The states of a refill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefillWord {
    Pending,
    InProgress,
    Completed,
    Rejected,
    Error,
}

impl RefillWord {
    #[must_use]
    pub const fn exact(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "In progress",
            Self::Completed => "Completed",
            Self::Rejected => "Rejected",
            Self::Error => "Error",
        }
    }
}

/// `cancel` of a list: the id of the cancel request, or why not.
///
/// An account whose software demands the first seed's form gets `kind: None` and `Ok(1)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelRow {
    pub order: AskedId,
    /// Of the caller's own orders; `None` for unknown ids.
    pub kind: Option<CancelKind>,
    pub result: Result<u64, ErrorText>,
}

/// The words of `type` in a cancel answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelKind {
    Order,
    DripFeed,
    Subscription,
}

impl CancelKind {
    #[must_use]
    pub const fn exact(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::DripFeed => "dripfeed",
            Self::Subscription => "subscription",
        }
    }
}

/// The state of one cancel request in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelStatusRow {
    pub cancel: AskedId,
    pub result: Result<CancelWord, ErrorText>,
}

/// The states of a cancel request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelWord {
    Pending,
    Completed,
    Rejected,
}

impl CancelWord {
    #[must_use]
    pub const fn exact(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Completed => "Completed",
            Self::Rejected => "Rejected",
        }
    }
}
