//! Which passphrases may be chosen: long ones, and none that is guessed first.
//!
//! In: what was entered, and the words it must not consist of (the username, the panel's name). Out: a [`Chosen`], or
//! why not, in words for people. Its length counts, not its kinds of characters; spaces and every script are welcome.
//! Never: a rule that only makes passwords hard to remember. Rules: invariants.md C15.

use super::Passphrase;
use crate::limits;

/// Passwords that are guessed first, or what is left of them without the digits and signs at their ends; a line each.
const GUESSED_FIRST: &str = include_str!("guessed_first.txt");

/// A passphrase that may be hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen(Passphrase);

impl Chosen {
    pub(super) const fn passphrase(&self) -> &Passphrase {
        &self.0
    }
}

/// Why a passphrase can't be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassphrase {
    #[error(
        "a password needs {least} characters at least; several words make a good one of {good} and more",
        least = limits::PASSPHRASE_CHARS_LEAST,
        good = limits::PASSPHRASE_CHARS_GOOD
    )]
    TooShort,
    #[error("a password has {} characters at most", limits::PASSPHRASE_CHARS_MOST)]
    TooLong,
    #[error("a password is one line of text, without control characters")]
    ControlCharacters,
    #[error("this password is among those that are guessed first; several words make a good one")]
    GuessedFirst,
    #[error(
        "this password is little more than the name of the operator or the panel; several words make a good one"
    )]
    Names,
}

impl Passphrase {
    /// `names`: words that make no passphrase by themselves.
    pub fn choose(self, names: &[&str]) -> Result<Chosen, BadPassphrase> {
        let text = self.expose();
        let length = text.chars().count();
        if length < limits::PASSPHRASE_CHARS_LEAST {
            return Err(BadPassphrase::TooShort);
        }
        if length > limits::PASSPHRASE_CHARS_MOST {
            return Err(BadPassphrase::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(BadPassphrase::ControlCharacters);
        }
        let plain = plain(text);
        if is_guessed_first(&plain) {
            return Err(BadPassphrase::GuessedFirst);
        }
        if is_little_more_than(&plain, names) {
            return Err(BadPassphrase::Names);
        }
        Ok(Chosen(self))
    }
}

/// What is left when case and spaces don't count.
fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect()
}

fn is_guessed_first(plain: &str) -> bool {
    let (whole, core) = (plain, without_decoration(plain));
    GUESSED_FIRST.lines().any(|guess| guess == whole || guess == core) || repeats(plain) || runs(plain)
}

/// Without the digits and signs at its ends.
fn without_decoration(plain: &str) -> &str {
    plain.trim_matches(|c: char| !c.is_alphabetic())
}

/// The same few characters again and again.
fn repeats(plain: &str) -> bool {
    let all: Vec<char> = plain.chars().collect();
    (1..=limits::PASSPHRASE_CHARS_LEAST / 2)
        .any(|period| all.iter().zip(all.iter().skip(period)).all(|(one, next)| one == next))
}

/// Characters one after the other, upwards or downwards.
fn runs(plain: &str) -> bool {
    let steps = |step: i64| {
        let mut pairs = plain.chars().zip(plain.chars().skip(1));
        pairs.all(|(one, next)| i64::from(u32::from(next)) - i64::from(u32::from(one)) == step)
    };
    steps(1) || steps(-1)
}

fn is_little_more_than(whole: &str, names: &[&str]) -> bool {
    let names = names.iter().map(|name| plain(name)).filter(|name| !name.is_empty());
    names.into_iter().any(|name| {
        let rest = whole.replace(&name, "");
        whole.contains(&name)
            && without_decoration(&rest).chars().count() < limits::PASSPHRASE_CHARS_BESIDE_NAMES
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Option<BadPassphrase> {
        Passphrase::new(text).choose(&["anna.b", "Best Panel"]).err()
    }

    #[test]
    fn several_words_are_welcome_in_every_script() {
        for good in [
            "eleven blue horses",
            "пятнадцать лошадей",
            "  spaces at the ends ",
            "k7#pQ2!x",
            "anna.b likes tea",
        ] {
            assert_eq!(refused(good), None, "{good:?}");
        }
    }

    #[test]
    fn length_counts_in_characters() {
        assert_eq!(refused("sieben7"), Some(BadPassphrase::TooShort));
        assert_eq!(refused("зимаснег"), None);
        let longest = "eleven blue horses ".repeat(7)[..limits::PASSPHRASE_CHARS_MOST].to_owned();
        assert_eq!(refused(&longest), None);
        assert_eq!(refused(&(longest + "x")), Some(BadPassphrase::TooLong));
        assert_eq!(refused("two\nlines of it"), Some(BadPassphrase::ControlCharacters));
    }

    /// Shows C15.
    #[test]
    fn what_is_guessed_first_is_refused_however_it_is_dressed() {
        for bad in [
            "password",
            "Password1",
            "PASSWORD2026!",
            "p@ssw0rd",
            "12345678",
            "87654321",
            "qwertyuiop",
            "1q2w3e4r5t",
            "aaaaaaaa",
            "abababab",
            "12341234",
            "abcdefgh",
            "letmein123",
            "pass word",
            "Panelworks1!",
        ] {
            assert_eq!(refused(bad), Some(BadPassphrase::GuessedFirst), "{bad:?}");
        }
    }

    #[test]
    fn names_alone_are_no_passphrase() {
        for bad in [
            "anna.b12",
            "anna.b123456789",
            "2026 Best Panel 2026!",
            "ANNA.B!!",
            "bestpanel",
            "Best Panel 1",
            "anna.banna.b",
        ] {
            assert_eq!(refused(bad), Some(BadPassphrase::Names), "{bad:?}");
        }
    }

    #[test]
    fn the_list_is_plain_and_holds_only_what_can_be_met() {
        let mut seen = std::collections::HashSet::new();
        for guess in GUESSED_FIRST.lines() {
            assert_eq!(guess, plain(guess), "small letters, no spaces");
            assert!(seen.insert(guess), "{guess} stands there twice");
        }
        assert!(seen.len() > 100, "{}", seen.len());
    }
}
