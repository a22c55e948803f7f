//! What of a batch other nodes must hear: names of rows, in a column of the batch's own row.
//!
//! In: the write-set, and what it was read as. Out: [`News`], or none, as for nearly every batch of orders. Since a
//! node's batches are committed in order of their numbers, its news can be read after a place, each exactly once.
//! Only names are told: whoever hears reads the rows as they are committed then, so that news may be joined, and told
//! late, and still nobody ends with an older row. Never: a balance, a key, a customer's text.

use panelworks_core::customer::KeyHash;
use panelworks_core::ids::OrderId;
use panelworks_core::world::Changes;
use serde::{Deserialize, Serialize};

use super::error::Failure;
use super::load::Read;
use super::ties::Ties;
use super::values::four;

/// See the module's head. Short names: it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct News {
    #[serde(rename = "s", skip_serializing_if = "Vec::is_empty")]
    pub(super) services: Vec<i32>,
    #[serde(rename = "p", skip_serializing_if = "Vec::is_empty")]
    pub(super) providers: Vec<i32>,
    /// Opened, or changed in name, switches or standing.
    #[serde(rename = "c", skip_serializing_if = "Vec::is_empty")]
    pub(super) customers: Vec<i32>,
    /// They have more money than before, and may have waited for it.
    #[serde(rename = "m", skip_serializing_if = "Vec::is_empty")]
    pub(super) richer: Vec<i32>,
    #[serde(rename = "k", skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<KeyHash>,
    #[serde(rename = "o", skip_serializing_if = "std::ops::Not::not")]
    pub(super) staff: bool,
    /// Orders that another node works on: the node that accepted them, and the order.
    #[serde(rename = "t", skip_serializing_if = "Vec::is_empty")]
    pub(super) touched: Vec<(i32, i32)>,
}

impl News {
    /// None where nobody else need hear of it.
    pub(super) fn of(changes: &Changes, read: &Read, ties: &Ties) -> Result<Option<Self>, Failure> {
        let mut news = Self { staff: !changes.operators.is_empty(), ..Self::default() };
        for service in &changes.services {
            news.services.push(four(service.id.0)?);
        }
        for provider in &changes.providers {
            news.providers.push(four(provider.id.0)?);
        }
        for customer in &changes.customers {
            news.customers.push(four(customer.id.0)?);
        }
        for account in &changes.accounts {
            let id = four(account.customer.0)?;
            match read.accounts.get(&id) {
                Some((_, standing)) if *standing != account.standing => news.customers.push(id),
                Some((balance, _)) if *balance < account.balance => news.richer.push(id),
                // One that is new comes with its customer.
                Some(_) | None => {}
            }
        }
        news.keys.extend(changes.api_keys.iter().map(|key| key.hash));
        if !read.strangers.is_empty() {
            for change in &changes.orders {
                let stream = read.strangers.get(&change.after.order.id).copied();
                if let Some(stream) = stream.filter(|stream| !ties.works_on(*stream)) {
                    news.touched.push((stream, four(change.after.order.id.0)?));
                }
            }
        }
        Ok((news != Self::default()).then_some(news))
    }

    /// Whether others are woken for it. What only makes somebody richer waits until they look by themselves: refunds
    /// are frequent, and a notification's commit holds a lock that all databases of the server share.
    pub(super) fn is_urgent(&self) -> bool {
        let Self { services, providers, customers, richer: _, keys, staff, touched } = self;
        let names = [services, providers, customers];
        names.iter().any(|names| !names.is_empty()) || !keys.is_empty() || *staff || !touched.is_empty()
    }

    pub(super) fn to_text(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(|why| Failure::value(why.to_string()))
    }

    pub(super) fn of_text(text: &str) -> Result<Self, Failure> {
        serde_json::from_str(text).map_err(|why| Failure::value(format!("news that can't be read: {why}")))
    }

    /// Both in one: of rows that are read once, however often they were named.
    pub(super) fn join(&mut self, other: Self) {
        let Self { services, providers, customers, richer, keys, staff, touched } = other;
        self.services.extend(services);
        self.providers.extend(providers);
        self.customers.extend(customers);
        self.richer.extend(richer);
        self.keys.extend(keys);
        self.staff |= staff;
        self.touched.extend(touched);
    }

    /// The orders among them that this node works on, each once.
    pub(super) fn touched_here(&self, ties: &Ties) -> Vec<OrderId> {
        let ours = self.touched.iter().filter(|(stream, _)| ties.works_on(*stream));
        let mut orders: Vec<OrderId> =
            ours.filter_map(|(_, id)| u32::try_from(*id).ok().map(OrderId)).collect();
        orders.sort_unstable();
        orders.dedup();
        orders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_come_back_as_they_were_written_and_are_short() {
        let news = News { services: vec![7], touched: vec![(2, 90)], ..News::default() };
        let text = news.to_text().expect("written");
        assert_eq!(text, r#"{"s":[7],"t":[[2,90]]}"#);
        assert_eq!(News::of_text(&text), Ok(news));
    }

    #[test]
    fn what_a_later_version_tells_besides_is_no_hindrance() {
        let read = News::of_text(r#"{"p":[1],"later":[3]}"#).expect("read");
        assert_eq!(read, News { providers: vec![1], ..News::default() });
    }

    #[test]
    fn nobody_is_woken_because_somebody_got_money_back() {
        let richer = News { richer: vec![1], ..News::default() };
        assert!(!richer.is_urgent());
        assert!(News { keys: vec![KeyHash([1; 32])], ..richer }.is_urgent());
    }
}
