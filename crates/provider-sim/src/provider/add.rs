//! `add`: what each service type demands, in the order of checks of `api-v2.md` §4, and the fact that
//! follows.
//!
//! In: the parameters as `wire` understood them. Out: a new order in the books, the order an idempotency key
//! was used for before, or the text of the first check that failed. A refusal changes nothing but the
//! witness.

use panelworks_wire::request::{Add, Field};
use panelworks_wire::{ErrorText, ServiceType, decimal};

use super::Provider;
use crate::catalogue::Service;
use crate::civil;
use crate::delivery::Plan;
use crate::draw::{Draw, Purpose};
use crate::event::{Detail, DripTerms, Event, Placed, Refused, SubscriptionTerms, UsedKey};
use crate::fault::{AddFault, Fault};
use crate::limits;
use crate::money::per_thousand;

/// What became of an `add`.
pub(super) enum Added {
    /// A new order.
    New(u64),
    /// The order this idempotency key was used for before.
    Known(u64),
    Refused(ErrorText),
}

/// An `add` that demands nothing impossible of its service.
struct Wanted {
    link: String,
    /// Units of one run; 1 for packages; the most for one post of a subscription.
    quantity: u64,
    sort: Sort,
}

enum Sort {
    Once,
    Runs { runs: u32, interval_min: u64 },
    Posts(Account),
}

/// The account a subscription watches, and for how long.
struct Account {
    min: u64,
    posts: Option<u32>,
    old_posts: u32,
    delay_min: u64,
    expires_at: Option<i64>,
}

impl Provider {
    pub(super) fn add(&mut self, at: i64, asked: &Add, struck: &[Fault]) -> Added {
        match self.known_key(asked) {
            Some(Ok(id)) => return Added::Known(id),
            Some(Err(error)) => return self.refuse(at, asked, error),
            None => {}
        }
        match self.decide(at, asked, struck) {
            Ok(placed) => {
                let id = placed.id;
                self.write(Event::Placed(placed));
                Added::New(id)
            }
            Err(error) => self.refuse(at, asked, error),
        }
    }

    pub(super) fn refuse(&mut self, at: i64, asked: &Add, error: ErrorText) -> Added {
        let named = |field: &Field<String>| field.as_ref().value().cloned();
        self.write(Event::Refused(Refused {
            at,
            service: asked.service.value().and_then(|id| u32::try_from(id).ok()),
            link: named(&asked.link).or_else(|| named(&asked.username)).unwrap_or_default(),
            quantity: asked.quantity.value(),
            error: error.to_string(),
        }));
        Added::Refused(error)
    }

    fn known_key(&self, asked: &Add) -> Option<Result<u64, ErrorText>> {
        let key = asked.idempotency_key.as_deref().filter(|_| self.settings.honours_idempotency_keys)?;
        let (id, print) = self.books.order_of_key(key)?;
        Some(if print == hash(&asked.fingerprint) { Ok(id) } else { Err(ErrorText::IdempotencyMismatch) })
    }

    fn decide(&self, at: i64, asked: &Add, struck: &[Fault]) -> Result<Placed, ErrorText> {
        let service = asked
            .service
            .value()
            .and_then(|id| self.catalogue.find(u32::try_from(id).ok()?))
            .ok_or(ErrorText::IncorrectServiceId)?;
        let wanted = wanted(asked, service, at)?;
        if struck.contains(&Fault::Add(AddFault::DuplicateLink))
            && self.books.open_on(service.id, &wanted.link).is_some()
        {
            return Err(ErrorText::ActiveOrderWithLink);
        }
        let (quantity, charge, needed) = price(service, &wanted).ok_or(ErrorText::IncorrectQuantity)?;
        let most = asked.max_charge.as_ref().value().and_then(|text| decimal::parse(text));
        let forced = struck.contains(&Fault::Add(AddFault::NotEnoughFunds));
        if forced
            || needed > self.books.balance_micros()
            || most.is_some_and(|most| i128::from(needed) > most)
        {
            return Err(ErrorText::NotEnoughFunds);
        }
        let key = asked.idempotency_key.clone().filter(|_| self.settings.honours_idempotency_keys);
        let id = self.books.next_order();
        Ok(Placed {
            id,
            at,
            service: service.id,
            detail: self.detail(service, &wanted, id, at),
            link: wanted.link,
            quantity,
            charge,
            key: key.map(|key| UsedKey { key, print: hash(&asked.fingerprint) }),
        })
    }

    fn detail(&self, service: &Service, wanted: &Wanted, id: u64, at: i64) -> Detail {
        let speed = self.settings.speed;
        match &wanted.sort {
            Sort::Once => {
                let mut draw = Draw::of(self.books.seed(), Purpose::Plan, id);
                let whole = service.sold_whole();
                Detail::Single(Plan::draw(&mut draw, &service.profile, wanted.quantity, whole, speed, at))
            }
            Sort::Runs { runs, interval_min } => Detail::DripFeed(DripTerms {
                runs: *runs,
                each: wanted.quantity,
                interval_ms: speed.minutes(*interval_min),
                profile: service.profile,
                speed,
            }),
            Sort::Posts(account) => Detail::Subscription(SubscriptionTerms {
                min: account.min,
                max: wanted.quantity,
                posts: account.posts,
                old_posts: account.old_posts,
                delay_ms: speed.minutes(account.delay_min),
                expires_at: account.expires_at,
                rate_micros: service.rate_micros,
                profile: service.profile,
                speed,
            }),
        }
    }
}

/// The order's quantity, what is taken now, and what must be there.
fn price(service: &Service, wanted: &Wanted) -> Option<(u64, i64, i64)> {
    match &wanted.sort {
        Sort::Once if service.sold_whole() => Some((1, service.rate_micros, service.rate_micros)),
        Sort::Once => {
            let charge = per_thousand(service.rate_micros, wanted.quantity)?;
            Some((wanted.quantity, charge, charge))
        }
        Sort::Runs { runs, .. } => {
            let total = wanted.quantity.checked_mul(u64::from(*runs))?;
            let charge = per_thousand(service.rate_micros, total)?;
            Some((total, charge, charge))
        }
        Sort::Posts(_) => Some((0, 0, per_thousand(service.rate_micros, wanted.quantity)?)),
    }
}

fn wanted(asked: &Add, service: &Service, at: i64) -> Result<Wanted, ErrorText> {
    if service.kind == ServiceType::Subscriptions {
        return subscription(asked, service, at);
    }
    let link = link(asked, service)?;
    let from_list = demanded(asked, service.kind)?;
    let quantity = match from_list {
        Some(lines) => lines,
        None if service.sold_whole() => 1,
        None => asked.quantity.value().ok_or(ErrorText::IncorrectQuantity)?,
    };
    if quantity > limits::QUANTITY {
        return Err(ErrorText::IncorrectQuantity);
    }
    if !service.sold_whole() {
        within(service, quantity)?;
    }
    let sort = runs(asked, service, quantity)?;
    Ok(Wanted { link, quantity, sort })
}

fn within(service: &Service, quantity: u64) -> Result<(), ErrorText> {
    if quantity < service.min {
        Err(ErrorText::BelowMinimum(service.min))
    } else if quantity > service.max {
        Err(ErrorText::AboveMaximum(service.max))
    } else {
        Ok(())
    }
}

fn link(asked: &Add, service: &Service) -> Result<String, ErrorText> {
    match &asked.link {
        Field::Is(link) if link.len() <= limits::LINK_BYTES => Ok(link.clone()),
        Field::Absent if service.link_less => Ok(String::new()),
        Field::Is(_) | Field::Absent | Field::Bad => Err(ErrorText::BadLink),
    }
}

/// Checks the parameters of the type; the quantity, where it follows from a list.
fn demanded(asked: &Add, kind: ServiceType) -> Result<Option<u64>, ErrorText> {
    let given = |field: &Field<String>, name| match field {
        Field::Is(_) => Ok(()),
        Field::Absent | Field::Bad => Err(ErrorText::Incorrect(name)),
    };
    let lines = |field: &Field<Vec<String>>, error: ErrorText| match field {
        Field::Is(lines) if !lines.is_empty() => Ok(lines.len() as u64),
        Field::Is(_) | Field::Absent | Field::Bad => Err(error),
    };
    let list = |field, name| lines(field, ErrorText::Incorrect(name));
    match kind {
        ServiceType::Default | ServiceType::Package | ServiceType::Subscriptions => {}
        ServiceType::Seo => drop(list(&asked.keywords, "keywords")?),
        ServiceType::CustomComments | ServiceType::CommentReplies => {
            return lines(&asked.comments, ErrorText::IncorrectComments).map(Some);
        }
        ServiceType::CustomCommentsPackage => drop(lines(&asked.comments, ErrorText::IncorrectComments)?),
        ServiceType::Mentions => drop(list(&asked.usernames, "usernames")?),
        ServiceType::MentionsWithHashtags => {
            list(&asked.usernames, "usernames")?;
            list(&asked.hashtags, "hashtags")?;
        }
        ServiceType::MentionsCustomList => return list(&asked.usernames, "usernames").map(Some),
        ServiceType::MentionsHashtag => given(&asked.hashtag, "hashtag")?,
        ServiceType::MentionsUserFollowers | ServiceType::CommentLikes => given(&asked.username, "username")?,
        ServiceType::MentionsMediaLikers => given(&asked.media, "media")?,
        ServiceType::Poll => given(&asked.answer_number, "answer_number")?,
        ServiceType::InvitesFromGroups => drop(list(&asked.groups, "groups")?),
        ServiceType::WebTraffic => web_traffic(asked)?,
    }
    Ok(None)
}

fn web_traffic(asked: &Add) -> Result<(), ErrorText> {
    let in_range = |field: Field<u64>, most, name| match field {
        Field::Is(number) if (1..=most).contains(&number) => Ok(number),
        Field::Is(_) | Field::Absent | Field::Bad => Err(ErrorText::Incorrect(name)),
    };
    if !matches!(asked.country, Field::Is(_)) {
        return Err(ErrorText::Incorrect("country"));
    }
    in_range(asked.device, 5, "device")?;
    match in_range(asked.type_of_traffic, 3, "type_of_traffic")? {
        1 if !matches!(asked.google_keyword, Field::Is(_)) => Err(ErrorText::Incorrect("google_keyword")),
        2 if !matches!(asked.referring_url, Field::Is(_)) => Err(ErrorText::Incorrect("referring_url")),
        _ => Ok(()),
    }
}

/// Drip-feed: `runs` and `interval`, both or neither; 0 and 1 runs are a plain order.
fn runs(asked: &Add, service: &Service, each: u64) -> Result<Sort, ErrorText> {
    let runs = match asked.runs {
        Field::Bad => return Err(ErrorText::Incorrect("runs")),
        Field::Absent if matches!(asked.interval, Field::Is(1..)) && service.dripfeed => {
            return Err(ErrorText::Incorrect("runs"));
        }
        Field::Absent | Field::Is(0 | 1) => return Ok(Sort::Once),
        Field::Is(runs) => runs,
    };
    if !service.dripfeed {
        return Err(ErrorText::DripfeedNotSupported);
    }
    let runs_word = ErrorText::Incorrect("runs");
    let runs = u32::try_from(runs).ok().filter(|runs| u64::from(*runs) <= limits::RUNS).ok_or(runs_word)?;
    let total = each.saturating_mul(u64::from(runs));
    if total > limits::QUANTITY {
        return Err(ErrorText::IncorrectQuantity);
    }
    if total > service.max {
        return Err(ErrorText::AboveMaximum(service.max));
    }
    match asked.interval {
        Field::Is(minutes) if (1..=limits::INTERVAL_MIN).contains(&minutes) => {
            Ok(Sort::Runs { runs, interval_min: minutes })
        }
        Field::Is(_) | Field::Absent | Field::Bad => Err(ErrorText::Incorrect("interval")),
    }
}

fn subscription(asked: &Add, service: &Service, at: i64) -> Result<Wanted, ErrorText> {
    let number = |field: Field<u64>, name| field.value().ok_or(ErrorText::Incorrect(name));
    let optional = |field: Field<u64>, most, name| match field {
        Field::Absent => Ok(0),
        Field::Is(number) if number <= most => Ok(number),
        Field::Is(_) | Field::Bad => Err(ErrorText::Incorrect(name)),
    };
    let link = match &asked.username {
        Field::Is(username) if username.len() <= limits::LINK_BYTES => username.clone(),
        Field::Is(_) | Field::Absent | Field::Bad => return Err(ErrorText::Incorrect("username")),
    };
    let (min, max) = (number(asked.min, "min")?, number(asked.max, "max")?);
    within(service, min)?;
    within(service, max)?;
    if min > max {
        return Err(ErrorText::Incorrect("max"));
    }
    let count = |posts| u32::try_from(posts).unwrap_or(u32::MAX);
    let posts = count(optional(asked.posts, limits::POSTS, "posts")?);
    let old_posts = count(optional(asked.old_posts, limits::POSTS, "old_posts")?);
    let delay_min = optional(asked.delay, limits::DELAY_MIN, "delay")?;
    let expires_at = match asked.expiry {
        Field::Absent => None,
        Field::Is(day) => Some(civil::end_of_day(day)).filter(|end| *end > at),
        Field::Bad => return Err(ErrorText::Incorrect("expiry")),
    };
    if expires_at.is_none() && matches!(asked.expiry, Field::Is(_)) {
        return Err(ErrorText::Incorrect("expiry"));
    }
    let account = Account { min, posts: (posts > 0).then_some(posts), old_posts, delay_min, expires_at };
    Ok(Wanted { link, quantity: max, sort: Sort::Posts(account) })
}

/// FNV-1a: short, and the same in every version, because it is written into the journal.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
