//! A real panel with providers and customers, built in one line:
//! `World::new().customer("anna", "100").provider(&simulator.url(), &simulator.key).start().await`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Api, Panel};

/// What is to be built.
#[derive(Debug, Default)]
pub struct WorldBuilder {
    variables: Vec<(String, String)>,
    customers: Vec<(String, String)>,
    providers: Vec<(String, String, String)>,
}

/// What was built.
#[derive(Debug)]
pub struct World {
    pub panel: Panel,
    keys: BTreeMap<String, String>,
    /// Our services by provider's id and provider's service.
    services: BTreeMap<(u64, u64), u64>,
}

impl WorldBuilder {
    /// A setting, without its `PANELWORKS_`.
    #[must_use]
    pub fn setting(self, name: &str, value: &str) -> Self {
        self.surrounded_by(&[(format!("PANELWORKS_{name}"), value.to_owned())])
    }

    /// Variables of the panel's process.
    #[must_use]
    pub fn surrounded_by(mut self, variables: &[(String, String)]) -> Self {
        self.variables.extend_from_slice(variables);
        self
    }

    /// Somebody with money and no limit of requests.
    #[must_use]
    pub fn customer(mut self, name: &str, balance: &str) -> Self {
        self.customers.push((name.to_owned(), balance.to_owned()));
        self
    }

    /// A provider whose whole catalogue is sold at a markup of half.
    #[must_use]
    pub fn provider(self, url: &str, key: &str) -> Self {
        self.provider_of(url, key, "")
    }

    /// A provider of whom only these services are sold, separated by commas; all where it is empty.
    #[must_use]
    pub fn provider_of(mut self, url: &str, key: &str, services: &str) -> Self {
        self.providers.push((url.to_owned(), key.to_owned(), services.to_owned()));
        self
    }

    pub async fn start(self) -> World {
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let panel = Panel::serve(&variables).await;
        let mut world = World { panel, keys: BTreeMap::new(), services: BTreeMap::new() };
        for (name, balance) in &self.customers {
            world.open_account(name, balance);
        }
        for (url, key, services) in &self.providers {
            world.add_provider(url, key, services);
        }
        world.learn_services();
        world
    }
}

impl World {
    /// A panel that asks its providers every second.
    #[expect(clippy::new_ret_no_self, reason = "it reads as the sentence that tests begin with")]
    pub fn new() -> WorldBuilder {
        WorldBuilder::default().setting("PROVIDERS_POLL_S", "1").setting("PROVIDERS_REQUEST_POLL_S", "1")
    }

    fn open_account(&mut self, name: &str, balance: &str) {
        let said = self.panel.ask(&["customer", "add", name, "--balance", balance, "--unlimited"]);
        let key = find(&said, "api_key").and_then(Value::as_str).unwrap_or_else(|| panic!("no key: {said}"));
        self.keys.insert(name.to_owned(), key.to_owned());
    }

    /// Adds an account at a provider and sells what it sells; its id.
    pub fn add_provider(&mut self, url: &str, key: &str, services: &str) -> u64 {
        let said = self.panel.ask(&["provider", "add", url, "--key", key, "--allow-local"]);
        let id = find(&said, "provider").and_then(Value::as_u64).unwrap_or_else(|| panic!("no id: {said}"));
        let provider = id.to_string();
        self.panel.ask(&["provider", "fund", &provider, "1000000"]);
        let which = if services.is_empty() { vec!["--all"] } else { vec!["--services", services] };
        self.panel.ask(&[&["provider", "import", &provider, "--markup", "50"], which.as_slice()].concat());
        id
    }

    /// Reads which of our services goes where.
    pub fn learn_services(&mut self) {
        let rows = self.panel.ask(&["service", "list"]);
        let rows = rows.as_array().unwrap_or_else(|| panic!("no list: {rows}"));
        for row in rows {
            let route = row["route"].as_str().and_then(|route| route.split_once(':'));
            let ours = row["service"].as_u64().unwrap_or_else(|| panic!("no id: {row}"));
            let known =
                route.and_then(|(provider, service)| Some((provider.parse().ok()?, service.parse().ok()?)));
            if let Some(known) = known {
                self.services.insert(known, ours);
            }
        }
    }

    /// Our service for a provider's. The first provider's id is 1.
    pub fn service(&self, provider: u64, service: u64) -> u64 {
        let found = self.services.get(&(provider, service));
        *found.unwrap_or_else(|| panic!("no service {provider}:{service} in {:?}", self.services))
    }

    /// What a customer calls the panel with.
    pub fn api(&self, name: &str) -> Api {
        Api::new(self.panel.api_url(), self.key(name))
    }

    pub fn key(&self, name: &str) -> &str {
        self.keys.get(name).unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    /// An order as the operator sees it.
    pub fn order(&self, order: u64) -> Value {
        self.panel.ask(&["order", "show", &order.to_string()])
    }
}

/// The first value of this name, however deep.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => {
            fields.get(name).or_else(|| fields.values().find_map(|inner| find(inner, name)))
        }
        Value::Array(rows) => rows.iter().find_map(|row| find(row, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
