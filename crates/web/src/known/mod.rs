//! What the doors know without asking the store: keys, standings and switches of customers, and the services.
//!
//! Filled once from [`Views`] before the executor starts, then changed by every commit ([`Known::follow`], called on
//! the executor's thread before the replies leave): whoever has been answered that a key is revoked will find it
//! revoked (invariants.md C30). What other nodes change comes by [`Known::hear`], within a second. The database stays the truth; no balance and no order is kept here.

mod callers;
mod catalogue;

use std::sync::atomic::{AtomicBool, Ordering};

use panelworks_core::ids::CustomerId;
use panelworks_core::world::Changes;
use panelworks_store::executor::Committed;
use panelworks_store::neighbours::Standing;
use panelworks_store::ports::{StoreError, Views};

pub use callers::{Caller, key_hash};
pub(crate) use catalogue::{Catalogue, Prepared, PriceList};

use crate::limits;
use crate::metrics::{Behind, Metrics};
use callers::Callers;

/// See the module's head.
#[derive(Debug, Default)]
pub struct Known {
    pub(crate) callers: Callers,
    pub(crate) catalogue: Catalogue,
    pub(crate) metrics: Metrics,
    deaf: AtomicBool,
}

impl Known {
    /// Reads everything. Nothing may be committed meanwhile: read before the executor starts.
    pub fn read(views: &dyn Views) -> Result<Self, StoreError> {
        let known = Self::default();
        let mut after = CustomerId(0);
        loop {
            let page = views.customers(after, limits::CUSTOMERS_READ)?;
            let Some((last, _)) = page.last() else { break };
            after = last.id;
            for (customer, account) in &page {
                known.callers.note_customer(customer);
                known.callers.note_account(account);
            }
        }
        for key in views.api_keys()? {
            known.callers.note_key(&key);
        }
        known.catalogue.note(&views.services()?);
        Ok(known)
    }

    /// Takes in what another node has changed. The same rows as those of an own commit, but nothing is counted: each
    /// node counts its own.
    pub fn hear(&self, changes: &Changes) {
        for account in &changes.accounts {
            self.callers.note_account(account);
        }
        for customer in &changes.customers {
            self.callers.note_customer(customer);
        }
        for key in &changes.api_keys {
            self.callers.note_key(key);
        }
        if !changes.services.is_empty() {
            self.catalogue.note(&changes.services);
        }
    }

    /// Whether other nodes are not heard at present: then what is known here may be old, and nobody is let in by it.
    pub fn note_deaf(&self, is_deaf: bool) {
        self.deaf.store(is_deaf, Ordering::Relaxed);
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf.load(Ordering::Relaxed)
    }

    /// Takes over how it stands between the nodes, for `/metrics`.
    pub fn note_neighbours(&self, standing: Standing) {
        self.metrics.neighbours(standing);
    }

    /// Takes over how it is behind the doors, for `/metrics`.
    pub fn note_behind(&self, behind: Behind) {
        self.metrics.behind(behind);
    }

    /// Takes a commit in: microseconds, because it stands between the commit and its replies.
    pub fn follow(&self, committed: &Committed) {
        let changes = &committed.changes;
        self.hear(changes);
        self.metrics.follow(changes);
    }
}
