//! The operators' table: written a few times a year, read by log-ins and by decisions over operators.
//!
//! In: operators as a batch changed them; questions for all or for one by username (the unique index on it). Out:
//! rows, and operators equal to what was written. Never: a password or a key, only their hashes.

use panelworks_core::customer::KeyHash;
use panelworks_core::ids::OperatorId;
use panelworks_core::operator::{Operator, PasswordHash, Username};
use panelworks_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::rows::known;
use crate::codes::{operator_standing_code, operator_standing_of, role_code, role_of};

const ALL: &str = "select id, username, password, admin_key, role, standing, opened_at, password_changed_at, sessions_since \
     from operator order by id";

pub(super) const BY_NAME: &str = "select id, username, password, admin_key, role, standing, opened_at, password_changed_at, sessions_since \
     from operator where username = ?1";

/// The name and the time of opening stay.
const PUT: &str = "insert into operator (id, username, password, admin_key, role, standing, opened_at, password_changed_at, sessions_since) \
     values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) on conflict (id) do update set password = excluded.password, \
     admin_key = excluded.admin_key, role = excluded.role, standing = excluded.standing, \
     password_changed_at = excluded.password_changed_at, sessions_since = excluded.sessions_since";

pub(super) fn all(connection: &Connection) -> Result<Vec<Operator>> {
    connection.prepare_cached(ALL)?.query_map([], operator)?.collect()
}

pub(super) fn by_name(connection: &Connection, username: &Username) -> Result<Option<Operator>> {
    connection.prepare_cached(BY_NAME)?.query_row([username.as_str()], operator).optional()
}

pub(super) fn put(connection: &Connection, operators: &[Operator]) -> Result<()> {
    for operator in operators {
        connection.prepare_cached(PUT)?.execute(params![
            operator.id.0,
            operator.username.as_str(),
            operator.password.expose(),
            operator.admin_key.map(|key| key.0),
            role_code(operator.role),
            operator_standing_code(operator.standing),
            operator.opened_at.0,
            operator.password_changed_at.0,
            operator.sessions_since.0
        ])?;
    }
    Ok(())
}

fn operator(row: &Row<'_>) -> Result<Operator> {
    let (username, password): (String, String) = (row.get(1)?, row.get(2)?);
    Ok(Operator {
        id: OperatorId(row.get(0)?),
        username: known(1, Username::parse(&username).ok())?,
        password: known(2, PasswordHash::new(&password))?,
        admin_key: row.get::<_, Option<[u8; 32]>>(3)?.map(KeyHash),
        role: known(4, role_of(row.get(4)?))?,
        standing: known(5, operator_standing_of(row.get(5)?))?,
        opened_at: Timestamp(row.get(6)?),
        password_changed_at: Timestamp(row.get(7)?),
        sessions_since: Timestamp(row.get(8)?),
    })
}
