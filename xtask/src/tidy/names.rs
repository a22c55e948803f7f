//! Names that say nothing (`style.md`, Names): in files, folders and items.

use super::Finding;
use super::sources::Source;

/// Words that stand in for a thought.
const BANNED: [&str; 8] = ["manager", "helper", "helpers", "util", "utils", "common", "misc", "stuff"];
/// What declares an item whose name follows.
const DECLARES: [&str; 8] = ["struct", "enum", "trait", "mod", "fn", "type", "const", "static"];

/// What may stand before that.
const QUALIFIES: [&str; 7] = ["pub", "crate", "super", "in", "async", "unsafe", "extern"];

pub(crate) fn look(source: &Source, findings: &mut Vec<Finding>) {
    let mut found = |line: usize, name: &str, word: &str| {
        let what = format!("{name}: {word} says nothing; name what it knows or does");
        findings.push(Finding { file: source.path.clone(), line, what });
    };
    for part in source.path.split('/') {
        let stem = part.split('.').next().unwrap_or(part);
        if let Some(word) = banned(stem) {
            found(0, stem, word);
        }
    }
    if !source.is_rust() {
        return;
    }
    for (line, name) in declared(&source.text) {
        if let Some(word) = banned(name) {
            found(line, name, word);
        }
    }
}

/// The names of all items, with their lines.
pub(crate) fn declared(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(place, line)| Some((place + 1, declared_in(line)?)))
}

/// The name of the item that a line declares.
pub(crate) fn declared_in(line: &str) -> Option<&str> {
    let mut words =
        line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).peekable();
    // A remark, a string or an expression begins with something else.
    let begins = line.trim_start().starts_with(char::is_alphabetic);
    let mut word = words.next().filter(|_| begins)?;
    while QUALIFIES.contains(&word) || (word == "const" && words.peek() == Some(&"fn")) {
        word = words.next()?;
    }
    DECLARES.contains(&word).then(|| words.next())?
}

fn banned(name: &str) -> Option<&'static str> {
    words(name).find_map(|word| BANNED.iter().copied().find(|banned| *banned == word))
}

/// `OrderManager`, `order_manager` and `order-manager` → order, manager.
pub(crate) fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !spaced.ends_with(|last: char| last.is_uppercase()) {
            spaced.push(' ');
        }
        spaced.push(if letter.is_alphanumeric() { letter } else { ' ' });
    }
    spaced.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_their_words() {
        for name in ["OrderManager", "order_manager", "order-manager", "ORDER_MANAGER"] {
            assert_eq!(words(name).collect::<Vec<_>>(), ["order", "manager"], "{name}");
        }
    }

    #[test]
    fn empty_words_are_found_in_paths_and_items_but_not_in_prose() {
        let text =
            "//! A common case.\n// fn helper\npub(crate) async fn request_helper() {}\nlet common = 1;\n";
        let mut findings = Vec::new();
        look(&Source { path: "src/utils/mod.rs".to_owned(), text: text.to_owned() }, &mut findings);
        let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [0, 3], "{findings:?}");
    }
}
