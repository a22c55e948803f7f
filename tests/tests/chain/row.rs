//! The row of three, and an order looked at from both panels.

use std::collections::BTreeMap;
use std::time::Duration;

use panelworks_tests::{
    Api, ENDS, FakeClock, Simulator, Witness, World, charge_is_right, full_charge, micros, until,
};
use serde_json::Value;

/// Enough for every hop to be asked many times over.
pub(crate) const END: Duration = Duration::from_secs(90);
/// What B has at A, in micro-units.
const CREDIT_AT_A: i128 = 100_000_000_000;

/// Simulator ← A ← B.
pub(crate) struct Row {
    simulator: Simulator,
    a: World,
    pub(crate) b: World,
    services: BTreeMap<u64, Value>,
}

/// An order placed at B.
pub(crate) struct Placed {
    pub(crate) order: u64,
    full: i128,
    quantity: i128,
}

impl Row {
    /// All three; the simulator delivers so many times faster than a real provider.
    pub(crate) async fn start(speed: u32, clock: Option<&FakeClock>) -> Self {
        let mut options = Simulator::options();
        options.provider.speed = panelworks_provider_sim::Speed(speed.try_into().expect("not zero"));
        let simulator = Simulator::start(options);
        let surroundings = clock.map(FakeClock::variables).unwrap_or_default();
        let a = World::new()
            .surrounded_by(&surroundings)
            .customer("panel b", "100000")
            .provider(&simulator.url(), &simulator.key)
            .start()
            .await;
        let b = World::new()
            .surrounded_by(&surroundings)
            .customer("anna", "100000")
            .provider(a.panel.api_url(), a.key("panel b"))
            .start()
            .await;
        let rows = b.api("anna").services().await;
        let services = rows.into_iter().map(|row| (row["service"].as_u64().expect("an int"), row)).collect();
        Self { simulator, a, b, services }
    }

    pub(crate) fn anna(&self) -> Api {
        self.b.api("anna")
    }

    /// B's service for the simulator's.
    pub(crate) fn service(&self, simulators: u64) -> u64 {
        self.b.service(1, self.a.service(1, simulators))
    }

    /// B's first service of a type.
    pub(crate) fn service_of(&self, word: &str) -> u64 {
        let found = self.services.iter().find(|(_, row)| row["type"] == word);
        *found.unwrap_or_else(|| panic!("no {word}")).0
    }

    pub(crate) async fn place(&self, service: u64, quantity: i128, fields: &[(&str, &str)]) -> Placed {
        let order = self.anna().add(service, fields).await;
        Placed { order, full: full_charge(&self.services[&service], quantity), quantity }
    }

    /// A's id of an order of B.
    pub(crate) fn at_a(&self, order: u64) -> u64 {
        let sheet = self.b.order(order);
        let attempts = sheet["attempts"].as_array().unwrap_or_else(|| panic!("{sheet}"));
        assert_eq!(attempts.len(), 1, "one attempt was enough: {sheet}");
        let id = attempts[0]["provider_order"].as_str().and_then(|id| id.parse().ok());
        id.unwrap_or_else(|| panic!("A took it: {sheet}"))
    }

    pub(crate) async fn status_at_a(&self, order: u64) -> Value {
        self.a.api("panel b").status(self.at_a(order)).await
    }

    pub(crate) async fn witness(&self) -> Witness {
        self.simulator.witness().await
    }

    /// Waits for all, and holds both ends of each against each other and against the rules; how they ended.
    pub(crate) async fn all_end_alike(&self, placed: &[Placed]) -> BTreeMap<String, usize> {
        let ends = self.wait_for_ends(placed).await;
        let mut words: BTreeMap<String, usize> = BTreeMap::new();
        for placed in placed {
            let at_b = &ends[&placed.order];
            let at_a = self.status_at_a(placed.order).await;
            for field in ["status", "remains", "start_count"] {
                assert_eq!(at_b[field], at_a[field], "{field} of {}: B says {at_b}, A {at_a}", placed.order);
            }
            charge_is_right(at_b, placed.full, placed.quantity);
            let cost = self.b.order(placed.order)["attempts"][0]["booked_cost"].clone();
            assert_eq!(
                micros(&cost),
                micros(&at_a["charge"]),
                "what B booked as its cost is what A charged: {at_a}"
            );
            *words.entry(at_b["status"].as_str().expect("a word").to_owned()).or_default() += 1;
        }
        words
    }

    async fn wait_for_ends(&self, placed: &[Placed]) -> BTreeMap<u64, Value> {
        let ids: Vec<u64> = placed.iter().map(|placed| placed.order).collect();
        until("all orders of B have ended", END, async || {
            let statuses = self.anna().statuses(&ids).await;
            let ends: BTreeMap<u64, Value> =
                ids.iter().map(|id| (*id, statuses[id.to_string()].clone())).collect();
            let open =
                ends.values().find(|status| !ENDS.contains(&status["status"].as_str().unwrap_or_default()));
            open.map_or(Ok(ends.clone()), |open| Err(open.clone()))
        })
        .await
    }

    /// What B spent at A is what A's orders for B cost; and both books balance.
    pub(crate) async fn books_agree(&self, placed: &[Placed]) {
        let mut charged = 0;
        for placed in placed {
            charged += micros(&self.status_at_a(placed.order).await["charge"]);
        }
        assert_eq!(self.a.api("panel b").balance().await, CREDIT_AT_A - charged);
        self.a.panel.books_balance();
        self.b.panel.books_balance();
    }
}
