//! Promises of the PostgreSQL store alone: many nodes, lost connections, epochs that are over, promises of servers.

mod connections;
pub(crate) mod laws;
mod neighbours;
mod nodes;
mod plans;
mod proxy;
mod views;

use std::time::{Duration, Instant};

use panelworks_store::contract::Panel;

use crate::subjects::InPostgres;

/// A connection of somebody who looks at the database by hand.
pub(crate) struct ByHand {
    runtime: tokio::runtime::Runtime,
    client: tokio_postgres::Client,
}

impl ByHand {
    pub(crate) fn at(subject: &InPostgres) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(async {
            let connecting = subject.options.server.connect(tokio_postgres::NoTls);
            let (client, connection) = connecting.await.expect("connects");
            tokio::spawn(connection);
            let schema = &subject.options.schema;
            client.batch_execute(&format!("set search_path to {schema}")).await.expect("set");
            client
        });
        Self { runtime, client }
    }

    pub(crate) fn rows(&self, sql: &str) -> Vec<tokio_postgres::Row> {
        self.runtime.block_on(self.client.query(sql, &[])).unwrap_or_else(|why| panic!("{sql}: {why:?}"))
    }

    pub(crate) fn run(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap_or_else(|why| panic!("{sql}: {why:?}"));
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.rows(sql)[0].get(0)
    }
}

/// Two nodes on one schema.
pub(crate) fn two<T>(
    test: impl FnOnce(&mut Panel<'_, InPostgres>, &mut Panel<'_, InPostgres>) -> T,
) -> Option<T> {
    let mut first = InPostgres::new()?;
    let mut second = first.beside("second");
    let mut one = Panel::open(&mut first);
    let mut other = Panel::open(&mut second);
    Some(test(&mut one, &mut other))
}

/// Polls, for a while.
fn until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_mins(1), "it never came about");
        std::thread::sleep(Duration::from_millis(2));
    }
}
