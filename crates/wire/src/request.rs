//! Bytes → [`Request`] (`api-v2.md` rules 1, 12 and 13, §1, §2, §5-§7, §12).
//!
//! In come the parts of an HTTP request that the protocol knows; out goes the key and one call, each parameter with
//! a result of its own, because the service's type decides what is demanded and core's order of checks decides which
//! error is shown. [`parse`] never fails: what can't be understood is [`Call::Incorrect`].
//! It doesn't look keys up, doesn't know a service, and never logs: `Debug` hides keys and bodies.

mod add;
mod asked;
mod body;
mod fields;
mod fingerprint;
mod multipart;
mod params;

pub use asked::{Ask, AskedId, CancelAsk};

use std::fmt;

use params::{Name, Params};

use crate::limits::KEY_CHARS;

/// What arrives over HTTP, undecoded.
#[derive(Clone, Copy, Default)]
pub struct Incoming<'a> {
    /// What follows the `?`, without it.
    pub query: Option<&'a str>,
    pub content_type: Option<&'a str>,
    pub authorization: Option<&'a str>,
    pub x_api_key: Option<&'a str>,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
    pub body: &'a [u8],
}

/// One request, understood as far as it can be without knowing the panel.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// `None` when missing, of a wrong type or too long: all answer as a wrong key does.
    pub key: Option<String>,
    pub call: Call,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Services,
    Add(Box<Add>),
    Status(Ask),
    Refill(Ask),
    RefillStatus(Ask),
    Cancel(CancelAsk),
    Balance,
    /// Unknown or missing action, a body that can't be read, or an idempotency key of an impossible length.
    Incorrect,
}

/// One parameter: not given, given but impossible, or its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    /// Missing, empty, null, or one of the texts `null` and `undefined`.
    #[default]
    Absent,
    Bad,
    Is(T),
}

impl<T> Field<T> {
    /// The value, if there is one.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Bad => None,
        }
    }

    /// The same over a reference.
    pub fn as_ref(&self) -> Field<&T> {
        match self {
            Self::Absent => Field::Absent,
            Self::Bad => Field::Bad,
            Self::Is(value) => Field::Is(value),
        }
    }

    fn and_then<U>(self, check: impl FnOnce(T) -> Option<U>) -> Field<U> {
        match self {
            Self::Absent => Field::Absent,
            Self::Bad => Field::Bad,
            Self::Is(value) => check(value).map_or(Field::Bad, Field::Is),
        }
    }
}

/// The parameters of `add`, of every service type (`api-v2.md` §4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Add {
    pub service: Field<u64>,
    pub link: Field<String>,
    pub quantity: Field<u64>,
    /// 0 and 1 are passed on as such; that they mean a plain order is core's to say.
    pub runs: Field<u64>,
    /// Minutes.
    pub interval: Field<u64>,
    /// Non-empty trimmed lines.
    pub comments: Field<Vec<String>>,
    pub usernames: Field<Vec<String>>,
    pub hashtags: Field<Vec<String>>,
    /// Lines, or pieces between commas when there is one line only.
    pub keywords: Field<Vec<String>>,
    pub groups: Field<Vec<String>>,
    pub hashtag: Field<String>,
    pub username: Field<String>,
    /// Also sent as `media_url`.
    pub media: Field<String>,
    pub country: Field<String>,
    pub google_keyword: Field<String>,
    pub referring_url: Field<String>,
    pub answer_number: Field<String>,
    /// 1-5; the words Desktop and Mobile are 1 and 4.
    pub device: Field<u64>,
    pub type_of_traffic: Field<u64>,
    pub min: Field<u64>,
    pub max: Field<u64>,
    pub posts: Field<u64>,
    pub old_posts: Field<u64>,
    /// Minutes.
    pub delay: Field<u64>,
    /// Year, month and day of a date that exists.
    pub expiry: Field<(i16, i8, i8)>,
    /// A decimal text: digits, perhaps a point and digits.
    pub max_charge: Field<String>,
    /// 1-255 bytes: the header `Idempotency-Key`, else `request_id`, else `idempotency_key`.
    pub idempotency_key: Option<String>,
    /// Equal for equal parameters however they were encoded; empty without an idempotency key.
    pub fingerprint: Vec<u8>,
}

/// Reads a request. Takes microseconds and never fails or panics, whatever the bytes are.
#[must_use]
pub fn parse(incoming: &Incoming<'_>) -> Request {
    let body_text;
    let mut params = Params::default();
    let readable = match body::encoding(incoming) {
        body::Encoding::Empty => true,
        body::Encoding::Form(bytes) => {
            params.read_form(bytes);
            true
        }
        body::Encoding::Json(bytes) => {
            body_text = String::from_utf8_lossy(bytes);
            params.read_json(&body_text)
        }
        body::Encoding::Multipart { boundary, bytes } => multipart::read(bytes, &boundary, &mut params),
        body::Encoding::TooLarge => false,
    };
    if let Some(query) = incoming.query.filter(|query| !query.is_empty()) {
        params.underlay(|below| below.read_form(query.as_bytes()));
    }
    let key = key(&mut params, incoming);
    let call = if readable { call(&mut params, incoming.idempotency_key) } else { Call::Incorrect };
    Request { key, call }
}

/// The parameter, its aliases, the bearer token, the header: the first that is given counts (rule 12).
fn key(params: &mut Params<'_>, incoming: &Incoming<'_>) -> Option<String> {
    let given = [Name::Key, Name::Api, Name::ApiKey, Name::ApiToken]
        .into_iter()
        .find_map(|name| params.is_given(name).then(|| params.scalar(name)));
    let key = match given {
        Some(scalar) => scalar,
        None => bearer(incoming.authorization).or(incoming.x_api_key).map(Into::into),
    }?;
    let key = key.trim();
    (!key.is_empty() && fields::is_short(key, KEY_CHARS)).then(|| key.to_owned())
}

fn bearer(authorization: Option<&str>) -> Option<&str> {
    let (scheme, token) = authorization?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn call(params: &mut Params<'_>, idempotency_header: Option<&str>) -> Call {
    let Some(action) = params.scalar(Name::Action) else { return Call::Incorrect };
    match Action::read(&action) {
        Some(Action::Services) => Call::Services,
        Some(Action::Balance) => Call::Balance,
        Some(Action::Add) => add::read(params, idempotency_header).map_or(Call::Incorrect, Call::Add),
        Some(Action::Status) => Call::Status(asked::orders(params)),
        Some(Action::Refill) => Call::Refill(asked::orders_to_refill(params)),
        Some(Action::RefillStatus) => Call::RefillStatus(asked::refills(params)),
        Some(Action::Cancel) => Call::Cancel(asked::cancel(params)),
        Some(Action::CancelStatus) => Call::Cancel(CancelAsk::Requests(asked::cancels(params))),
        None => Call::Incorrect,
    }
}

/// The words of `action` with their aliases (`api-v2.md` §7, §12).
#[derive(Clone, Copy)]
enum Action {
    Services,
    Add,
    Status,
    Refill,
    RefillStatus,
    Cancel,
    CancelStatus,
    Balance,
}

impl Action {
    const WORDS: &[(&str, Self)] = &[
        ("add", Self::Add),
        ("status", Self::Status),
        ("services", Self::Services),
        ("balance", Self::Balance),
        ("refill", Self::Refill),
        ("refill_status", Self::RefillStatus),
        ("cancel", Self::Cancel),
        ("cancel_status", Self::CancelStatus),
        ("orders", Self::Status),
        ("multi_status", Self::Status),
        ("multi-status", Self::Status),
        ("statuses", Self::Status),
    ];

    fn read(word: &str) -> Option<Self> {
        let word = word.trim();
        Self::WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, action)| *action)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_some() { "given" } else { "none" };
        f.debug_struct("Request").field("key", &key).field("call", &self.call).finish()
    }
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("query_bytes", &self.query.map(str::len))
            .field("content_type", &self.content_type)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
