//! What tests say that they show.
//!
//! In: all Rust sources. Out: for each row's name the evidence for it, of two kinds. A test says `/// Shows A1, I12.`
//! on a line of its own, above its attributes. The audit and the simulation name their laws (`"I8"`, `"I13: ..."`) and
//! kinds of fault (`"B5 odd words"`) by row already: those texts count, since a run is red when a law is broken or a
//! kind of fault never struck. A note on what is neither a test nor a case of the store's contract is found.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::is_name;
use crate::tidy::{Finding, Source, declared_in};

const NOTE: &str = "/// Shows ";
/// Where functions are tests although no attribute says so: cases of the contract that run on every adapter, parts of
/// the simulation, steps of `cargo xtask test`.
const CASES: [&str; 3] = ["crates/store/src/contract/", "crates/engine/tests/sim/", "xtask/src/test.rs"];
/// Where laws and kinds of fault are named in texts.
const SIMULATION: &str = "crates/engine/tests/sim/";
const LAWS: [&str; 3] =
    ["crates/core/src/audit.rs", "crates/core/src/testing/laws.rs", "crates/store/src/audit.rs"];
/// Between a note and its function stand attributes only.
const ATTRIBUTE_LINES: usize = 12;

/// By the row's name.
pub(super) type Notes = BTreeMap<String, Evidence>;

/// What shows one row.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) tests: BTreeSet<Test>,
    /// Kinds of fault in the simulation.
    pub(super) faults: BTreeSet<String>,
    /// Whether a law of that name is checked after each step of the simulation.
    pub(super) law: Option<Place>,
    first_fault: Option<Place>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: usize,
}

impl Evidence {
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.tests.iter().map(|test| &test.place).chain(&self.law).chain(&self.first_fault)
    }
}

pub(super) fn collect(sources: &[Source], findings: &mut Vec<Finding>) -> Notes {
    let mut notes = Notes::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        tests(source, &mut notes, findings);
        if source.path.starts_with(SIMULATION) || LAWS.contains(&source.path.as_str()) {
            texts(source, &mut notes);
        }
    }
    notes
}

fn tests(source: &Source, notes: &mut Notes, findings: &mut Vec<Finding>) {
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    for (nth, line) in lines.iter().enumerate() {
        let Some(rows) = note(line) else {
            continue;
        };
        let place = Place { file: source.path.clone(), line: nth + 1 };
        let name = match function(&lines[nth + 1..], &source.path) {
            Ok(name) if rows.iter().all(|row| is_name(row)) => name,
            Ok(_) => {
                let what = format!("rows are named as in \"{NOTE}A1, I12.\"");
                findings.push(Finding { file: place.file, line: place.line, what });
                continue;
            }
            Err(what) => {
                findings.push(Finding { file: place.file, line: place.line, what: what.to_owned() });
                continue;
            }
        };
        for row in rows {
            let test = Test { name: name.to_owned(), place: place.clone() };
            notes.entry(row.to_owned()).or_default().tests.insert(test);
        }
    }
}

/// The rows that a line names, if it is a note and no prose.
fn note(line: &str) -> Option<Vec<&str>> {
    let rows: Vec<&str> = line.strip_prefix(NOTE)?.trim_end_matches('.').split(", ").collect();
    is_name(rows[0]).then_some(rows)
}

/// The test that the note above these lines belongs to.
fn function<'a>(below: &[&'a str], path: &str) -> Result<&'a str, &'static str> {
    let head = below.iter().take(ATTRIBUTE_LINES).enumerate();
    let mut functions = head.filter(|(_, line)| line.contains("fn "));
    let Some((place, name)) = functions.find_map(|(place, line)| Some((place, declared_in(line)?))) else {
        return Err("a note above no function");
    };
    let attributed = below[..place].iter().any(|line| line.starts_with("#[") && line.contains("test"));
    if attributed || CASES.iter().any(|case| path.starts_with(case)) {
        Ok(name)
    } else {
        Err("a note above what is no test")
    }
}

/// Laws and kinds of fault in the texts of one file.
fn texts(source: &Source, notes: &mut Notes) {
    for (nth, line) in source.text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        let place = || Place { file: source.path.clone(), line: nth + 1 };
        // Every second piece is the inside of a text; where that is mistaken, it begins with no row's name.
        for text in line.split('"').skip(1) {
            let end = text.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            if !is_name(name) {
                continue;
            }
            let evidence = notes.entry(name.to_owned()).or_default();
            if rest.is_empty() || rest.starts_with(": ") {
                evidence.law.get_or_insert_with(place);
            } else if rest.starts_with(' ') {
                evidence.faults.insert(text.to_owned());
                evidence.first_fault.get_or_insert_with(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> (Notes, Vec<usize>) {
        let mut findings = Vec::new();
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        let notes = collect(&[source], &mut findings);
        (notes, findings.into_iter().map(|finding| finding.line).collect())
    }

    #[test]
    fn a_note_belongs_to_the_test_below_its_attributes() {
        let text = "/// What it promises.\n/// Shows A1, B12.\n#[tokio::test(flavor = \"x\")]\n#[expect(\n    a,\n    \
                    reason = \"b\"\n)]\nasync fn it_holds() {}\n";
        let (notes, found) = of("tests/tests/api/race.rs", text);
        assert_eq!(found, [0; 0]);
        assert_eq!(notes.keys().collect::<Vec<_>>(), ["A1", "B12"]);
        assert_eq!(notes["A1"].tests.first().map(|test| test.name.as_str()), Some("it_holds"));
    }

    #[test]
    fn a_note_above_what_is_no_test_is_found_unless_it_is_a_case_of_the_contract() {
        let text = "/// Shows A1.\npub fn it_holds() {}\n";
        assert_eq!(of("crates/core/src/order.rs", text).1, [1]);
        assert_eq!(of("crates/store/src/contract/life.rs", text).1, [0; 0]);
        assert_eq!(of("crates/core/src/order.rs", "/// Shows A1.\n").1, [1]);
    }

    #[test]
    fn prose_is_no_note_and_a_note_names_nothing_but_rows() {
        let (notes, found) =
            of("a.rs", "/// Shows the table.\n/// Shows A1 and more.\n#[test]\nfn it_holds() {}\n");
        assert!(notes.is_empty() && found.is_empty());
        assert_eq!(of("a.rs", "/// Shows A1, and more.\n#[test]\nfn it_holds() {}\n").1, [1]);
    }

    #[test]
    fn laws_and_kinds_of_fault_are_known_by_their_texts() {
        let text = "broken(\"I6\", format!(\"I7: {x}\"));\n(\"B5 odd words\", own(\"B5 odd words\")),\n// \"A9 not\"\n";
        let (notes, _) = of("crates/engine/tests/sim/faults.rs", text);
        assert_eq!(notes.keys().collect::<Vec<_>>(), ["B5", "I6", "I7"]);
        assert!(notes["I6"].law.is_some() && notes["I7"].law.is_some());
        assert_eq!(notes["B5"].faults.len(), 1);
        assert!(of("crates/core/src/order.rs", text).0.is_empty());
    }
}
