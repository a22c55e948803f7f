//! Who may call: API keys by their hash, and what is known of the customers behind them.
//!
//! In: rows as they were committed. Out: the [`Caller`] behind a key. A revoked key is forgotten, so that it answers
//! exactly as one that never was. Read by every call, written when a key, a standing or a switch changes: a lock for
//! many readers, and never a write for a mere change of balance.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use panelworks_core::customer::{Account, ApiKey, Customer, KeyHash, Standing, Switches};
use panelworks_core::ids::CustomerId;
use panelworks_store::neighbours::Calls;
use sha2::{Digest, Sha256};

use crate::pace::{Bucket, Pace};

/// The hash under which a key is stored and looked up. A lookup by hash tells nothing about how much of a guess was
/// right (invariants.md C7).
pub fn key_hash(key: &str) -> KeyHash {
    KeyHash(Sha256::digest(key.as_bytes()).into())
}

/// The customer behind a key.
#[derive(Debug, Clone)]
pub struct Caller {
    pub customer: CustomerId,
    pub standing: Standing,
    pub switches: Switches,
    /// What this key has used up of its pace.
    pub(crate) bucket: Arc<Bucket>,
}

/// Tells keys apart among nodes: nobody finds two with one mark, and whoever did would only share a limit.
fn mark(KeyHash(hash): KeyHash) -> u64 {
    let mut mark = [0; 8];
    mark.copy_from_slice(&hash[..8]);
    u64::from_be_bytes(mark)
}

#[derive(Debug, Default)]
pub(crate) struct Callers(RwLock<Tables>);

#[derive(Debug, Default)]
struct Tables {
    keys: HashMap<KeyHash, Key>,
    customers: HashMap<CustomerId, Facts>,
}

#[derive(Debug)]
struct Key {
    customer: CustomerId,
    bucket: Arc<Bucket>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    standing: Standing,
    switches: Switches,
}

impl Default for Facts {
    fn default() -> Self {
        Self { standing: Standing::Active, switches: Switches::default() }
    }
}

impl Callers {
    /// None for a key that isn't one, or is one no more.
    pub(crate) fn find(&self, hash: KeyHash) -> Option<Caller> {
        let tables = self.tables();
        let key = tables.keys.get(&hash)?;
        let Facts { standing, switches } = tables.customers.get(&key.customer).copied()?;
        Some(Caller { customer: key.customer, standing, switches, bucket: Arc::clone(&key.bucket) })
    }

    /// Calls to be told to other nodes, of every key with at least so many. A look at each key: a millisecond for a
    /// hundred thousand.
    pub(crate) fn tell_calls(&self, least: u32) -> Calls {
        let tables = self.tables();
        let told = tables.keys.iter().filter_map(|(hash, key)| Some((mark(*hash), key.bucket.tell(least)?)));
        told.collect()
    }

    /// Counts calls that other nodes let through.
    pub(crate) fn count_calls(&self, calls: &Calls, pace: Pace, now: u64) {
        let mut elsewhere: HashMap<u64, u32> = HashMap::with_capacity(calls.len());
        for (key, count) in calls {
            let sum = elsewhere.entry(*key).or_default();
            *sum = sum.saturating_add(*count);
        }
        for (hash, key) in &self.tables().keys {
            if let Some(count) = elsewhere.get(&mark(*hash)) {
                key.bucket.count(pace, now, *count);
            }
        }
    }

    pub(crate) fn note_account(&self, account: &Account) {
        let known = self.tables().customers.get(&account.customer).map(|facts| facts.standing);
        if known != Some(account.standing) {
            self.change().customers.entry(account.customer).or_default().standing = account.standing;
        }
    }

    pub(crate) fn note_customer(&self, customer: &Customer) {
        self.change().customers.entry(customer.id).or_default().switches = customer.switches;
    }

    pub(crate) fn note_key(&self, key: &ApiKey) {
        let mut tables = self.change();
        if key.revoked {
            tables.keys.remove(&key.hash);
        } else {
            let known = tables.keys.entry(key.hash);
            known.or_insert_with(|| Key { customer: key.customer, bucket: Arc::default() });
        }
    }

    fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        // Every change is a single insert or remove: what a panic leaves behind is whole.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Tables> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panelworks_core::money::{Amount, Currency};

    fn account(standing: Standing) -> Account {
        Account {
            customer: CustomerId(7),
            currency: Currency::USD,
            balance: Amount::ZERO,
            credit_limit: Amount::ZERO,
            standing,
        }
    }

    fn key(text: &str, revoked: bool) -> ApiKey {
        ApiKey { hash: key_hash(text), customer: CustomerId(7), label: "first".to_owned(), revoked }
    }

    #[test]
    fn a_key_finds_its_customer_with_the_latest_standing_and_switches() {
        let callers = Callers::default();
        callers.note_account(&account(Standing::Active));
        callers.note_key(&key("k", false));
        let switches = Switches { shows_paused: true, ..Switches::default() };
        callers.note_customer(&Customer { id: CustomerId(7), name: "anna".to_owned(), switches });
        callers.note_account(&account(Standing::Suspended));
        let caller = callers.find(key_hash("k")).expect("a known key");
        assert_eq!(caller.customer, CustomerId(7));
        assert_eq!(caller.standing, Standing::Suspended);
        assert!(caller.switches.shows_paused);
        assert!(callers.find(key_hash("K")).is_none());
    }

    #[test]
    fn a_revoked_key_is_as_unknown_as_one_that_never_was() {
        let callers = Callers::default();
        callers.note_account(&account(Standing::Active));
        callers.note_key(&key("k", false));
        callers.note_key(&key("k", true));
        assert!(callers.find(key_hash("k")).is_none());
    }

    #[test]
    fn a_key_noted_again_keeps_its_bucket() {
        let callers = Callers::default();
        callers.note_account(&account(Standing::Active));
        callers.note_key(&key("k", false));
        let before = callers.find(key_hash("k")).expect("known").bucket;
        callers.note_key(&key("k", false));
        assert!(Arc::ptr_eq(&before, &callers.find(key_hash("k")).expect("known").bucket));
    }
}
