//! The scenes: a shop with next to nothing in it, and how deep its lives are followed.

use panelworks_core::catalogue::{Route, Service, ServiceType};
use panelworks_core::ids::{CustomerId, ServiceId};
use panelworks_core::order::draft::Draft;
use panelworks_core::planted::Planted;
use panelworks_core::testing::{Stage, draft, dripping, following, leg, service};

/// Where lives begin.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// Acts in a row.
    pub(crate) depth: usize,
    /// Fewer distinct states mean that something is not tried any more.
    pub(crate) least_states: usize,
    /// Orders that the customer may place.
    pub(crate) orders: usize,
    pub(crate) must_happen: &'static [&'static str],
    open: fn(&mut Stage) -> Shop,
}

/// What is sold, and to whom.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    pub(crate) customer: CustomerId,
    pub(crate) service: ServiceId,
    pub(crate) draft: Draft,
}

impl Scene {
    pub(crate) fn begin(&self, planted: Planted) -> (Stage, Shop) {
        let mut stage = Stage::default();
        let shop = (self.open)(&mut stage);
        stage.planted = planted;
        (stage, shop)
    }
}

const LINK: &str = "https://example.com/p";
/// Enough for everything but where a scene says otherwise, in micro-units.
const PLENTY: i64 = 10_000_000;
/// What a hundred cost.
const CHARGE: i64 = 90_000;

const OF_ONE_ORDER: &[&str] =
    &["order", "begin", "finish", "report", "cancel", "answer a cancel", "resolve", "expire a hold"];

pub(crate) const SCENES: [Scene; 4] = [
    Scene {
        name: "one order at two providers",
        depth: 13,
        least_states: 100_000,
        orders: 1,
        must_happen: OF_ONE_ORDER,
        open: |stage| {
            let legs = vec![leg(stage.provider(), "1"), leg(stage.provider(), "2")];
            sell(stage, Route::Providers(legs), ServiceType::Default, PLENTY, draft(LINK, 100))
        },
    },
    Scene {
        name: "two orders for one link",
        depth: 10,
        least_states: 60_000,
        orders: 2,
        must_happen: OF_ONE_ORDER,
        open: |stage| {
            let legs = vec![leg(stage.provider(), "1")];
            sell(stage, Route::Providers(legs), ServiceType::Default, CHARGE * 5 / 2, draft(LINK, 100))
        },
    },
    Scene {
        name: "a drip-feed of three runs",
        depth: 8,
        least_states: 150_000,
        orders: 1,
        must_happen: &["order", "begin", "finish", "report", "cancel", "make a run"],
        open: |stage| {
            let legs = vec![leg(stage.provider(), "1")];
            let drip = dripping(LINK, 100, 3, 30);
            sell(stage, Route::Providers(legs), ServiceType::Default, PLENTY, drip)
        },
    },
    Scene {
        name: "a subscription whose posts are reported",
        depth: 12,
        least_states: 15_000,
        orders: 1,
        must_happen: &["order", "cancel", "report a post", "tend", "by hand"],
        open: |stage| {
            let follow = following("anna", 100, 100, Some(2));
            sell(stage, Route::Manual, ServiceType::Subscriptions, CHARGE * 3 / 2, follow)
        },
    },
];

fn sell(stage: &mut Stage, route: Route, service_type: ServiceType, balance: i64, draft: Draft) -> Shop {
    let customer = stage.customer(balance);
    let service = stage.service(Service { route, ..service(service_type) });
    Shop { customer, service, draft }
}
