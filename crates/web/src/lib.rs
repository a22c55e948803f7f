//! What answers a request: API v2, the page, health and metrics.
//!
//! In: HTTP. Out: JSON of the protocol, pages, numbers for operators. The doors translate and protect; they decide
//! nothing: what changes goes through the executor as a command, what is asked goes to the reader. A panel is wired
//! in four steps:
//!
//! 1. [`Known::read`] fills the caches from the store, before anything is committed.
//! 2. The executor starts with a follower that calls [`Known::follow`] for each commit.
//! 3. [`Panel::new`] holds both ends, and [`router`] gives its routes.
//! 4. [`serve::serve`] answers connections until it is told to stop, and finishes what it has accepted.

pub mod address;
mod api_v2;
mod body;
mod health;
pub mod home;
mod known;
pub mod layout;
pub mod limits;
mod metrics;
mod pace;
mod pages;
mod panel;
pub mod password;
mod request_id;
mod router;
pub mod serve;
mod settings;

pub use known::{Caller, Known, key_hash};
pub use metrics::Behind;
pub use pace::Pace;
pub use panel::{Panel, Waiting};
pub use router::router;
pub use settings::{Promise, Settings};
