//! The look of a file: its length, its head, tabs and trailing spaces.

use super::Finding;
use super::sources::Source;

/// Lines of a Rust file; 400 is the aim (`style.md`, Rooms).
const LINES_MAX: usize = 500;

pub(crate) fn look(source: &Source, findings: &mut Vec<Finding>) {
    let mut found = |line: usize, what: String| {
        findings.push(Finding { file: source.path.clone(), line, what });
    };
    for (place, line) in source.text.lines().enumerate() {
        if line.contains('\t') {
            found(place + 1, "a tab".to_owned());
        }
        if line.ends_with(' ') {
            found(place + 1, "spaces at the end".to_owned());
        }
    }
    if !source.is_rust() {
        return;
    }
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        found(0, format!("{lines} lines; {LINES_MAX} is the most"));
    }
    if !source.text.starts_with("//! ") {
        found(1, "no head: say what the module is, what comes in, what goes out".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let mut findings = Vec::new();
        look(&Source { path: path.to_owned(), text: text.to_owned() }, &mut findings);
        findings.into_iter().map(|finding| (finding.line, finding.what)).collect()
    }

    #[test]
    fn tabs_and_trailing_spaces_are_found_everywhere() {
        let found = found("a.md", "one\ntwo \nthr\tee\n");
        assert_eq!(found, [(2, "spaces at the end".to_owned()), (3, "a tab".to_owned())]);
    }

    #[test]
    fn a_module_without_a_head_is_found() {
        assert_eq!(found("a.rs", "use std::fs;\n").len(), 1);
        assert!(found("a.rs", "//! What it is.\n").is_empty());
    }

    #[test]
    fn a_file_that_grew_too_long_is_found() {
        let long = format!("//! Long.\n{}", "\n".repeat(LINES_MAX));
        assert_eq!(found("a.rs", &long).len(), 1);
    }
}
