//! Every source of the repository, as path and text.
//!
//! In: the root. Out: files whose ending we write ourselves, sorted; nothing that git ignores (`target`), nothing that
//! is recorded from elsewhere (`fixtures`), nothing that a tool writes (`Cargo.lock`, regressions of proptest).

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// A file and what it says.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn is_rust(&self) -> bool {
        has_ending(&self.path, &["rs"])
    }
}

const ENDINGS: [&str; 14] =
    ["rs", "toml", "md", "sql", "sh", "yml", "html", "css", "js", "mjs", "php", "py", "ftl", "txt"];
const LEFT_OUT: [&str; 4] = ["target", "fixtures", "node_modules", "proptest-regressions"];

pub(crate) fn all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    walk(root, root, &mut sources)?;
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn walk(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') || LEFT_OUT.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, sources)?;
        } else if has_ending(&name, &ENDINGS) {
            let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
            let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending))
}
