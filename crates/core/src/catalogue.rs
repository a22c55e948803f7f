//! What customers can buy: services, their types, limits, and the way an order of each takes upstream.
//!
//! Rules: `domain.md`, Catalogue; `api-v2.md` §3 and §4 (types and where a quantity comes from). A service is
//! never deleted, only disabled. Names of types on the wire are `wire`'s business; here they are variants.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{ProviderAccountId, ServiceId};
use crate::limits;
use crate::money::{Quantity, Rate, RatePer};
use crate::outcome::{Decision, Done, Refusal};
use crate::time::{Span, Timestamp};
use crate::world::{PriceVersion, World};

/// The seventeen kinds of service of `api-v2.md` §3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ServiceType {
    Default,
    Seo,
    CustomComments,
    MentionsWithHashtags,
    MentionsCustomList,
    MentionsHashtag,
    MentionsUserFollowers,
    MentionsMediaLikers,
    Mentions,
    Package,
    CustomCommentsPackage,
    CommentLikes,
    Poll,
    CommentReplies,
    InvitesFromGroups,
    Subscriptions,
    WebTraffic,
}

impl ServiceType {
    pub const ALL: [Self; 17] = [
        Self::Default,
        Self::Seo,
        Self::CustomComments,
        Self::MentionsWithHashtags,
        Self::MentionsCustomList,
        Self::MentionsHashtag,
        Self::MentionsUserFollowers,
        Self::MentionsMediaLikers,
        Self::Mentions,
        Self::Package,
        Self::CustomCommentsPackage,
        Self::CommentLikes,
        Self::Poll,
        Self::CommentReplies,
        Self::InvitesFromGroups,
        Self::Subscriptions,
        Self::WebTraffic,
    ];

    /// What this type's rate is the price of.
    pub const fn rate_per(self) -> RatePer {
        match self {
            Self::Package | Self::CustomCommentsPackage => RatePer::WholeOrder,
            Self::Default
            | Self::Seo
            | Self::CustomComments
            | Self::MentionsWithHashtags
            | Self::MentionsCustomList
            | Self::MentionsHashtag
            | Self::MentionsUserFollowers
            | Self::MentionsMediaLikers
            | Self::Mentions
            | Self::CommentLikes
            | Self::Poll
            | Self::CommentReplies
            | Self::InvitesFromGroups
            | Self::Subscriptions
            | Self::WebTraffic => RatePer::Thousand,
        }
    }

    pub const fn is_package(self) -> bool {
        matches!(self.rate_per(), RatePer::WholeOrder)
    }

    /// Only these can be delivered in runs (`domain.md`, Drip-feed).
    pub const fn can_drip(self) -> bool {
        matches!(self, Self::Default | Self::WebTraffic)
    }
}

/// One service as it is sold now.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the operator's form")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub id: ServiceId,
    pub name: String,
    pub category: String,
    pub description: String,
    pub service_type: ServiceType,
    pub rate: Rate,
    /// Raised by each change of the rate; an order keeps the one it was sold under.
    pub price_version: u32,
    pub min: Quantity,
    pub max: Quantity,
    /// A quantity must be a multiple of this; 1 for any.
    pub step: Quantity,
    pub dripfeed: bool,
    pub cancel: bool,
    pub refill: Option<RefillTerms>,
    /// Sold now. A disabled service still delivers the orders it has.
    pub enabled: bool,
    /// Orders need no link (`api-v2.md` §4, second row).
    pub linkless: bool,
    /// Refuse a second open order of a customer on the same link (`domain.md`, Duplicate guard).
    pub guarded: bool,
    /// A hold ends as `Canceled` after this.
    pub hold_limit: Span,
    pub route: Route,
}

/// When and how long an order may be refilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefillTerms {
    /// Days of guarantee from completion; None without end.
    pub days: Option<u16>,
    /// Whether a `Partial` order may be refilled too.
    pub partial: bool,
}

/// Where orders of a service go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Route {
    /// Orders wait for an operator or an outside worker.
    Manual,
    /// Tried in this order; never empty.
    Providers(Vec<Leg>),
}

/// One provider's service that can deliver ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    pub account: ProviderAccountId,
    /// The provider's own id of the service.
    pub service: String,
    /// The provider's last known rate, in the account's currency.
    pub rate: Rate,
    /// Whether the provider takes cancels for it.
    pub cancel: bool,
    #[serde(default)]
    pub takes: Takes,
}

/// What is sent to a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Takes {
    /// What was ordered.
    #[default]
    Orders,
    /// Of a subscription each post that an operator's detector reports, as a Default order of its own.
    Posts,
}

impl Route {
    pub fn legs(&self) -> &[Leg] {
        match self {
            Self::Manual => &[],
            Self::Providers(legs) => legs,
        }
    }
}

/// Opens a service (id 0) or changes one. Its type never changes; a changed rate makes a new price version.
pub fn put(world: &mut World, now: Timestamp, service: &Service) -> Decision {
    let bounds = service.min >= 1
        && service.min <= service.max
        && service.max <= limits::QUANTITY_MAX
        && service.step >= 1;
    if !bounds || service.name.trim().is_empty() {
        return Err(Refusal::OutOfTurn("a service needs a name, and 1 <= min <= max <= 1,000,000,000").into());
    }
    if service.dripfeed && !service.service_type.can_drip() {
        return Err(Refusal::OutOfTurn("this type can't be delivered in runs").into());
    }
    if matches!(&service.route, Route::Providers(legs) if legs.is_empty()) {
        return Err(Refusal::OutOfTurn("a route needs a provider's service, or be manual").into());
    }
    let mut next = service.clone();
    let new_price = if service.id.0 == 0 {
        next.id = ServiceId(world.cursors.service);
        world.cursors.service += 1;
        next.price_version = 1;
        true
    } else {
        let before = world.service(service.id)?.ok_or(Refusal::UnknownService)?;
        if before.service_type != service.service_type {
            return Err(Refusal::OutOfTurn("a service's type never changes: open a new service").into());
        }
        let changed = before.rate != service.rate;
        next.price_version = before.price_version + u32::from(changed);
        changed
    };
    if new_price {
        world.add_price(PriceVersion {
            service: next.id,
            version: next.price_version,
            rate: next.rate,
            since: now,
        });
    }
    let id = next.id;
    world.services.set(id, Some(Arc::new(next)));
    Ok(Done::ServicePut { service: id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::testing::{Stage, draft, service};

    fn put(stage: &mut Stage, service: Service) -> Result<Done, Refusal> {
        stage.run(Command::PutService { service: Box::new(service) })
    }

    /// Shows C22, I7.
    #[test]
    fn a_changed_rate_is_a_new_price_version_and_sold_orders_keep_theirs() {
        let mut stage = Stage::default();
        let sold = stage.service(service(ServiceType::Default));
        let anna = stage.customer(1_000_000);
        let order = stage.placed(anna, sold, draft("anna", 100));
        stage.change(sold, |service| service.name = "Better followers".to_owned());
        assert_eq!(stage.services[&sold].price_version, 1);
        stage.change(sold, |service| service.rate = Rate::from_micros(1_800_000).expect("a rate"));
        assert_eq!(stage.services[&sold].price_version, 2);
        assert_eq!((stage.order(order).charge.0, stage.order(order).price_version), (90_000, 1));
        let later = stage.placed(anna, sold, draft("ben", 100));
        assert_eq!((stage.order(later).charge.0, stage.order(later).price_version), (180_000, 2));
    }

    #[test]
    fn a_service_that_can_not_be_sold_is_refused() {
        let mut stage = Stage::default();
        let good = || service(ServiceType::Default);
        let bad = [
            Service { min: 0, ..good() },
            Service { min: 11, max: 10, ..good() },
            Service { max: limits::QUANTITY_MAX + 1, ..good() },
            Service { step: 0, ..good() },
            Service { name: " ".to_owned(), ..good() },
            Service { dripfeed: true, ..service(ServiceType::Package) },
            Service { route: Route::Providers(Vec::new()), ..good() },
        ];
        for service in bad {
            assert!(matches!(put(&mut stage, service), Err(Refusal::OutOfTurn(_))));
        }
        assert_eq!(put(&mut stage, Service { id: ServiceId(5), ..good() }), Err(Refusal::UnknownService));
    }

    #[test]
    fn the_type_of_a_service_never_changes() {
        let mut stage = Stage::default();
        let sold = stage.service(service(ServiceType::Default));
        let other = Service { id: sold, ..service(ServiceType::Poll) };
        assert!(matches!(put(&mut stage, other), Err(Refusal::OutOfTurn(_))));
    }
}
