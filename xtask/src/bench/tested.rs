//! A panel under load whose books are counted and audited afterwards: no number counts without that.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::Bench;
use super::load::{Loaded, Target, closed};
use super::request::{Work, first_customer};
use super::server::{Panel, Server};

/// See the module's head.
pub(crate) struct Tested<'a> {
    bench: &'a Bench,
    books: PathBuf,
    pub(crate) server: Server,
    /// Orders that must be there at the end: those from before, and every one that was acknowledged.
    orders: u64,
}

impl<'a> Tested<'a> {
    pub(crate) fn start(bench: &'a Bench, books: &Path, preload: Option<&Path>) -> Result<Self> {
        let first = first_customer("action=balance");
        let panel = Panel { books, preload, first: &first };
        let server = Server::panel(&bench.programs, panel)?;
        let orders = bench.programs.count(books)?;
        Ok(Self { bench, books: books.to_owned(), server, orders })
    }

    /// A closed loop over so many connections.
    pub(crate) fn load(&mut self, connections: usize, work: &Work) -> Result<Loaded> {
        let loaded = closed(Target::new(&self.server, connections, &self.bench.plan), work)?;
        if let Work::Adds(_) = work {
            self.orders += loaded.acknowledged;
        }
        Ok(loaded)
    }

    /// Orders that were acknowledged in another way.
    pub(crate) fn acknowledged(&mut self, orders: u64) {
        self.orders += orders;
    }

    /// Stops the panel; its books must hold what was acknowledged, and balance.
    pub(crate) fn finish(self) -> Result<()> {
        self.server.stop()?;
        audit(self.bench, &self.books, self.orders)
    }
}

/// An error where fewer than `orders` are stored, or where the books don't balance.
pub(crate) fn audit(bench: &Bench, books: &Path, orders: u64) -> Result<()> {
    let stored = bench.programs.count(books)?;
    if stored < orders {
        bail!("void: {stored} orders are stored, {orders} were acknowledged");
    }
    bench.programs.check(books)
}
