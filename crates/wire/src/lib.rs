//! API v2, the wire protocol of panels, as types.
//!
//! Three users: our server parses requests ([`request`]) and encodes answers ([`response`]); our client encodes
//! requests ([`ask`]) and decodes what real panels answer ([`lenient`]); the simulated provider does both.
//! In come bytes, out go values, or the other way round. No I/O, no clock, no rule of the business: `wire` doesn't
//! know what an order costs or whose it is. Nothing here panics on any input.
//! The contract is `api-v2.md`; sections are named beside the code that keeps them.

pub mod ask;
pub mod decimal;
pub mod error;
mod json;
pub mod lenient;
pub mod limits;
pub mod request;
pub mod response;
pub mod service_type;

pub use error::{ErrorClass, ErrorText};
pub use request::{Call, Request};
pub use response::Response;
pub use service_type::ServiceType;
