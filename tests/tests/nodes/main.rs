//! Several panels on one PostgreSQL: equal nodes of one panel (`invariants.md` A11, A12, C1, C30, E10).
//!
//! Each test has a schema and a provider of its own. The nodes are real processes, each with its own data folder, and
//! share only the database and the file of the secret key, as on several machines.

mod fallen;
mod frozen;
mod news;
mod pace;
mod race;
mod rolling;

use std::time::Duration;

use panelworks_tests::{
    Api, Cluster, Folder, Panel, SimulatorProcess, World, has_postgres, page, skipped, until,
};

/// Until something that does not take long must have come about.
const LIMIT: Duration = Duration::from_mins(1);
/// Within this every node knows what was changed on another (`invariants.md` C30).
const KNOWN_EVERYWHERE: Duration = Duration::from_secs(1);

/// True where there is no PostgreSQL to run, which is said aloud.
fn is_left_out(what: &str) -> bool {
    if has_postgres() {
        return false;
    }
    skipped(what, "PostgreSQL's programs are missing");
    true
}

/// A panel of several nodes with one provider and the customer Anna.
struct Nodes {
    /// The first node, through which the world was made.
    world: World,
    others: Vec<Panel>,
    provider: SimulatorProcess,
    variables: Vec<(String, String)>,
    _key: Folder,
}

impl Nodes {
    /// `provider`: further flags of the simulated provider.
    async fn start(count: usize, provider: &[&str]) -> Self {
        Self::start_with(count, provider, &[]).await
    }

    /// The same with further settings, without their `PANELWORKS_`.
    async fn start_with(count: usize, provider: &[&str], settings: &[(&str, &str)]) -> Self {
        let provider = SimulatorProcess::start(provider).await;
        let key = Folder::new("key");
        let mut variables = Cluster::shared().variables();
        let key_file = key.file("secret.key").display().to_string();
        variables.push(("PANELWORKS_PANEL_SECRET_KEY_FILE".to_owned(), key_file));
        let further =
            settings.iter().map(|(name, value)| (format!("PANELWORKS_{name}"), (*value).to_owned()));
        variables.extend(further);
        let world = World::new()
            .surrounded_by(&variables)
            .customer("anna", "1000000")
            .provider(&provider.api_url, &provider.key)
            .start()
            .await;
        let variables = world.panel.variables().to_vec();
        let mut nodes = Self { world, others: Vec::new(), provider, variables, _key: key };
        for _ in 1..count {
            nodes.add().await;
        }
        nodes
    }

    /// One more node.
    async fn add(&mut self) {
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.others.push(Panel::serve(&variables).await);
    }

    /// Node number `place` from 0.
    fn panel(&self, place: usize) -> &Panel {
        if place == 0 { &self.world.panel } else { &self.others[place - 1] }
    }

    /// Anna at that node.
    fn anna(&self, place: usize) -> Api {
        self.customer(place, self.world.key("anna"))
    }

    fn customer(&self, place: usize, key: &str) -> Api {
        Api::new(self.panel(place).api_url(), key)
    }

    /// A service of type Default.
    async fn service(&self) -> u64 {
        let services = self.anna(0).services().await;
        let plain = services.iter().find(|row| row["type"] == "Default").expect("the provider has one");
        plain["service"].as_u64().or_else(|| plain["service"].as_str()?.parse().ok()).expect("an id")
    }
}

/// A number out of a panel's metrics.
async fn metric(panel: &Panel, name: &str) -> u64 {
    let text = page(&format!("{}/metrics", panel.web_url())).await.text;
    let value = text.lines().find_map(|line| line.strip_prefix(&format!("panelworks_{name} ")));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Waits until every order has ended or waits for the operator, as `panel` sees it. How many have ended.
async fn settled(panel: &Panel, customer: &Api, orders: &[u64]) -> usize {
    until("the end of all orders", LIMIT, async || {
        let (mut ended, mut pending) = (0, 0);
        for some in orders.chunks(100) {
            let statuses = customer.statuses(some).await;
            for id in some {
                match statuses[id.to_string()]["status"].as_str() {
                    Some("Completed" | "Partial" | "Canceled") => ended += 1,
                    Some("Pending") => pending += 1,
                    Some(_) => {}
                    None => panic!("order {id} was acknowledged and is lost: {statuses}"),
                }
            }
        }
        let held = panel.ask(&["order", "list-held", "--limit", "100000"]).as_array().map_or(0, Vec::len);
        let rest = orders.len() - ended;
        if rest == pending && pending <= held { Ok(ended) } else { Err((ended, pending, held)) }
    })
    .await
}
