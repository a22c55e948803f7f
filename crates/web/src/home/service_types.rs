//! What `add` asks for by service type (`api-v2.md` §3, §4). The types are `wire`'s: a new one doesn't compile here
//! until it is documented.

use panelworks_wire::ServiceType;

use super::parameter::Parameter;

/// One type as the page shows it.
#[derive(Debug)]
pub(super) struct ServiceTypeEntry {
    pub word: &'static str,
    /// The anchor on the page.
    pub anchor: String,
    /// Besides `key`, `action` and `service`.
    pub parameters: &'static [Parameter],
    pub quantity: Quantity,
    /// The key of what the rate is for.
    pub rate: &'static str,
}

/// Where the quantity that is charged comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    Given,
    GivenTimesRuns,
    /// The lines of this parameter.
    Lines(&'static str),
    One,
    PerPost,
}

impl Quantity {
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Given => "types-quantity-given",
            Self::GivenTimesRuns => "types-quantity-runs",
            Self::Lines(_) => "types-quantity-lines",
            Self::One => "types-quantity-one",
            Self::PerPost => "types-quantity-posts",
        }
    }

    /// The list whose lines count, for the text that names it.
    pub(super) const fn list(self) -> &'static str {
        match self {
            Self::Lines(list) => list,
            Self::Given | Self::GivenTimesRuns | Self::One | Self::PerPost => "",
        }
    }
}

#[cfg(test)]
impl ServiceTypeEntry {
    pub(super) fn keys(&self) -> Vec<&'static str> {
        let parameters = self.parameters.iter().map(|parameter| parameter.about);
        [self.quantity.key(), self.rate].into_iter().chain(parameters).collect()
    }
}

/// Every type, in the order of the contract.
pub(super) fn service_types() -> Vec<ServiceTypeEntry> {
    ServiceType::all().iter().map(|&service_type| entry(service_type)).collect()
}

fn entry(service_type: ServiceType) -> ServiceTypeEntry {
    let word = service_type.exact();
    ServiceTypeEntry {
        word,
        anchor: format!("type-{}", word.to_lowercase().replace(' ', "-")),
        parameters: parameters(service_type),
        quantity: quantity(service_type),
        rate: match service_type {
            ServiceType::Package | ServiceType::CustomCommentsPackage => "types-price-order",
            ServiceType::Default
            | ServiceType::Seo
            | ServiceType::CustomComments
            | ServiceType::MentionsWithHashtags
            | ServiceType::MentionsCustomList
            | ServiceType::MentionsHashtag
            | ServiceType::MentionsUserFollowers
            | ServiceType::MentionsMediaLikers
            | ServiceType::Mentions
            | ServiceType::CommentLikes
            | ServiceType::Poll
            | ServiceType::CommentReplies
            | ServiceType::InvitesFromGroups
            | ServiceType::Subscriptions
            | ServiceType::WebTraffic => "types-price-thousand",
        },
    }
}

const fn quantity(service_type: ServiceType) -> Quantity {
    match service_type {
        ServiceType::Default | ServiceType::WebTraffic => Quantity::GivenTimesRuns,
        ServiceType::CustomComments | ServiceType::CommentReplies => Quantity::Lines("comments"),
        ServiceType::MentionsCustomList => Quantity::Lines("usernames"),
        ServiceType::Package | ServiceType::CustomCommentsPackage => Quantity::One,
        ServiceType::Subscriptions => Quantity::PerPost,
        ServiceType::Seo
        | ServiceType::MentionsWithHashtags
        | ServiceType::MentionsHashtag
        | ServiceType::MentionsUserFollowers
        | ServiceType::MentionsMediaLikers
        | ServiceType::Mentions
        | ServiceType::CommentLikes
        | ServiceType::Poll
        | ServiceType::InvitesFromGroups => Quantity::Given,
    }
}

const LINK: Parameter = Parameter::required("link", "par-link");
const QUANTITY: Parameter = Parameter::required("quantity", "par-quantity");
const COMMENTS: Parameter = Parameter::required("comments", "par-comments");
const USERNAMES: Parameter = Parameter::required("usernames", "par-usernames");
const HASHTAGS: Parameter = Parameter::required("hashtags", "par-hashtags");
const RUNS: Parameter = Parameter::optional("runs", "par-runs");
const INTERVAL: Parameter = Parameter::optional("interval", "par-interval");
const KEYWORDS: Parameter = Parameter::required("keywords", "par-keywords");
const HASHTAG: Parameter = Parameter::required("hashtag", "par-hashtag");
const SCRAPED_ACCOUNT: Parameter = Parameter::required("username", "par-username-scrape");
const MEDIA: Parameter = Parameter::required("media", "par-media");
const MAYBE_HASHTAGS: Parameter = Parameter::optional("hashtags", "par-hashtags");
const COMMENT_OWNER: Parameter = Parameter::required("username", "par-username-comment");
const ANSWER_NUMBER: Parameter = Parameter::required("answer_number", "par-answer-number");
const REPLIES: Parameter = Parameter::required("comments", "par-comments-reply");
const REPLY_OWNER: Parameter = Parameter::optional("username", "par-username-reply");
const GROUPS: Parameter = Parameter::required("groups", "par-groups");
const ACCOUNT: Parameter = Parameter::required("username", "par-username-follow");
const MIN: Parameter = Parameter::required("min", "par-min");
const MAX: Parameter = Parameter::required("max", "par-max");
const DELAY: Parameter = Parameter::required("delay", "par-delay");
const POSTS: Parameter = Parameter::optional("posts", "par-posts");
const OLD_POSTS: Parameter = Parameter::optional("old_posts", "par-old-posts");
const EXPIRY: Parameter = Parameter::optional("expiry", "par-expiry");
const COUNTRY: Parameter = Parameter::required("country", "par-country");
const DEVICE: Parameter = Parameter::required("device", "par-device");
const TRAFFIC: Parameter = Parameter::required("type_of_traffic", "par-traffic");
const GOOGLE_KEYWORD: Parameter = Parameter::optional("google_keyword", "par-google-keyword");
const REFERRING_URL: Parameter = Parameter::optional("referring_url", "par-referring-url");

const fn parameters(service_type: ServiceType) -> &'static [Parameter] {
    match service_type {
        ServiceType::Default => &[LINK, QUANTITY, RUNS, INTERVAL],
        ServiceType::Seo => &[LINK, QUANTITY, KEYWORDS],
        ServiceType::CustomComments | ServiceType::CustomCommentsPackage => &[LINK, COMMENTS],
        ServiceType::MentionsWithHashtags => &[LINK, QUANTITY, USERNAMES, HASHTAGS],
        ServiceType::MentionsCustomList => &[LINK, USERNAMES],
        ServiceType::MentionsHashtag => &[LINK, QUANTITY, HASHTAG],
        ServiceType::MentionsUserFollowers => &[LINK, QUANTITY, SCRAPED_ACCOUNT],
        ServiceType::MentionsMediaLikers => &[LINK, QUANTITY, MEDIA],
        ServiceType::Mentions => &[LINK, QUANTITY, USERNAMES, MAYBE_HASHTAGS],
        ServiceType::Package => &[LINK],
        ServiceType::CommentLikes => &[LINK, QUANTITY, COMMENT_OWNER],
        ServiceType::Poll => &[LINK, QUANTITY, ANSWER_NUMBER],
        ServiceType::CommentReplies => &[LINK, REPLIES, REPLY_OWNER],
        ServiceType::InvitesFromGroups => &[LINK, QUANTITY, GROUPS],
        ServiceType::Subscriptions => &[ACCOUNT, MIN, MAX, DELAY, POSTS, OLD_POSTS, EXPIRY],
        ServiceType::WebTraffic => {
            &[LINK, QUANTITY, COUNTRY, DEVICE, TRAFFIC, GOOGLE_KEYWORD, REFERRING_URL, RUNS, INTERVAL]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_counts_lines_or_a_quantity_asks_for_them() {
        for entry in service_types() {
            let asks = |name| entry.parameters.iter().any(|parameter| parameter.name == name);
            match entry.quantity {
                Quantity::Given | Quantity::GivenTimesRuns => assert!(asks("quantity"), "{}", entry.word),
                Quantity::Lines(list) => assert!(asks(list) && !asks("quantity"), "{}", entry.word),
                Quantity::One => assert!(!asks("quantity"), "{}", entry.word),
                Quantity::PerPost => assert!(asks("min") && asks("max"), "{}", entry.word),
            }
        }
    }
}
