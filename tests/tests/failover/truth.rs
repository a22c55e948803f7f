//! What the database holds in the end, held against what customers were told: by plain SQL, sharing no code with the
//! panel.

use std::collections::BTreeMap;

use panelworks_tests::Patroni;

use crate::buyers::Known;

/// The orders of the present primary: link → ids.
#[derive(Debug)]
pub(crate) struct Truth(BTreeMap<String, Vec<u64>>);

impl Truth {
    pub(crate) fn of(cluster: &Patroni) -> Self {
        const ORDERS: &str = "select id || ' ' || link from panelworks.orders where link is not null";
        let rows = cluster.sql("panel", ORDERS);
        let mut orders: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for row in rows.lines() {
            let (id, link) = row.split_once(' ').unwrap_or_else(|| panic!("no order: {row}"));
            let id = id.parse().unwrap_or_else(|error| panic!("{row}: {error}"));
            orders.entry(link.to_owned()).or_default().push(id);
        }
        Self(orders)
    }

    /// Acknowledged, and not there under the number that was told.
    pub(crate) fn lost(&self, known: &Known) -> Vec<(String, u64)> {
        let is_there = |link: &String, id: &u64| self.0.get(link).is_some_and(|ids| ids.contains(id));
        let told = known.acknowledged.iter();
        told.filter(|(link, id)| !is_there(link, id)).map(|(link, id)| (link.clone(), *id)).collect()
    }

    /// One intent, several orders.
    pub(crate) fn doubled(&self) -> Vec<&String> {
        self.0.iter().filter(|(_, ids)| ids.len() > 1).map(|(link, _)| link).collect()
    }
}
