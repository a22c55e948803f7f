//! The wire contract from outside: the seeds' examples in both directions, requests in every encoding, what real
//! panels answer, and properties over arbitrary bytes. One binary, so that the tests link once.

mod given;
mod golden;
mod properties;
mod provider_adds;
mod provider_catalogues;
mod provider_errors;
mod provider_requests;
mod provider_statuses;
mod request_fields;
mod requests;
