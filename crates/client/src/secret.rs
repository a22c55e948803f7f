//! A provider's key, which shows itself only when asked by name.
//!
//! In: the text an operator or a configuration gave. Out: the same text, through [`Secret::expose`]
//! alone. It never appears in `Debug`, has no `Display` and is not serialisable.

use std::fmt;

/// An API key. `Debug` prints a placeholder.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a key; white space around it (a pasted line's end) is dropped.
    pub fn new(text: impl AsRef<str>) -> Secret {
        Secret(text.as_ref().trim().to_owned())
    }

    /// The key itself, to be put into a request and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
