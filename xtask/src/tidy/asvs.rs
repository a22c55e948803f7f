//! `docs/security.md`: every requirement of ASVS 5.0 on levels 1 and 2 stands there once, and every test it names exists.
//!
//! In: all sources. Out: what is missing, double, or unknown. Whether a requirement is met no program can judge.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::sources::Source;

const FILE: &str = "docs/security.md";

/// Chapter, section, and how many requirements of levels 1 and 2 it has: they come first in each section.
const SECTIONS: [(u8, u8, u8); 75] = [
    (1, 1, 2),
    (1, 2, 9),
    (1, 3, 11),
    (1, 4, 3),
    (1, 5, 2),
    (2, 1, 3),
    (2, 2, 3),
    (2, 3, 4),
    (2, 4, 1),
    (3, 2, 2),
    (3, 3, 4),
    (3, 4, 6),
    (3, 5, 5),
    (3, 7, 2),
    (4, 1, 3),
    (4, 2, 1),
    (4, 3, 2),
    (4, 4, 4),
    (5, 1, 1),
    (5, 2, 3),
    (5, 3, 2),
    (5, 4, 3),
    (6, 1, 3),
    (6, 2, 12),
    (6, 3, 4),
    (6, 4, 4),
    (6, 5, 5),
    (6, 6, 3),
    (6, 8, 4),
    (7, 1, 3),
    (7, 2, 4),
    (7, 3, 2),
    (7, 4, 5),
    (7, 5, 2),
    (7, 6, 2),
    (8, 1, 2),
    (8, 2, 3),
    (8, 3, 1),
    (8, 4, 1),
    (9, 1, 3),
    (9, 2, 4),
    (10, 1, 2),
    (10, 2, 2),
    (10, 3, 4),
    (10, 4, 11),
    (10, 5, 5),
    (10, 6, 2),
    (10, 7, 3),
    (11, 1, 2),
    (11, 2, 3),
    (11, 3, 3),
    (11, 4, 4),
    (11, 5, 1),
    (11, 6, 1),
    (12, 1, 3),
    (12, 2, 2),
    (12, 3, 4),
    (13, 1, 1),
    (13, 2, 5),
    (13, 3, 2),
    (13, 4, 5),
    (14, 1, 2),
    (14, 2, 4),
    (14, 3, 3),
    (15, 1, 3),
    (15, 2, 3),
    (15, 3, 7),
    (16, 1, 1),
    (16, 2, 5),
    (16, 3, 4),
    (16, 4, 3),
    (16, 5, 3),
    (17, 1, 1),
    (17, 2, 4),
    (17, 3, 2),
];

pub(crate) fn look(sources: &[Source], findings: &mut Vec<Finding>) {
    let Some(page) = sources.iter().find(|source| source.path == FILE) else { return };
    let mut found = |line: usize, what: String| findings.push(Finding { file: FILE.to_owned(), line, what });
    let mut named: BTreeMap<String, usize> = requirements().map(|one| (one, 0)).collect();
    let functions = functions(sources);
    for (place, row) in page.text.lines().enumerate().filter(|(_, line)| line.starts_with("| V")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for requirement in cells[1].split(", ") {
            match named.get_mut(requirement) {
                Some(times) => *times += 1,
                None => found(place + 1, format!("{requirement} is no requirement of levels 1 and 2")),
            }
        }
        for test in cells.get(3).into_iter().flat_map(|cell| quoted(cell)).filter(|name| name.contains('_')) {
            if !functions.contains(test) {
                found(place + 1, format!("there is no test {test}"));
            }
        }
    }
    for (requirement, times) in named.into_iter().filter(|(_, times)| *times != 1) {
        found(0, format!("{requirement} stands there {times} times"));
    }
}

fn requirements() -> impl Iterator<Item = String> {
    SECTIONS.iter().flat_map(|(chapter, section, count)| {
        (1..=*count).map(move |number| format!("V{chapter}.{section}.{number}"))
    })
}

/// The names of all functions: tests are some of them.
fn functions(sources: &[Source]) -> BTreeSet<&str> {
    let texts = sources.iter().filter(|source| source.is_rust()).map(|source| source.text.as_str());
    let named = texts.flat_map(|text| text.split("fn ").skip(1));
    named
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect()
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Vec<String> {
        let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
        let mut findings = Vec::new();
        look(&[source(FILE, page), source("a.rs", "//! A.\nfn it_is_so() {}\n")], &mut findings);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn levels_one_and_two_have_two_hundred_and_fifty_three_requirements() {
        assert_eq!(requirements().collect::<BTreeSet<_>>().len(), 253);
    }

    #[test]
    fn what_is_missing_double_or_unknown_is_found() {
        let rows = requirements().map(|one| format!("| {one} | so | `it_is_so` |"));
        let page = rows.collect::<Vec<_>>().join("\n");
        assert_eq!(found(&page), [""; 0]);
        assert_eq!(found(&page.replace("| V1.1.1 |", "| V1.1.2 |")).len(), 2);
        assert_eq!(found(&page.replace("| V1.1.1 |", "| V1.1.9 |")).len(), 2);
        assert_eq!(found(&page.replacen("it_is_so", "it_is_not", 1)), ["there is no test it_is_not"]);
    }
}
