//! The table as the page shows it: one for each part of the rows, with links to the tests.
//!
//! In: rows and notes. Out: markdown, the same for the same sources, so that a stale page is told by comparing texts.

use std::fmt::Write as _;

use super::notes::{Evidence, Notes};
use super::rows::{Part, Row, Shown};

const BEGINS: &str = "<!-- evidence -->\n";
const ENDS: &str = "<!-- /evidence -->";

/// The page with the table between its marks; `None` without marks.
pub(super) fn put(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGINS)?;
    let (_, after) = rest.split_once(ENDS)?;
    Some(format!("{before}{BEGINS}{table}{ENDS}{after}"))
}

pub(super) fn of(parts: &[Part], notes: &Notes) -> String {
    let mut text = summary(parts);
    for Part { heading, rows } in parts {
        let _ = write!(text, "\n### {heading}\n| | what happens | shown by | remark |\n|---|---|---|---|\n");
        for row in rows {
            line(row, notes.get(&row.name), &mut text);
        }
    }
    text
}

fn summary(parts: &[Part]) -> String {
    let rows: Vec<&Row> = parts.iter().flat_map(|part| &part.rows).collect();
    let count = |of: fn(&Shown) -> bool| rows.iter().filter(|row| of(&row.shown)).count();
    let wholly = count(|shown| matches!(shown, Shown::Wholly { .. }));
    let in_part = count(|shown| matches!(shown, Shown::InPart { .. }));
    let open = count(|shown| matches!(shown, Shown::Not { .. }));
    let is = |count: usize| if count == 1 { "is" } else { "are" };
    format!(
        "Of {} rows {wholly} {} shown, {in_part} in part, {open} {} open.\n",
        rows.len(),
        is(wholly),
        is(open)
    )
}

fn line(row: &Row, evidence: Option<&Evidence>, text: &mut String) {
    let shown_by = evidence.map(shown_by).unwrap_or_default();
    let remark = row.shown.remark().replace('|', "\\|");
    let _ = write!(text, "| {} | {} |", row.name, row.what);
    for cell in [shown_by, remark] {
        let _ = if cell.is_empty() { write!(text, " |") } else { write!(text, " {cell} |") };
    }
    text.push('\n');
}

fn shown_by(evidence: &Evidence) -> String {
    let tests = evidence.tests.iter().map(|test| format!("[{}](../{})", test.name, test.place.file));
    let law = evidence
        .law
        .iter()
        .map(|place| format!("[a law](../{}) after every step of the simulation", place.file));
    let faults = match evidence.faults.len() {
        0 => None,
        1 => Some("[the simulation](simulation.md), a kind of fault".to_owned()),
        many => Some(format!("[the simulation](simulation.md), {many} kinds of fault")),
    };
    tests.chain(law).chain(faults).collect::<Vec<_>>().join(", ")
}
