//! The simulated provider's own log: what it really created, whatever anybody was told (`invariants.md` §9).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::page;

/// All of it at one moment.
#[derive(Debug, Clone, Deserialize)]
pub struct Witness {
    /// Requests by action.
    pub requests: BTreeMap<String, u64>,
    pub orders: Vec<Witnessed>,
}

/// An order that was created.
#[derive(Debug, Clone, Deserialize)]
pub struct Witnessed {
    pub order: u64,
    pub service: u64,
    pub link: String,
    pub quantity: u64,
}

impl Witness {
    /// Reads `GET /witness`.
    pub async fn at(url: &str) -> Self {
        let text = page(url).await.text;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub fn adds(&self) -> u64 {
        self.requests.get("add").copied().unwrap_or(0)
    }

    /// How many orders each link got.
    pub fn by_link(&self) -> BTreeMap<&str, usize> {
        let mut counted = BTreeMap::new();
        for order in &self.orders {
            *counted.entry(order.link.as_str()).or_default() += 1;
        }
        counted
    }

    pub fn orders_for(&self, link: &str) -> usize {
        self.orders.iter().filter(|order| order.link == link).count()
    }

    /// Panics where a link was ordered more than once.
    #[track_caller]
    pub fn bought_nothing_twice(&self) {
        let twice: Vec<_> = self.by_link().into_iter().filter(|(_, count)| *count > 1).collect();
        assert!(twice.is_empty(), "ordered more than once at the provider: {twice:?}");
    }
}
