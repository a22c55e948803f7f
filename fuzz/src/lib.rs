//! Everything a stranger can feed the panel, as properties over any bytes (`invariants.md` 4.4, B4, C2, C5, C29).
//!
//! In: bytes, in a form a person can read and write (each target's module says which). Out: nothing; a property that
//! doesn't hold panics. The same functions run under libFuzzer (`main.rs`, `cargo xtask fuzz`) and as plain tests over
//! every kept input (`tests/kept.rs`). Besides "never panics" they demand that memory stays proportional to the input,
//! that what we write is read back as it was, and that all encodings of a request are one request.
//! Nothing here knows how a fuzzer works.

mod answer;
mod canary;
mod encodings;
mod lists;
mod memory;
mod money;
mod repeated;
mod request;
mod round_trip;
mod services;

/// One thing to feed.
#[derive(Debug)]
pub struct Target {
    /// Also the folder of its inputs below `corpus` and `found`.
    pub name: &'static str,
    /// Panics where a property doesn't hold for these bytes.
    pub holds: fn(&[u8]),
}

/// What is fuzzed.
pub const TARGETS: [Target; 7] = [
    Target { name: "request", holds: request::holds },
    Target { name: "encodings", holds: encodings::holds },
    Target { name: "lists", holds: lists::holds },
    Target { name: "answer", holds: answer::holds },
    Target { name: "services", holds: services::holds },
    Target { name: "money", holds: money::holds },
    Target { name: "repeated", holds: repeated::holds },
];

/// What is broken on purpose: a fuzzer that doesn't find each of these within seconds proves nothing about the others.
pub const CANARIES: [Target; 3] = [
    Target { name: "canary_panic", holds: canary::panic },
    Target { name: "canary_memory", holds: canary::memory },
    Target { name: "canary_encodings", holds: canary::encodings },
];

/// The target or canary of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().chain(&CANARIES).find(|target| target.name == name)
}
