//! No crate of ours may hold unsafe code, and none may leave the workspace's lints (ASVS V1.4.1).
//!
//! In: all sources. Out: the workspace's table without `unsafe_code = "forbid"`, and each package that does not take
//! the table over. What is forbidden can't be allowed again further in: the compiler sees to that.

use super::Finding;
use super::sources::Source;

pub(crate) fn look(sources: &[Source], findings: &mut Vec<Finding>) {
    for source in sources.iter().filter(|source| is_manifest(&source.path)) {
        let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
        let mut demand = |table: &str, line: &str| {
            if !has(&lines, table, line) {
                let what = format!("{table} has no line {line}");
                findings.push(Finding { file: source.path.clone(), line: 0, what });
            }
        };
        if lines.contains(&"[workspace]") {
            demand("[workspace.lints.rust]", "unsafe_code = \"forbid\"");
        }
        if lines.contains(&"[package]") {
            demand("[lints]", "workspace = true");
        }
    }
}

fn is_manifest(path: &str) -> bool {
    path == "Cargo.toml" || path.ends_with("/Cargo.toml")
}

/// Whether a table has this line.
fn has(lines: &[&str], table: &str, line: &str) -> bool {
    let inside = lines.iter().skip_while(|one| **one != table).skip(1);
    inside.take_while(|one| !one.starts_with('[')).any(|one| *one == line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        let mut findings = Vec::new();
        look(&[Source { path: path.to_owned(), text: text.to_owned() }], &mut findings);
        findings.len()
    }

    #[test]
    fn a_package_that_leaves_the_workspaces_lints_is_found() {
        assert_eq!(found("crates/a/Cargo.toml", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"), 0);
        assert_eq!(found("crates/a/Cargo.toml", "[package]\nname = \"a\"\n"), 1);
        assert_eq!(found("crates/a/Cargo.toml", "[package]\n[lints]\n[other]\nworkspace = true\n"), 1);
    }

    #[test]
    fn a_workspace_that_allows_unsafe_code_is_found() {
        assert_eq!(found("Cargo.toml", "[workspace]\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"), 0);
        assert_eq!(found("Cargo.toml", "[workspace]\n[workspace.lints.rust]\nunsafe_code = \"deny\"\n"), 1);
    }
}
