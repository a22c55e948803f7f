//! How many connections there are, in all and by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::address::neighbourhood;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Census {
    most: usize,
    most_per_address: usize,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    open: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    /// None for addresses that aren't counted.
    address: Option<IpAddr>,
    counts: Arc<Mutex<Counts>>,
}

impl Census {
    pub(super) fn new(most: usize, most_per_address: usize) -> Self {
        Self { most, most_per_address, counts: Arc::default() }
    }

    /// None when there is no place.
    pub(super) fn admit(&self, from: IpAddr, exempt: bool) -> Option<Place> {
        let address = (!exempt).then(|| neighbourhood(from));
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.open >= self.most {
            return None;
        }
        if let Some(address) = address {
            let own = counts.by_address.get(&address).copied().unwrap_or(0);
            if own >= self.most_per_address {
                return None;
            }
            counts.by_address.insert(address, own + 1);
        }
        counts.open += 1;
        Some(Place { address, counts: Arc::clone(&self.counts) })
    }

    pub(super) fn open(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).open
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.open = counts.open.saturating_sub(1);
        if let Some(address) = self.address
            && let Some(own) = counts.by_address.get_mut(&address)
        {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_its_share_and_a_closed_connection_frees_its_place() {
        let census = Census::new(10, 2);
        let first = census.admit(at("192.0.2.1"), false).expect("a place");
        let _second = census.admit(at("192.0.2.1"), false).expect("a place");
        assert!(census.admit(at("192.0.2.1"), false).is_none());
        assert!(census.admit(at("192.0.2.2"), false).is_some(), "another address has its own");
        drop(first);
        assert!(census.admit(at("192.0.2.1"), false).is_some());
    }

    #[test]
    fn the_whole_is_bounded_for_everybody() {
        let census = Census::new(2, 1);
        let _one = census.admit(at("127.0.0.1"), true).expect("a place");
        let _two = census.admit(at("127.0.0.1"), true).expect("an exempt address has more than one");
        assert!(census.admit(at("127.0.0.1"), true).is_none());
        assert_eq!(census.open(), 2);
    }
}
