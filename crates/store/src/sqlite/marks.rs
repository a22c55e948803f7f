//! An index in memory from a fingerprint to the orders that may have it: open guarded links, idempotency keys.
//!
//! A table keyed by a hash would cost every `add` more than all its rows together (performance.md, What
//! follows 2), so the index lives here, eight bytes an order. A fingerprint proves nothing: every hit is
//! verified on the order's row, and several orders may share one. It changes only after a commit. When it
//! outgrows its limit the older half moves, a little with each commit, into a run of the table `spilled` in
//! key order: nothing is forgotten before its time.

use std::hash::Hasher as _;

use hashbrown::HashTable;
use panelworks_core::ids::{CustomerId, OrderId};
use panelworks_core::world::GuardKey;
use rusqlite::{Connection, Result, params};
use siphasher::sip::SipHasher13;

use super::views::whole;
use crate::limits;

/// Which index: the code stands in the tables `spill` and `spilled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Guard = 1,
    Idempotency = 2,
}

/// The key of every fingerprint, so that nobody can choose links that share one; one per ledger. The hash is the same
/// in every build, because runs in the file hold what it gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Salt(pub(super) [u8; 16]);

impl Salt {
    pub(super) fn of_guard(self, key: &GuardKey) -> u32 {
        self.fingerprint(&[
            &key.customer.0.to_be_bytes(),
            &key.service.0.to_be_bytes(),
            key.target.as_bytes(),
        ])
    }

    pub(super) fn of_idempotency(self, customer: CustomerId, key: &[u8; 16]) -> u32 {
        self.fingerprint(&[&customer.0.to_be_bytes(), key])
    }

    fn fingerprint(self, parts: &[&[u8]]) -> u32 {
        let mut hash = SipHasher13::new_with_key(&self.0);
        for part in parts {
            hash.write(part);
        }
        let [a, b, c, d, ..] = hash.finish().to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Marks {
    kind: Kind,
    table: HashTable<(u32, u32)>,
    runs: Vec<Run>,
    moving: Option<Moving>,
    /// Runs that nobody needs any more, still to be deleted.
    dropped: Vec<i64>,
    next_run: i64,
    most: usize,
}

/// A finished run: no order in it is younger than `last_order`.
#[derive(Debug, Clone, Copy)]
struct Run {
    run: i64,
    last_order: u32,
}

/// The older half on its way into a run.
#[derive(Debug)]
struct Moving {
    run: Run,
    /// In key order.
    rows: Vec<(u32, u32)>,
    /// Committed so far.
    written: usize,
    /// Written by the transaction under way.
    writing: usize,
}

impl Marks {
    /// Empty, knowing the runs that an earlier start left behind.
    pub(super) fn open(connection: &Connection, kind: Kind) -> Result<Self> {
        let runs = connection
            .prepare("select run, last_order from spill where kind = ?1 order by run")?
            .query_map([kind as i64], |row| Ok(Run { run: row.get(0)?, last_order: row.get(1)? }))?
            .collect::<Result<Vec<_>>>()?;
        let mut dropped = Vec::new();
        let mut last = runs.last().map_or(0, |run: &Run| run.run);
        // Runs that were never finished, or whose deletion was not.
        let mut next = connection.prepare("select min(run) from spilled where kind = ?1 and run > ?2")?;
        let mut at = 0;
        while let Some(run) = next.query_row(params![kind as i64, at], |row| row.get::<_, Option<i64>>(0))? {
            if !runs.iter().any(|finished| finished.run == run) {
                dropped.push(run);
            }
            at = run;
            last = last.max(run);
        }
        let next_run = last + 1;
        Ok(Self { runs, dropped, next_run, ..Self::empty(kind) })
    }

    /// Knows nothing.
    pub(super) fn empty(kind: Kind) -> Self {
        Self {
            kind,
            table: HashTable::new(),
            runs: Vec::new(),
            moving: None,
            dropped: Vec::new(),
            next_run: 1,
            most: limits::MARKS_IN_MEMORY,
        }
    }

    /// In memory at most so many, beside what is on its way into a run.
    pub(super) fn keeping(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// The youngest order that the runs cover: what is older need not be read at a start.
    pub(super) fn covered(&self) -> OrderId {
        OrderId(self.runs.iter().map(|run| run.last_order).max().unwrap_or(0))
    }

    pub(super) fn insert(&mut self, fingerprint: u32, order: OrderId) {
        self.table.insert_unique(spread(fingerprint), (fingerprint, order.0), |(print, _)| spread(*print));
    }

    /// In a run it stays until the run goes: whoever finds it there sees on the row that it is over.
    pub(super) fn remove(&mut self, fingerprint: u32, order: OrderId) {
        if let Ok(found) = self.table.find_entry(spread(fingerprint), |mark| *mark == (fingerprint, order.0))
        {
            found.remove();
        }
    }

    /// Orders that may have the fingerprint, youngest first.
    pub(super) fn candidates(&self, connection: &Connection, fingerprint: u32) -> Result<Vec<OrderId>> {
        let mut found: Vec<u32> = self
            .table
            .iter_hash(spread(fingerprint))
            .filter(|(print, _)| *print == fingerprint)
            .map(|(_, order)| *order)
            .collect();
        if let Some(moving) = &self.moving {
            let first = moving.rows.partition_point(|(print, _)| *print < fingerprint);
            let same = moving.rows[first..].iter().take_while(|(print, _)| *print == fingerprint);
            found.extend(same.map(|(_, order)| *order));
        }
        for run in &self.runs {
            let mut statement = connection.prepare_cached(SPILLED)?;
            let mut rows = statement.query(params![self.kind as i64, run.run, fingerprint])?;
            while let Some(row) = rows.next()? {
                found.push(row.get(0)?);
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found.into_iter().map(OrderId).collect())
    }

    /// Orders below `first` are of no interest any more.
    pub(super) fn forget_below(&mut self, first: OrderId) {
        self.table.retain(|(_, order)| *order >= first.0);
        self.forget_runs_below(first);
    }

    /// Runs in which every order is below `first` go.
    pub(super) fn forget_runs_below(&mut self, first: OrderId) {
        let dropped = &mut self.dropped;
        self.runs.retain(|run| {
            let needed = run.last_order >= first.0;
            if !needed {
                dropped.push(run.run);
            }
            needed
        });
    }

    pub(super) fn has_runs(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Writes a part of what has to move, inside the transaction of a batch.
    pub(super) fn write_some(&mut self, connection: &Connection) -> Result<()> {
        if let Some(run) = self.dropped.last() {
            connection.prepare_cached(DROP_SOME)?.execute(params![
                self.kind as i64,
                run,
                whole(limits::SPILL_ROWS)
            ])?;
            connection
                .prepare_cached("delete from spill where kind = ?1 and run = ?2")?
                .execute(params![self.kind as i64, run])?;
        }
        let Some(moving) = &mut self.moving else { return Ok(()) };
        let end = moving.rows.len().min(moving.written + limits::SPILL_ROWS);
        let mut insert = connection.prepare_cached(INSERT_SPILLED)?;
        for (fingerprint, order) in &moving.rows[moving.written..end] {
            insert.execute(params![self.kind as i64, moving.run.run, fingerprint, order])?;
        }
        moving.writing = end;
        if end == moving.rows.len() {
            connection
                .prepare_cached("insert into spill (kind, run, last_order) values (?1, ?2, ?3)")?
                .execute(params![self.kind as i64, moving.run.run, moving.run.last_order])?;
        }
        Ok(())
    }

    /// The transaction of [`Marks::write_some`] was committed.
    pub(super) fn committed(&mut self, connection: &Connection) -> Result<()> {
        if let Some(run) = self.dropped.last() {
            let rest = connection
                .prepare_cached("select 1 from spilled where kind = ?1 and run = ?2 limit 1")?
                .exists(params![self.kind as i64, run])?;
            if !rest {
                self.dropped.pop();
            }
        }
        let finished = self.moving.as_mut().is_some_and(|moving| {
            moving.written = moving.writing;
            moving.written == moving.rows.len()
        });
        if finished {
            self.runs.extend(self.moving.take().map(|moving| moving.run));
        }
        if self.table.len() >= self.most && self.moving.is_none() {
            self.move_older_half();
        }
        Ok(())
    }

    fn move_older_half(&mut self) {
        let mut orders: Vec<u32> = self.table.iter().map(|(_, order)| *order).collect();
        let middle = orders.len() / 2;
        let (_, pivot, _) = orders.select_nth_unstable(middle);
        let last_order = *pivot;
        drop(std::mem::take(&mut orders));
        let mut rows: Vec<(u32, u32)> = self.table.extract_if(|(_, order)| *order <= last_order).collect();
        rows.sort_unstable();
        let run = Run { run: self.next_run, last_order };
        self.next_run += 1;
        self.moving = Some(Moving { run, rows, written: 0, writing: 0 });
    }
}

/// Fingerprints are even already; the table wants its top bits different too.
const fn spread(fingerprint: u32) -> u64 {
    (fingerprint as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

pub(super) const SPILLED: &str =
    "select order_id from spilled where kind = ?1 and run = ?2 and fingerprint = ?3";

const INSERT_SPILLED: &str = "insert into spilled (kind, run, fingerprint, order_id) values (?1, ?2, ?3, ?4)";

pub(super) const DROP_SOME: &str = "delete from spilled where kind = ?1 and run = ?2 and fingerprint <= \
     (select max(fingerprint) from (select fingerprint from spilled where kind = ?1 and run = ?2 order by fingerprint limit ?3))";

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Connection {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch(include_str!("../schema/panelworks.sql")).expect("made");
        connection
    }

    /// A fingerprint that comes in no order, and that a few orders share.
    fn print_of(order: u32) -> u32 {
        (order / 3).wrapping_mul(0x9e37_79b1)
    }

    fn commit(marks: &mut Marks, connection: &Connection) {
        connection.execute_batch("begin").expect("begun");
        marks.write_some(connection).expect("written");
        connection.execute_batch("commit").expect("committed");
        marks.committed(connection).expect("tidied");
    }

    fn small(kind: Kind) -> Marks {
        Marks { most: 6_000, ..Marks::empty(kind) }
    }

    fn fill(marks: &mut Marks, connection: &Connection, orders: std::ops::Range<u32>) {
        for order in orders {
            marks.insert(print_of(order), OrderId(order));
            if order % 100 == 0 {
                commit(marks, connection);
            }
        }
    }

    fn all_found(marks: &Marks, connection: &Connection, orders: std::ops::Range<u32>) {
        for order in orders.step_by(7) {
            let found = marks.candidates(connection, print_of(order)).expect("read");
            assert!(found.contains(&OrderId(order)), "order {order} was forgotten");
            assert!(found.is_sorted_by(|a, b| a > b), "youngest first: {found:?}");
        }
    }

    #[test]
    fn what_outgrows_the_memory_moves_into_runs_and_is_still_found() {
        let connection = store();
        let mut marks = small(Kind::Guard);
        fill(&mut marks, &connection, 1..40_000);
        assert!(marks.table.len() <= 6_000 + 100, "{} in memory", marks.table.len());
        assert!(marks.runs.len() >= 9, "{} runs", marks.runs.len());
        all_found(&marks, &connection, 1..40_000);
    }

    #[test]
    fn a_start_finds_finished_runs_and_drops_the_unfinished_one() {
        let connection = store();
        let mut marks = small(Kind::Idempotency);
        fill(&mut marks, &connection, 1..6_101);
        assert!(marks.moving.is_some(), "a part of a run is written");
        let mut again = Marks::open(&connection, Kind::Idempotency).expect("opens");
        assert_eq!(again.covered(), OrderId(0), "an unfinished run covers nothing");
        for _ in 0..4 {
            commit(&mut again, &connection);
        }
        let left: i64 =
            connection.query_row("select count(*) from spilled", [], |row| row.get(0)).expect("counted");
        assert_eq!(left, 0);
        let mut marks = small(Kind::Idempotency);
        fill(&mut marks, &connection, 1..20_000);
        let mut again = Marks::open(&connection, Kind::Idempotency).expect("opens");
        let covered = again.covered().0;
        assert!(covered > 5_000);
        for order in covered + 1..20_000 {
            again.insert(print_of(order), OrderId(order));
        }
        all_found(&again, &connection, 1..20_000);
    }

    #[test]
    fn a_rolled_back_batch_moves_its_part_again() {
        let connection = store();
        let mut marks = small(Kind::Guard);
        fill(&mut marks, &connection, 1..6_101);
        connection.execute_batch("begin").expect("begun");
        marks.write_some(&connection).expect("written");
        connection.execute_batch("rollback").expect("rolled back");
        for _ in 0..3 {
            commit(&mut marks, &connection);
        }
        assert_eq!(marks.runs.len(), 1);
        all_found(&marks, &connection, 1..6_101);
    }

    #[test]
    fn what_is_over_is_forgotten_in_memory_and_in_runs() {
        let connection = store();
        let mut marks = small(Kind::Idempotency);
        fill(&mut marks, &connection, 1..20_000);
        marks.forget_below(OrderId(19_000));
        assert_eq!(marks.table.iter().filter(|(_, order)| *order < 19_000).count(), 0);
        for _ in 0..50 {
            commit(&mut marks, &connection);
        }
        let left: i64 =
            connection.query_row("select count(*) from spilled", [], |row| row.get(0)).expect("counted");
        assert!(left <= 3_100, "only the run that was under way is left: {left} rows");
        all_found(&marks, &connection, 19_000..20_000);
    }

    #[test]
    fn a_removed_mark_is_gone_and_its_neighbours_stay() {
        let connection = store();
        let mut marks = Marks::empty(Kind::Guard);
        for order in 3..6 {
            marks.insert(print_of(order), OrderId(order));
        }
        marks.remove(print_of(4), OrderId(4));
        marks.remove(print_of(4), OrderId(400));
        assert_eq!(marks.candidates(&connection, print_of(4)).expect("read"), [OrderId(5), OrderId(3)]);
    }

    #[test]
    fn fingerprints_differ_by_ledger_customer_service_and_link() {
        let key = |customer, service, target: &str| {
            GuardKey::new(CustomerId(customer), panelworks_core::ids::ServiceId(service), target)
        };
        let (salt, other) = (Salt([1; 16]), Salt([2; 16]));
        let first = salt.of_guard(&key(1, 1, "a"));
        let others = [
            other.of_guard(&key(1, 1, "a")),
            salt.of_guard(&key(2, 1, "a")),
            salt.of_guard(&key(1, 2, "a")),
            salt.of_guard(&key(1, 1, "b")),
        ];
        assert!(others.iter().all(|print| *print != first));
        assert_eq!(first, salt.of_guard(&key(1, 1, "a")));
        assert_ne!(
            salt.of_idempotency(CustomerId(1), &[1; 16]),
            salt.of_idempotency(CustomerId(2), &[1; 16])
        );
    }
}
