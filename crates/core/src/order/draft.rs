//! What was asked for, field by field, and how it becomes an order's kind, link and quantity.
//!
//! In: a [`Draft`] whose fields are each absent, bad or a value (the edge parsed them once), and the service.
//! Out: an [`Ordered`], or the first thing wrong in the order of `api-v2.md` §4: link, the type's parameters,
//! quantity, minimum, maximum, drip-feed. Never: money, guards, other orders.

use crate::catalogue::{Service, ServiceType};
use crate::limits;
use crate::money::Quantity;
use crate::order::{Lines, OrderKind, PostsAsked, Traffic, TrafficSource};
use crate::outcome::{Parameter, Refusal};
use crate::time::Date;

/// A field as it came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Given<T> {
    #[default]
    Absent,
    /// There, and not what it must be.
    Bad,
    Is(T),
}

impl<T> Given<T> {
    /// The value of a field that must be there.
    fn required(self, parameter: Parameter) -> Result<T, Refusal> {
        match self {
            Self::Is(value) => Ok(value),
            Self::Absent | Self::Bad => Err(Refusal::Incorrect(parameter)),
        }
    }

    /// The value of a field that may be left out.
    fn optional(self, parameter: Parameter) -> Result<Option<T>, Refusal> {
        match self {
            Self::Is(value) => Ok(Some(value)),
            Self::Absent => Ok(None),
            Self::Bad => Err(Refusal::Incorrect(parameter)),
        }
    }
}

/// Everything an order can ask for. What a type does not need is ignored (`api-v2.md` §12).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    pub link: Given<String>,
    pub quantity: Given<Quantity>,
    pub runs: Given<u64>,
    pub interval_min: Given<u64>,
    /// What only some types need; boxed, because most orders are of type Default.
    pub extra: Option<Box<Extra>>,
}

/// The fields of the types beyond Default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extra {
    pub comments: Given<Lines>,
    pub usernames: Given<Lines>,
    pub hashtags: Given<Lines>,
    pub keywords: Given<Lines>,
    pub groups: Given<Lines>,
    pub hashtag: Given<String>,
    pub username: Given<String>,
    pub media: Given<String>,
    pub answer_number: Given<String>,
    pub country: Given<String>,
    pub device: Given<u64>,
    pub type_of_traffic: Given<u64>,
    pub google_keyword: Given<String>,
    pub referring_url: Given<String>,
    pub min: Given<u64>,
    pub max: Given<u64>,
    pub posts: Given<u64>,
    pub old_posts: Given<u64>,
    pub delay_min: Given<u64>,
    pub expiry: Given<Date>,
}

/// A draft that fits its service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    pub kind: OrderKind,
    pub link: Option<String>,
    /// Of one run, where there are runs; 0 for a subscription.
    pub quantity: Quantity,
    pub drip: Option<Drip>,
}

/// Delivered in runs: at least two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drip {
    pub runs: u32,
    pub interval_min: u32,
}

impl Draft {
    /// Fits the draft to `service`.
    pub fn complete(&self, service: &Service) -> Result<Ordered, Refusal> {
        let needs_link = !service.linkless && service.service_type != ServiceType::Subscriptions;
        let link = link(&self.link, needs_link)?;
        let kind = match service.service_type {
            // Most orders: nothing has to be copied for them.
            ServiceType::Default => OrderKind::Default,
            _other_types => kind(service, self.extra.as_deref().cloned().unwrap_or_default())?,
        };
        let quantity = self.quantity(service, &kind)?;
        let drip = self.drip(service, quantity)?;
        Ok(Ordered { kind, link, quantity, drip })
    }

    fn quantity(&self, service: &Service, kind: &OrderKind) -> Result<Quantity, Refusal> {
        let quantity = match kind {
            OrderKind::Package | OrderKind::CustomCommentsPackage { .. } => return Ok(1),
            OrderKind::Subscriptions(_) => return Ok(0),
            OrderKind::CustomComments { comments } | OrderKind::CommentReplies { comments, .. } => {
                comments.len() as u64
            }
            OrderKind::MentionsCustomList { usernames } => usernames.len() as u64,
            OrderKind::Default
            | OrderKind::Seo { .. }
            | OrderKind::MentionsWithHashtags { .. }
            | OrderKind::MentionsHashtag { .. }
            | OrderKind::MentionsUserFollowers { .. }
            | OrderKind::MentionsMediaLikers { .. }
            | OrderKind::Mentions { .. }
            | OrderKind::CommentLikes { .. }
            | OrderKind::Poll { .. }
            | OrderKind::InvitesFromGroups { .. }
            | OrderKind::WebTraffic(_) => match self.quantity {
                Given::Is(quantity) if quantity > 0 => quantity,
                Given::Is(_) | Given::Absent | Given::Bad => {
                    return Err(Refusal::Incorrect(Parameter::Quantity));
                }
            },
        };
        if quantity < service.min {
            return Err(Refusal::BelowMinimum(service.min));
        }
        if quantity > service.max.min(limits::QUANTITY_MAX) {
            return Err(Refusal::AboveMaximum(service.max));
        }
        if quantity % service.step.max(1) != 0 {
            return Err(Refusal::Incorrect(Parameter::Quantity));
        }
        Ok(quantity)
    }

    /// `runs` and `interval`: both or neither; 0 and 1 run are a plain order (`api-v2.md` §4, Drip-feed). The
    /// minimum is for each run, the maximum for all of them together (§9, "runs × quantity out of range").
    fn drip(&self, service: &Service, quantity: Quantity) -> Result<Option<Drip>, Refusal> {
        let runs = match self.runs {
            Given::Is(runs) => runs,
            Given::Bad => return Err(Refusal::Incorrect(Parameter::Runs)),
            Given::Absent => match self.interval_min {
                Given::Absent | Given::Is(0) => return Ok(None),
                Given::Is(_) | Given::Bad if service.dripfeed => {
                    return Err(Refusal::Incorrect(Parameter::Runs));
                }
                Given::Is(_) | Given::Bad => return Ok(None),
            },
        };
        if runs <= 1 {
            return Ok(None);
        }
        if !service.dripfeed || !service.service_type.can_drip() {
            return Err(Refusal::DripFeedUnsupported);
        }
        let runs = u32::try_from(runs).ok().filter(|runs| u64::from(*runs) <= limits::RUNS_MAX);
        let runs = runs.ok_or(Refusal::Incorrect(Parameter::Runs))?;
        let interval = match self.interval_min {
            Given::Is(minutes) if (1..=limits::INTERVAL_MAX_MIN).contains(&minutes) => {
                u32::try_from(minutes).ok()
            }
            Given::Is(_) | Given::Absent | Given::Bad => None,
        };
        let interval_min = interval.ok_or(Refusal::Incorrect(Parameter::Interval))?;
        let total = quantity.checked_mul(u64::from(runs));
        if total.is_none_or(|total| total > service.max.min(limits::QUANTITY_MAX)) {
            return Err(Refusal::Incorrect(Parameter::Quantity));
        }
        Ok(Some(Drip { runs, interval_min }))
    }
}

/// A link is any text without control characters or markup; names and ids are legal (`api-v2.md` §12).
fn link(given: &Given<String>, needed: bool) -> Result<Option<String>, Refusal> {
    match given {
        Given::Is(link) => {
            let link = link.trim();
            let legal = !link.is_empty()
                && link.len() <= limits::LINK_BYTES
                && !link.chars().any(|c| c.is_control() || matches!(c, '<' | '>'));
            if legal { Ok(Some(link.to_owned())) } else { Err(Refusal::BadLink) }
        }
        Given::Bad => Err(Refusal::BadLink),
        Given::Absent if needed => Err(Refusal::BadLink),
        Given::Absent => Ok(None),
    }
}

/// The type's own parameters, in the order of `api-v2.md` §4's table.
fn kind(service: &Service, extra: Extra) -> Result<OrderKind, Refusal> {
    Ok(match service.service_type {
        ServiceType::Default => OrderKind::Default,
        ServiceType::Package => OrderKind::Package,
        ServiceType::Seo => OrderKind::Seo { keywords: lines(extra.keywords, Parameter::Keywords)? },
        ServiceType::CustomComments => {
            OrderKind::CustomComments { comments: lines(extra.comments, Parameter::Comments)? }
        }
        ServiceType::CustomCommentsPackage => {
            OrderKind::CustomCommentsPackage { comments: lines(extra.comments, Parameter::Comments)? }
        }
        ServiceType::CommentReplies => OrderKind::CommentReplies {
            comments: lines(extra.comments, Parameter::Comments)?,
            username: extra
                .username
                .optional(Parameter::Username)?
                .map(|name| text(&name, Parameter::Username))
                .transpose()?,
        },
        ServiceType::Mentions => OrderKind::Mentions {
            usernames: lines(extra.usernames, Parameter::Usernames)?,
            hashtags: extra.hashtags.optional(Parameter::Hashtags)?.filter(|tags| !tags.is_empty()),
        },
        ServiceType::MentionsWithHashtags => OrderKind::MentionsWithHashtags {
            usernames: lines(extra.usernames, Parameter::Usernames)?,
            hashtags: lines(extra.hashtags, Parameter::Hashtags)?,
        },
        ServiceType::MentionsCustomList => {
            OrderKind::MentionsCustomList { usernames: lines(extra.usernames, Parameter::Usernames)? }
        }
        ServiceType::MentionsHashtag => {
            OrderKind::MentionsHashtag { hashtag: word(extra.hashtag, Parameter::Hashtag)? }
        }
        ServiceType::MentionsUserFollowers => {
            OrderKind::MentionsUserFollowers { username: word(extra.username, Parameter::Username)? }
        }
        ServiceType::MentionsMediaLikers => {
            OrderKind::MentionsMediaLikers { media: word(extra.media, Parameter::Media)? }
        }
        ServiceType::CommentLikes => {
            OrderKind::CommentLikes { username: word(extra.username, Parameter::Username)? }
        }
        ServiceType::Poll => {
            OrderKind::Poll { answer_number: word(extra.answer_number, Parameter::AnswerNumber)? }
        }
        ServiceType::InvitesFromGroups => {
            OrderKind::InvitesFromGroups { groups: lines(extra.groups, Parameter::Groups)? }
        }
        ServiceType::WebTraffic => OrderKind::WebTraffic(traffic(extra)?),
        ServiceType::Subscriptions => OrderKind::Subscriptions(posts_asked(service, extra)?),
    })
}

fn traffic(extra: Extra) -> Result<Traffic, Refusal> {
    let country = word(extra.country, Parameter::Country)?;
    let device = extra.device.required(Parameter::Device)?;
    if !(1..=5).contains(&device) {
        return Err(Refusal::Incorrect(Parameter::Device));
    }
    let source = match extra.type_of_traffic.required(Parameter::TypeOfTraffic)? {
        1 => TrafficSource::Google { keyword: word(extra.google_keyword, Parameter::GoogleKeyword)? },
        2 => TrafficSource::Referrer { url: word(extra.referring_url, Parameter::ReferringUrl)? },
        3 => TrafficSource::Blank,
        _ => return Err(Refusal::Incorrect(Parameter::TypeOfTraffic)),
    };
    Ok(Traffic { country, device, source })
}

/// Quantities of the posts lie within the service's limits; 0 posts are posts without end (`api-v2.md` §4).
fn posts_asked(service: &Service, extra: Extra) -> Result<PostsAsked, Refusal> {
    let username = word(extra.username, Parameter::Username)?;
    let min = extra.min.required(Parameter::Min)?;
    let max = extra.max.required(Parameter::Max)?;
    if min > max || max == 0 {
        return Err(Refusal::Incorrect(Parameter::Min));
    }
    let posts = extra.posts.optional(Parameter::Posts)?.filter(|posts| *posts > 0);
    if posts.is_some_and(|posts| posts > limits::POSTS_MAX) {
        return Err(Refusal::Incorrect(Parameter::Posts));
    }
    let old_posts = extra.old_posts.optional(Parameter::OldPosts)?.filter(|posts| *posts > 0);
    let delay_min = extra.delay_min.optional(Parameter::Delay)?.unwrap_or(0);
    if delay_min > limits::DELAY_MAX_MIN {
        return Err(Refusal::Incorrect(Parameter::Delay));
    }
    let expiry = extra.expiry.optional(Parameter::Expiry)?;
    if min < service.min {
        return Err(Refusal::BelowMinimum(service.min));
    }
    if max > service.max.min(limits::QUANTITY_MAX) {
        return Err(Refusal::AboveMaximum(service.max));
    }
    Ok(PostsAsked { username, min, max, posts, old_posts, delay_min, expiry })
}

fn lines(given: Given<Lines>, parameter: Parameter) -> Result<Lines, Refusal> {
    let lines = given.required(parameter)?;
    if lines.is_empty() || lines.len() > limits::LINES_MAX {
        return Err(Refusal::Incorrect(parameter));
    }
    Ok(lines)
}

fn word(given: Given<String>, parameter: Parameter) -> Result<String, Refusal> {
    text(&given.required(parameter)?, parameter)
}

fn text(value: &str, parameter: Parameter) -> Result<String, Refusal> {
    let value = value.trim();
    let legal =
        !value.is_empty() && value.len() <= limits::TEXT_BYTES && !value.chars().any(char::is_control);
    if legal { Ok(value.to_owned()) } else { Err(Refusal::Incorrect(parameter)) }
}

#[cfg(test)]
mod tests;
