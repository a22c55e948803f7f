//! Modules that no crate reaches: files that look alive and are never compiled.
//!
//! In: all sources. Out: each Rust file that no `mod` line leads to, from any root that cargo knows. Roots are found
//! by cargo's own conventions; a module line counts wherever it stands, whatever its `cfg`.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::sources::Source;

pub(crate) fn look(sources: &[Source], findings: &mut Vec<Finding>) {
    let rust: BTreeMap<&str, &str> = sources
        .iter()
        .filter(|source| source.is_rust())
        .map(|source| (source.path.as_str(), source.text.as_str()))
        .collect();
    let packages: Vec<&str> =
        sources.iter().filter_map(|source| source.path.strip_suffix("/Cargo.toml")).collect();
    let mut reached = BTreeSet::new();
    for path in rust.keys().filter(|path| packages.iter().any(|package| is_root(package, path))) {
        reach(path, folder(path), &rust, &mut reached);
    }
    for path in rust.keys().filter(|path| !reached.contains(**path)) {
        let what = "no module line leads here: it is never compiled".to_owned();
        findings.push(Finding { file: (*path).to_owned(), line: 0, what });
    }
}

/// `src/{lib,main}.rs`, `build.rs`, and in `src/bin`, `tests`, `benches`, `examples` each file and each folder's
/// `main.rs`.
fn is_root(package: &str, path: &str) -> bool {
    let Some(inside) = path.strip_prefix(package).and_then(|rest| rest.strip_prefix('/')) else {
        return false;
    };
    if matches!(inside, "src/lib.rs" | "src/main.rs" | "build.rs") {
        return true;
    }
    let targets = ["src/bin/", "tests/", "benches/", "examples/"];
    let Some(target) = targets.iter().find_map(|folder| inside.strip_prefix(folder)) else {
        return false;
    };
    match target.split_once('/') {
        None => true,
        Some((_, file)) => file == "main.rs",
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Follows the module lines of `path`, whose modules live in `home`.
fn reach<'a>(path: &'a str, home: &str, rust: &BTreeMap<&'a str, &str>, reached: &mut BTreeSet<&'a str>) {
    if !reached.insert(path) {
        return;
    }
    let text = rust.get(path).copied().unwrap_or_default();
    for (name, given) in modules(text) {
        let candidates = match given {
            Some(given) => vec![format!("{}/{given}", folder(path))],
            None => vec![format!("{home}/{name}.rs"), format!("{home}/{name}/mod.rs")],
        };
        let found = candidates.iter().find_map(|candidate| rust.get_key_value(candidate.as_str()));
        if let Some((found, _)) = found {
            reach(found, &format!("{home}/{name}"), rust, reached);
        }
    }
}

/// Names of the modules that live in files of their own, with the path that an attribute gives.
fn modules(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut given = None;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            given = Some(path);
            return None;
        }
        let declared = line.strip_suffix(';')?;
        let name = declared.rsplit_once("mod ").filter(|(before, _)| {
            let before = before.trim();
            before.is_empty() || before == "pub" || before.starts_with("pub(")
        });
        let (_, name) = name?;
        Some((name.trim(), given.take()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(files: &[(&str, &str)]) -> Vec<String> {
        let source =
            |(path, text): &(&str, &str)| Source { path: (*path).to_owned(), text: (*text).to_owned() };
        let sources: Vec<Source> = files.iter().map(source).collect();
        let mut findings = Vec::new();
        look(&sources, &mut findings);
        findings.into_iter().map(|finding| finding.file).collect()
    }

    #[test]
    fn a_file_that_no_module_line_names_is_dead() {
        let files = [
            ("crates/a/Cargo.toml", ""),
            ("crates/a/src/lib.rs", "pub mod one;\nmod two;\n"),
            ("crates/a/src/one.rs", "mod deep;\n"),
            ("crates/a/src/one/deep.rs", ""),
            ("crates/a/src/two/mod.rs", "pub(crate) mod inner;"),
            ("crates/a/src/two/inner.rs", ""),
            ("crates/a/src/three.rs", ""),
            ("crates/a/tests/outside/main.rs", "mod part;"),
            ("crates/a/tests/outside/part.rs", ""),
            ("crates/a/tests/outside/lost.rs", ""),
        ];
        assert_eq!(dead(&files), ["crates/a/src/three.rs", "crates/a/tests/outside/lost.rs"]);
    }

    #[test]
    fn a_given_path_is_followed() {
        let files = [
            ("crates/a/Cargo.toml", ""),
            ("crates/a/src/main.rs", "#[path = \"else/where.rs\"]\nmod there;\n"),
            ("crates/a/src/else/where.rs", ""),
        ];
        assert!(dead(&files).is_empty());
    }
}
