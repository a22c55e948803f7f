//! What is told when the demo answers requests: to scripts as a JSON file, to people as text.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use panelworks_core::catalogue::Service;
use panelworks_core::ids::{CustomerId, OrderId};
use panelworks_core::limits as core_limits;
use panelworks_core::order::OrderFile;
use panelworks_core::order::refill::request_refill;
use panelworks_core::time::{Span, Timestamp};
use panelworks_core::world::World;
use panelworks_provider_sim::Catalogue;
use panelworks_store::ports::{Queue, StoreError};
use serde_json::{Map, Value, json};

use super::choice;
use super::kept::{Kept, KeptCustomer, Operator, Provider};
use crate::cli::DemoArgs;
use crate::clock::SystemClock;
use crate::control::desk::Desk;
use crate::limits;
use crate::secrets::{Existing, write_private};

/// See the module's head.
pub(super) struct Ready {
    address: SocketAddr,
    customers: Vec<KeptCustomer>,
    operator: Operator,
    provider_url: String,
    provider_key: String,
    services: Map<String, Value>,
    refillable_orders: Vec<OrderId>,
    data_dir: PathBuf,
}

impl Ready {
    pub(super) async fn collect(
        desk: &Desk,
        address: SocketAddr,
        kept: &Kept,
        first: CustomerId,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let (services, refillable_orders) = desk
            .read(move |views| {
                let services = views.services()?;
                let refillable = refillable_orders(views, &services, first, SystemClock::default().now())?;
                Ok((services, refillable))
            })
            .await?;
        let (provider_url, provider_key) = match &kept.provider {
            Provider::Simulated { port, api_key } => {
                (format!("http://127.0.0.1:{}/api/v2", port.unwrap_or_default()), api_key.clone())
            }
            Provider::Outside { url, api_key } => (url.clone(), api_key.clone()),
        };
        Ok(Self {
            address,
            customers: kept.customers.clone(),
            operator: kept.operator.clone(),
            provider_url,
            provider_key,
            services: choice::services(&services, &Catalogue::full()),
            refillable_orders,
            data_dir: folder.canonicalize().unwrap_or_else(|_| folder.to_owned()),
        })
    }

    fn api_url(&self) -> String {
        format!("http://{}/api/v2", self.address)
    }

    /// The simulator's own log, beside its API.
    fn witness_url(&self) -> String {
        let origin = self.provider_url.trim_end_matches('/').trim_end_matches("/api/v2");
        format!("{origin}/witness")
    }

    /// Writes the ready file whole or not at all: whoever sees it can read it.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let customers: Vec<Value> = self
            .customers
            .iter()
            .map(|customer| json!({ "name": customer.name, "api_key": customer.api_key }))
            .collect();
        let orders: Vec<u32> = self.refillable_orders.iter().map(|order| order.0).collect();
        let ready = json!({
            "api_url": self.api_url(),
            "web_url": format!("http://{}/", self.address),
            "customers": customers,
            "operator": self.operator,
            "provider": {
                "api_url": self.provider_url,
                "api_key": self.provider_key,
                "witness_url": self.witness_url(),
            },
            "services": self.services,
            "refillable_orders": orders,
            "data_dir": self.data_dir,
            "pid": std::process::id(),
        });
        let text = serde_json::to_vec_pretty(&ready)?;
        write_private(file, &text, Existing::Replace)
            .with_context(|| format!("can't write {}", file.display()))
    }

    /// What a person reads in the terminal.
    pub(super) fn welcome(&self, args: &DemoArgs) -> String {
        let (url, key) = (self.api_url(), self.customers.first().map_or("", |first| first.api_key.as_str()));
        let service = |name: &str| self.services.get(name).and_then(Value::as_u64).unwrap_or(1);
        let curl =
            |what: &str, parameters: &str| format!("  # {what}\n  curl -s {url} -d key={key} {parameters}");
        let past = self.refillable_orders.first().map_or_else(|| "1".to_owned(), ToString::to_string);
        let (plain, cancelable) = (service("Default"), service("cancelable"));
        let link = "link=https://example.com/post-1";
        let calls = [
            curl("What is sold", "-d action=services"),
            curl("Order 100 of it", &format!("-d action=add -d service={plain} -d {link} -d quantity=100")),
            curl("How it goes (or orders=1,2,3)", "-d action=status -d order=ORDER"),
            curl("Refill an order of the past", &format!("-d action=refill -d order={past}")),
            curl("How the refill goes", "-d action=refill_status -d refill=REFILL"),
            curl(
                "Order something that can be cancelled",
                &format!(
                    "-d action=add -d service={cancelable} -d link=https://example.com/post-2 -d quantity=100"
                ),
            ),
            curl("Cancel it", "-d action=cancel -d orders=ORDER"),
            curl("How the cancel went", "-d action=cancel -d cancels=CANCEL"),
            curl("What is left", "-d action=balance"),
        ];
        let speed = match self.provider_url.strip_prefix("http://127.0.0.1") {
            Some(_) if args.provider_url.is_none() => format!("{} times faster than real ones", args.speed),
            Some(_) | None => "as fast as your provider delivers".to_owned(),
        };
        format!(
            "\nPanelworks demo\n\n  Page      http://{}/\n  API v2    {url}\n  Key       {key}\n  Second    {}\n  \
             Provider  {} (what it received: {})\n  Data      {}\n\n{}\n\nOrders move by themselves, {speed}. The same \
             commands as for a real panel work here:\n  panelworks order list-held --data-dir {}\n  panelworks check \
             --data-dir {}\n\nStop with Ctrl-C; started again, it goes on with the same data, keys and orders.",
            self.address,
            self.customers.get(1).map_or("", |second| second.api_key.as_str()),
            self.provider_url,
            self.witness_url(),
            self.data_dir.display(),
            calls.join("\n"),
            args.data_dir.display(),
            args.data_dir.display(),
        )
    }
}

/// Orders of the customer that can be refilled at `now`: asked of the very rule that will decide.
fn refillable_orders(
    views: &dyn Queue,
    services: &[Service],
    customer: CustomerId,
    now: Timestamp,
) -> Result<Vec<OrderId>, StoreError> {
    // The latest that can be refilled ended a day ago; a margin lets scripts take their time.
    let until = now.after(Span(-core_limits::REFILL_COOL_DOWN.0));
    let since = now.after(Span(-Span::days(365).0));
    let (mut found, mut after) = (Vec::new(), OrderId(0));
    loop {
        let (files, next) = views.ended_files(after, since, limits::DEMO_PAST_ROWS)?;
        for file in files {
            let own = file.order.customer == customer && file.order.ended_at.is_some_and(|at| at <= until);
            let id = file.order.id;
            if own && can_be_refilled(file, services, now) {
                found.push(id);
            }
        }
        match next {
            Some(next) if found.len() < limits::DEMO_REFILLABLE => after = next,
            Some(_) | None => break,
        }
    }
    found.truncate(limits::DEMO_REFILLABLE);
    Ok(found)
}

fn can_be_refilled(file: OrderFile, services: &[Service], now: Timestamp) -> bool {
    let (id, customer, sold) = (file.order.id, file.order.customer, file.order.service);
    let mut world = World::default();
    world.services.load(sold, services.iter().find(|service| service.id == sold).cloned().map(Arc::new));
    world.orders.load(id, Some(Box::new(file)));
    request_refill(&mut world, now, customer, id).is_ok()
}
