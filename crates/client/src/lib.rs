//! An API v2 client over HTTP with all its tolerance, for anybody who talks to a panel.
//!
//! [`Panel`] is the friendly half: one method per action, answers as types, errors in the three ways a
//! buyer must tell apart ([`CallError`]). [`Transport`] is the half that money trusts: it sends a form
//! exactly once and says how far it came ([`Phase`]). In come an [`Endpoint`] (URL, key, [`Reach`]) and
//! parameters; out go bytes or typed answers. It never repeats a writing call on its own, never follows a
//! redirect, never connects to private addresses unless allowed, never shows or logs a key. What answers
//! look like is `panelworks-wire`'s knowledge; what an order's fate means for money is the caller's.
//! Rules: `api-v2.md` (the CLIENT columns), `domain.md` (Attempts 2, 3), `invariants.md` §2.0 and §2.2.
//!
//! ```no_run
//! use panelworks_client::{CallError, ClientAdd, Endpoint, Panel, Reach, Secret, Transport};
//!
//! # async fn buy() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = Endpoint::new("https://provider.example/api/v2", Secret::new("our key"), Reach::PublicOnly)?;
//! let panel = Panel::new(endpoint, Transport::new()?);
//!
//! let fields = vec![("link", "https://example.com/post".to_owned()), ("quantity", "100".to_owned())];
//! match panel.add(ClientAdd { service: "1".to_owned(), fields, idempotency_key: None }).await {
//!     Ok(order) => println!("order {order}"),
//!     Err(CallError::NotSent { why }) => println!("safe to try again: {why}"),
//!     Err(CallError::Refused { text, .. }) => println!("the panel said no: {text}"),
//!     Err(CallError::Unclear { why }) => println!("it may exist, look before buying again: {why}"),
//! }
//! # Ok(())
//! # }
//! ```

pub mod limits;

mod call_error;
mod endpoint;
mod exchange;
mod form_body;
mod panel;
mod reach;
mod resolve;
mod secret;
mod tls;
mod transport;

pub use call_error::CallError;
pub use endpoint::{Endpoint, EndpointError};
pub use exchange::{Exchanged, Failure, Phase};
pub use panel::{Balance, Catalogue, Panel, Rows};
pub use panelworks_wire::ErrorClass;
pub use panelworks_wire::ask::{ClientAdd, ClientCall};
pub use panelworks_wire::lenient;
pub use reach::Reach;
pub use secret::Secret;
pub use transport::{Transport, TransportError};
