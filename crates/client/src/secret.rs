//! A provider's key, which shows itself only when asked by name.
//!
//! In: the text an operator or a configuration gave. Out: the same text, through [`Secret::expose`]
//! alone. It never appears in `Debug`, has no `Display` and is not serialisable. Out of what a provider says it is
//! struck, because some repeat what they were sent, and a refusal's text ends in books, logs and on screens
//! (invariants.md B21, I22).

use std::fmt;

use bytes::Bytes;
use form_urlencoded::byte_serialize;

use crate::limits;

/// An API key. `Debug` prints a placeholder.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a key; white space around it (a pasted line's end) is dropped.
    pub fn new(text: impl AsRef<str>) -> Secret {
        Secret(text.as_ref().trim().to_owned())
    }

    /// The same bytes without the key, as it was sent or as JSON writes it. Untouched where the key can't be told from
    /// an answer's own words or numbers: when it is shorter than [`limits::STRUCK_KEY_BYTES`], or of digits alone.
    pub(crate) fn struck_from(&self, said: Bytes) -> Bytes {
        let is_plain_number = self.0.bytes().all(|byte| byte.is_ascii_digit());
        if self.0.len() < limits::STRUCK_KEY_BYTES || is_plain_number {
            return said;
        }
        let encoded: String = byte_serialize(self.0.as_bytes()).collect();
        let forms = [self.0.clone(), encoded, self.0.replace('/', "\\/")];
        let text = String::from_utf8_lossy(&said);
        if !forms.iter().any(|form| text.contains(form.as_str())) {
            return said;
        }
        let struck = forms.iter().fold(text.into_owned(), |text, form| text.replace(form.as_str(), "…"));
        Bytes::from(struck)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(key: &str, said: &str) -> String {
        let bytes = Secret::new(key).struck_from(Bytes::copy_from_slice(said.as_bytes()));
        String::from_utf8(bytes.to_vec()).expect("a text stays one")
    }

    /// Shows B21, I22.
    #[test]
    fn a_key_that_is_repeated_is_struck_in_every_spelling() {
        let key = "a/key+with signs";
        for said in ["a/key+with signs", "a%2Fkey%2Bwith+signs", "a\\/key+with signs"] {
            let said = format!("{{\"error\":\"wrong: {said}, {said}\"}}");
            assert_eq!(struck(key, &said), "{\"error\":\"wrong: …, …\"}");
        }
    }

    #[test]
    fn what_may_be_a_word_or_a_number_of_the_answer_stays() {
        assert_eq!(struck("order", "{\"order\":1}"), "{\"order\":1}");
        assert_eq!(struck("123456789012345", "{\"order\":123456789012345}"), "{\"order\":123456789012345}");
        let answer = Bytes::from_static(b"{\"order\":\xff}");
        assert_eq!(Secret::new("0123456789abcdef").struck_from(answer.clone()), answer, "byte for byte");
    }
}
