//! What an operator gets back: rows that print as a table or as JSON.

use panelworks_core::customer::Standing;
use panelworks_core::ids::{CustomerId, ProviderAccountId, ServiceId, TransferId};
use panelworks_core::money::{Amount, Currency};
use serde::{Deserialize, Serialize};

use super::operator_rows::{NewAdminKey, NewPassword, OperatorAdded, OperatorRow};
use super::order_sheet::{HeldRow, OrderSheet};
use super::table::{Align, Table};
use crate::doctor::Finding;
use crate::import::ImportReport;

/// See the module's head.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Answer {
    CustomerAdded(CustomerAdded),
    Customers(Vec<CustomerRow>),
    Key { customer: CustomerId, api_key: String },
    Transferred { transfer: TransferId },
    OperatorAdded(OperatorAdded),
    Operators(Vec<OperatorRow>),
    Password(NewPassword),
    AdminKey(NewAdminKey),
    ProviderAdded { provider: ProviderAccountId },
    Providers(Vec<ProviderRow>),
    Tested(ProviderTest),
    Imported(ImportReport),
    Services(Vec<ServiceRow>),
    ServiceSet(ServiceRow),
    Order(Box<OrderSheet>),
    Held(Vec<HeldRow>),
    Done { what: String },
    Checked(CheckReport),
    BackedUp { file: String, bytes: u64 },
    Examined(Vec<Finding>),
}

/// A customer who was just opened, with the key that is shown only now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CustomerAdded {
    pub customer: CustomerId,
    pub name: String,
    pub api_key: String,
    pub currency: Currency,
    pub balance: Shown,
}

/// An amount as people and JSON see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shown(pub String);

impl From<Amount> for Shown {
    fn from(amount: Amount) -> Self {
        Self(amount.to_string())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CustomerRow {
    pub customer: CustomerId,
    pub name: String,
    pub currency: Currency,
    pub balance: Shown,
    pub credit_limit: Shown,
    pub standing: Standing,
    pub unlimited: bool,
    /// Keys that work.
    pub keys: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProviderRow {
    pub provider: ProviderAccountId,
    pub name: String,
    pub url: String,
    pub currency: Currency,
    pub enabled: bool,
    pub connections: u16,
    /// What our books say we have there.
    pub prepaid: Shown,
    /// Services routed to it first.
    pub services: usize,
}

/// What a provider answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProviderTest {
    pub provider: ProviderAccountId,
    pub balance: Shown,
    /// As the provider says it.
    pub currency: Option<String>,
    pub prepaid: Shown,
    pub services: usize,
    /// Rows that are no services, and services of a type nobody knows.
    pub unreadable: usize,
    pub unknown_types: Vec<String>,
    pub took_ms: u64,
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row for people and scripts: each is a column of its own"
)]
pub struct ServiceRow {
    pub service: ServiceId,
    pub name: String,
    pub category: String,
    #[serde(rename = "type")]
    pub service_type: String,
    pub rate: Shown,
    pub min: u64,
    pub max: u64,
    pub enabled: bool,
    pub dripfeed: bool,
    pub refill: bool,
    pub cancel: bool,
    pub route: String,
    /// The first provider's rate.
    pub provider_rate: Option<Shown>,
}

/// What an audit found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckReport {
    pub orders: u64,
    /// Of the orders, those in the archive.
    #[serde(default)]
    pub archived: u64,
    pub entries: u64,
    pub took_ms: u64,
    pub violations: Vec<Broken>,
}

impl CheckReport {
    /// How many there are, and where.
    pub fn orders_in_words(&self) -> String {
        match self.archived {
            0 => format!("{} orders", self.orders),
            archived => format!("{} orders ({archived} in the archive)", self.orders),
        }
    }
}

/// A broken law of the books.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Broken {
    pub law: String,
    pub what: String,
}

impl Answer {
    /// Whether this is good news: decides over the exit code.
    pub fn is_good(&self) -> bool {
        match self {
            Self::Checked(report) => report.violations.is_empty(),
            Self::Examined(findings) => !findings.iter().any(Finding::is_bad),
            Self::CustomerAdded(_)
            | Self::Customers(_)
            | Self::Key { .. }
            | Self::Transferred { .. }
            | Self::OperatorAdded(_)
            | Self::Operators(_)
            | Self::Password(_)
            | Self::AdminKey(_)
            | Self::ProviderAdded { .. }
            | Self::Providers(_)
            | Self::Tested(_)
            | Self::Imported(_)
            | Self::Services(_)
            | Self::ServiceSet(_)
            | Self::Order(_)
            | Self::Held(_)
            | Self::Done { .. }
            | Self::BackedUp { .. } => true,
        }
    }

    /// What is inside, without the name of the variant.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let value = serde_json::to_value(self)?;
        let inner = match value {
            serde_json::Value::Object(fields) => {
                fields.into_iter().next().map_or(serde_json::Value::Null, |(_, v)| v)
            }
            other => other,
        };
        serde_json::to_string_pretty(&inner)
    }

    /// For a person.
    pub fn text(&self) -> String {
        match self {
            Self::CustomerAdded(added) => format!(
                "Customer {} ({}) has {} {}.\nAPI key, shown only now: {}",
                added.customer, added.name, added.balance.0, added.currency, added.api_key
            ),
            Self::Customers(rows) => customers(rows),
            Self::Key { customer, api_key } => {
                format!("Customer {customer} has a new API key, shown only now: {api_key}")
            }
            Self::Transferred { transfer } => format!("Written down as transfer {transfer}."),
            Self::OperatorAdded(added) => added.text(),
            Self::Operators(rows) => OperatorRow::table(rows),
            Self::Password(new) => new.text(),
            Self::AdminKey(new) => new.text(),
            Self::ProviderAdded { provider } => format!(
                "Provider {provider} is there. Next: panelworks provider test {provider}, then panelworks provider \
                 import {provider} --all --markup 30"
            ),
            Self::Providers(rows) => providers(rows),
            Self::Tested(test) => tested(test),
            Self::Imported(report) => report.text(),
            Self::Services(rows) => services(rows),
            Self::ServiceSet(row) => services(std::slice::from_ref(row)),
            Self::Order(sheet) => sheet.text(),
            Self::Held(rows) => HeldRow::table(rows),
            Self::Done { what } => what.clone(),
            Self::Checked(report) => checked(report),
            Self::BackedUp { file, bytes } => {
                format!(
                    "{file} is a whole, audited copy of {bytes} bytes. Keep secret.key too, but not beside it."
                )
            }
            Self::Examined(findings) => Finding::list(findings),
        }
    }
}

fn customers(rows: &[CustomerRow]) -> String {
    if rows.is_empty() {
        return "No customers yet: panelworks customer add NAME".to_owned();
    }
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("name", Align::Left),
        ("balance", Align::Right),
        ("", Align::Left),
        ("standing", Align::Left),
        ("keys", Align::Right),
    ]);
    for row in rows {
        table.row(vec![
            row.customer.to_string(),
            row.name.clone(),
            row.balance.0.clone(),
            row.currency.to_string(),
            match row.standing {
                Standing::Active => "active",
                Standing::Suspended => "suspended",
                Standing::Frozen => "frozen",
            }
            .to_owned(),
            row.keys.to_string(),
        ]);
    }
    table.text()
}

fn providers(rows: &[ProviderRow]) -> String {
    if rows.is_empty() {
        return "No providers yet: panelworks provider add URL --key KEY".to_owned();
    }
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("name", Align::Left),
        ("url", Align::Left),
        ("in our books", Align::Right),
        ("", Align::Left),
        ("services", Align::Right),
        ("", Align::Left),
    ]);
    for row in rows {
        table.row(vec![
            row.provider.to_string(),
            row.name.clone(),
            row.url.clone(),
            row.prepaid.0.clone(),
            row.currency.to_string(),
            row.services.to_string(),
            if row.enabled { "" } else { "switched off" }.to_owned(),
        ]);
    }
    table.text()
}

fn tested(test: &ProviderTest) -> String {
    let mut text = format!(
        "It answers ({} ms for balance and catalogue).\nBalance there: {} {}; in our books: {}\nServices: {}",
        test.took_ms,
        test.balance.0,
        test.currency.as_deref().unwrap_or("(no currency said)"),
        test.prepaid.0,
        test.services
    );
    for remark in &test.remarks {
        text.push('\n');
        text.push_str(remark);
    }
    text
}

fn services(rows: &[ServiceRow]) -> String {
    if rows.is_empty() {
        return "Nothing is sold yet: panelworks provider import ID --all --markup 30".to_owned();
    }
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("name", Align::Left),
        ("type", Align::Left),
        ("rate", Align::Right),
        ("min", Align::Right),
        ("max", Align::Right),
        ("", Align::Left),
        ("route", Align::Left),
    ]);
    for row in rows {
        let flags = [(row.dripfeed, 'd'), (row.refill, 'r'), (row.cancel, 'c'), (!row.enabled, 'X')];
        table.row(vec![
            row.service.to_string(),
            row.name.clone(),
            row.service_type.clone(),
            row.rate.0.clone(),
            row.min.to_string(),
            row.max.to_string(),
            flags.iter().filter(|(set, _)| *set).map(|(_, letter)| *letter).collect(),
            row.route.clone(),
        ]);
    }
    format!("{}\nd drip-feed, r refill, c cancel, X not sold now", table.text())
}

fn checked(report: &CheckReport) -> String {
    let seen =
        format!("{} and {} entries in {} ms", report.orders_in_words(), report.entries, report.took_ms);
    if report.violations.is_empty() {
        return format!("The books are in order: {seen}, no law is broken.");
    }
    let head = format!("The books are NOT in order: {} laws are broken ({seen}).", report.violations.len());
    let broken = report.violations.iter().map(|broken| format!("{}: {}", broken.law, broken.what));
    [head].into_iter().chain(broken).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_inside_of_an_answer() {
        let json = Answer::Transferred { transfer: TransferId(7) }.json().expect("encodes");
        assert_eq!(json, "{\n  \"transfer\": 7\n}");
        assert_eq!(Answer::Customers(Vec::new()).json().expect("encodes"), "[]");
    }

    #[test]
    fn broken_laws_are_no_good_news() {
        let mut report =
            CheckReport { orders: 1, archived: 0, entries: 2, took_ms: 3, violations: Vec::new() };
        assert!(Answer::Checked(report.clone()).is_good());
        report.violations.push(Broken { law: "I1".to_owned(), what: "entry 1".to_owned() });
        let answer = Answer::Checked(report);
        assert!(!answer.is_good() && answer.text().contains("I1: entry 1"));
    }
}
