//! What a batch changed, as the store writes it and the engine hears of it.
//!
//! In: values, each kind in key order. Out: the same. Never: a rule.

use std::sync::Arc;

use crate::catalogue::Service;
use crate::customer::{Account, ApiKey, Customer};
use crate::ids::{OrderId, ServiceId, TransferId};
use crate::ledger::{Entry, LedgerAccount};
use crate::money::{Amount, Currency, Rate};
use crate::operator::Operator;
use crate::order::OrderFile;
use crate::provider::ProviderAccount;
use crate::time::Timestamp;

/// A deposit, adjustment or top-up that somebody entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    pub id: TransferId,
    pub to: LedgerAccount,
    pub amount: Amount,
    pub currency: Currency,
    pub at: Timestamp,
    pub note: String,
}

/// One version of a service's rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceVersion {
    pub service: ServiceId,
    pub version: u32,
    pub rate: Rate,
    pub since: Timestamp,
}

/// An order before and after the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderChange {
    /// None for a new order.
    pub before: Option<Box<OrderFile>>,
    pub after: Box<OrderFile>,
}

/// Everything a batch changed, each kind in key order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    pub accounts: Vec<Account>,
    pub customers: Vec<Customer>,
    pub api_keys: Vec<ApiKey>,
    pub services: Vec<Arc<Service>>,
    pub prices: Vec<PriceVersion>,
    pub providers: Vec<ProviderAccount>,
    pub transfers: Vec<Transfer>,
    pub orders: Vec<OrderChange>,
    pub entries: Vec<Entry>,
    pub operators: Vec<Operator>,
    /// Orders that go to the archive, none of them in `orders`. One of `orders` that is there comes back.
    pub archived: Vec<OrderId>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        let Self { accounts, customers, api_keys, services, prices, providers, transfers, .. } = self;
        let Self { orders, entries, operators, archived, .. } = self;
        accounts.is_empty()
            && customers.is_empty()
            && api_keys.is_empty()
            && services.is_empty()
            && prices.is_empty()
            && providers.is_empty()
            && transfers.is_empty()
            && orders.is_empty()
            && entries.is_empty()
            && operators.is_empty()
            && archived.is_empty()
    }
}
