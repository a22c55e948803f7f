//! What the program says on standard output and standard error.
//!
//! A reader that has read enough (`| head`) is no error, and must not end a panel: what nobody reads is dropped.

use std::io::Write;

/// One or more lines.
pub fn say(text: &str) {
    write(format!("{text}\n").as_bytes());
}

/// One or more lines on standard error.
pub fn complain(text: &str) {
    // See the module's head.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Bytes as they are.
pub fn write(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    // See the module's head.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}
