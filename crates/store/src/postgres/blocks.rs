//! Ids in blocks: a node draws from its own, so that no two nodes meet over a number.
//!
//! In: how many are left. Out: a further block, taken by one statement that commits by itself, before a batch could
//! run out. A block that follows the last one grows it, so a single node's numbers have no gaps. What is left of a
//! block when another node's lies behind it is never drawn. Never: an id above the core's limit.

use panelworks_core::ids::NodeId;
use panelworks_core::limits::ORDER_ID_MAX;
use panelworks_core::world::Cursors;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::connection::{Connection, Step};
use super::error::Failure;
use super::rows::{get, natural};
use super::values::four;
use crate::limits;

/// What is numbered so. The code stands in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Order = 1,
    Refill = 2,
    Cancel = 3,
    Transfer = 4,
}

const KINDS: [Kind; 4] = [Kind::Order, Kind::Refill, Kind::Cancel, Kind::Transfer];

/// From `first` to `last`; empty when the ids are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    first: u32,
    last: u32,
}

/// The block of each kind that the node draws from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks([Block; 4]);

const OF_NODE: &str = "select distinct on (kind) kind, first_id, last_id from id_block where node = $1 \
     order by kind, first_id desc";

/// Takes `$3` ids. The row of the sequence is locked for this statement alone.
const TAKE: &str = "with taken as (insert into id_sequence (kind, next_id) values ($1, cast($2 as bigint) + cast($3 as bigint)) \
       on conflict (kind) do update set next_id = id_sequence.next_id + cast($3 as bigint) returning next_id - cast($3 as bigint) as first_id), \
     grown as (update id_block set last_id = id_block.last_id + cast($3 as bigint) from taken \
       where id_block.kind = $1 and id_block.node = $4 and id_block.last_id + 1 = taken.first_id \
       returning id_block.first_id, id_block.last_id), \
     fresh as (insert into id_block (kind, first_id, last_id, node) \
       select cast($1 as smallint), first_id, first_id + cast($3 as bigint) - 1, cast($4 as integer) from taken where not exists (select 1 from grown) \
       returning first_id, last_id) \
     select first_id, last_id from grown union all select first_id, last_id from fresh";

/// No number below `$2` is given out from now on.
const RAISE: &str = "insert into id_sequence (kind, next_id) values ($1, $2) \
     on conflict (kind) do update set next_id = greatest(id_sequence.next_id, excluded.next_id)";

/// Among those that are worked on, and in the archive.
macro_rules! last_of_both {
    ($table:literal) => {
        concat!(
            "select max(id) from (select max(id) as id from ",
            $table,
            " where id between $1 and $2 union all select max(id) from archived_",
            $table,
            " where id between $1 and $2) as ends"
        )
    };
}

const LAST_ORDER: &str = last_of_both!("orders");
const LAST_REFILL: &str = last_of_both!("refill");
const LAST_CANCEL: &str = last_of_both!("cancel");
const LAST_TRANSFER: &str = "select max(id) from transfer where id between $1 and $2";

impl Kind {
    const fn first(self) -> u32 {
        match self {
            Self::Order | Self::Refill | Self::Transfer => 1,
            Self::Cancel => panelworks_core::limits::CANCEL_ID_FIRST,
        }
    }

    const fn last_drawn(self) -> &'static str {
        match self {
            Self::Order => LAST_ORDER,
            Self::Refill => LAST_REFILL,
            Self::Cancel => LAST_CANCEL,
            Self::Transfer => LAST_TRANSFER,
        }
    }

    const fn cursor(self, cursors: &mut Cursors) -> &mut u32 {
        match self {
            Self::Order => &mut cursors.order,
            Self::Refill => &mut cursors.refill,
            Self::Cancel => &mut cursors.cancel,
            Self::Transfer => &mut cursors.transfer,
        }
    }
}

impl Blocks {
    /// Whether `cursors`, as a batch left them, stayed within what is the node's.
    pub(super) fn hold(&self, mut cursors: Cursors) -> bool {
        KINDS
            .into_iter()
            .zip(self.0)
            .all(|(kind, block)| *kind.cursor(&mut cursors) <= block.last.saturating_add(1))
    }

    /// Takes further blocks where fewer than `wanted` ids are left.
    pub(super) fn refill(
        &mut self,
        connection: &mut Connection,
        node: NodeId,
        cursors: &mut Cursors,
        wanted: u32,
    ) -> Result<(), Failure> {
        for (kind, block) in KINDS.into_iter().zip(&mut self.0) {
            let cursor = kind.cursor(cursors);
            // Signed in effect: nothing is left once the cursor has passed the end.
            let left = block.last.saturating_add(1).saturating_sub(*cursor);
            if left >= wanted || *cursor > ORDER_ID_MAX || block.last >= ORDER_ID_MAX {
                continue;
            }
            let taken = take(connection, node, kind, wanted.max(limits::ID_BLOCK))?;
            if taken.first != block.first {
                *cursor = taken.first;
            }
            *block = taken;
        }
        Ok(())
    }
}

/// The node's blocks, and where in them the rows end. A node without one takes its first.
pub(super) fn of_node(
    connection: &mut Connection,
    node: NodeId,
    floor: Option<u32>,
) -> Result<(Blocks, Cursors), Failure> {
    let number = four(node.0)?;
    let rows = connection.ask(OF_NODE, &[&number])?.rows;
    let mut blocks = Blocks([Block { first: 0, last: 0 }; 4]);
    for (kind, block) in KINDS.into_iter().zip(&mut blocks.0) {
        let own = rows.iter().find(|row| get::<i16>(row, 0).is_ok_and(|code| code == kind as i16));
        *block = match own {
            Some(row) => read(row, 1)?,
            None => take(connection, node, kind, limits::ID_BLOCK)?,
        };
    }
    let mut cursors = cursors(connection, &blocks)?;
    if let Some(floor) = floor.filter(|floor| *floor > cursors.order) {
        let code = Kind::Order as i16;
        connection.ask(RAISE, &[&code, &i64::from(floor)])?;
        blocks.0[0] = take(connection, node, Kind::Order, limits::ID_BLOCK)?;
        cursors.order = blocks.0[0].first.max(floor);
    }
    Ok((blocks, cursors))
}

/// Rows are never deleted, at most they go to the archive: the next number follows the highest of the block.
fn cursors(connection: &mut Connection, blocks: &Blocks) -> Result<Cursors, Failure> {
    let bounds = blocks.0.map(|block| (four(block.first), four(block.last)));
    let mut ends = Vec::with_capacity(bounds.len());
    for (first, last) in bounds {
        ends.push((first?, last?));
    }
    let params: Vec<[&(dyn ToSql + Sync); 2]> =
        ends.iter().map(|(first, last)| [first as _, last as _]).collect();
    let steps: Vec<Step<'_>> =
        KINDS.iter().zip(&params).map(|(kind, params)| Step::new(kind.last_drawn(), params)).collect();
    let answers = connection.fly(&steps).map_err(|fallen| fallen.failure)?;
    let mut cursors = Cursors::default();
    for ((kind, block), answer) in KINDS.into_iter().zip(blocks.0).zip(answers) {
        let highest: Option<i32> = answer.rows.first().map(|row| get(row, 0)).transpose()?.flatten();
        let next = highest
            .and_then(|highest| u32::try_from(highest).ok())
            .map_or(block.first, |highest| highest + 1);
        *kind.cursor(&mut cursors) = next;
    }
    Ok(cursors)
}

fn take(connection: &mut Connection, node: NodeId, kind: Kind, count: u32) -> Result<Block, Failure> {
    let (code, number) = (kind as i16, four(node.0)?);
    let rows = connection.ask(TAKE, &[&code, &i64::from(kind.first()), &i64::from(count), &number])?.rows;
    let row = rows.first().ok_or_else(|| Failure::value("no block of ids was given"))?;
    read(row, 0)
}

/// Beyond the limit there are no ids, whatever the row says.
fn read(row: &Row, column: usize) -> Result<Block, Failure> {
    let (first, last): (u64, u64) = (natural(row, column)?, natural(row, column + 1)?);
    let within = |id: u64| u32::try_from(id).unwrap_or(u32::MAX);
    Ok(Block { first: within(first).min(ORDER_ID_MAX + 1), last: within(last).min(ORDER_ID_MAX) })
}
