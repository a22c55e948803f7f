//! A shop to measure in: an executor on an open store, customers with money and keys, services of one provider.
//!
//! When all is filled the provider is switched off: each later order has its planned attempt, as in a panel whose
//! dispatch is busy elsewhere, and nothing is sent.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use panelworks_core::catalogue::{Leg, Route, Service, ServiceType, Takes};
use panelworks_core::command::Command;
use panelworks_core::customer::{KeyHash, Switches};
use panelworks_core::ids::{CustomerId, OrderId, ProviderAccountId, ServiceId};
use panelworks_core::money::{Amount, Currency, Rate};
use panelworks_core::order::draft::{Draft, Given};
use panelworks_core::outcome::Done;
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::{Span, Timestamp};
use sha2::{Digest, Sha256};

use crate::place::{self, Writer};

/// Ten million orders of 0.09 each.
const BALANCE: Amount = Amount(1_000_000_000_000);
/// Rows of one transaction that is only about filling.
const ROWS: u32 = 10_000;

/// See the module's head.
pub(crate) struct Shop {
    executor: Writer,
}

impl Shop {
    pub(crate) fn open(folder: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(Self { executor: place::open(folder)? })
    }

    /// Opens customers 1 to `customers` and services 1 to `services`.
    pub(crate) fn furnish(
        &mut self,
        now: Timestamp,
        customers: u32,
        services: u32,
    ) -> Result<(), Box<dyn Error>> {
        self.run(now, &[Command::PutProvider { account: Box::new(provider(0, true)) }])?;
        let services: Vec<Command> =
            (1..=services).map(|n| put_service(ServiceId(0), n, ProviderAccountId(1))).collect();
        self.run(now, &services)?;
        for first in (0..customers).step_by(ROWS as usize) {
            let some = first..customers.min(first + ROWS);
            let opened: Vec<Command> = some.clone().map(open_customer).collect();
            self.run(now, &opened)?;
            let credited: Vec<Command> = some.map(credit).collect();
            self.run(now, &credited)?;
        }
        Ok(())
    }

    pub(crate) fn switch_provider_off(&mut self, now: Timestamp) -> Result<(), Box<dyn Error>> {
        self.run(now, &[Command::PutProvider { account: Box::new(provider(1, false)) }]).map(|_| ())
    }

    /// One batch, one commit. A refusal is an error here: a bench of refusals would measure nothing.
    pub(crate) fn run(&mut self, now: Timestamp, commands: &[Command]) -> Result<Vec<Done>, Box<dyn Error>> {
        let mut all = Vec::with_capacity(commands.len());
        for ran in self.executor.run(now, commands)? {
            for reply in ran.replies {
                all.push(reply??);
            }
        }
        Ok(all)
    }

    /// Has a service at each of these accounts that are there already: service 1 at the first, new ones at the others.
    pub(crate) fn serve_from(&mut self, now: Timestamp, accounts: Range<u32>) -> Result<(), Box<dyn Error>> {
        let id = |number| ServiceId(u32::from(number == 1));
        let services: Vec<Command> = (1..)
            .zip(accounts)
            .map(|(n, account)| put_service(id(n), n, ProviderAccountId(account)))
            .collect();
        self.run(now, &services).map(|_| ())
    }

    /// Places one order for each of `numbers`; the customers take turns, and so do the services.
    pub(crate) fn place(
        &mut self,
        now: Timestamp,
        numbers: impl Iterator<Item = u32>,
        customers: u32,
        services: u32,
    ) -> Result<Vec<OrderId>, Box<dyn Error>> {
        let commands: Vec<Command> = numbers.map(|number| place(number, customers, services)).collect();
        let placed = self.run(now, &commands)?;
        let id = |done| match done {
            Done::Placed { order, replayed: false } => Ok(order),
            other => Err(format!("no new order: {other:?}").into()),
        };
        placed.into_iter().map(id).collect()
    }
}

fn place(number: u32, customers: u32, services: u32) -> Command {
    Command::PlaceOrder {
        customer: CustomerId(number % customers + 1),
        service: Some(ServiceId(number % services + 1)),
        draft: Draft {
            link: Given::Is(format!("https://www.example.com/p/{number:012}/")),
            quantity: Given::Is(100),
            ..Draft::default()
        },
        mark: None,
        max_charge: None,
    }
}

/// The key of the customer with this number, counted from 0, as the generator of the load writes it.
fn key(number: u32) -> KeyHash {
    KeyHash(Sha256::digest(format!("{number:032}")).into())
}

fn open_customer(number: u32) -> Command {
    Command::OpenCustomer {
        name: format!("customer {number}"),
        currency: Currency::USD,
        credit_limit: Amount::ZERO,
        switches: Switches { unlimited: true, ..Switches::default() },
        key: Some(key(number)),
    }
}

fn credit(number: u32) -> Command {
    Command::CreditCustomer {
        customer: CustomerId(number + 1),
        amount: BALANCE,
        note: "for the benchmark".to_owned(),
    }
}

/// The only one; id 0 opens it.
fn provider(id: u32, enabled: bool) -> ProviderAccount {
    ProviderAccount {
        id: ProviderAccountId(id),
        name: "upstream".to_owned(),
        url: "https://provider.example/api/v2".to_owned(),
        sealed_key: Vec::new(),
        currency: Currency::USD,
        enabled,
        private_address: false,
        keys_kept_hours: None,
        connections: 1,
    }
}

fn put_service(id: ServiceId, number: u32, account: ProviderAccountId) -> Command {
    Command::PutService { service: Box::new(Service { id, ..service(number, account) }) }
}

fn service(number: u32, account: ProviderAccountId) -> Service {
    let rate = |micros| Rate::from_micros(micros).expect("a rate within bounds");
    let leg =
        Leg { account, service: "1077".to_owned(), rate: rate(500_000), cancel: true, takes: Takes::Orders };
    Service {
        id: ServiceId(0),
        name: format!("Followers | real and active, start within an hour, number {number}"),
        category: format!("Category {}", number / 50),
        description: "Link: the address of the public profile".to_owned(),
        service_type: ServiceType::Default,
        rate: rate(900_000),
        price_version: 0,
        min: 10,
        max: 1_000_000,
        step: 1,
        dripfeed: true,
        cancel: true,
        refill: None,
        enabled: true,
        linkless: false,
        guarded: true,
        hold_limit: Span::hours(72),
        route: Route::Providers(vec![leg]),
    }
}
