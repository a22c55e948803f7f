//! The rows: what can go wrong and what must hold, each with what its tests leave open.
//!
//! In: `docs/trust-rows.txt`, a row a line: `name | what happens | remark`. Out: the rows in their parts. A remark that
//! begins with `open:` says that nothing shows the row yet and what it waits for; `in part:` says what is missing; any
//! other is for the reader.

use crate::tidy::{Finding, Source};

pub(super) const FILE: &str = "docs/trust-rows.txt";

/// Rows of one kind, under a heading.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) heading: String,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Row {
    /// A letter and a number, as tests name it.
    pub(super) name: String,
    pub(super) what: String,
    pub(super) shown: Shown,
    /// Of the file, from 1.
    pub(super) line: usize,
}

/// How much of a row tests show, with the remark as it is written.
#[derive(Debug)]
pub(super) enum Shown {
    Wholly { remark: String },
    InPart { remark: String },
    Not { remark: String },
}

impl Shown {
    fn read(remark: &str) -> Self {
        let owned = remark.to_owned();
        if remark.starts_with("open:") {
            Self::Not { remark: owned }
        } else if remark.starts_with("in part:") {
            Self::InPart { remark: owned }
        } else {
            Self::Wholly { remark: owned }
        }
    }

    pub(super) fn remark(&self) -> &str {
        match self {
            Self::Wholly { remark } | Self::InPart { remark } | Self::Not { remark } => remark,
        }
    }
}

pub(super) fn read(sources: &[Source], findings: &mut Vec<Finding>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let Some(source) = sources.iter().find(|source| source.path == FILE) else {
        return parts;
    };
    for (place, line) in source.text.lines().enumerate() {
        let mut wrong = |what: String| {
            findings.push(Finding { file: FILE.to_owned(), line: place + 1, what });
        };
        if let Some(heading) = line.strip_prefix("## ") {
            parts.push(Part { heading: heading.to_owned(), rows: Vec::new() });
        } else if !line.is_empty() && !line.starts_with('#') {
            match (row(line, place + 1), parts.last_mut()) {
                (Some(row), Some(part)) => part.rows.push(row),
                (None, _) => wrong("no row: name | what happens | remark".to_owned()),
                (Some(_), None) => wrong("a row before the first heading".to_owned()),
            }
        }
    }
    for (nth, row) in parts.iter().flat_map(|part| &part.rows).enumerate() {
        if parts.iter().flat_map(|part| &part.rows).take(nth).any(|other| other.name == row.name) {
            let what = format!("{} stands here twice", row.name);
            findings.push(Finding { file: FILE.to_owned(), line: row.line, what });
        }
    }
    parts
}

fn row(text: &str, line: usize) -> Option<Row> {
    let mut cells = text.splitn(3, '|').map(str::trim);
    let (name, what, remark) = (cells.next()?, cells.next()?, cells.next().unwrap_or_default());
    let remark = remark.trim_end_matches('|').trim();
    let sound = is_name(name) && !what.is_empty();
    sound.then(|| Row { name: name.to_owned(), what: what.to_owned(), shown: Shown::read(remark), line })
}

/// `A1` to `I99`: machine, providers, customers, operators, invariants, and what was taken from others' failures.
pub(super) fn is_name(text: &str) -> bool {
    let number = text.strip_prefix(['A', 'B', 'C', 'E', 'I', 'T']);
    number.is_some_and(|number| {
        (1..=2).contains(&number.len()) && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Vec<Part>, Vec<Finding>) {
        let mut findings = Vec::new();
        let source = Source { path: FILE.to_owned(), text: text.to_owned() };
        (read(&[source], &mut findings), findings)
    }

    #[test]
    fn rows_stand_under_their_heading_and_a_remark_may_hold_anything() {
        let (parts, findings) =
            of("# What this is.\n## Disks\n\nA4 | it is full | open: a | b\nA5 | no more files\n");
        assert_eq!(findings, []);
        assert_eq!((parts[0].heading.as_str(), parts[0].rows.len()), ("Disks", 2));
        let remarks: Vec<&str> = parts[0].rows.iter().map(|row| row.shown.remark()).collect();
        assert_eq!(remarks, ["open: a | b", ""]);
        assert!(matches!(parts[0].rows[0].shown, Shown::Not { .. }));
    }

    #[test]
    fn what_is_no_row_stands_twice_or_has_no_heading_is_found() {
        let (_, findings) = of("A1 | early |\n## Disks\nA2 | full |\nA2 | again |\nfull | A3 |\n");
        let mut lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
        lines.sort_unstable();
        assert_eq!(lines, [1, 4, 5]);
    }
}
