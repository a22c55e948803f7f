//! Which crate may know which (`architecture.md`, The rooms; Principles 7).
//!
//! In: `cargo metadata`. Out: every edge that the table does not have. Only what a crate is built with counts: its
//! tests may ask a neighbour for company.

use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::Finding;
use crate::cargo::cargo;

/// The table. Of our own crates each may name these.
const ROOMS: [(&str, &[&str]); 11] = [
    ("panelworks-wire", &[]),
    ("panelworks-core", &[]),
    ("panelworks-store", &["panelworks-core"]),
    ("panelworks-client", &["panelworks-wire"]),
    // `client` speaks in the types of `wire`; `engine/provider` translates them for `core`, which knows neither.
    ("panelworks-engine", &["panelworks-core", "panelworks-client", "panelworks-store", "panelworks-wire"]),
    ("panelworks-web", &["panelworks-core", "panelworks-wire", "panelworks-store"]),
    ("panelworks-provider-sim", &["panelworks-wire"]),
    (
        "panelworks",
        &[
            "panelworks-client",
            "panelworks-core",
            "panelworks-engine",
            "panelworks-provider-sim",
            "panelworks-store",
            "panelworks-web",
            "panelworks-wire",
        ],
    ),
    // From outside: over HTTP and the command line, with the provider as company.
    ("panelworks-tests", &["panelworks-wire", "panelworks-provider-sim"]),
    // Strangers' bytes are read by `wire` alone.
    ("panelworks-fuzz", &["panelworks-wire"]),
    ("xtask", &[]),
];

/// Crates whose list of dependencies proves their purity: no runtime, no clock, no randomness, no SQL, no I/O.
const PURE: [(&str, &[&str]); 2] = [
    ("panelworks-core", &["jiff", "serde", "thiserror"]),
    ("panelworks-wire", &["form_urlencoded", "serde", "serde_json"]),
];

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Missing for what the crate is built with; `dev` or `build` else.
    kind: Option<String>,
    /// Set for a crate of this repository.
    path: Option<String>,
}

pub(crate) fn look() -> Result<Vec<Finding>> {
    let mut command = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let output = command.stderr(Stdio::inherit()).output().context("can't run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed");
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata said no JSON")?;
    Ok(metadata.packages.iter().flat_map(judge).collect())
}

fn judge(package: &Package) -> Vec<Finding> {
    let finding = |what: String| Finding { file: package.name.clone(), line: 0, what };
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == package.name) else {
        return vec![finding("no room in the table of edges: say what it may depend on".to_owned())];
    };
    let pure = PURE.iter().find(|(name, _)| *name == package.name).map(|(_, named)| *named);
    let built_with =
        package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"));
    let forbidden = built_with.filter(|dependency| {
        let name = dependency.name.as_str();
        if dependency.path.is_some() {
            !allowed.contains(&name)
        } else {
            pure.is_some_and(|pure| !pure.contains(&name))
        }
    });
    forbidden.map(|dependency| finding(format!("must not depend on {}", dependency.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>, bool)]) -> Package {
        let dependencies = dependencies.iter().map(|(name, kind, own)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
            path: own.then(|| "/somewhere".to_owned()),
        });
        Package { name: name.to_owned(), dependencies: dependencies.collect() }
    }

    #[test]
    fn the_rooms_keep_their_edges() {
        assert_eq!(look().expect("cargo metadata works"), []);
    }

    #[test]
    fn an_edge_outside_the_table_is_found() {
        let web = package("panelworks-web", &[("panelworks-client", None, true), ("axum", None, false)]);
        assert_eq!(judge(&web).len(), 1);
        let in_tests = package("panelworks-web", &[("panelworks-client", Some("dev"), true)]);
        assert!(judge(&in_tests).is_empty());
    }

    #[test]
    fn the_core_stays_pure() {
        let core = package("panelworks-core", &[("tokio", None, false), ("serde", None, false)]);
        assert_eq!(judge(&core).len(), 1);
    }

    #[test]
    fn a_crate_without_a_room_is_found() {
        assert_eq!(judge(&package("panelworks-attic", &[])).len(), 1);
    }
}
