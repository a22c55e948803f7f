//! Books carried from one store to another, while no panel runs on either.
//!
//! In: the place they leave ([`Departing`]) and the place they go to ([`Arriving`]). Out: the same books there, down
//! to the last link of the chain, audited on both sides and compared table by table; and a mark on the ones left
//! behind, so that nothing starts on them. Rows travel as values of the core, a page at a time, in order of their keys:
//! what a store derives (indexes, sums, copies of a customer's id) it derives again. A half-carried copy is never
//! where a start would find it: it is an uncommitted transaction, or a file of another name. Between the mark and the
//! arrival there is a moment in which neither place starts; asking again goes on from there. Rules: domain.md, The
//! ledger; invariants.md E5, E8, E9.

mod tally;

use std::collections::{BTreeMap, HashSet};

use panelworks_core::audit::Violation;
use panelworks_core::ids::{AttemptId, BatchId, CustomerId, NodeId, OrderId, TransferId};
use panelworks_core::ledger::{Cause, Entry};
use panelworks_core::order::OrderFile;
use panelworks_core::world::{Changes, Cursors, OrderChange};

pub use crate::audit::Batch;
use crate::chain::Link;
use crate::limits;
use crate::ports::{CommitError, StoreError};
pub(crate) use tally::{TALLIES, joined};

/// Where books stand: what a start would find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The ledger's name, the same in all its copies.
    pub ledger: [u8; 16],
    /// Of every node that has written; none where nothing was ever written.
    pub streams: Vec<Stream>,
    /// The next number of every sequence.
    pub cursors: Cursors,
    /// A copy of a panel's books that nobody has claimed.
    pub is_copy: bool,
    /// Where they were carried to.
    pub moved_to: Option<String>,
}

/// The end of a node's stream of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    pub node: NodeId,
    pub epoch: u32,
    pub place: u64,
    pub orders: u64,
    pub link: Link,
}

impl Standing {
    /// The same books, neither of them ahead. Epochs are raised by every look at them, and don't count.
    fn ends_as(&self, other: &Self) -> bool {
        let ends = |standing: &Self| -> Vec<(NodeId, u64, Link)> {
            standing.streams.iter().map(|stream| (stream.node, stream.place, stream.link)).collect()
        };
        self.ledger == other.ledger && ends(self) == ends(other)
    }

    fn orders(&self) -> u64 {
        self.streams.iter().map(|stream| stream.orders).sum()
    }
}

/// How much there is of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub table: &'static str,
    pub rows: u64,
    /// Of its amounts in micro-units, by currency; empty where it has none.
    pub sums: BTreeMap<String, i128>,
}

/// An order on its way, with the place it has in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    pub file: OrderFile,
    pub archived: bool,
}

/// Which entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Causes {
    OrdersAndAttempts,
    Transfers,
}

/// One of the two places. While it lives nobody else opens the books there.
pub trait Place {
    /// In words for a person.
    fn shown(&self) -> &str;

    /// None: there are no books.
    fn standing(&mut self) -> Result<Option<Standing>, StoreError>;

    /// What of the books in hand breaks a law; `hear` gets orders done and orders in all.
    fn audit(&mut self, hear: &mut dyn FnMut(u64, u64)) -> Result<Vec<Violation>, StoreError>;

    /// Counts and sums of the books in hand, table by table, always the same tables.
    fn tally(&mut self) -> Result<Vec<Tally>, StoreError>;

    /// From now on nothing starts on the books that are there. Durable.
    fn mark(&mut self, moved_to: &str) -> Result<(), CommitError>;

    /// Takes the mark off. Durable.
    fn unmark(&mut self) -> Result<(), CommitError>;
}

/// Gives the next batches.
pub type NextBatches<'a> = dyn FnMut() -> Result<Vec<Batch>, StoreError> + 'a;

/// Reads everything, in pages, in order of keys, out of one state of the books.
pub trait Departing: Place {
    /// Providers, services with their prices, operators, keys: what fits into memory as it does in a running panel.
    fn settings(&mut self) -> Result<Changes, StoreError>;
    /// Customers with their accounts.
    fn customers(&mut self, after: CustomerId, limit: usize) -> Result<Changes, StoreError>;
    fn transfers(&mut self, after: TransferId, limit: usize) -> Result<Changes, StoreError>;
    /// Those in the archive among the others.
    fn files(&mut self, after: OrderId, limit: usize) -> Result<Vec<Filed>, StoreError>;
    /// Whose cause has an id from `first` to `last`, in order of their causes.
    fn entries(&mut self, causes: Causes, first: u32, last: u32) -> Result<Vec<Entry>, StoreError>;
    /// By node, epoch and sequence.
    fn batches(&mut self, after: Option<BatchId>, limit: usize) -> Result<Vec<Batch>, StoreError>;
}

/// Writes everything, and keeps it from being found until it is whole.
pub trait Arriving: Place {
    /// Why books that stand so can't be kept here; None where they can.
    fn objection(&self, standing: &Standing) -> Option<String>;
    /// Whether books that were carried away from here are put aside when others come; else somebody has to.
    fn sets_aside(&self) -> bool;
    /// Whose numbers and names come.
    fn begin(&mut self, standing: &Standing) -> Result<(), StoreError>;
    /// New rows: nothing of `changes` is there yet.
    fn put(&mut self, changes: &Changes) -> Result<(), StoreError>;
    /// New orders that belong in the archive, with their entries.
    fn put_archived(&mut self, changes: &Changes) -> Result<(), StoreError>;
    /// All batches, after everything they wrote: `next` gives some at a time, none at the end.
    fn put_batches(&mut self, next: &mut NextBatches<'_>) -> Result<(), StoreError>;
    /// After the last row: what is derived from all of them.
    fn complete(&mut self) -> Result<(), StoreError>;
    /// Puts the books where a start finds them. Durable.
    fn stay(&mut self) -> Result<(), CommitError>;
}

/// What is being done, for whoever shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The laws of the books that leave.
    Auditing,
    Copying,
    /// The laws of the copy.
    AuditingCopy,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// These tables, as they are on both sides.
    Now(Vec<Tally>),
    /// It had been done already.
    Before,
}

/// Why the books stay where they are.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    #[error("{0} holds no books")]
    NoBooks(String),
    #[error(
        "{0} holds a copy of a panel's books. If the panel they come from is gone for good, start this one once with --claim; then move it"
    )]
    IsCopy(String),
    #[error(
        "the books in {place} were moved to {to}. Name that place in the configuration; or take the move back with `panelworks migrate-store --undo`"
    )]
    Elsewhere { place: String, to: String },
    #[error("{0} holds books already, and they are never overwritten. Name an empty place")]
    Occupied(String),
    #[error(
        "{place} still holds the books that were moved from there to {to}. Remove them if nobody needs them, or name another place"
    )]
    OldBooks { place: String, to: String },
    #[error("{0}")]
    Objection(String),
    #[error("the books in {place} break {} laws, the first: {}. Nothing was moved; `panelworks check` names them all", .violations.len(), .violations.first().map_or_else(String::new, ToString::to_string))]
    Unsound { place: String, violations: Vec<Violation> },
    #[error(
        "the copy differs in table {table}: {there} there, {here} here. Nothing was moved; this is a defect of panelworks, please report it"
    )]
    Differs { table: &'static str, there: String, here: String },
    #[error("the books in {0} were not moved anywhere: there is nothing to take back")]
    NotMoved(String),
    #[error(
        "the books in {place} have gone on since the move: taking it back would forget that. Move them back with `panelworks migrate-store --to` the other store"
    )]
    GoneOn { place: String },
    #[error("{error}. Whether the books have arrived is not known: run the same command again, it finds out")]
    Unknown { error: StoreError },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CommitError> for CarryError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::NotCommitted(error) => Self::Store(error),
            CommitError::Unknown(error) => Self::Unknown { error },
        }
    }
}

/// See the module's head. `hear` gets the step, what is done of it, and how much it is in all.
pub fn carry(
    from: &mut dyn Departing,
    to: &mut dyn Arriving,
    hear: &mut dyn FnMut(Step, u64, u64),
) -> Result<Carried, CarryError> {
    let standing = from.standing()?.filter(|standing| !standing.streams.is_empty());
    let standing = standing.ok_or_else(|| CarryError::NoBooks(from.shown().to_owned()))?;
    if standing.is_copy {
        return Err(CarryError::IsCopy(from.shown().to_owned()));
    }
    if is_there_already(from, to, &standing)? {
        return Ok(Carried::Before);
    }
    if let Some(why) = to.objection(&standing) {
        return Err(CarryError::Objection(why));
    }
    sound(from, &mut |done, all| hear(Step::Auditing, done, all))?;
    to.begin(&standing)?;
    copy(from, to, &mut |done| hear(Step::Copying, done, standing.orders()))?;
    let tallies = compared(&from.tally()?, to.tally()?)?;
    sound(to, &mut |done, all| hear(Step::AuditingCopy, done, all))?;
    from.mark(to.shown())?;
    match to.stay() {
        Ok(()) => Ok(Carried::Now(tallies)),
        Err(CommitError::NotCommitted(error)) => {
            from.unmark()?;
            Err(error.into())
        }
        Err(unknown @ CommitError::Unknown(_)) => Err(unknown.into()),
    }
}

/// Takes a move back: the books in `from` can be started again, those in `to` can't any more. Only while nothing has
/// happened there.
pub fn take_back(from: &mut dyn Place, to: &mut dyn Place) -> Result<(), CarryError> {
    let standing = from.standing()?.ok_or_else(|| CarryError::NoBooks(from.shown().to_owned()))?;
    if standing.moved_to.is_none() {
        return Err(CarryError::NotMoved(from.shown().to_owned()));
    }
    let there = to.standing()?.filter(|there| there.ledger == standing.ledger && !there.streams.is_empty());
    if let Some(there) = there {
        if !there.ends_as(&standing) {
            return Err(CarryError::GoneOn { place: to.shown().to_owned() });
        }
        to.mark(from.shown())?;
    }
    Ok(from.unmark()?)
}

/// Whether the books have arrived in an earlier try; else whether there is room for them.
fn is_there_already(
    from: &dyn Departing,
    to: &mut dyn Arriving,
    standing: &Standing,
) -> Result<bool, CarryError> {
    let place = to.shown().to_owned();
    let there = to.standing()?.filter(|there| !there.streams.is_empty());
    let elsewhere = || {
        let moved = standing.moved_to.clone().filter(|moved| moved != &place);
        moved.map_or(Ok(false), |to| Err(CarryError::Elsewhere { place: from.shown().to_owned(), to }))
    };
    match there {
        Some(Standing { moved_to: Some(moved_to), .. }) if !to.sets_aside() => {
            Err(CarryError::OldBooks { place, to: moved_to })
        }
        None | Some(Standing { moved_to: Some(_), .. }) => elsewhere(),
        Some(there) if there.ledger == standing.ledger && standing.moved_to.is_some() => Ok(true),
        Some(_) => Err(CarryError::Occupied(place)),
    }
}

fn sound<P: Place + ?Sized>(place: &mut P, hear: &mut dyn FnMut(u64, u64)) -> Result<(), CarryError> {
    let violations = place.audit(hear)?;
    if violations.is_empty() {
        return Ok(());
    }
    Err(CarryError::Unsound { place: place.shown().to_owned(), violations })
}

/// `hear` gets the orders that are there.
fn copy(
    from: &mut dyn Departing,
    to: &mut dyn Arriving,
    hear: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    copy_customers(from, to)?;
    to.put(&from.settings()?)?;
    copy_transfers(from, to)?;
    copy_orders(from, to, hear)?;
    let mut after = None;
    to.put_batches(&mut || {
        let page = from.batches(after, limits::CARRY_PAGE)?;
        after = page.last().map(|batch| batch.id).or(after);
        Ok(page)
    })?;
    to.complete()
}

fn copy_customers(from: &mut dyn Departing, to: &mut dyn Arriving) -> Result<(), StoreError> {
    let mut after = CustomerId(0);
    loop {
        let page = from.customers(after, limits::CARRY_PAGE)?;
        let Some(last) = page.customers.last() else { return Ok(()) };
        after = last.id;
        to.put(&page)?;
    }
}

fn copy_transfers(from: &mut dyn Departing, to: &mut dyn Arriving) -> Result<(), StoreError> {
    let mut after = TransferId(0);
    loop {
        let mut page = from.transfers(after, limits::CARRY_PAGE)?;
        let Some(last) = page.transfers.last() else { return Ok(()) };
        page.entries = from.entries(Causes::Transfers, after.0 + 1, last.id.0)?;
        after = last.id;
        to.put(&page)?;
    }
}

fn copy_orders(
    from: &mut dyn Departing,
    to: &mut dyn Arriving,
    hear: &mut dyn FnMut(u64),
) -> Result<(), StoreError> {
    let (mut after, mut done) = (OrderId(0), 0);
    loop {
        let page = from.files(after, limits::CARRY_PAGE)?;
        let Some(last) = page.last().map(|filed| filed.file.order.id) else { return Ok(()) };
        done += page.len() as u64;
        let entries = from.entries(Causes::OrdersAndAttempts, after.0 + 1, last.0)?;
        let [present, archived] = by_place(page, entries);
        to.put(&present)?;
        if !archived.orders.is_empty() {
            to.put_archived(&archived)?;
        }
        after = last;
        hear(done);
    }
}

/// First those that are worked on, then those in the archive, each with their entries.
fn by_place(page: Vec<Filed>, entries: Vec<Entry>) -> [Changes; 2] {
    let mut places = [Changes::default(), Changes::default()];
    let archived: HashSet<OrderId> =
        page.iter().filter(|filed| filed.archived).map(|filed| filed.file.order.id).collect();
    for Filed { file, archived } in page {
        places[usize::from(archived)].orders.push(OrderChange { before: None, after: Box::new(file) });
    }
    for entry in entries {
        let is_archived = match entry.cause {
            Cause::Order(order) | Cause::Attempt(AttemptId { order, .. }) => archived.contains(&order),
            Cause::Transfer(_) => false,
        };
        places[usize::from(is_archived)].entries.push(entry);
    }
    places
}

/// The same tables with the same numbers.
fn compared(there: &[Tally], here: Vec<Tally>) -> Result<Vec<Tally>, CarryError> {
    let differing = there.iter().zip(&here).find(|(there, here)| there != here);
    match differing {
        None => Ok(here),
        Some((there, here)) => {
            let shown = |tally: &Tally| format!("{} rows, sums {:?}", tally.rows, tally.sums);
            Err(CarryError::Differs { table: there.table, there: shown(there), here: shown(here) })
        }
    }
}
