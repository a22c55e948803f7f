//! Which service stands for what in the ready file: one of each type, one of each ability.
//!
//! Each chosen service is sold now and takes a quantity of 100 (lists from one line on; subscriptions 10 to 200; a
//! drip-feed ten times 100; a Default one refuses 1). Where several fit, the one whose orders end as one would wish
//! is taken: the surest, or for cancels the slowest, so that there is time for it.

use panelworks_core::catalogue::{Service, ServiceType};
use panelworks_provider_sim::Catalogue;
use serde_json::{Map, Value};

use crate::import::exact_word;

/// How a service's orders go at the simulator: of 1000 those that fail, and the longest delivery in minutes.
fn habits(catalogue: &Catalogue, service: &Service) -> (u16, u32) {
    let leg = service.route.legs().first().and_then(|leg| leg.service.parse().ok());
    let profile = leg.and_then(|id| catalogue.find(id)).map(|theirs| theirs.profile);
    profile
        .map_or((0, 0), |profile| (profile.partial_permille + profile.canceled_permille, profile.lasts_min.1))
}

fn takes(service: &Service, quantity: u64) -> bool {
    (service.min..=service.max).contains(&quantity)
}

/// Whether a service of its type can stand for the type.
fn stands_for_its_type(service: &Service) -> bool {
    match service.service_type {
        ServiceType::Default => !service.linkless && !takes(service, 1) && takes(service, 100),
        ServiceType::Package | ServiceType::CustomCommentsPackage => true,
        ServiceType::CustomComments | ServiceType::CommentReplies | ServiceType::MentionsCustomList => {
            takes(service, 1) && takes(service, 100)
        }
        ServiceType::Subscriptions => takes(service, 10) && takes(service, 200),
        ServiceType::Seo
        | ServiceType::MentionsWithHashtags
        | ServiceType::MentionsHashtag
        | ServiceType::MentionsUserFollowers
        | ServiceType::MentionsMediaLikers
        | ServiceType::Mentions
        | ServiceType::CommentLikes
        | ServiceType::Poll
        | ServiceType::InvitesFromGroups
        | ServiceType::WebTraffic => takes(service, 100),
    }
}

fn is_plain(service: &Service) -> bool {
    service.service_type == ServiceType::Default && stands_for_its_type(service)
}

/// From each type's exact word, and from each ability, to a service's id.
pub(super) fn services(sold: &[Service], catalogue: &Catalogue) -> Map<String, Value> {
    let enabled = || sold.iter().filter(|service| service.enabled);
    let surest = |service: &&Service| (habits(catalogue, service).0, service.id);
    let slowest = |service: &&Service| (std::cmp::Reverse(habits(catalogue, service).1), service.id);
    let mut chosen = Map::new();
    let mut note = |name: &str, service: Option<&Service>| {
        if let Some(service) = service {
            chosen.insert(name.to_owned(), service.id.0.into());
        }
    };
    for service_type in ServiceType::ALL {
        let of_type = enabled().filter(|service| service.service_type == service_type);
        note(
            exact_word(service_type),
            of_type.filter(|service| stands_for_its_type(service)).min_by_key(surest),
        );
    }
    let dripfeed = enabled().filter(|service| is_plain(service) && service.dripfeed && takes(service, 1_000));
    note("dripfeed", dripfeed.min_by_key(surest));
    note("cancelable", enabled().filter(|service| is_plain(service) && service.cancel).min_by_key(slowest));
    note(
        "refillable",
        enabled().filter(|service| is_plain(service) && service.refill.is_some()).min_by_key(surest),
    );
    note("no link", enabled().filter(|service| service.linkless && takes(service, 100)).min_by_key(surest));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::first_start::proposals;
    use panelworks_core::ids::{ProviderAccountId, ServiceId};

    /// The simulator's catalogue as the demo imports it.
    fn sold() -> Vec<Service> {
        let mut sold = proposals(ProviderAccountId(1));
        for (place, service) in sold.iter_mut().enumerate() {
            service.id = ServiceId(u32::try_from(place + 1).expect("few"));
        }
        sold
    }

    #[test]
    fn every_type_and_every_ability_has_a_service() {
        let chosen = services(&sold(), &Catalogue::full());
        assert_eq!(chosen.len(), 17 + 4, "{chosen:?}");
        for name in
            ["Default", "Custom Comments", "Web Traffic", "dripfeed", "cancelable", "refillable", "no link"]
        {
            assert!(chosen.contains_key(name), "{name}");
        }
    }

    #[test]
    fn what_is_chosen_keeps_what_scripts_are_promised() {
        let sold = sold();
        let chosen = services(&sold, &Catalogue::full());
        let of = |name: &str| {
            let id = chosen[name].as_u64().expect("an id");
            sold.iter().find(|service| u64::from(service.id.0) == id).expect("sold")
        };
        assert!(!takes(of("Default"), 1) && takes(of("Default"), 100) && !of("Default").linkless);
        assert!(of("dripfeed").dripfeed && takes(of("dripfeed"), 1_000) && takes(of("dripfeed"), 100));
        assert!(of("cancelable").cancel && of("refillable").refill.is_some() && of("no link").linkless);
        assert!(takes(of("Custom Comments"), 1) && takes(of("Subscriptions"), 10));
    }

    #[test]
    fn a_service_that_is_not_sold_is_not_chosen() {
        let mut sold = sold();
        let before = services(&sold, &Catalogue::full())["no link"].clone();
        for service in &mut sold {
            service.enabled = !service.linkless;
        }
        assert!(before.is_u64() && !services(&sold, &Catalogue::full()).contains_key("no link"));
    }
}
