//! The ledger's hash chain: one link per batch, over the link before, the batch's name and its entries.
//!
//! A changed, missing or added entry breaks every later link (`domain.md`, The ledger; invariants.md I4, E5).

use panelworks_core::ids::BatchId;
use panelworks_core::ledger::Entry;
use panelworks_core::time::Timestamp;
use sha2::{Digest, Sha256};

/// A link: the first 16 bytes of a SHA-256.
pub type Link = [u8; 16];

/// What the first batch of all follows.
pub const GENESIS: Link = [0; 16];

/// The link of a batch that follows `before`.
pub fn link(before: &Link, batch: BatchId, at: Timestamp, entries: &[Entry]) -> Link {
    let mut forge = Forge::after(before, batch, at);
    for entry in entries {
        forge.add(entry);
    }
    forge.link()
}

/// A link whose entries come one after another.
#[derive(Debug)]
pub struct Forge(Sha256);

impl Forge {
    pub fn after(before: &Link, batch: BatchId, at: Timestamp) -> Self {
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(batch.node.0.to_be_bytes());
        hash.update(batch.epoch.to_be_bytes());
        hash.update(batch.sequence.to_be_bytes());
        hash.update(at.0.to_be_bytes());
        Self(hash)
    }

    pub fn add(&mut self, entry: &Entry) {
        self.0.update(entry.chained_bytes());
    }

    pub fn link(self) -> Link {
        let mut link = GENESIS;
        link.copy_from_slice(&self.0.finalize()[..16]);
        link
    }
}
