//! The texts of all pages, in one language, by key (`locales/en.ftl`, in Fluent).
//!
//! In comes a key, out goes a text; `prose` also turns `` `code` `` and `[words](#target)` into HTML. A key that
//! doesn't exist shows itself instead of breaking the page; a test looks every key up that a template or a table
//! names. It holds no text itself and decides on no language.

use std::fmt;

use askama::filters::HtmlSafe;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

const ENGLISH: &str = include_str!("../../locales/en.ftl");

/// All texts in one language.
pub struct Texts {
    language: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl Texts {
    /// The texts this program is written with.
    pub fn english() -> Self {
        // A message that can't be read is left out by the parser, and its key then shows itself on the page.
        let resource = FluentResource::try_new(ENGLISH.to_owned()).unwrap_or_else(|(readable, _)| readable);
        let english: LanguageIdentifier = "en".parse().expect("`en` is a language tag");
        let mut bundle = FluentBundle::new_concurrent(vec![english]);
        // Isolation marks would stand in addresses that are copied from the page.
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Self { language: "en", bundle }
    }

    /// The value of `lang` on the document.
    pub const fn language(&self) -> &'static str {
        self.language
    }

    /// A plain text.
    pub fn get(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// A plain text with one word filled in.
    pub fn with(&self, key: &str, name: &str, word: impl AsRef<str>) -> String {
        self.filled(key, name, FluentValue::from(word.as_ref()))
    }

    /// A plain text with a number filled in, in the form the language has for that many.
    pub fn counted(&self, key: &str, name: &str, count: usize) -> String {
        self.filled(key, name, FluentValue::from(count))
    }

    /// A text with code and links in it.
    pub fn prose(&self, key: &str) -> Prose {
        Prose(self.get(key))
    }

    /// A text with code and links in it and one word filled in.
    pub fn prose_with(&self, key: &str, name: &str, word: &str) -> Prose {
        Prose(self.with(key, name, word))
    }

    fn filled(&self, key: &str, name: &str, value: FluentValue<'_>) -> String {
        let mut filled = FluentArgs::new();
        filled.set(name, value);
        self.format(key, Some(&filled))
    }

    fn format(&self, key: &str, filled: Option<&FluentArgs>) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        self.bundle.format_pattern(pattern, filled, &mut Vec::new()).into_owned()
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").field("language", &self.language).finish_non_exhaustive()
    }
}

/// A text whose `` `code` `` and `[words](target)` become HTML as it is written; everything else is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prose(String);

impl HtmlSafe for Prose {}

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find(['`', '[']) {
            let (before, marked) = rest.split_at(at);
            escape(before, f)?;
            rest = if let Some((html, after)) = code(marked).or_else(|| link(marked)) {
                f.write_str(&html)?;
                after
            } else {
                escape(&marked[..1], f)?;
                &marked[1..]
            };
        }
        escape(rest, f)
    }
}

/// `` `code`… `` → its HTML and what follows.
fn code(marked: &str) -> Option<(String, &str)> {
    let (inner, after) = marked.strip_prefix('`')?.split_once('`')?;
    Some((format!("<code>{}</code>", Escaped(inner)), after))
}

/// `[words](target)…` → its HTML and what follows. Targets lie on this site.
fn link(marked: &str) -> Option<(String, &str)> {
    let (words, rest) = marked.strip_prefix('[')?.split_once("](")?;
    let (target, after) = rest.split_once(')')?;
    if words.contains('[') || !target.starts_with(['#', '/']) {
        return None;
    }
    Some((format!("<a href=\"{}\">{}</a>", Escaped(target), Escaped(words)), after))
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(self.0, f)
    }
}

/// The five characters that mean something in HTML, in text and in quoted attributes.
pub(crate) fn escape(text: &str, f: &mut impl fmt::Write) -> fmt::Result {
    for c in text.chars() {
        match c {
            '&' => f.write_str("&amp;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '"' => f.write_str("&quot;")?,
            '\'' => f.write_str("&#39;")?,
            plain => f.write_char(plain)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_english_file_reads_without_a_fault() {
        let faults = FluentResource::try_new(ENGLISH.to_owned()).err().map(|(_, faults)| faults);
        assert_eq!(faults, None);
    }

    #[test]
    fn no_key_is_written_twice() {
        let mut keys: Vec<&str> =
            ENGLISH.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn a_key_nobody_wrote_shows_itself() {
        assert_eq!(Texts::english().get("no-such-key"), "no-such-key");
    }

    /// Shows C12.
    #[test]
    fn prose_marks_code_and_links_and_escapes_the_rest() {
        let table = [
            ("plain & <b>", "plain &amp; &lt;b&gt;"),
            ("send `a<b` now", "send <code>a&lt;b</code> now"),
            ("see [Types](#types).", "see <a href=\"#types\">Types</a>."),
            ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
            ("a lone ` and [ stay", "a lone ` and [ stay"),
        ];
        for (text, html) in table {
            assert_eq!(Prose(text.to_owned()).to_string(), html);
        }
    }
}
