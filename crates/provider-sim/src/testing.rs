//! What this crate's tests share: a folder that vanishes, and requests as clients send them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use panelworks_wire::request::Incoming;
use serde_json::Value;

use crate::provider::Provider;
use crate::reply::{Reaction, Reply};

/// A temporary folder of its own, removed at the end.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("provider-sim-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a temporary folder can be made");
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A form POST with this body.
pub(crate) fn post(body: &str) -> Incoming<'_> {
    let content_type = Some("application/x-www-form-urlencoded");
    Incoming { content_type, body: body.as_bytes(), ..Incoming::default() }
}

/// The form of a call with the default key.
pub(crate) fn form(call: &str) -> String {
    format!("key=provider-key&action={call}")
}

/// The answer of a provider without connection faults, as JSON.
pub(crate) fn ask(provider: &mut Provider, now: i64, call: &str) -> Value {
    json(&reply(provider, now, call))
}

/// The answer of a provider without connection faults.
pub(crate) fn reply(provider: &mut Provider, now: i64, call: &str) -> Reply {
    match provider.react(now, &post(&form(call))) {
        Reaction::Reply(reply) => reply,
        other => panic!("no answer: {other:?}"),
    }
}

pub(crate) fn json(reply: &Reply) -> Value {
    let text = std::str::from_utf8(&reply.body).expect("UTF-8");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The id of an `add` that must succeed.
pub(crate) fn order(provider: &mut Provider, now: i64, call: &str) -> u64 {
    let answer = ask(provider, now, call);
    answer["order"].as_u64().unwrap_or_else(|| panic!("no order for {call}: {answer}"))
}
