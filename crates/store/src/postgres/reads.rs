//! Connections for those who only ask: a reader's thread, the engine's start.
//!
//! In: questions, as statements within one snapshot. Out: committed rows. A lost connection is made again, once per
//! question, because a question may be asked twice.

use std::cell::RefCell;
use std::sync::Arc;

use super::Options;
use super::connection::Connection;
use super::error::{Failure, doing};
use super::promise::Server;
use super::ties::Ties;
use crate::ports::StoreError;

/// Makes readers of one store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PostgresReads {
    options: Options,
    ties: Arc<Ties>,
}

impl PostgresReads {
    pub(super) const fn new(options: Options, ties: Arc<Ties>) -> Self {
        Self { options, ties }
    }

    /// The server as it was last seen by any connection of the store, a few seconds ago at the most while it answers.
    pub fn server(&self) -> Option<Server> {
        self.options.seen.server()
    }

    /// A reader for one thread. Connects with its first question.
    pub fn views(&self) -> Result<PostgresViews, StoreError> {
        let connection = Connection::new(self.options.clone()).map_err(doing("preparing a connection"))?;
        Ok(PostgresViews { connection: RefCell::new(connection), ties: Arc::clone(&self.ties) })
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct PostgresViews {
    connection: RefCell<Connection>,
    /// Whose work [`crate::ports::Queue`] finds.
    pub(super) ties: Arc<Ties>,
}

const SNAPSHOT: &str = "begin isolation level repeatable read read only";

impl PostgresViews {
    /// Statements that need no common snapshot: one, or one flight of rows that never change.
    pub(super) fn ask<T>(
        &self,
        what: &'static str,
        mut ask: impl FnMut(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.borrow_mut();
        let mut twice = || -> Result<T, Failure> {
            // A question that panicked has left its snapshot open: the next one would be answered out of it.
            if connection.is_in_transaction() {
                connection.close();
            }
            if connection.is_live() {
                match ask(&mut connection) {
                    Err(Failure::Lost(_)) => {}
                    answered => return answered,
                }
            }
            connection.connect()?;
            ask(&mut connection)
        };
        twice().map_err(doing(what))
    }

    /// All that `ask` asks sees the same committed rows.
    pub(super) fn snapshot<T>(
        &self,
        what: &'static str,
        mut ask: impl FnMut(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.ask(what, |connection| {
            connection.ask(SNAPSHOT, &[])?;
            let answered = ask(connection);
            let ended = connection.ask(if answered.is_ok() { "commit" } else { "rollback" }, &[]);
            answered.and_then(|answer| ended.map(|_| answer))
        })
    }
}
