//! The field's words, spelt the same everywhere (`style.md`, Names): synonyms that `docs/glossary.md` refuses.
//!
//! In: that file's table, whose column `not` has words in backticks; all Rust sources.
//! Out: each item whose name has such a word. Words without backticks are wrong in that meaning only, which no program
//! can judge; prose may use any. Without the file there is nothing to check.

use super::Finding;
use super::names::{declared, words};
use super::sources::Source;

const FILE: &str = "docs/glossary.md";
const COLUMN: &str = "not";

pub(crate) fn look(sources: &[Source], findings: &mut Vec<Finding>) {
    let Some(glossary) = sources.iter().find(|source| source.path == FILE) else {
        return;
    };
    let refused = refused(&glossary.text);
    for source in sources.iter().filter(|source| source.is_rust()) {
        for (line, name) in declared(&source.text) {
            let Some((_, word)) = words(name).find_map(|word| refused.iter().find(|(no, _)| *no == word))
            else {
                continue;
            };
            let what = format!("{name}: the word is {word}");
            findings.push(Finding { file: source.path.clone(), line, what });
        }
    }
}

/// Refused words with the right one.
fn refused(text: &str) -> Vec<(String, String)> {
    let mut column = None;
    let mut refused = Vec::new();
    for line in text.lines() {
        let Some(row) = line.trim().strip_prefix('|') else {
            column = None;
            continue;
        };
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').map(str::trim).collect();
        let Some(column) = column else {
            column = cells.iter().position(|cell| cell.eq_ignore_ascii_case(COLUMN));
            continue;
        };
        let quoted = cells.get(column).copied().unwrap_or_default().split('`').skip(1).step_by(2);
        let right = cells[0].replace('`', "");
        refused.extend(quoted.map(|word| (word.to_lowercase(), right.clone())));
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOSSARY: &str = "# Words\n\n| word | meaning | not |\n|---|---|---|\n| charge | what the customer \
                            pays | `price`, `fee`, cost |\n| order | a purchase | |\n\nText with `word`.\n";

    #[test]
    fn words_in_backticks_are_refused() {
        let pair = |no: &str| (no.to_owned(), "charge".to_owned());
        assert_eq!(refused(GLOSSARY), [pair("price"), pair("fee")]);
    }

    #[test]
    fn a_synonym_in_a_name_is_found() {
        let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
        let sources = [source(FILE, GLOSSARY), source("a.rs", "//! Of the price.\nstruct OrderPrice;\n")];
        let mut findings = Vec::new();
        look(&sources, &mut findings);
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    }
}
