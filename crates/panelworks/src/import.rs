//! A provider's catalogue as services of ours: which of them, at what rate, and what a second import changes.
//!
//! In: rows as the provider's panel showed them, what we sell now, what the operator chose. Out: proposals, one per
//! row, each with its reason where nothing is done; carrying them out is the desk's. Rates are taken over 1:1: a
//! provider in another currency is refused before this. A second import knows a service by its route (account and
//! the provider's id): it takes over rates, limits and flags, never names or what an operator switched off.
//! Rules: `domain.md`, Catalogue and Money; `api-v2.md` §3.

use panelworks_client::lenient::SeenService;
use panelworks_core::catalogue::{Leg, RefillTerms, Route, Service, ServiceType, Takes};
use panelworks_core::ids::{ProviderAccountId, ServiceId};
use panelworks_core::limits as core_limits;
use panelworks_core::money::{Amount, Rate};
use panelworks_wire::ServiceType as WireType;
use serde::{Deserialize, Serialize};

/// What an operator chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportAsked {
    pub provider: ProviderAccountId,
    pub which: Which,
    pub markup_percent: i64,
    /// Added to the rate after the percent.
    pub fixed: Amount,
    /// The provider's ids of services that are ordered without a link.
    pub link_less: Vec<String>,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// Which rows: all that every given condition fits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Which {
    /// The provider's ids; empty for any.
    pub ids: Vec<String>,
    /// Text in the category's name.
    pub category: Option<String>,
    /// The type's exact word.
    pub service_type: Option<String>,
    /// Text in the service's name.
    pub search: Option<String>,
}

impl Which {
    fn fits(&self, row: &SeenService) -> bool {
        let holds = |text: &str, part: &Option<String>| {
            part.as_ref().is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
        };
        let typed = |exact: &String| row.service_type.as_ref().is_ok_and(|known| known.exact() == exact);
        (self.ids.is_empty() || self.ids.contains(&row.service))
            && holds(row.category.as_deref().unwrap_or_default(), &self.category)
            && holds(&row.name, &self.search)
            && self.service_type.as_ref().is_none_or(typed)
    }
}

/// What is to be done about one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    Open(Box<Service>),
    Change { service: Box<Service>, what: String },
    Same,
    Skip(String),
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    pub dry_run: bool,
    pub opened: Vec<ImportRow>,
    pub changed: Vec<ImportRow>,
    pub unchanged: usize,
    pub skipped: Vec<ImportRow>,
    /// Sold by us by this provider, and not in its catalogue any more. They were left as they are.
    pub vanished: Vec<ImportRow>,
}

/// One service of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRow {
    /// Ours, where there is one.
    pub service: Option<ServiceId>,
    pub provider_service: String,
    pub name: String,
    /// What was changed, or why it was left out.
    pub what: String,
}

impl ImportReport {
    pub fn text(&self) -> String {
        let verb = if self.dry_run { "Would open" } else { "Opened" };
        let head = format!(
            "{verb} {}, changed {}, left {} as they were, skipped {}.",
            self.opened.len(),
            self.changed.len(),
            self.unchanged,
            self.skipped.len()
        );
        let lists =
            [("changed", &self.changed), ("skipped", &self.skipped), ("no longer there", &self.vanished)];
        let told = lists.iter().flat_map(|(name, rows)| rows.iter().map(move |row| row.text(name)));
        [head].into_iter().chain(told).collect::<Vec<_>>().join("\n")
    }
}

impl ImportRow {
    fn text(&self, list: &str) -> String {
        let ours = self.service.map_or_else(String::new, |id| format!(" (ours: {id})"));
        format!("{list}: {}{ours} {}: {}", self.provider_service, self.name, self.what)
    }
}

/// What every row that was chosen leads to, in the provider's order.
pub fn propose<'a>(
    rows: &'a [SeenService],
    sold: &[Service],
    asked: &ImportAsked,
) -> Vec<(&'a SeenService, Proposal)> {
    let chosen = rows.iter().filter(|row| asked.which.fits(row));
    chosen.map(|row| (row, propose_one(row, sold, asked))).collect()
}

/// Services of ours that this provider delivers first and no longer shows.
pub fn vanished(rows: &[SeenService], sold: &[Service], account: ProviderAccountId) -> Vec<ImportRow> {
    let gone = sold.iter().filter_map(|service| {
        let leg = service.route.legs().first().filter(|leg| leg.account == account)?;
        let shown = rows.iter().any(|row| row.service == leg.service);
        (!shown).then(|| ImportRow {
            service: Some(service.id),
            provider_service: leg.service.clone(),
            name: service.name.clone(),
            what: format!("not in the provider's catalogue; panelworks service set {} --disable", service.id),
        })
    });
    gone.collect()
}

fn propose_one(row: &SeenService, sold: &[Service], asked: &ImportAsked) -> Proposal {
    match terms(row, asked) {
        Err(why) => Proposal::Skip(why),
        Ok(terms) => match sold.iter().find(|service| delivers(service, asked.provider, &row.service)) {
            Some(service) => change(service, row, &terms, asked.provider),
            None => Proposal::Open(Box::new(open(row, &terms, asked))),
        },
    }
}

fn delivers(service: &Service, account: ProviderAccountId, theirs: &str) -> bool {
    service.route.legs().first().is_some_and(|leg| leg.account == account && leg.service == theirs)
}

/// What of a row matters for selling it.
struct Terms {
    service_type: ServiceType,
    provider_rate: Rate,
    rate: Rate,
    min: u64,
    max: u64,
    dripfeed: bool,
}

fn terms(row: &SeenService, asked: &ImportAsked) -> Result<Terms, String> {
    let wire_type = row.service_type.as_ref().map_err(|word| format!("its type {word:?} is not known"))?;
    let service_type = core_type(*wire_type);
    let micros = row.rate_micros.ok_or("it has no rate")?;
    let provider_rate = i64::try_from(micros).ok().and_then(Rate::from_micros);
    let provider_rate = provider_rate.ok_or("its rate is beyond all bounds")?;
    let rate = our_rate(provider_rate, asked).ok_or("the rate with its markup is beyond all bounds")?;
    let (min, max) = if service_type.is_package() {
        (1, 1)
    } else {
        let min = row.min.ok_or("it has no minimum")?.max(1);
        (min, row.max.ok_or("it has no maximum")?.min(core_limits::QUANTITY_MAX))
    };
    if min > max {
        return Err(format!("its minimum of {min} is above its maximum of {max}"));
    }
    let dripfeed = service_type.can_drip() && row.dripfeed.unwrap_or(false);
    Ok(Terms { service_type, provider_rate, rate, min, max, dripfeed })
}

/// The provider's rate with percent and fixed sum, rounded up to the micro-unit.
fn our_rate(provider: Rate, asked: &ImportAsked) -> Option<Rate> {
    let marked = provider.marked_up(asked.markup_percent)?;
    Rate::from_micros(marked.micros().checked_add(asked.fixed.0)?)
}

fn open(row: &SeenService, terms: &Terms, asked: &ImportAsked) -> Service {
    Service {
        id: ServiceId(0),
        name: one_line(&row.name),
        category: one_line(row.category.as_deref().unwrap_or("Other")),
        description: row.description.clone().unwrap_or_default(),
        service_type: terms.service_type,
        rate: terms.rate,
        price_version: 0,
        min: terms.min,
        max: terms.max,
        step: 1,
        dripfeed: terms.dripfeed,
        cancel: row.cancel,
        refill: refill_terms(row),
        enabled: true,
        linkless: asked.link_less.contains(&row.service) || says_no_link(row),
        guarded: true,
        hold_limit: core_limits::HOLD_LIMIT,
        route: Route::Providers(vec![leg(row, terms, asked.provider)]),
    }
}

fn leg(row: &SeenService, terms: &Terms, account: ProviderAccountId) -> Leg {
    Leg {
        account,
        service: row.service.clone(),
        rate: terms.provider_rate,
        cancel: row.cancel,
        takes: Takes::Orders,
    }
}

fn change(service: &Service, row: &SeenService, terms: &Terms, account: ProviderAccountId) -> Proposal {
    if service.service_type != terms.service_type {
        return Proposal::Skip(format!(
            "its type is now {}, ours is {:?}: open a new service",
            row.service_type.as_ref().map_or("unknown", |known| known.exact()),
            service.service_type
        ));
    }
    let mut next = service.clone();
    if let Route::Providers(legs) = &mut next.route
        && let Some(first) = legs.first_mut()
    {
        *first = leg(row, terms, account);
    }
    (next.rate, next.min, next.max) = (terms.rate, terms.min, terms.max);
    (next.dripfeed, next.cancel) = (terms.dripfeed, row.cancel);
    next.refill = match (service.refill, refill_terms(row)) {
        (Some(ours), Some(_)) => Some(ours),
        (_, theirs) => theirs,
    };
    let what = differences(service, &next);
    if next == *service { Proposal::Same } else { Proposal::Change { service: Box::new(next), what } }
}

fn differences(before: &Service, after: &Service) -> String {
    let mut said = Vec::new();
    let shown = |rate: Rate| Amount(rate.micros());
    if before.rate != after.rate {
        said.push(format!("rate {} to {}", shown(before.rate), shown(after.rate)));
    }
    if (before.min, before.max) != (after.min, after.max) {
        said.push(format!("limits {}-{} to {}-{}", before.min, before.max, after.min, after.max));
    }
    let flags = [
        ("drip-feed", before.dripfeed, after.dripfeed),
        ("cancel", before.cancel, after.cancel),
        ("refill", before.refill.is_some(), after.refill.is_some()),
    ];
    for (name, was, is) in flags {
        if was != is {
            said.push(format!("{name} {}", if is { "on" } else { "off" }));
        }
    }
    if said.is_empty() { "the provider's own rate".to_owned() } else { said.join(", ") }
}

/// Guarantee from the words around `refill`: `30 Days Refill`, `Refill 60D`, `Lifetime`; 30 days where nothing is said.
fn refill_terms(row: &SeenService) -> Option<RefillTerms> {
    const USUAL_DAYS: u16 = 30;
    if !row.refill {
        return None;
    }
    let name = row.name.to_lowercase();
    let days = if name.contains("lifetime") { None } else { Some(days_in(&name).unwrap_or(USUAL_DAYS)) };
    Some(RefillTerms { days, partial: false })
}

/// The number before `day`, `days` or `d`.
fn days_in(name: &str) -> Option<u16> {
    let words: Vec<&str> =
        name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.iter().enumerate().find_map(|(place, word)| {
        let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
        let unit = &word[digits.len()..];
        let unit = if unit.is_empty() { words.get(place + 1).copied().unwrap_or_default() } else { unit };
        let days = digits.parse::<u16>().ok().filter(|days| (1..=3650).contains(days))?;
        matches!(unit, "d" | "day" | "days").then_some(days)
    })
}

/// API v2 has no flag for services without a link: panels say it in words (`api-v2.md` §4).
fn says_no_link(row: &SeenService) -> bool {
    let text = format!("{} {}", row.name, row.description.as_deref().unwrap_or_default()).to_lowercase();
    row.service_type == Ok(WireType::Default) && (text.contains("no link") || text.contains("without link"))
}

fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().to_owned()
}

/// The same type in the core's words.
pub const fn core_type(wire: WireType) -> ServiceType {
    match wire {
        WireType::Default => ServiceType::Default,
        WireType::Seo => ServiceType::Seo,
        WireType::CustomComments => ServiceType::CustomComments,
        WireType::MentionsWithHashtags => ServiceType::MentionsWithHashtags,
        WireType::MentionsCustomList => ServiceType::MentionsCustomList,
        WireType::MentionsHashtag => ServiceType::MentionsHashtag,
        WireType::MentionsUserFollowers => ServiceType::MentionsUserFollowers,
        WireType::MentionsMediaLikers => ServiceType::MentionsMediaLikers,
        WireType::Mentions => ServiceType::Mentions,
        WireType::Package => ServiceType::Package,
        WireType::CustomCommentsPackage => ServiceType::CustomCommentsPackage,
        WireType::CommentLikes => ServiceType::CommentLikes,
        WireType::Poll => ServiceType::Poll,
        WireType::CommentReplies => ServiceType::CommentReplies,
        WireType::InvitesFromGroups => ServiceType::InvitesFromGroups,
        WireType::Subscriptions => ServiceType::Subscriptions,
        WireType::WebTraffic => ServiceType::WebTraffic,
    }
}

/// The wire's word of a type of ours.
pub fn exact_word(service_type: ServiceType) -> &'static str {
    let found = WireType::all().iter().find(|wire| core_type(**wire) == service_type);
    found.map_or("Default", |wire| wire.exact())
}

#[cfg(test)]
mod tests;
