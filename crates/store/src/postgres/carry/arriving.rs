//! Books that come to a schema: in one transaction, which makes the tables too where they are missing.
//!
//! In: what the other store has, in order of keys. Out: rows, by the same statements that a batch is written with;
//! then the indexes, the idempotency keys that are still honoured, and statistics for the planner. The panel's own node
//! gets the stream, so that the next start of this panel goes on with it. Ids go on where they ended. Never: a row
//! overwritten.

use panelworks_core::ids::NodeId;
use panelworks_core::limits::IDEMPOTENCY_KEPT;
use panelworks_core::world::{Changes, Cursors};
use tokio_postgres::types::ToSql;

use super::super::archive;
use super::super::connection::{Connection, Step};
use super::super::error::{Failure, doing};
use super::super::load::Read;
use super::super::rows::get;
use super::super::statements as sql;
use super::super::values::{Hash, eight, four};
use super::super::write::Writes;
use super::PostgresCarrier;
use crate::carry::{Arriving, Batch, NextBatches, Standing};
use crate::ports::{CommitError, StoreError};

/// What starts on empty tables have left behind.
const CLEAR: [&str; 4] =
    ["delete from archive", "delete from id_block", "delete from id_sequence", "delete from node"];

const NAME: &str = "update ledger set name = $1";

const STREAM: &str =
    "insert into node (id, epoch, holder, worked_by, lease_until) values ($1, $2, $3, $1, now())";

/// By the codes of blocks.rs. The next start takes its first blocks from here on.
const SEQUENCES: &str = "insert into id_sequence (kind, next_id) values (1, $1), (2, $2), (3, $3), (4, $4)";

const INSERT_BATCHES: &str = "insert into batch (node, epoch, sequence, at, place, last_entry, orders, link) select given.* from \
     unnest(cast($1 as integer[]), cast($2 as integer[]), cast($3 as bigint[]), cast($4 as bigint[]), \
     cast($5 as bigint[]), cast($6 as bigint[]), cast($7 as bigint[]), cast($8 as uuid[])) as given";

/// Of a day before the last order, and an hour more. Of two orders with one key the later one counts.
const MARKS: &str = "insert into idempotency (customer, key, parameters, order_id, accepted_at) \
     select distinct on (customer, substring(mark from 1 for 16)) customer, \
       cast(encode(substring(mark from 1 for 16), 'hex') as uuid), \
       cast(encode(substring(mark from 17 for 16), 'hex') as uuid), id, accepted_at from orders \
     where mark is not null and accepted_at >= (select accepted_at from orders order by id desc limit 1) - $1 \
     order by customer, substring(mark from 1 for 16), id desc";

const SLACK_MS: i64 = 60 * 60 * 1_000;

/// All but those that a constraint needs.
const INDEXES: &str = "select cast(indexname as text), indexdef from pg_catalog.pg_indexes where schemaname = $1 and not exists \
     (select 1 from pg_catalog.pg_constraint join pg_catalog.pg_namespace on pg_namespace.oid = connamespace \
      where nspname = schemaname and conname = indexname) order by indexname";

const TABLES: &str =
    "select cast(tablename as text) from pg_catalog.pg_tables where schemaname = $1 order by tablename";

impl PostgresCarrier {
    fn take_over(&mut self, standing: &Standing) -> Result<(), Failure> {
        let Self { connection, .. } = self;
        for clear in CLEAR {
            connection.ask(clear, &[])?;
        }
        connection.ask(NAME, &[&Hash(standing.ledger)])?;
        let holder = connection.options().holder.clone();
        for stream in &standing.streams {
            connection.ask(STREAM, &[&i32::from(stream.node.0), &four(stream.epoch)?, &holder])?;
        }
        let Cursors { order, refill, cancel, transfer, .. } = standing.cursors;
        let next = [order, refill, cancel, transfer].map(i64::from);
        connection.ask(SEQUENCES, &[&next[0], &next[1], &next[2], &next[3]]).map(drop)
    }

    /// Rows in order of their keys come faster without. Gives how to make them again.
    fn drop_indexes(&mut self) -> Result<Vec<String>, Failure> {
        let Self { connection, .. } = self;
        let schema = connection.options().schema.clone();
        let mut indexes = Vec::new();
        for row in connection.ask(INDEXES, &[&schema])?.rows {
            let (name, sql): (String, String) = (get(&row, 0)?, get(&row, 1)?);
            connection.run(&format!("drop index {name}"))?;
            indexes.push(sql);
        }
        Ok(indexes)
    }

    fn derive(&mut self) -> Result<(), Failure> {
        let Self { connection, indexes, .. } = self;
        for index in indexes {
            connection.run(index)?;
        }
        let kept = eight(IDEMPOTENCY_KEPT.0)? + SLACK_MS;
        let params: [&(dyn ToSql + Sync); 1] = [&kept];
        connection.fly_patiently(&[Step::new(MARKS, &params)]).map_err(|fallen| fallen.failure)?;
        let schema = connection.options().schema.clone();
        for row in connection.ask(TABLES, &[&schema])?.rows {
            connection.run(&format!("analyze {}", get::<&str>(&row, 0)?))?;
        }
        Ok(())
    }
}

impl Arriving for PostgresCarrier {
    fn objection(&self, standing: &Standing) -> Option<String> {
        // One holder takes one node.
        (standing.streams.len() != 1).then(|| "these books have more than one stream".to_owned())
    }

    fn sets_aside(&self) -> bool {
        false
    }

    fn begin(&mut self, standing: &Standing) -> Result<(), StoreError> {
        const WHAT: &str = "beginning to write the books";
        self.take_over(standing).map_err(doing(WHAT))?;
        self.node = standing.streams.first().map_or(NodeId(1), |stream| stream.node);
        self.indexes = self.drop_indexes().map_err(doing(WHAT))?;
        Ok(())
    }

    fn put(&mut self, changes: &Changes) -> Result<(), StoreError> {
        put(&mut self.connection, self.node, changes).map_err(doing("writing the books"))
    }

    fn put_archived(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let put = put_archived(&mut self.connection, self.node, changes);
        put.map_err(doing("writing the archive"))
    }

    fn put_batches(&mut self, next: &mut NextBatches<'_>) -> Result<(), StoreError> {
        loop {
            let page = next()?;
            if page.is_empty() {
                return Ok(());
            }
            put_batches(&mut self.connection, &page).map_err(doing("writing batches"))?;
        }
    }

    fn complete(&mut self) -> Result<(), StoreError> {
        self.derive().map_err(doing("completing the books"))
    }

    fn stay(&mut self) -> Result<(), CommitError> {
        self.commit("putting the books in their place")
    }
}

fn put(connection: &mut Connection, node: NodeId, changes: &Changes) -> Result<(), Failure> {
    let writes = Writes::of(changes, node, Cursors::default(), &Read::default())?.without_marks();
    let statements = writes.statements();
    let steps: Vec<Step<'_>> = statements.iter().map(|write| Step::new(write.sql, &write.params)).collect();
    connection.fly_patiently(&steps).map(drop).map_err(|fallen| fallen.failure)
}

fn put_archived(connection: &mut Connection, node: NodeId, changes: &Changes) -> Result<(), Failure> {
    let writes = Writes::of(changes, node, Cursors::default(), &Read::default())?.without_marks();
    let (number, orders) = (i32::from(node.0), eight(changes.orders.len())?);
    let count: [&(dyn ToSql + Sync); 2] = [&number, &orders];
    let statements = writes.statements();
    let mut steps: Vec<Step<'_>> =
        statements.iter().map(|write| Step::new(sql::in_archive(write.sql), &write.params)).collect();
    steps.push(Step::new(archive::COUNT, &count));
    connection.fly_patiently(&steps).map(drop).map_err(|fallen| fallen.failure)
}

/// Rows of `batch`, column by column.
#[derive(Default)]
struct Batches {
    node: Vec<i32>,
    epoch: Vec<i32>,
    sequence: Vec<i64>,
    at: Vec<i64>,
    place: Vec<i64>,
    last_entry: Vec<i64>,
    orders: Vec<i64>,
    link: Vec<Hash>,
}

fn put_batches(connection: &mut Connection, page: &[Batch]) -> Result<(), Failure> {
    let mut to = Batches::default();
    for batch in page {
        to.node.push(i32::from(batch.id.node.0));
        to.epoch.push(four(batch.id.epoch)?);
        to.sequence.push(eight(batch.id.sequence)?);
        to.at.push(batch.at.0);
        to.place.push(eight(batch.place)?);
        to.last_entry.push(eight(batch.last_entry)?);
        to.orders.push(eight(batch.orders)?);
        to.link.push(Hash(batch.link));
    }
    let params: [&(dyn ToSql + Sync); 8] =
        [&to.node, &to.epoch, &to.sequence, &to.at, &to.place, &to.last_entry, &to.orders, &to.link];
    connection.fly_patiently(&[Step::new(INSERT_BATCHES, &params)]).map(drop).map_err(|fallen| fallen.failure)
}
