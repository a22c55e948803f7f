//! A panel with many providers, each with its own manners.

use panelworks_provider_sim::{Faults, SimOptions};
use panelworks_tests::{Api, Simulator, World, full_charge, link};
use serde_json::Value;

/// The one service each of them sells: often cut short.
pub(crate) const SHAKY: u64 = 3;
/// One that always completes.
pub(crate) const SURE: u64 = 1;

/// A provider and what it was told to do.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) simulator: Simulator,
    /// Our service that is routed to it, and its row.
    pub(crate) service: u64,
    row: Value,
}

impl Member {
    pub(crate) fn full_charge(&self, quantity: i128) -> i128 {
        full_charge(&self.row, quantity)
    }
}

/// See the module's head.
pub(crate) struct Crowd {
    pub(crate) world: World,
    pub(crate) members: Vec<Member>,
}

/// Options of a provider with these faults, in the words of `--fault`.
pub(crate) fn faulty(faults: &[&str]) -> SimOptions {
    let rates = faults.iter().map(|fault| fault.parse().unwrap_or_else(|error| panic!("{fault}: {error}")));
    let mut options = Simulator::options();
    options.provider.faults = Faults { rates: rates.collect(), script: Vec::new() };
    options.hang_ms = 1_500;
    options
}

impl Crowd {
    /// A panel at which everybody of these sells the service `sold`.
    pub(crate) async fn gather(sold: u64, providers: Vec<(String, SimOptions)>) -> Self {
        let mut builder = World::new().customer("anna", "100000");
        let simulators: Vec<_> =
            providers.into_iter().map(|(name, options)| (name, Simulator::start(options))).collect();
        for (_, simulator) in &simulators {
            builder = builder.provider_of(&simulator.url(), &simulator.key, &sold.to_string());
        }
        let world = builder.start().await;
        let rows = world.api("anna").services().await;
        let members = (1..).zip(simulators).map(|(provider, (name, simulator))| {
            let service = world.service(provider, sold);
            let row = rows.iter().find(|row| row["service"] == service).expect("it is sold").clone();
            Member { name, simulator, service, row }
        });
        let members = members.collect();
        Self { world, members }
    }

    pub(crate) fn anna(&self) -> Api {
        self.world.api("anna")
    }

    pub(crate) async fn order(&self, member: &Member, quantity: u64) -> u64 {
        self.anna().order(member.service, &link(&member.name), quantity).await
    }

    /// The state of an order's only attempt, in the operator's words.
    pub(crate) fn attempt(&self, order: u64) -> String {
        let sheet = self.world.order(order);
        let attempts = sheet["attempts"].as_array().unwrap_or_else(|| panic!("{sheet}"));
        assert_eq!(attempts.len(), 1, "one attempt: {sheet}");
        attempts[0]["state"].as_str().unwrap_or_default().to_owned()
    }
}
