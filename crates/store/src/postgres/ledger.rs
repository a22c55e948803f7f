//! The ledger's own row: its name, given when its tables are first opened, and where its books were carried to.
//!
//! In: the opening's transaction. Out: the name, the same in all copies (invariants.md E8).

use super::connection::Connection;
use super::error::Failure;
use super::rows::{get, hash};

/// See the module's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) name: [u8; 16],
    /// Nothing starts on books that were moved.
    pub(super) moved_to: Option<String>,
}

const NAME: &str =
    "insert into ledger (only_one, name) values (1, gen_random_uuid()) on conflict (only_one) do nothing";

const READ: &str = "select name, moved_to from ledger";

/// Gives a name to one that has none.
pub(super) fn of(connection: &mut Connection) -> Result<Ledger, Failure> {
    let mut rows = connection.ask(READ, &[])?.rows;
    if rows.is_empty() {
        connection.ask(NAME, &[])?;
        rows = connection.ask(READ, &[])?.rows;
    }
    let row = rows.first().ok_or_else(|| Failure::value("the ledger has no row"))?;
    Ok(Ledger { name: hash(row, 0)?, moved_to: get(row, 1)? })
}
