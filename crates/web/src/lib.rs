//! What answers a request: API v2 and the page.

pub mod home;
pub mod layout;
