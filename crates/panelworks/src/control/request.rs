//! What operators can ask of a panel, and what they get: plain values that go through the control socket as JSON.

use std::fmt;
use std::path::PathBuf;

use panelworks_core::customer::Standing;
use panelworks_core::ids::{CustomerId, OrderId, ProviderAccountId, RefillId, ServiceId};
use panelworks_core::money::{Amount, Currency, Rate};
use panelworks_core::operator::{OperatorStanding, Role, Username};
use panelworks_core::order::attempt::Verdict;
use panelworks_core::order::refill::RefillSeen;
use panelworks_core::provider::Observation;
use panelworks_web::password::Passphrase;
use serde::{Deserialize, Serialize};

use super::answer::Answer;
use crate::books::OnDamage;
use crate::import::ImportAsked;

/// One thing an operator asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    AddCustomer(NewCustomer),
    ListCustomers,
    Credit {
        customer: CustomerId,
        amount: Amount,
        note: String,
    },
    RotateKey {
        customer: CustomerId,
        keep_others: bool,
    },
    SetStanding {
        customer: CustomerId,
        standing: Standing,
    },
    AddOperator {
        username: Username,
        /// None: an owner if there is none yet, else staff.
        role: Option<Role>,
        /// A new one is made where it is missing.
        password: Option<Passphrase>,
    },
    ListOperators,
    ResetPassword {
        username: Username,
        password: Option<Passphrase>,
    },
    SetOperatorStanding {
        username: Username,
        standing: OperatorStanding,
    },
    RotateOperatorKey {
        username: Username,
        /// Take the key away and give none.
        revoke: bool,
    },
    AddProvider(NewProvider),
    ListProviders,
    TestProvider {
        provider: ProviderAccountId,
    },
    FundProvider {
        provider: ProviderAccountId,
        amount: Amount,
        note: String,
    },
    Import(ImportAsked),
    ListServices,
    SetService {
        service: ServiceId,
        change: Box<ServiceChange>,
    },
    ShowOrder {
        order: OrderId,
    },
    ListHeld {
        after: OrderId,
        limit: usize,
    },
    Resolve {
        order: OrderId,
        attempt: Option<u16>,
        verdict: Verdict,
    },
    /// What share of a package was delivered, in thousandths.
    EnterShare {
        order: OrderId,
        permille: u16,
    },
    /// How an order stands that is delivered by hand.
    Report {
        order: OrderId,
        seen: Observation,
    },
    ReportRefill {
        order: OrderId,
        refill: RefillId,
        seen: RefillSeen,
    },
    ReportPost {
        subscription: OrderId,
        link: String,
    },
    Check,
    Backup {
        to: PathBuf,
    },
    Doctor {
        offline: bool,
    },
}

impl Request {
    /// Damaged books are opened only for whoever looks for the damage.
    pub const fn on_damage(&self) -> OnDamage {
        let looks_for_it = matches!(self, Self::Check | Self::Doctor { .. });
        if looks_for_it { OnDamage::Open } else { OnDamage::Refuse }
    }
}

/// A customer to open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewCustomer {
    pub name: String,
    /// The panel's own where it is missing.
    pub currency: Option<Currency>,
    pub balance: Option<Amount>,
    pub credit_limit: Amount,
    pub unlimited: bool,
    /// A key made elsewhere; a new one where it is missing.
    pub key: Option<KeyText>,
}

/// A provider account to open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewProvider {
    pub url: String,
    pub key: KeyText,
    /// The URL's host where it is missing.
    pub name: Option<String>,
    /// The panel's own where it is missing.
    pub currency: Option<Currency>,
    pub connections: u16,
    pub allow_local: bool,
    /// Hours for which the provider honours an idempotency key; None: it is not known to.
    pub keys_kept_hours: Option<u16>,
}

/// What is to be changed about a service; the rest stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceChange {
    pub name: Option<String>,
    pub category: Option<String>,
    pub rate: Option<Rate>,
    pub min: Option<u64>,
    pub max: Option<u64>,
    pub enabled: Option<bool>,
    pub cancel: Option<bool>,
    pub guarded: Option<bool>,
    pub route: Option<RouteChange>,
}

/// Another way for a service's orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RouteChange {
    Manual,
    Provider { account: ProviderAccountId, service: String },
}

/// An API key on its way to the panel's process: shown by nothing.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyText(pub String);

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(…)")
    }
}

/// One line from the panel's process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Line {
    /// Steps done, and steps in all.
    Progress(u64, u64),
    Done(Box<Answer>),
    Refused(Refused),
}

/// Why not, in words for the operator. Nothing was changed unless the words say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl Refused {
    /// From anything that can be told.
    pub fn by(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_its_way_and_shows_no_key() {
        let request = Request::AddProvider(NewProvider {
            url: "https://p.example/api/v2".to_owned(),
            key: KeyText("hidden-key".to_owned()),
            name: None,
            currency: Currency::new("EUR"),
            connections: 4,
            allow_local: false,
            keys_kept_hours: None,
        });
        assert!(!format!("{request:?} {request:#?}").contains("hidden-key"));
        let line = serde_json::to_string(&request).expect("encodes");
        assert!(!line.contains('\n'));
        let Request::AddProvider(read) = serde_json::from_str(&line).expect("reads back") else {
            panic!("another request")
        };
        assert_eq!(read.key.0, "hidden-key");
    }

    #[test]
    fn a_password_survives_its_way_and_is_not_shown() {
        let username = Username::parse("anna").expect("a username");
        let password = Some(Passphrase::new("hidden words"));
        let request = Request::ResetPassword { username, password };
        assert!(!format!("{request:?} {request:#?}").contains("hidden"));
        let line = serde_json::to_string(&request).expect("encodes");
        let Request::ResetPassword { password: Some(read), .. } =
            serde_json::from_str(&line).expect("reads back")
        else {
            panic!("another request")
        };
        assert_eq!(read.expose(), "hidden words");
        let wrong = line.replace("anna", "an na");
        assert!(serde_json::from_str::<Request>(&wrong).is_err(), "a username is parsed on this way too");
    }
}
