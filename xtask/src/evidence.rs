//! `cargo xtask evidence`: the table of faults, attacks and invariants with the tests that show each, in `docs/trust.md`.
//!
//! In: the rows with what is still open of them (`docs/trust-rows.txt`), and the tests, which say themselves what they
//! show (`evidence/notes.rs`). Out: the table between its two marks, everything else untouched. `cargo xtask tidy` fails
//! when the table is stale, a test names a row that doesn't exist, or a row is neither shown nor said to be open.

mod notes;
mod rows;
mod table;

use anyhow::{Context as _, Result, bail};

use crate::root;
use crate::tidy::{Finding, Source, sources};
use notes::Notes;
use rows::{Row, Shown};

/// Where the table stands.
const PAGE: &str = "docs/trust.md";

pub(crate) fn run() -> Result<()> {
    let sources = sources(&root())?;
    let mut findings = Vec::new();
    let page = written(&sources, &mut findings);
    for Finding { file, line, what } in &findings {
        eprintln!("{file}:{line}: {what}");
    }
    if !findings.is_empty() {
        bail!("{} to put right before the table can be written", findings.len());
    }
    let page = page.with_context(|| format!("{PAGE} has no marks for the table"))?;
    std::fs::write(root().join(PAGE), page).with_context(|| format!("can't write {PAGE}"))
}

/// What keeps the table from being true.
pub(crate) fn look(sources: &[Source], findings: &mut Vec<Finding>) {
    let before = findings.len();
    let page = written(sources, findings);
    let stands = sources.iter().find(|source| source.path == PAGE).map(|source| &source.text);
    if findings.len() == before && page.as_ref() != stands {
        let what = "the table of evidence is stale: cargo xtask evidence".to_owned();
        findings.push(Finding { file: PAGE.to_owned(), line: 0, what });
    }
}

/// The page as it should be, if it has a place for the table.
fn written(sources: &[Source], findings: &mut Vec<Finding>) -> Option<String> {
    let parts = rows::read(sources, findings);
    let notes = notes::collect(sources, findings);
    let rows: Vec<&Row> = parts.iter().flat_map(|part| &part.rows).collect();
    judge(&rows, &notes, findings);
    let page = sources.iter().find(|source| source.path == PAGE)?;
    table::put(&page.text, &table::of(&parts, &notes))
}

/// Every note has its row, and no row says of itself what its tests deny.
fn judge(rows: &[&Row], notes: &Notes, findings: &mut Vec<Finding>) {
    for (name, evidence) in notes {
        if rows.iter().any(|row| row.name == *name) {
            continue;
        }
        for place in evidence.places() {
            let what = format!("{name} is no row of {}", rows::FILE);
            findings.push(Finding { file: place.file.clone(), line: place.line, what });
        }
    }
    for row in rows {
        let what = match (&row.shown, notes.contains_key(&row.name)) {
            (Shown::Wholly { .. } | Shown::InPart { .. }, false) => {
                "shown by no test: write one, or say \"open:\" and what it waits for"
            }
            (Shown::Not { .. }, true) => "open, but shown by a test: say what is missing with \"in part:\"",
            (Shown::Wholly { .. } | Shown::InPart { .. }, true) | (Shown::Not { .. }, false) => continue,
        };
        let what = format!("{} is {what}", row.name);
        findings.push(Finding { file: rows::FILE.to_owned(), line: row.line, what });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str =
        "# A file of rows.\n## The machine\nA1 | a kill | |\nA2 | a power cut | in part: 9 cuts\n";
    const TESTS: &str = "//! Tests.\n/// Shows A1, A2.\n#[test]\nfn a_kill_loses_nothing() {}\n";
    const PAGE_BEFORE: &str = "# Trust\n<!-- evidence -->\nold\n<!-- /evidence -->\nrest\n";

    fn found(rows: &str, tests: &str, page: &str) -> Vec<String> {
        let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
        let sources =
            [source(rows::FILE, rows), source("tests/tests/crash/kill.rs", tests), source(PAGE, page)];
        let mut findings = Vec::new();
        look(&sources, &mut findings);
        findings
            .into_iter()
            .map(|finding| format!("{}:{} {}", finding.file, finding.line, finding.what))
            .collect()
    }

    fn page(rows: &str, tests: &str) -> String {
        let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
        let sources =
            [source(rows::FILE, rows), source("tests/tests/crash/kill.rs", tests), source(PAGE, PAGE_BEFORE)];
        written(&sources, &mut Vec::new()).expect("a page with marks")
    }

    #[test]
    fn a_table_as_it_was_written_is_up_to_date_and_any_other_is_stale() {
        assert_eq!(found(ROWS, TESTS, &page(ROWS, TESTS)), [""; 0]);
        let stale = found(ROWS, TESTS, PAGE_BEFORE);
        assert!(stale.len() == 1 && stale[0].contains("stale"), "{stale:?}");
    }

    #[test]
    fn the_table_names_each_rows_tests_and_what_is_missing() {
        let page = page(ROWS, TESTS);
        let test = "[a_kill_loses_nothing](../tests/tests/crash/kill.rs)";
        assert!(page.contains(&format!("| A1 | a kill | {test} | |\n")), "{page}");
        assert!(page.contains(&format!("| A2 | a power cut | {test} | in part: 9 cuts |\n")), "{page}");
        assert!(
            page.starts_with("# Trust\n<!-- evidence -->\n") && page.ends_with("<!-- /evidence -->\nrest\n")
        );
        assert!(page.contains("Of 2 rows 1 is shown, 1 in part, 0 are open."), "{page}");
    }

    #[test]
    fn a_row_that_nothing_shows_and_nobody_calls_open_is_found() {
        let rows = format!("{ROWS}A3 | an error | |\n");
        let found = found(&rows, TESTS, PAGE_BEFORE);
        assert!(
            found.len() == 1 && found[0].starts_with("docs/trust-rows.txt:5 A3 is shown by no"),
            "{found:?}"
        );
        let open = format!("{ROWS}A3 | an error | open: waits for a disk\n");
        assert_eq!(super::tests::found(&open, TESTS, &page(&open, TESTS)), [""; 0]);
    }

    #[test]
    fn a_row_that_is_called_open_although_a_test_shows_it_is_found() {
        let rows = ROWS.replace("in part:", "open:");
        let found = found(&rows, TESTS, PAGE_BEFORE);
        assert!(found.len() == 1 && found[0].contains("A2 is open, but shown"), "{found:?}");
    }

    #[test]
    fn a_test_that_names_a_row_nobody_knows_is_found() {
        let found = found(ROWS, &TESTS.replace("A2.", "A2, A99."), PAGE_BEFORE);
        assert_eq!(found, ["tests/tests/crash/kill.rs:2 A99 is no row of docs/trust-rows.txt"]);
    }
}
