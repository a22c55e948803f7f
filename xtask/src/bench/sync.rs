//! What a sync costs on this disk, and how to make it cost more.
//!
//! The slow sync is a small library of C, compiled here and loaded before the C library: it does the real sync and
//! then sleeps. Nothing of the program under test is changed.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::cargo::succeed;

const SYNCS: usize = 200;
const SOURCE: &str = include_str!("slow_sync.c");

/// The median time of overwriting 4 KiB and syncing them.
pub(crate) fn cost(folder: &Path) -> Result<Duration> {
    let path = folder.join("sync");
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    file.write_all_at(&[1; 4096], 0)?;
    file.sync_all()?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all_at(&[2; 4096], 0)?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    std::fs::remove_file(&path)?;
    times.sort_unstable();
    Ok(times[SYNCS / 2])
}

/// A library that adds one millisecond to each sync.
pub(crate) fn slow_library(folder: &Path) -> Result<PathBuf> {
    let (source, library) = (folder.join("slow_sync.c"), folder.join("slow_sync.so"));
    std::fs::write(&source, SOURCE)?;
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&source).arg("-ldl");
    succeed(&mut compiler).context("the slow sync needs a C compiler")?;
    Ok(library)
}
