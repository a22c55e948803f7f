//! The writer: one batch, one transaction, a few flights of statements.

use super::connection::Connection;
use super::node::{Standing, Taken};

/// See the module's head.
#[derive(Debug)]
pub struct PostgresBooks {
    connection: Connection,
    taken: Taken,
    standing: Standing,
}

impl PostgresBooks {
    pub(super) fn new(connection: Connection, taken: Taken, standing: Standing) -> Self {
        Self { connection, taken, standing }
    }
}
