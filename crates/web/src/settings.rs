//! What an operator can set about the doors. The program reads it from its configuration; nothing here changes
//! while the panel runs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Network;
use crate::limits;
use crate::pace::Pace;

/// Everything a panel's doors can be told. Begin with [`Settings::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The installation's name, as customers know it.
    pub panel_name: String,
    /// The base currency's ISO 4217 code, shown on the page.
    pub currency: String,
    /// Where customers reach the panel, without a final slash: `https://panel.example`.
    pub public_url: String,
    /// A sentence at the top of the page.
    pub demo_note: Option<String>,
    /// Whether parameters in the query string count. Real clients send them there (`api-v2.md` §1); an operator
    /// whose proxies log addresses may rather do without.
    pub reads_query: bool,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Calls of one key. Customers with the switch `unlimited` have no limit.
    pub requests: Pace,
    /// Wrong keys of one address.
    pub bad_keys: Pace,
    /// Bytes of a request body, up to [`panelworks_wire::limits::REQUEST_BYTES`].
    pub body_bytes: usize,
    /// From the end of the headers to the end of the body.
    pub body_time: Duration,
    /// How long a `status` above its pace may wait for its turn.
    pub status_patience: Duration,
    /// The whole API is closed, with this text; an empty one stands for the usual text.
    pub maintenance: Option<String>,
    /// No orders are taken, with this text; an empty one stands for the usual text.
    pub ordering_off: Option<String>,
    /// `/metrics` answers everybody, not only this machine.
    pub public_metrics: bool,
    /// What an acknowledged order survives, as `/readyz` says it.
    pub promise: Option<Promise>,
    /// Log successful calls at level info, one line each; otherwise they are at debug. Refusals are at info always.
    pub log_successes: bool,
}

/// Says what an acknowledged order survives, whenever it is asked: a database fails over while the panel runs.
#[derive(Clone)]
pub struct Promise(Arc<dyn Fn() -> &'static str + Send + Sync>);

impl Promise {
    /// `ask` does not block.
    pub fn new(ask: impl Fn() -> &'static str + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub fn words(&self) -> &'static str {
        (self.0)()
    }
}

impl fmt::Debug for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Promise").field(&self.words()).finish()
    }
}

impl Settings {
    pub fn new(
        panel_name: impl Into<String>,
        currency: impl Into<String>,
        public_url: impl Into<String>,
    ) -> Self {
        Self {
            panel_name: panel_name.into(),
            currency: currency.into(),
            public_url: public_url.into(),
            demo_note: None,
            reads_query: true,
            trusted_proxies: Vec::new(),
            requests: Pace::per_minute(limits::REQUESTS_PER_MINUTE, limits::REQUESTS_BURST),
            bad_keys: Pace::per_minute(limits::BAD_KEYS_PER_MINUTE, limits::BAD_KEYS_BURST),
            body_bytes: limits::BODY_BYTES,
            body_time: limits::BODY_TIME,
            status_patience: limits::STATUS_PATIENCE,
            maintenance: None,
            ordering_off: None,
            public_metrics: false,
            promise: None,
            log_successes: false,
        }
    }
}
