//! An API v2 client over HTTP with all its tolerance.

pub mod limits;

mod endpoint;
mod exchange;
mod form_body;
mod reach;
mod resolve;
mod secret;
mod tls;
mod transport;

pub use endpoint::{Endpoint, EndpointError};
pub use exchange::{Exchanged, Failure, Phase};
pub use reach::Reach;
pub use secret::Secret;
pub use transport::{Transport, TransportError};
