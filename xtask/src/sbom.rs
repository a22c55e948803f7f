//! `cargo xtask sbom`: a list of everything that is compiled into the program, as CycloneDX 1.6 (ASVS V15.1.2).
//!
//! In: `cargo metadata` and `Cargo.lock`. Out: JSON with each crate's version, licence, origin and checksum, and who
//! needs whom. What only tests, tasks and the fuzzer use is left out. The same sources give the same bytes: no time, no
//! random number, so that a list that was published can be made again and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cargo::cargo;
use crate::root;

/// Where the list goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Asked {
    /// Write it there instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// The package that is given away.
const PROGRAM: &str = "panelworks";

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    description: Option<String>,
    /// None for a crate of this repository.
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    /// None for what a crate is built with; `dev` or `build` else.
    kind: Option<String>,
}

pub(crate) fn run(asked: &Asked) -> Result<()> {
    let text = serde_json::to_string_pretty(&bill()?)? + "\n";
    if let Some(file) = &asked.out {
        return std::fs::write(file, text).with_context(|| format!("can't write {}", file.display()));
    }
    print!("{text}");
    Ok(())
}

fn bill() -> Result<Value> {
    let metadata = metadata()?;
    let checksums = checksums(&std::fs::read_to_string(root().join("Cargo.lock"))?);
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let edges: BTreeMap<&str, Vec<&str>> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), needed_by(node))).collect();
    let Some(program) = metadata.packages.iter().find(|package| package.name == PROGRAM) else {
        bail!("there is no package {PROGRAM}");
    };
    let inside: Vec<&Package> =
        reached(&program.id, &edges).into_iter().filter_map(|id| packages.get(id).copied()).collect();
    let place = |id: &str| packages.get(id).map(|package| purl(package)).unwrap_or_default();
    let components =
        inside.iter().filter(|package| package.id != program.id).map(|p| component(p, &checksums));
    let mut dependencies: Vec<(String, BTreeSet<String>)> = inside
        .iter()
        .map(|package| {
            let needs = edges.get(package.id.as_str()).into_iter().flatten().map(|id| place(id));
            (purl(package), needs.collect())
        })
        .collect();
    dependencies.sort();
    let mut components: Vec<Value> = components.collect();
    components.sort_by_key(|component| component["bom-ref"].to_string());
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": {
            "type": "application",
            "bom-ref": purl(program),
            "name": program.name,
            "version": program.version,
            "licenses": licences(program),
        }},
        "components": components,
        "dependencies": dependencies.iter().map(|(one, needs)| json!({ "ref": one, "dependsOn": needs })).collect::<Vec<_>>(),
    }))
}

fn metadata() -> Result<Metadata> {
    let mut command = cargo(&["metadata", "--format-version", "1", "--locked"]);
    let output = command.stderr(Stdio::inherit()).output().context("can't run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed");
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata said no JSON")
}

/// What is compiled into a crate, procedural macros among it; not what only builds or tests it.
fn needed_by(node: &Node) -> Vec<&str> {
    let into = |edge: &&Edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
    node.deps.iter().filter(into).map(|edge| edge.pkg.as_str()).collect()
}

fn reached<'a>(from: &'a str, edges: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(id) = left.pop() {
        if seen.insert(id) {
            left.extend(edges.get(id).into_iter().flatten());
        }
    }
    seen
}

fn component(package: &Package, checksums: &BTreeMap<(String, String), String>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version,
        "description": package.description.as_deref().unwrap_or_default().trim(),
        "scope": "required",
        "licenses": licences(package),
        "purl": purl(package),
    });
    if let Some(checksum) = checksums.get(&(package.name.clone(), package.version.clone())) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

fn licences(package: &Package) -> Value {
    // Some crates still separate with a slash, as it was once written.
    let expression = package.license.as_deref().unwrap_or("NOASSERTION").replace('/', " OR ");
    json!([{ "expression": expression }])
}

/// The name that other tools know a crate by.
fn purl(package: &Package) -> String {
    let own = if package.source.is_none() { "?vcs_url=panelworks" } else { "" };
    format!("pkg:cargo/{}@{}{own}", package.name, package.version)
}

/// Of each package that the lock file names, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let value = |part: &str, name: &str| {
        let mut lines = part.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
        lines.next().map(|rest| rest.trim_end_matches('"').to_owned())
    };
    let parts = lock.split("[[package]]").skip(1);
    let found = parts
        .filter_map(|part| Some(((value(part, "name")?, value(part, "version")?), value(part, "checksum")?)));
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(bill: &Value) -> Vec<&str> {
        let components = bill["components"].as_array().expect("a list");
        components.iter().filter_map(|component| component["name"].as_str()).collect()
    }

    #[test]
    fn the_list_has_what_is_compiled_in_with_checksum_and_licence_and_nothing_else() {
        let bill = bill().expect("a list");
        let names = names(&bill);
        for inside in ["libsqlite3-sys", "rustls", "ring", "tokio", "panelworks-core", "serde_derive"] {
            assert!(names.contains(&inside), "{inside} is missing");
        }
        for outside in ["proptest", "libfuzzer-sys", "rcgen", "xtask", "panelworks-fuzz", "panelworks-tests"]
        {
            assert!(!names.contains(&outside), "{outside} is not in the program");
        }
        for component in bill["components"].as_array().expect("a list") {
            let own = component["name"].as_str().is_some_and(|name| name.starts_with("panelworks"));
            assert!(own || component["hashes"][0]["content"].is_string(), "{component}");
            assert_ne!(component["licenses"][0]["expression"], "NOASSERTION", "{component}");
        }
    }

    #[test]
    fn who_needs_whom_stays_inside_the_list() {
        let bill = bill().expect("a list");
        let program = bill["metadata"]["component"]["bom-ref"].as_str();
        let components = bill["components"].as_array().expect("a list").iter();
        let known: BTreeSet<&str> =
            components.filter_map(|one| one["bom-ref"].as_str()).chain(program).collect();
        let dependencies = bill["dependencies"].as_array().expect("a list");
        assert_eq!(dependencies.len(), known.len());
        for dependency in dependencies {
            let needs = dependency["dependsOn"].as_array().expect("a list").iter();
            for one in needs.chain([&dependency["ref"]]) {
                assert!(one.as_str().is_some_and(|one| known.contains(one)), "{one} of {dependency}");
            }
        }
    }

    #[test]
    fn a_checksum_is_found_by_name_and_version() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"ab\"\n\n\
                    [[package]]\nname = \"own\"\nversion = \"0.1.0\"\n";
        let found = checksums(lock);
        assert_eq!(found.len(), 1);
        assert_eq!(found[&("a".to_owned(), "1.0.0".to_owned())], "ab");
    }
}
