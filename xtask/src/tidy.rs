//! `cargo xtask tidy`: what no compiler checks (`style.md`, Lints; `architecture.md`, Principles 7).
//!
//! In: the repository's own sources. Out: one line per finding, as `file:line: what`, and failure if there is any. The
//! same checks run as tests, so that a plain `cargo test` finds them too. It changes nothing.

mod asvs;
mod edges;
mod glossary;
mod lints;
mod modules;
mod names;
mod sources;
mod text;

use anyhow::{Result, bail};

pub(crate) use names::declared_in;
pub(crate) use sources::{Source, all as sources};

use crate::{evidence, root};

/// One thing that is not as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// From the root.
    pub(crate) file: String,
    /// From 1; 0 for the file as a whole.
    pub(crate) line: usize,
    pub(crate) what: String,
}

pub(crate) fn run() -> Result<()> {
    let mut findings = look(&sources::all(&root())?);
    findings.extend(edges::look()?);
    for Finding { file, line, what } in &findings {
        eprintln!("{file}:{line}: {what}");
    }
    if !findings.is_empty() {
        bail!("{} to tidy", findings.len());
    }
    Ok(())
}

fn look(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        text::look(source, &mut findings);
        names::look(source, &mut findings);
    }
    modules::look(sources, &mut findings);
    glossary::look(sources, &mut findings);
    evidence::look(sources, &mut findings);
    lints::look(sources, &mut findings);
    asvs::look(sources, &mut findings);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let findings = look(&sources::all(&root()).expect("readable sources"));
        assert!(findings.is_empty(), "cargo xtask tidy names {} things: {findings:#?}", findings.len());
    }
}
