//! The schema: made once, raised by numbered steps, by one start while others wait.
//!
//! In: a connection inside a transaction. Out: tables of the version this program knows; or words for the one who
//! starts an older program on a newer database, or on somebody else's tables. Without a migration crate: none of those
//! that know `tokio-postgres` keeps other nodes waiting, and what it would add is this page.

use sha2::{Digest, Sha256};

use super::OpenError;
use super::connection::Connection;
use super::error::{Failure, doing};
use super::rows::{get, id};

/// Each step raises the version by one; the first makes the tables.
const STEPS: [&str; 2] =
    [include_str!("../schema/postgres.sql"), include_str!("../schema/postgres-archive.sql")];

const EXISTS: &str = "select count(*) from pg_catalog.pg_namespace where nspname = $1";

const TABLES: &str = "select count(*), count(*) filter (where tablename = 'schema_version') \
     from pg_catalog.pg_tables where schemaname = $1";

const VERSION: &str = "select coalesce(max(version), 0) from schema_version";

const STEPPED: &str = "insert into schema_version (version, made_at) values ($1, now())";

/// Until the transaction ends, no other start looks at this schema.
const WAIT_FOR_OTHERS: &str = "select pg_advisory_xact_lock($1)";

/// A name that needs no quotes.
pub(super) fn is_plain(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && name.len() <= 63
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !name.starts_with("pg_")
}

/// Waits for other starts, and brings the tables up to this program's version.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), OpenError> {
    let schema = connection.options().schema.clone();
    connection.ask(WAIT_FOR_OTHERS, &[&lock_key(&schema)]).map_err(doing("waiting for another start"))?;
    let version = version(connection, &schema)?;
    let known = i32::try_from(STEPS.len()).unwrap_or(i32::MAX);
    if version > known {
        return Err(OpenError::TooNew { schema, found: version, known });
    }
    let steps = STEPS.iter().zip(1..).filter(|(_, number)| *number > version);
    for (step, number) in steps {
        connection.run(step).map_err(doing("making the tables"))?;
        connection.ask(STEPPED, &[&number]).map_err(doing("writing the schema's version"))?;
    }
    Ok(())
}

/// Zero for a schema without tables; it is made here where it is missing.
fn version(connection: &mut Connection, schema: &str) -> Result<i32, OpenError> {
    let count = |connection: &mut Connection, sql| -> Result<(i64, i64), Failure> {
        let answer = connection.ask(sql, &[&schema])?;
        let row = answer.rows.first().ok_or_else(|| Failure::value("a count has no row"))?;
        Ok((get(row, 0)?, if row.len() > 1 { get(row, 1)? } else { 0 }))
    };
    let exists = count(connection, EXISTS).map_err(doing("looking for the schema"))?.0 > 0;
    if !exists {
        connection.run(&format!("create schema {schema}")).map_err(doing("making the schema"))?;
    }
    let (tables, ours) = count(connection, TABLES).map_err(doing("looking at the schema's tables"))?;
    if ours == 0 && tables > 0 {
        return Err(OpenError::NotOurs(schema.to_owned()));
    }
    if ours == 0 {
        connection
            .run("create table schema_version (version integer primary key, made_at timestamptz not null)")
            .map_err(doing("making the schema"))?;
        return Ok(0);
    }
    let answer = connection.ask(VERSION, &[]).map_err(doing("reading the schema's version"))?;
    let read = answer.rows.first().map_or(Ok(0), |row| id(row, 0));
    Ok(read.map_err(doing("reading the schema's version"))?)
}

/// One lock per schema.
pub(super) fn lock_key(schema: &str) -> i64 {
    let digest = Sha256::digest(format!("panelworks schema {schema}"));
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_need_no_quotes_name_a_schema() {
        for name in ["panelworks", "_a1", "shop_2"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "Shop", "a b", "a;drop", "1a", "pg_shop", "é", &"a".repeat(64)] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
