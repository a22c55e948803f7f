//! The client from outside, against real sockets: what a provider may do to us, and what must come of it.
//! One binary; a file per half of the crate.

mod panel;
mod provider;
mod tls;
mod transport;
