//! The shop of a simulated panel: what is sold, by whom it is delivered, who buys.

use panelworks_core::catalogue::{Leg, RefillTerms, Route, Service, ServiceType, Takes};
use panelworks_core::command::Command;
use panelworks_core::customer::Switches;
use panelworks_core::ids::{CustomerId, ProviderAccountId, ServiceId};
use panelworks_core::money::{Amount, Currency, Rate};
use panelworks_core::outcome::Done;
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::Span;
use panelworks_provider_sim::catalogue::Profile;
use panelworks_provider_sim::{Catalogue, Service as Sold};
use panelworks_store::executor::Reply;
use panelworks_wire::ServiceType as WireType;

pub(crate) const CUSTOMERS: u32 = 8;
pub(crate) const SERVICES: u32 = 6;
pub(crate) const PROVIDERS: u32 = 3;

/// Ids of the services, in the order they are opened.
pub(crate) const DEFAULT: ServiceId = ServiceId(1);
pub(crate) const COMMENTS: ServiceId = ServiceId(2);
pub(crate) const SUBSCRIPTION: ServiceId = ServiceId(4);
pub(crate) const MANUAL: ServiceId = ServiceId(5);
pub(crate) const UNGUARDED: ServiceId = ServiceId(6);

/// What all providers sell; ids are those of ours.
pub(crate) fn catalogue() -> Catalogue {
    let profile = Profile {
        start_min: (1, 30),
        per_minute: 20,
        lasts_min: (5, 300),
        partial_permille: 250,
        canceled_permille: 150,
    };
    let sold = |id: u32, kind, dripfeed| Sold {
        id,
        kind,
        category: "Simulated".to_owned(),
        name: format!("Service {id}"),
        rate_micros: 333_333,
        min: 1,
        max: 100_000,
        dripfeed,
        refill: true,
        cancel: true,
        link_less: false,
        profile,
    };
    Catalogue::of(vec![
        sold(1, WireType::Default, true),
        sold(2, WireType::CustomComments, false),
        sold(3, WireType::Package, false),
        sold(4, WireType::Subscriptions, false),
        sold(6, WireType::Default, true),
    ])
}

/// Whether the providers of a seed honour idempotency keys.
pub(crate) const fn honours_keys(seed: u64) -> bool {
    seed.is_multiple_of(2)
}

/// The commands that open it, to be submitted one after another.
pub(crate) fn opening(seed: u64, hold_limit: Span) -> Vec<Command> {
    let provider = |name: &str| Command::PutProvider {
        account: Box::new(ProviderAccount {
            id: ProviderAccountId(0),
            name: name.to_owned(),
            url: format!("http://{name}.invalid/api/v2"),
            sealed_key: Vec::new(),
            currency: Currency::USD,
            enabled: true,
            private_address: true,
            keys_kept_hours: honours_keys(seed).then_some(24),
            connections: 4,
        }),
    };
    let types = [
        ServiceType::Default,
        ServiceType::CustomComments,
        ServiceType::Package,
        ServiceType::Subscriptions,
        ServiceType::Default,
        ServiceType::Default,
    ];
    let mut commands = vec![provider("one"), provider("two"), provider("three")];
    for (place, service_type) in (1_u32..).zip(types) {
        commands.push(Command::PutService { service: Box::new(service(place, service_type, hold_limit)) });
    }
    for customer in 1..=CUSTOMERS {
        let name = format!("customer {customer}");
        commands.push(Command::OpenCustomer {
            name,
            currency: Currency::USD,
            credit_limit: Amount(if customer == 1 { 500_000 } else { 0 }),
            switches: Switches::default(),
            key: None,
        });
        commands.push(Command::CreditCustomer {
            customer: CustomerId(customer),
            amount: Amount(3_000_000),
            note: "opening".to_owned(),
        });
    }
    commands
}

fn service(place: u32, service_type: ServiceType, hold_limit: Span) -> Service {
    let leg = |account| Leg {
        account: ProviderAccountId(account),
        service: place.to_string(),
        rate: rate(333_333),
        cancel: true,
        takes: Takes::Orders,
    };
    let route = match ServiceId(place) {
        MANUAL => Route::Manual,
        // Some have legs to go on to after a refusal.
        DEFAULT => Route::Providers(vec![leg(1), leg(2), leg(3)]),
        UNGUARDED => Route::Providers(vec![leg(3), leg(1)]),
        _one_leg => Route::Providers(vec![leg(place % PROVIDERS + 1)]),
    };
    Service {
        id: ServiceId(0),
        name: format!("Service {place}"),
        category: "Simulated".to_owned(),
        description: String::new(),
        service_type,
        rate: rate(777_777),
        price_version: 0,
        min: 1,
        max: 100_000,
        step: 1,
        dripfeed: service_type.can_drip(),
        cancel: true,
        refill: Some(RefillTerms { days: Some(30), partial: false }),
        enabled: true,
        linkless: false,
        guarded: ServiceId(place) != UNGUARDED,
        hold_limit,
        route,
    }
}

fn rate(micros: i64) -> Rate {
    Rate::from_micros(micros).unwrap()
}

/// Fails the run loudly: an opening that does not work tests nothing.
pub(crate) fn must(reply: &Reply) -> &Done {
    match reply {
        Ok(Ok(done)) => done,
        other => panic!("the simulated shop could not be opened: {other:?}"),
    }
}
