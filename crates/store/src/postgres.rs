//! The books on PostgreSQL: one or more nodes on one database, each with one writer.
//!
//! In: where the server is, and by what name this node is known. Out: [`PostgresBooks`] for the executor's thread, the
//! node with its new epoch, and what the server promises. Acknowledged means durable, by the server's own settings,
//! which are asked on every connection. Rules: architecture.md, The executor and The store; invariants.md A6-A13,
//! 7.8, 7.10, 7.13. Begin with `schema/postgres.sql`, then `connection.rs`.

mod archive;
mod audit;
mod behind;
mod blocks;
mod books;
mod carry;
mod columns;
mod connection;
mod error;
mod files;
mod fresh;
mod hosts;
mod keeper;
mod ledger;
mod listener;
mod load;
mod news;
mod node;
mod paces;
mod promise;
mod queue;
mod reads;
mod requests;
mod rows;
mod schema;
mod statements;
mod ties;
mod tls;
mod values;
mod views;
mod write;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use panelworks_core::ids::NodeId;
use tokio_postgres::Config;

pub use books::PostgresBooks;
pub use carry::{PostgresCarrier, Side};
pub use listener::PostgresNeighbours;
pub use promise::{Promise, Server};
pub use reads::{PostgresReads, PostgresViews};
pub use statements::hot_statements;
pub use views::hot_questions;

use crate::limits;
use crate::ports::{StoreError, StoreErrorKind};
use connection::{Connection, Step};
use error::doing;
use listener::Places;
use node::{Standing, Taken};
use promise::Seen;
use ties::Ties;

/// How a PostgreSQL store is opened. Shown without the password.
#[derive(Debug, Clone)]
pub struct Options {
    /// Hosts, user, password, database.
    pub server: Config,
    /// Several panels share a database, each in a schema of its own. Lower-case letters, digits, `_`.
    pub schema: String,
    /// By this name a start finds its node again. No two panels that run on one schema may share it: the later one
    /// ends the other.
    pub holder: String,
    pub durability: Durability,
    /// A PEM file of the only authorities whose certificates are accepted; without it those of the system.
    pub roots: Option<PathBuf>,
    /// Order ids below are never drawn: beyond what a restored backup's panel may have given out since.
    pub order_floor: Option<u32>,
    /// A file that is written when the database has lost what it acknowledged to this panel. Whoever opens the books
    /// looks for it first.
    pub word_of_loss: Option<PathBuf>,
    /// Copies of these options share it.
    seen: Arc<Seen>,
    /// A node is taken over after so long without a sign of life, [`limits::SILENCE`] where nothing else is said.
    pub silence: Duration,
}

/// What the server's settings must promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Commits survive power loss.
    #[default]
    Synced,
    /// Whatever the server does. Only for trials.
    Lazy,
}

/// Why an address is none.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error("{shown:?} is no address of a PostgreSQL server (postgres://user:password@host/database): {why}")]
    NotAnAddress { shown: String, why: tokio_postgres::Error },
    #[error("a PostgreSQL address needs a host: {shown:?} names none")]
    NoHost { shown: String },
}

/// An address may hold a password.
fn hide(address: &str) -> String {
    match address.split_once("://").zip(address.rsplit_once('@')) {
        Some(((scheme, _), (_, rest))) => format!("{scheme}://…@{rest}"),
        None if address.contains("password") => "…".to_owned(),
        None => address.to_owned(),
    }
}

/// The schema of a panel that says nothing else.
pub const SCHEMA: &str = "panelworks";

impl Options {
    /// `address` as libpq reads it: `postgres://user:password@host:port/database`, or `host=… user=…`.
    pub fn new(address: &str, holder: &str) -> Result<Self, AddressError> {
        let server: Config =
            address.parse().map_err(|why| AddressError::NotAnAddress { shown: hide(address), why })?;
        if server.get_hosts().is_empty() && server.get_hostaddrs().is_empty() {
            return Err(AddressError::NoHost { shown: hide(address) });
        }
        Ok(Self {
            server,
            schema: SCHEMA.to_owned(),
            holder: holder.to_owned(),
            durability: Durability::Synced,
            roots: None,
            order_floor: None,
            word_of_loss: None,
            seen: Arc::default(),
            silence: limits::SILENCE,
        })
    }
}

/// An open store.
#[derive(Debug)]
pub struct Opened {
    pub books: PostgresBooks,
    pub reads: PostgresReads,
    pub node: NodeId,
    /// Raised by this very opening.
    pub epoch: u32,
    /// What the server is and promises.
    pub server: Server,
    /// What other nodes do, from here on.
    pub neighbours: PostgresNeighbours,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0:?} can't name a schema: lower-case letters, digits and _, a letter first, 63 at most")]
    SchemaName(String),
    #[error(
        "schema {schema} was written by a newer panelworks (version {found}, this one knows {known}); install that one or newer"
    )]
    TooNew { schema: String, found: i32, known: i32 },
    #[error("schema {0} holds tables of another program")]
    NotOurs(String),
    #[error(
        "the books in schema {schema} were moved to {to}. Name that place in the configuration; or, if nothing was done \
         there yet, take the move back with `panelworks migrate-store --undo`"
    )]
    Moved { schema: String, to: String },
    #[error(
        "schema {schema} is in use: node {node} gave a sign of life less than {seconds} seconds ago. Stop every panel on \
         it; one that was stopped or has died is forgotten when these seconds are over"
    )]
    InUse { schema: String, node: i32, seconds: i64 },
    /// [`crate::ports::StoreErrorKind::Away`]: the database is not there, or not yet; worth another try.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The PostgreSQL store's front door.
#[derive(Debug)]
pub struct Postgres;

impl Postgres {
    /// Connects, makes or raises the tables, and takes a node. Does not wait for a database that is away.
    pub fn open(options: Options) -> Result<Opened, OpenError> {
        if !schema::is_plain(&options.schema) {
            return Err(OpenError::SchemaName(options.schema));
        }
        let mut connection = Connection::for_writing(options).map_err(doing("preparing a connection"))?;
        let mut tries = 1..limits::OPEN_TRIES;
        let Began { taken, standing, streams, places } = loop {
            match take(&mut connection) {
                // A transaction of the epoch before, or another start, is still under way.
                Err(OpenError::Store(error))
                    if error.kind == StoreErrorKind::Again && tries.next().is_some() => {}
                taken => break taken?,
            }
        };
        let server = connection
            .server()
            .cloned()
            .ok_or_else(|| error::error("opening", "the connection is gone", StoreErrorKind::Away))?;
        let ties = Arc::new(Ties::new(taken, streams));
        let options = connection.options().clone();
        let reads = PostgresReads::new(options.clone(), Arc::clone(&ties));
        let neighbours = PostgresNeighbours::new(options, Arc::clone(&ties), places);
        let books = PostgresBooks::new(connection, ties, standing)?;
        Ok(Opened { books, reads, node: taken.node, epoch: taken.epoch, server, neighbours })
    }
}

/// Where an opening stands.
struct Began {
    taken: Taken,
    standing: Standing,
    streams: BTreeSet<i32>,
    places: Places,
}

/// Everything that an opening writes, in one transaction on a new connection.
fn take(connection: &mut Connection) -> Result<Began, OpenError> {
    let (holder, floor) = (connection.options().holder.clone(), connection.options().order_floor);
    connection.connect().map_err(doing("connecting to the database"))?;
    connection.ask("begin", &[]).map_err(doing("beginning"))?;
    schema::prepare(connection)?;
    let ledger = ledger::of(connection).map_err(doing("reading the ledger's name"))?;
    if let Some(to) = ledger.moved_to {
        return Err(OpenError::Moved { schema: connection.options().schema.clone(), to });
    }
    let taken = node::take(connection, &holder).map_err(doing("taking a node"))?;
    let standing =
        node::standing(connection, taken.node, floor).map_err(doing("reading where the node stands"))?;
    let own = i32::from(taken.node.0);
    let streams = node::streams(connection, own).map_err(doing("reading whose work is this node's"))?;
    let places = listener::places(connection, own).map_err(doing("reading where other nodes stand"))?;
    connection
        .fly(&[Step::plain("commit")])
        .map_err(|fallen| fallen.failure.doing("raising the epoch of the node"))?;
    Ok(Began { taken, standing, streams, places })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let options = Options::new("postgres://ann:secret@db.example/panel", "one").expect("an address");
        assert!(!format!("{options:?}").contains("secret"));
        for wrong in [
            "postgres://ann:secret@db.example:port/x",
            "user=ann password=secret port=x",
            "user=ann password=secret",
        ] {
            let error = Options::new(wrong, "one").expect_err("no address");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
