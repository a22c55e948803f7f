//! What the simulated provider sells: services, their limits and prices, and how each of them delivers.
//!
//! In: nothing (the catalogue is written down in `catalogue/rows.rs`), or changes by a test that plays a
//! provider who reprices, renames or drops services. Out: services by id, in display order. It never
//! decides about an order. Rules: `api-v2.md` §3 (types, limits, what a rate is for).

mod rows;

use panelworks_wire::ServiceType;
use serde::{Deserialize, Serialize};

/// Stands in the name of every service that takes no link, because API v2 has no flag for it (§4).
pub const NO_LINK_MARK: &str = "No link needed";

/// How a service delivers, in minutes of the provider's own world; the provider's speed divides them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Shortest and longest wait before delivery starts, in minutes.
    pub start_min: (u32, u32),
    /// Units delivered per minute, before the bounds below.
    pub per_minute: u32,
    /// Shortest and longest delivery, in minutes, whatever the quantity.
    pub lasts_min: (u32, u32),
    /// Orders of 1000 that stop midway (never for packages).
    pub partial_permille: u16,
    /// Orders of 1000 that the provider cancels before it delivers anything.
    pub canceled_permille: u16,
}

/// One service as the provider keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "three are flags of the wire's own row, any of them alone")]
pub struct Service {
    /// Its id on the wire.
    pub id: u32,
    /// What is asked of an order of it.
    pub kind: ServiceType,
    /// Where it stands in the list.
    pub category: String,
    /// What customers read.
    pub name: String,
    /// Micro-units per 1000, or per order for the package types.
    pub rate_micros: i64,
    /// Smallest quantity of one order.
    pub min: u64,
    /// Largest quantity of one order; of all runs together for a drip-feed.
    pub max: u64,
    /// Whether it takes `runs` and `interval`.
    pub dripfeed: bool,
    /// Whether finished orders can be refilled.
    pub refill: bool,
    /// Whether open orders can be cancelled.
    pub cancel: bool,
    /// Whether it is ordered without a link.
    pub link_less: bool,
    /// How its orders are delivered.
    pub profile: Profile,
}

impl Service {
    /// True where the rate is the price of one whole order and the quantity is always 1.
    pub fn sold_whole(&self) -> bool {
        matches!(self.kind, ServiceType::Package | ServiceType::CustomCommentsPackage)
    }
}

/// All services, in display order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    services: Vec<Service>,
}

impl Catalogue {
    /// The full list: every type, and every combination of drip-feed, refill and cancel among Default ones.
    pub fn full() -> Catalogue {
        Catalogue { services: rows::all() }
    }

    /// A list of the caller's own; of two services with one id the first is found.
    pub fn of(services: Vec<Service>) -> Catalogue {
        Catalogue { services }
    }

    /// The services in display order.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The service with this id, if it is (still) sold.
    pub fn find(&self, id: u32) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id)
    }

    /// The service with this id, to be repriced or renamed; orders placed before keep what they were sold at.
    pub fn find_mut(&mut self, id: u32) -> Option<&mut Service> {
        self.services.iter_mut().find(|service| service.id == id)
    }

    /// Takes a service off the list and returns it.
    pub fn drop_service(&mut self, id: u32) -> Option<Service> {
        let place = self.services.iter().position(|service| service.id == id)?;
        Some(self.services.remove(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_full_catalogue_has_enough_services_with_ids_of_their_own() {
        let catalogue = Catalogue::full();
        assert!(catalogue.services().len() >= 44, "{}", catalogue.services().len());
        let ids: HashSet<u32> = catalogue.services().iter().map(|service| service.id).collect();
        assert_eq!(ids.len(), catalogue.services().len());
        let names: HashSet<&str> = catalogue.services().iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names.len(), catalogue.services().len());
    }

    #[test]
    fn every_type_of_the_contract_is_sold() {
        let catalogue = Catalogue::full();
        for &kind in ServiceType::all() {
            assert!(catalogue.services().iter().any(|service| service.kind == kind), "{kind:?}");
        }
    }

    #[test]
    fn default_services_show_every_combination_of_drip_feed_refill_and_cancel() {
        let catalogue = Catalogue::full();
        let defaults = catalogue.services().iter().filter(|service| service.kind == ServiceType::Default);
        let combinations: HashSet<_> =
            defaults.map(|service| (service.dripfeed, service.refill, service.cancel)).collect();
        assert_eq!(combinations.len(), 8);
    }

    #[test]
    fn limits_are_what_a_new_customer_tries_first() {
        for service in Catalogue::full().services() {
            let takes = |quantity| (service.min..=service.max).contains(&quantity);
            match service.kind {
                ServiceType::Default => assert!(!takes(1) && takes(100) && takes(1000), "{service:?}"),
                ServiceType::Package | ServiceType::CustomCommentsPackage => {
                    assert_eq!((service.min, service.max), (1, 1), "{service:?}");
                }
                ServiceType::CustomComments
                | ServiceType::CommentReplies
                | ServiceType::MentionsCustomList => assert!(takes(1) && takes(500), "{service:?}"),
                ServiceType::Subscriptions => assert!(takes(10) && takes(200), "{service:?}"),
                ServiceType::Seo
                | ServiceType::MentionsWithHashtags
                | ServiceType::MentionsHashtag
                | ServiceType::MentionsUserFollowers
                | ServiceType::MentionsMediaLikers
                | ServiceType::Mentions
                | ServiceType::CommentLikes
                | ServiceType::Poll
                | ServiceType::InvitesFromGroups
                | ServiceType::WebTraffic => assert!(takes(100), "{service:?}"),
            }
            assert!(!service.dripfeed || takes(1000), "ten times 100: {service:?}");
            assert!(service.profile.partial_permille + service.profile.canceled_permille < 500);
        }
    }

    #[test]
    fn a_service_without_a_link_says_so_in_its_name() {
        let catalogue = Catalogue::full();
        assert!(catalogue.services().iter().any(|service| service.link_less));
        for service in catalogue.services() {
            assert_eq!(service.link_less, service.name.contains(NO_LINK_MARK), "{}", service.name);
            assert!(!service.link_less || service.kind == ServiceType::Default);
        }
    }

    #[test]
    fn services_can_be_repriced_and_dropped() {
        let mut catalogue = Catalogue::full();
        catalogue.find_mut(1).expect("service 1").rate_micros = 5;
        assert_eq!(catalogue.find(1).map(|service| service.rate_micros), Some(5));
        assert!(catalogue.drop_service(1).is_some());
        assert_eq!(catalogue.find(1), None);
    }
}
