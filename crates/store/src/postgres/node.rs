//! The node that writes: taken at a start by raising its epoch, and the end of its stream.
//!
//! In: a name, inside the opening's transaction. Out: the node whose row carries that name, else the lowest whose
//! lease has run out, else the lowest that others took over and that left nothing to do, else a new one; and its epoch, which every later batch finds unchanged or fails (domain.md, The
//! ledger; invariants.md A11, A12). Leases are counted by the clock of the database alone (A13).

use std::collections::BTreeSet;

use panelworks_core::ids::NodeId;
use panelworks_core::world::Cursors;
use tokio_postgres::Row;

use super::archive;
use super::blocks::{self, Blocks};
use super::connection::{Connection, Step};
use super::error::Failure;
use super::queue;
use super::rows::{get, hash, id, natural};
use super::values::{eight, four};
use crate::chain::{self, Link};
use crate::limits;

/// The end of the node's stream of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) link: Link,
    pub(super) place: u64,
    pub(super) last_entry: u64,
    pub(super) orders: u64,
}

impl Tip {
    pub(super) const START: Self = Self { link: chain::GENESIS, place: 0, last_entry: 0, orders: 0 };
}

/// What a start took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) node: NodeId,
    pub(super) epoch: u32,
}

/// Where the node's stream and its numbers stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) tip: Tip,
    pub(super) cursors: Cursors,
    pub(super) blocks: Blocks,
}

const NODES: &str = "select id, holder, lease_until < now() from node order by id for update";

/// The nodes whose orders a node works on.
pub(super) const STREAMS: &str = "select id from node where worked_by = $1 order by id";

const RAISE: &str = "update node set epoch = epoch + 1, holder = $2, worked_by = id, \
     lease_until = now() + cast($3 as bigint) * interval '1 millisecond' where id = $1 returning epoch";

const NEW: &str = "insert into node (id, epoch, holder, worked_by, lease_until) \
     values ($1, 1, $2, $1, now() + cast($3 as bigint) * interval '1 millisecond') returning epoch";

/// Goes on being ours; writes nothing once the epoch is over.
pub(super) const RENEW: &str = "update node set lease_until = now() + cast($3 as bigint) * interval '1 millisecond' \
     where id = $1 and epoch = $2";

/// By primary key, backwards. A batch under way has no place yet.
pub(super) const LAST_BATCH: &str = "select link, place, last_entry, orders from batch \
     where node = $1 and place is not null order by epoch desc, sequence desc limit 1";

pub(super) const HIGHEST: &str = "select (select max(customer) from account), (select max(id) from service), \
     (select max(id) from provider)";

/// Takes a node for `holder`. Other starts wait for the end of this transaction.
pub(super) fn take(connection: &mut Connection, holder: &str) -> Result<Taken, Failure> {
    let nodes = connection.ask(NODES, &[])?.rows;
    let (mut own, mut left, mut retired, mut highest) = (None, None, Vec::new(), 0);
    for row in &nodes {
        let (number, name, is_over): (i32, Option<&str>, bool) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
        highest = number;
        match name {
            Some(name) if name == holder => own = Some(number),
            Some(_) if is_over && left.is_none() => left = Some(number),
            Some(_) => {}
            None => retired.push(number),
        }
    }
    let mut chosen: Option<i32> = own.or(left);
    for number in retired.into_iter().take(limits::RETIRED_NODES) {
        if chosen.is_none() && connection.ask(queue::OPEN, &[&number, &0_i32, &1_i64])?.rows.is_empty() {
            chosen = Some(number);
        }
    }
    let lease = eight(limits::LEASE.as_millis())?;
    let (number, statement) = chosen.map_or((highest + 1, NEW), |number| (number, RAISE));
    let answer = connection.ask(statement, &[&number, &holder, &lease])?;
    let row = answer.rows.first().ok_or_else(|| Failure::value("the node has no row"))?;
    let node = u16::try_from(number).map_err(|_| Failure::value("there are too many nodes"))?;
    connection.ask(archive::FINDS, &[&number, &get::<i32>(row, 0)?])?;
    Ok(Taken { node: NodeId(node), epoch: id(row, 0)? })
}

/// The nodes whose orders this one works on: itself, and those that it took over before.
pub(super) fn streams(connection: &mut Connection, own: i32) -> Result<BTreeSet<i32>, Failure> {
    connection.ask_soon(STREAMS, &[&own])?.rows.iter().map(|row| get(row, 0)).collect()
}

/// Where the node stands by what is committed.
pub(super) fn standing(
    connection: &mut Connection,
    node: NodeId,
    floor: Option<u32>,
) -> Result<Standing, Failure> {
    let number = four(node.0)?;
    let (blocks, cursors) = blocks::of_node(connection, node, floor)?;
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&number];
    let answers = connection
        .fly(&[Step::new(LAST_BATCH, &params), Step::plain(HIGHEST)])
        .map_err(|fallen| fallen.failure)?;
    let [last, highest] = answers.as_slice() else { return Err(Failure::value("an answer is missing")) };
    let tip = last.rows.first().map_or(Ok(Tip::START), tip)?;
    let highest = highest.rows.first().ok_or_else(|| Failure::value("an answer is missing"))?;
    let cursors = Cursors { entry: tip.last_entry + 1, ..cursors };
    Ok(Standing { tip, cursors: few(highest, cursors)?, blocks })
}

/// The end of a node's stream, as it is committed.
pub(super) fn last(connection: &mut Connection, node: NodeId) -> Result<Tip, Failure> {
    let rows = connection.ask(LAST_BATCH, &[&four(node.0)?])?.rows;
    rows.first().map_or(Ok(Tip::START), tip)
}

pub(super) fn tip(row: &Row) -> Result<Tip, Failure> {
    Ok(Tip {
        link: hash(row, 0)?,
        place: natural(row, 1)?,
        last_entry: natural(row, 2)?,
        orders: natural(row, 3)?,
    })
}

/// The numbers of which there are few: each follows the highest that anybody has committed.
pub(super) fn few(highest: &Row, cursors: Cursors) -> Result<Cursors, Failure> {
    let first = Cursors::default();
    let after = |column: usize, first: u32| -> Result<u32, Failure> {
        let highest: Option<i32> = get(highest, column)?;
        let next = highest.map_or(i64::from(first), |highest| i64::from(highest) + 1);
        u32::try_from(next).map_err(|_| Failure::value("an id is negative"))
    };
    Ok(Cursors {
        customer: after(0, first.customer)?,
        service: after(1, first.service)?,
        provider: after(2, first.provider)?,
        ..cursors
    })
}
