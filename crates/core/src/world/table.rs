//! One kind of row in the world: loaded values below, changed values above, and a journal to undo them.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Rows by key. `None` as a value is a row known to be absent.
#[derive(Debug)]
pub struct Table<K, V> {
    loaded: HashMap<K, Option<V>>,
    changed: BTreeMap<K, Option<V>>,
    /// What lay in `changed` before each `set`.
    journal: Vec<(K, Lay<V>)>,
}

#[derive(Debug)]
enum Lay<V> {
    Nothing,
    Change(Option<V>),
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { loaded: HashMap::new(), changed: BTreeMap::new(), journal: Vec::new() }
    }
}

impl<K: Ord + Hash + Clone, V> Table<K, V> {
    /// Outer None: not loaded. Inner None: there is no such row.
    pub fn get(&self, key: &K) -> Option<Option<&V>> {
        let changed = if self.changed.is_empty() { None } else { self.changed.get(key) };
        changed.or_else(|| self.loaded.get(key)).map(Option::as_ref)
    }

    /// The row as it was loaded, whatever the batch did to it since.
    pub fn before_batch(&self, key: &K) -> Option<&V> {
        self.loaded.get(key).and_then(Option::as_ref)
    }

    /// What the store found.
    pub fn load(&mut self, key: K, value: Option<V>) {
        self.loaded.insert(key, value);
    }

    pub fn set(&mut self, key: K, value: Option<V>) {
        let before = self.changed.insert(key.clone(), value).map_or(Lay::Nothing, Lay::Change);
        self.journal.push((key, before));
    }

    pub const fn mark(&self) -> usize {
        self.journal.len()
    }

    pub fn undo_to(&mut self, mark: usize) {
        while self.journal.len() > mark {
            let Some((key, before)) = self.journal.pop() else { return };
            match before {
                Lay::Change(value) => self.changed.insert(key, value),
                Lay::Nothing => self.changed.remove(&key),
            };
        }
    }

    /// Rows that were changed and are there, in key order.
    pub fn changed(&self) -> impl Iterator<Item = &V> {
        self.changed.values().flatten()
    }

    /// Changed rows in key order.
    pub fn into_changed(self) -> impl Iterator<Item = V> {
        self.changed.into_values().flatten()
    }

    /// Changed rows in key order, each with what was loaded.
    pub fn into_changed_with_before(mut self) -> impl Iterator<Item = (Option<V>, Option<V>)> {
        self.changed.into_iter().map(move |(key, after)| (self.loaded.remove(&key).flatten(), after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_not_loaded_absent_or_there() {
        let mut table: Table<u8, &str> = Table::default();
        assert_eq!(table.get(&1), None);
        table.load(1, None);
        assert_eq!(table.get(&1), Some(None));
        table.set(1, Some("new"));
        assert_eq!(table.get(&1), Some(Some(&"new")));
    }

    #[test]
    fn undoing_brings_back_what_an_earlier_command_wrote() {
        let mut table: Table<u8, &str> = Table::default();
        table.load(1, Some("loaded"));
        table.set(1, Some("first command"));
        let mark = table.mark();
        table.set(1, Some("second command"));
        table.set(2, Some("second command"));
        table.undo_to(mark);
        assert_eq!(table.get(&1), Some(Some(&"first command")));
        assert_eq!(table.get(&2), None);
        table.undo_to(0);
        assert_eq!(table.get(&1), Some(Some(&"loaded")));
        assert_eq!(table.before_batch(&1), Some(&"loaded"));
    }
}
