//! Promises of the embedded store alone: its lock, its file, its epochs, its plans, its copies, a full disk.

mod books;
mod copies;
mod damage;
mod plans;
mod questions;
mod room;
mod spill;

use panelworks_core::command::Command;
use panelworks_core::ids::{CustomerId, OrderId, ServiceId};
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{draft, seen};
use panelworks_core::time::Span;
use panelworks_store::contract::{Panel, link};
use panelworks_store::ports::Views as _;
use panelworks_store::sqlite::SqliteViews;

use crate::subjects::InSqlite;

/// A connection of somebody who edits the file by hand.
fn by_hand(subject: &InSqlite) -> rusqlite::Connection {
    rusqlite::Connection::open(subject.folder.path().join("panelworks.db")).expect("opens")
}

fn views(subject: &InSqlite) -> SqliteViews {
    subject.reads().views().expect("opens")
}

fn violations(subject: &InSqlite) -> Vec<String> {
    let violations = views(subject).audit(&mut |_, _| ()).expect("audits");
    violations.iter().map(ToString::to_string).collect()
}

/// Some orders in every stage, a refill and a cancel.
fn busy(panel: &mut Panel<'_, InSqlite>) -> (CustomerId, ServiceId, Vec<OrderId>) {
    let customer = panel.customer(100_000_000);
    let (service, account) = panel.routed();
    let amount = panelworks_core::money::Amount(5_000_000);
    panel.ok(Command::FundProvider { account, amount, note: "first".to_owned() });
    let orders: Vec<_> = (0..12).map(|n| panel.place(customer, service, draft(&link(n), 100))).collect();
    for order in &orders[..8] {
        let attempt = panel.accept(*order, &format!("at north {order}"));
        if order.0 % 2 == 0 {
            panel.observe(attempt, seen(SeenStatus::Completed));
        }
    }
    panel.ok(Command::RequestCancel { customer, order: orders[0] });
    panel.ok(Command::RequestCancel { customer, order: orders[11] });
    panel.wait(Span::days(2));
    panel.ok(Command::RequestRefill { customer, order: orders[1] });
    (customer, service, orders)
}
