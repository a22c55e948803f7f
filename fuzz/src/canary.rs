//! Readers that are broken on purpose, one for each kind of property. `cargo xtask fuzz` demands that each is found.
//!
//! They are as hard to find as real bugs: inside a character, behind a word and a number, behind one sign.

use form_urlencoded::Serializer;
use panelworks_wire::lenient::{self, BalanceAnswer};
use panelworks_wire::request::{Incoming, parse};

use crate::encodings::{form, read};
use crate::memory::bounded;

/// Cuts a currency to three bytes, in the middle of a character if need be.
pub(crate) fn panic(input: &[u8]) {
    if let BalanceAnswer::Is { currency: Some(currency), .. } = lenient::balance(input) {
        std::hint::black_box(&currency[..currency.len().min(3)]);
    }
}

/// Believes a length that it was told: four digits behind a word.
pub(crate) fn memory(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    bounded(input.len(), 8, || {
        let told = text.split_once("length=").and_then(|(_, rest)| rest.get(..4)?.parse().ok());
        Vec::<u64>::with_capacity(std::hint::black_box(told.unwrap_or(0)))
    });
}

/// Writes a query whose plus signs are not escaped.
pub(crate) fn encodings(input: &[u8]) {
    let given = read(input);
    let form = form(&given, "[]");
    let mut careless = Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(form.as_bytes()) {
        careless.append_pair(&name, &value);
    }
    let careless = careless.finish().replace("%2B", "+");
    let of = |body: &str| parse(&Incoming { body: body.as_bytes(), ..Incoming::default() });
    assert_eq!(of(&form), of(&careless), "planted: {form}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "char boundary")]
    fn the_panicking_canary_dies_of_its_character() {
        panic(r#"{"balance":"1.00","currency":"żł"}"#.as_bytes());
    }

    #[test]
    #[should_panic(expected = "bytes held")]
    fn the_greedy_canary_dies_of_its_number() {
        memory(b"length=9999");
    }

    #[test]
    #[should_panic(expected = "planted")]
    fn the_careless_canary_dies_of_its_plus_sign() {
        encodings(b"action=add\nlink=a+b");
    }

    #[test]
    fn the_canaries_live_on_what_is_harmless() {
        panic(br#"{"balance":"1.00","currency":"USD"}"#);
        memory(b"length=0001");
        encodings(b"action=add\nlink=a b");
    }
}
