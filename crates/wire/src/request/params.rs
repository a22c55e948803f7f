//! The parameters a request gave, by name, before anybody asks what they mean (`api-v2.md` rule 12, §12).
//!
//! One slot per name the protocol knows; other names are ignored. Within one source the last value of a name wins,
//! as in PHP; between sources the body wins over the query. Values stay borrowed where the encoding allows it.

use std::borrow::Cow;

use crate::json::{self, Node};

macro_rules! names {
    ($($variant:ident = $text:literal),+ $(,)?) => {
        /// Every parameter name the protocol knows, aliases included.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Name { $($variant),+ }

        impl Name {
            const COUNT: usize = [$(Self::$variant),+].len();

            fn known(text: &str) -> Option<Self> {
                Some(match text { $($text => Self::$variant,)+ _ => return None })
            }
        }
    };
}

names! {
    Key = "key",
    Api = "api",
    ApiKey = "api_key",
    ApiToken = "api_token",
    Action = "action",
    Service = "service",
    Link = "link",
    Quantity = "quantity",
    Runs = "runs",
    Interval = "interval",
    Comments = "comments",
    Usernames = "usernames",
    Hashtags = "hashtags",
    Keywords = "keywords",
    Groups = "groups",
    Hashtag = "hashtag",
    Username = "username",
    Media = "media",
    MediaUrl = "media_url",
    Country = "country",
    GoogleKeyword = "google_keyword",
    ReferringUrl = "referring_url",
    AnswerNumber = "answer_number",
    Device = "device",
    TypeOfTraffic = "type_of_traffic",
    Min = "min",
    Max = "max",
    Posts = "posts",
    OldPosts = "old_posts",
    Delay = "delay",
    Expiry = "expiry",
    MaxCharge = "max_charge",
    RequestId = "request_id",
    IdempotencyKey = "idempotency_key",
    Order = "order",
    OrderId = "order_id",
    Orders = "orders",
    Refill = "refill",
    Refills = "refills",
    Cancel = "cancel",
    Cancels = "cancels",
}

/// A value as it was sent.
#[derive(Clone, Debug, Default)]
pub(super) enum Raw<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    List(Vec<Cow<'a, str>>),
    /// Something no parameter is made of: an object, or a list within a list.
    Wrong,
}

impl Raw<'_> {
    /// Rule 12: the empty string, null and the texts `null` and `undefined` count as not given; so does an empty list.
    fn is_given(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Text(text) => !matches!(text.trim(), "" | "null" | "undefined"),
            Self::List(items) => items.iter().any(|item| !item.trim().is_empty()),
            Self::Wrong => true,
        }
    }
}

/// The values of one request.
#[derive(Debug)]
pub(super) struct Params<'a> {
    slots: [Raw<'a>; Name::COUNT],
}

impl Default for Params<'_> {
    fn default() -> Self {
        Self { slots: [const { Raw::Absent }; Name::COUNT] }
    }
}

impl<'a> Params<'a> {
    /// Reads `a=1&b[]=2&b[]=3`, percent-decoded exactly once; bytes that aren't UTF-8 become U+FFFD.
    pub(super) fn read_form(&mut self, bytes: &'a [u8]) {
        for (name, value) in form_urlencoded::parse(bytes) {
            self.put(&name, value);
        }
    }

    /// Reads a JSON object; `false` if the text isn't one.
    pub(super) fn read_json(&mut self, text: &'a str) -> bool {
        let Some(Node::Object(object)) = json::whole(text).and_then(json::open) else { return false };
        for (name, value) in object.members() {
            let Some(name) = Name::known(name) else { continue };
            self.slots[name as usize] = json::open(value).map_or(Raw::Wrong, of_json);
        }
        true
    }

    /// Takes one pair of a form: `x` replaces, `x[]` and `x[3]` add to a list.
    pub(super) fn put(&mut self, name: &str, value: Cow<'a, str>) {
        if let Some(name) = Name::known(name) {
            self.slots[name as usize] = Raw::Text(value);
        } else if let Some(name) = list_name(name).and_then(Name::known) {
            match &mut self.slots[name as usize] {
                Raw::List(items) => items.push(value),
                slot @ (Raw::Absent | Raw::Text(_) | Raw::Wrong) => *slot = Raw::List(vec![value]),
            }
        }
    }

    /// Reads a weaker source and takes from it what isn't given yet.
    pub(super) fn underlay(&mut self, read: impl FnOnce(&mut Self)) {
        let mut below = Self::default();
        read(&mut below);
        for (slot, below) in self.slots.iter_mut().zip(below.slots) {
            if !slot.is_given() {
                *slot = below;
            }
        }
    }

    pub(super) fn is_given(&self, name: Name) -> bool {
        self.slots[name as usize].is_given()
    }

    /// Takes the value out; [`Raw::Absent`] if it counts as not given.
    pub(super) fn take(&mut self, name: Name) -> Raw<'a> {
        let raw = std::mem::take(&mut self.slots[name as usize]);
        if raw.is_given() { raw } else { Raw::Absent }
    }

    /// Takes a single text out; `None` if it isn't given or isn't one.
    pub(super) fn scalar(&mut self, name: Name) -> Option<Cow<'a, str>> {
        match self.take(name) {
            Raw::Text(text) => Some(text),
            Raw::Absent | Raw::List(_) | Raw::Wrong => None,
        }
    }
}

/// `orders` of `orders[]` and `orders[12]`.
fn list_name(name: &str) -> Option<&str> {
    let (list, index) = name.strip_suffix(']')?.split_once('[')?;
    index.bytes().all(|b| b.is_ascii_digit()).then_some(list)
}

fn of_json(node: Node<'_>) -> Raw<'_> {
    match node {
        Node::Null => Raw::Absent,
        Node::List(items) => of_items(items.into_iter()),
        // PHP turns a list with gaps (after `array_unique`, say) into an object keyed by position.
        Node::Object(object) if !object.is_empty() && has_positions(&object) => {
            of_items(object.members().map(|(_, value)| value))
        }
        Node::Object(_) => Raw::Wrong,
        scalar @ (Node::Bool(_) | Node::Number(_) | Node::Text(_)) => {
            text_of(scalar).map_or(Raw::Wrong, Raw::Text)
        }
    }
}

fn has_positions(object: &json::Object<'_>) -> bool {
    object.members().all(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()))
}

fn of_items<'a>(items: impl Iterator<Item = &'a serde_json::value::RawValue>) -> Raw<'a> {
    let mut texts = Vec::new();
    for item in items {
        match json::open(item) {
            Some(Node::Null) => {}
            Some(node) => match text_of(node) {
                Some(text) => texts.push(text),
                None => return Raw::Wrong,
            },
            None => return Raw::Wrong,
        }
    }
    Raw::List(texts)
}

fn text_of(node: Node<'_>) -> Option<Cow<'_, str>> {
    match node {
        Node::Text(text) => Some(text),
        Node::Number(literal) => Some(Cow::Borrowed(literal)),
        Node::Bool(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
        Node::Null | Node::List(_) | Node::Object(_) => None,
    }
}
