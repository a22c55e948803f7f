//! Colours for code on the page: source text in, escaped HTML with a few `<span class>` out.
//!
//! It knows words, strings, comments and numbers, which is enough for the eye; it is no parser, never fails, and what
//! it doesn't know stays plain. Every character of the source is in the output exactly once, escaped.

use std::fmt;

use askama::filters::HtmlSafe;

use crate::layout::escape;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Json,
    Shell,
    Php,
    Python,
    JavaScript,
}

/// Code that colours itself as it is written.
#[derive(Debug)]
pub(super) struct Highlighted {
    source: String,
    language: Language,
}

impl Highlighted {
    pub(super) const fn new(source: String, language: Language) -> Self {
        Self { source, language }
    }
}

impl HtmlSafe for Highlighted {}

impl fmt::Display for Highlighted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.source.as_str();
        let mut before = '\n';
        while !rest.is_empty() {
            let token = self.language.next(rest, before);
            let (text, after) = rest.split_at(token.bytes);
            match token.class {
                Some(class) => {
                    write!(f, "<span class=\"{class}\">")?;
                    escape(text, f)?;
                    f.write_str("</span>")?;
                }
                None => escape(text, f)?,
            }
            before = text.chars().next_back().unwrap_or(before);
            rest = after;
        }
        Ok(())
    }
}

/// The next piece of the source; never empty.
struct Token {
    bytes: usize,
    class: Option<&'static str>,
}

const COMMENT: Option<&str> = Some("c");
const STRING: Option<&str> = Some("s");
const KEYWORD: Option<&str> = Some("k");
const NUMBER: Option<&str> = Some("n");
const NAME: Option<&str> = Some("v");

impl Language {
    fn next(self, rest: &str, before: char) -> Token {
        let first = rest.chars().next().unwrap_or_default();
        if let Some(bytes) = self.comment(rest, before) {
            return Token { bytes, class: COMMENT };
        }
        if self == Self::Python && rest.starts_with("\"\"\"") {
            return Token { bytes: upto(rest, 3, "\"\"\""), class: STRING };
        }
        if self.quotes().contains(first) {
            let bytes = quoted(rest, first);
            let names = self == Self::Json && rest[bytes..].trim_start().starts_with(':');
            return Token { bytes, class: if names { NAME } else { STRING } };
        }
        if first == '$' && matches!(self, Self::Php | Self::Shell) {
            let bytes = 1 + length(&rest[1..], |c| c.is_alphanumeric() || c == '_');
            return Token { bytes, class: NAME };
        }
        if first.is_alphabetic() || first == '_' {
            let bytes = length(rest, |c| c.is_alphanumeric() || c == '_');
            // After these it is an option, a file's ending, a path or a field.
            let stands_alone = !matches!(before, '-' | '.' | '/' | '>');
            let class =
                if stands_alone && self.keywords().contains(&&rest[..bytes]) { KEYWORD } else { None };
            return Token { bytes, class };
        }
        if first.is_ascii_digit() && self != Self::Shell {
            let bytes = length(rest, |c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            return Token { bytes, class: NUMBER };
        }
        Token { bytes: first.len_utf8(), class: None }
    }

    fn comment(self, rest: &str, before: char) -> Option<usize> {
        let line = || rest.find('\n').unwrap_or(rest.len());
        match self {
            Self::Json => None,
            Self::Shell => (rest.starts_with('#') && before.is_whitespace()).then(line),
            Self::Python => rest.starts_with('#').then(line),
            Self::Php | Self::JavaScript if rest.starts_with("/*") => Some(upto(rest, 2, "*/")),
            Self::Php | Self::JavaScript => rest.starts_with("//").then(line),
        }
    }

    const fn quotes(self) -> &'static str {
        match self {
            Self::Json => "\"",
            Self::Shell | Self::Php | Self::Python => "\"'",
            Self::JavaScript => "\"'`",
        }
    }

    const fn keywords(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["true", "false", "null"],
            Self::Shell => &[
                "if", "then", "fi", "set", "exit", "export", "curl", "panel", "sh", "php", "python3", "node",
            ],
            Self::Php => &[
                "array", "as", "catch", "class", "const", "declare", "do", "echo", "exit", "extends",
                "final", "foreach", "function", "if", "in", "int", "new", "private", "public", "require",
                "return", "static", "string", "throw", "true", "try", "while",
            ],
            Self::Python => &[
                "None",
                "and",
                "as",
                "class",
                "def",
                "except",
                "for",
                "from",
                "if",
                "import",
                "in",
                "isinstance",
                "not",
                "or",
                "pass",
                "raise",
                "return",
                "try",
                "while",
            ],
            Self::JavaScript => &[
                "async",
                "await",
                "catch",
                "class",
                "const",
                "constructor",
                "else",
                "export",
                "extends",
                "for",
                "function",
                "if",
                "import",
                "from",
                "instanceof",
                "let",
                "new",
                "of",
                "return",
                "throw",
                "try",
                "typeof",
                "while",
            ],
        }
    }
}

/// Bytes from the beginning to the end of the next `close`, looked for after `from` bytes; all when there is none.
fn upto(rest: &str, from: usize, close: &str) -> usize {
    rest[from..].find(close).map_or(rest.len(), |at| from + at + close.len())
}

/// Bytes of a string with its quotes; a backslash hides the character after it. Open strings end with the text.
fn quoted(rest: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// Bytes of the characters at the beginning that belong to a word.
fn length(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !belongs(c)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::samples::SAMPLES;

    fn html(source: &str, language: Language) -> String {
        Highlighted::new(source.to_owned(), language).to_string()
    }

    /// The source again: tags away, entities back.
    fn plain(html: &str) -> String {
        let mut plain = String::new();
        for (at, piece) in html.split('<').enumerate() {
            plain.push_str(if at == 0 { piece } else { piece.split_once('>').map_or("", |(_, text)| text) });
        }
        let back = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        back.iter().fold(plain, |text, (entity, c)| text.replace(entity, c))
    }

    #[test]
    fn json_names_are_told_from_values() {
        assert_eq!(
            html(r#"{"a": "b", "n": 1, "t": true}"#, Language::Json).replace("&quot;", "'"),
            "{<span class=\"v\">'a'</span>: <span class=\"s\">'b'</span>, <span class=\"v\">'n'</span>: \
             <span class=\"n\">1</span>, <span class=\"v\">'t'</span>: <span class=\"k\">true</span>}"
        );
    }

    #[test]
    fn nothing_of_the_source_is_lost_or_doubled() {
        for sample in SAMPLES {
            for file in std::iter::once(&sample.usage).chain(&sample.client) {
                assert_eq!(plain(&html(file.source, sample.language)), file.source, "{}", file.path);
            }
        }
        for odd in ["", "\"", "'\\", "/*", "\"\"\"", "#", "é\"ü", "<&>'\"", "$", "a$b"] {
            for language in
                [Language::Json, Language::Shell, Language::Php, Language::Python, Language::JavaScript]
            {
                assert_eq!(plain(&html(odd, language)), odd);
            }
        }
    }
}
