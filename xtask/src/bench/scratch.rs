//! Where books of the benchmark lie: on the disk of the build or the one that was named, gone when the run ends.
//!
//! Books are filled where they are used, never copied: a panel knows the file it was last opened in.

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Bench;
use super::plan::CUSTOMERS;
use crate::root;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    made: Cell<u32>,
    large: OnceCell<PathBuf>,
}

impl Scratch {
    /// In `folder`, or in the build's own. Large books that are there already are used as they are, and stay.
    pub(crate) fn new(folder: Option<&Path>, large: Option<&Path>) -> Result<Self> {
        let folder = folder.map_or_else(|| root().join("target"), Path::to_owned);
        let folder = std::path::absolute(folder)?.join(format!("bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
        let large = large.map(std::path::absolute).transpose()?.map_or_else(OnceCell::new, OnceCell::from);
        Ok(Self { folder, made: Cell::new(0), large })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A folder that is not there yet.
    pub(crate) fn fresh(&self, name: &str) -> PathBuf {
        self.made.set(self.made.get() + 1);
        self.folder.join(format!("{name}-{}", self.made.get()))
    }
}

impl Bench {
    /// Books of this size, with one service; the caller's alone.
    pub(crate) fn filled(&self, orders: u32, customers: u32) -> Result<PathBuf> {
        let folder = self.scratch.fresh("books");
        self.programs.fill(&folder, orders, customers, 1)?;
        Ok(folder)
    }

    /// The large books, filled once and shared: orders are added to them, and none is taken away.
    pub(crate) fn large_books(&self) -> Result<&Path> {
        if let Some(folder) = self.scratch.large.get() {
            return Ok(folder);
        }
        let folder = self.filled(self.plan.large_books, CUSTOMERS)?;
        Ok(self.scratch.large.get_or_init(|| folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed is named after the process, and is in nobody's way.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
