//! A schema while its books are carried away, or others come: what both have in common.
//!
//! In: where the server is, and on which side of the move it stands. Out: the books in it as a [`Place`], inside one
//! transaction that locks every node's row and sees one state: whoever writes waits, and finds its epoch over when the
//! books have gone. Reading stands in `carry/departing.rs`, writing in `carry/arriving.rs`. What comes is committed as
//! a whole, or not at all: no start ever sees a part of it. Rules: `crate::carry`; invariants.md A11, E8.

mod arriving;
mod departing;

use panelworks_core::audit::Violation;
use panelworks_core::ids::NodeId;
use panelworks_core::world::Cursors;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::connection::{Connection, Step};
use super::error::{Failure, doing};
use super::rows::{get, hash, id, natural};
use super::{OpenError, Options, audit, ledger, node, schema};
use crate::carry::{Place, Standing, Stream, TALLIES, Tally, joined};
use crate::ports::{CommitError, StoreError};

/// On which side of the move a schema stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Nothing is made where there is nothing.
    Departing,
    /// The tables are made where they are missing.
    Arriving,
}

/// See the module's head. Panels on the schema wait, or are refused, as long as it lives.
#[derive(Debug)]
pub struct PostgresCarrier {
    connection: Connection,
    shown: String,
    has_books: bool,
    /// Whose stream comes.
    node: NodeId,
    /// To be made when all rows are there.
    indexes: Vec<String>,
}

const BEGIN: &str = "begin isolation level read committed";
const BEGIN_SNAPSHOT: &str = "begin isolation level repeatable read";

/// Other than for a batch there is much to do between two statements.
const TAKE_TIME: &str = "set local idle_in_transaction_session_timeout to 0";

/// Before the first question, so that the snapshot holds all that was committed under an older lock. Reading goes on.
const LOCK: &str = "lock table node in exclusive mode";

const ALIVE: &str = "select id, cast(ceil(extract(epoch from lease_until - now())) as bigint) from node \
     where lease_until > now() and holder <> $1 order by lease_until desc limit 1";

const STREAMS: &str = "select node.id, node.epoch, last.place, last.orders, last.link, last.last_entry \
     from node cross join lateral (select place, last_entry, orders, link from batch where batch.node = node.id \
       and place is not null order by epoch desc, sequence desc limit 1) as last order by node.id";

/// What follows every id there is. A block that was begun beyond all orders was begun there on purpose.
const NEXT: &str = "select coalesce(greatest((select max(id) from orders), (select max(id) from archived_orders)), 0) + 1, \
     coalesce(greatest((select max(id) from refill), (select max(id) from archived_refill)), 0) + 1, \
     coalesce(greatest((select max(id) from cancel), (select max(id) from archived_cancel)), 0) + 1, \
     coalesce((select max(id) from transfer), 0) + 1, \
     coalesce((select cast(max(first_id) as integer) from id_block where kind = 1 \
       and exists (select 1 from batch where batch.node = id_block.node)), 1)";

const MARK: &str = "update ledger set moved_to = $1";

/// A panel that was only frozen finds its epoch over.
const END_EPOCHS: &str = "update node set epoch = epoch + 1, lease_until = now()";

impl PostgresCarrier {
    /// Connects, and locks the books if there are any. `shown` is the place in words, without a password.
    pub fn open(options: Options, side: Side, shown: String) -> Result<Self, OpenError> {
        if !schema::is_plain(&options.schema) {
            return Err(OpenError::SchemaName(options.schema));
        }
        let mut connection = Connection::new(options).map_err(doing("preparing a connection"))?;
        connection.connect().map_err(doing("connecting to the database"))?;
        let mut carrier = Self { connection, shown, has_books: true, node: NodeId(1), indexes: Vec::new() };
        carrier.lock(side)?;
        Ok(carrier)
    }

    fn lock(&mut self, side: Side) -> Result<(), OpenError> {
        const WHAT: &str = "locking the books";
        let Self { connection, has_books, .. } = self;
        let begin = match side {
            Side::Departing => BEGIN_SNAPSHOT,
            Side::Arriving => BEGIN,
        };
        connection.ask(begin, &[]).map_err(doing(WHAT))?;
        connection.ask(TAKE_TIME, &[]).map_err(doing(WHAT))?;
        if side == Side::Arriving {
            schema::prepare(connection)?;
        }
        match connection.ask(LOCK, &[]) {
            Err(Failure::Refused { state, .. }) if state == SqlState::UNDEFINED_TABLE => {
                connection.ask("rollback", &[]).map_err(doing(WHAT))?;
                *has_books = false;
                return Ok(());
            }
            locked => locked.map_err(doing(WHAT))?,
        };
        if side == Side::Departing {
            schema::prepare(connection)?;
        }
        self.refuse_the_living()
    }

    fn refuse_the_living(&mut self) -> Result<(), OpenError> {
        let Self { connection, .. } = self;
        let (holder, schema) = (connection.options().holder.clone(), connection.options().schema.clone());
        let mut alive = || -> Result<Option<(i32, i64)>, Failure> {
            let rows = connection.ask(ALIVE, &[&holder])?.rows;
            rows.first().map(|row| Ok((get(row, 0)?, get(row, 1)?))).transpose()
        };
        match alive().map_err(doing("looking who uses the books"))? {
            None => Ok(()),
            Some((node, seconds)) => Err(OpenError::InUse { schema, node, seconds }),
        }
    }

    /// Ends the transaction; a yes with a warning is none.
    fn commit(&mut self, what: &'static str) -> Result<(), CommitError> {
        match self.connection.fly_patiently(&[Step::plain("commit")]) {
            Ok(_) => match self.connection.warnings().pop() {
                Some(warning) => Err(CommitError::Unknown(Failure::Lost(warning).doing(what))),
                None => Ok(()),
            },
            Err(fallen) => match fallen.failure {
                failure @ Failure::Lost(_) => Err(CommitError::Unknown(failure.doing(what))),
                failure @ (Failure::Refused { .. } | Failure::Value(_) | Failure::Over(_)) => {
                    Err(CommitError::NotCommitted(failure.doing(what)))
                }
            },
        }
    }

    fn set_moved_to(&mut self, to: Option<&str>) -> Result<(), CommitError> {
        const WHAT: &str = "marking the books";
        let Self { connection, .. } = self;
        let mut set = || -> Result<(), Failure> {
            if !connection.is_in_transaction() {
                connection.ask(BEGIN, &[])?;
            }
            ledger::of(connection)?;
            connection.ask(MARK, &[&to])?;
            connection.ask(END_EPOCHS, &[]).map(drop)
        };
        set().map_err(|failure| CommitError::NotCommitted(failure.doing(WHAT)))?;
        self.commit(WHAT)
    }
}

fn standing(connection: &mut Connection) -> Result<Standing, Failure> {
    let ledger = ledger::of(connection)?;
    let streams = connection.ask(STREAMS, &[])?;
    let streams = streams.rows.iter().map(stream).collect::<Result<Vec<_>, _>>()?;
    let few = connection.ask(node::HIGHEST, &[])?;
    let next = connection.ask(NEXT, &[])?;
    let (Some((few, _)), Some((next, _))) = (few.rows.split_first(), next.rows.split_first()) else {
        return Err(Failure::value("an answer is missing"));
    };
    let first = Cursors::default();
    let cursors = Cursors {
        order: id::<u32>(next, 0)?.max(id(next, 4)?),
        refill: id(next, 1)?,
        cancel: id::<u32>(next, 2)?.max(first.cancel),
        transfer: id(next, 3)?,
        ..node::few(few, first)?
    };
    Ok(Standing { ledger: ledger.name, streams, cursors, is_copy: false, moved_to: ledger.moved_to })
}

fn stream(row: &Row) -> Result<Stream, Failure> {
    Ok(Stream {
        node: NodeId(id(row, 0)?),
        epoch: id(row, 1)?,
        place: natural(row, 2)?,
        orders: natural(row, 3)?,
        link: hash(row, 4)?,
    })
}

impl Place for PostgresCarrier {
    fn shown(&self) -> &str {
        &self.shown
    }

    fn standing(&mut self) -> Result<Option<Standing>, StoreError> {
        if !self.has_books {
            return Ok(None);
        }
        standing(&mut self.connection).map(Some).map_err(doing("looking where the books stand"))
    }

    fn audit(&mut self, hear: &mut dyn FnMut(u64, u64)) -> Result<Vec<Violation>, StoreError> {
        audit::audit(&mut self.connection, hear).map_err(doing("auditing the books"))
    }

    fn tally(&mut self) -> Result<Vec<Tally>, StoreError> {
        let mut tally = |table, sql| -> Result<Tally, Failure> {
            let rows = self.connection.ask_patiently(sql, &[])?.rows;
            let parts = rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?, get(row, 2)?, get(row, 3)?)));
            Ok(joined(table, parts.collect::<Result<_, Failure>>()?))
        };
        let all = TALLIES.iter().map(|question| tally(question.table, question.sql));
        all.collect::<Result<_, _>>().map_err(doing("counting the books"))
    }

    fn mark(&mut self, moved_to: &str) -> Result<(), CommitError> {
        self.set_moved_to(Some(moved_to))
    }

    fn unmark(&mut self) -> Result<(), CommitError> {
        self.set_moved_to(None)
    }
}
