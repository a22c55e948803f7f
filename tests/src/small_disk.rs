//! A disk of a few megabytes, in memory: one that is soon full, or one whose panel keeps its log short.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{has, is_root};

/// Mounted; gone with the test.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// An error says why there can't be one here.
    pub fn mount(path: &Path, mebibytes: u32) -> Result<Self, &'static str> {
        if !is_root() || !has(&["mount", "--version"]) {
            return Err("only root can mount a small disk");
        }
        let size = format!("size={mebibytes}m");
        std::fs::create_dir_all(path).expect("the folder is writable");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path).status();
        if mount.is_ok_and(|status| status.success()) {
            Ok(Self { path: path.to_owned() })
        } else {
            Err("mounting is not allowed here")
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Fills what is left; removing the file makes room again.
    pub fn fill(&self) -> PathBuf {
        let ballast = self.file("ballast");
        let mut file = std::fs::File::create(&ballast).expect("a file of ours");
        for size in [64 * 1024, 4 * 1024, 1] {
            let piece = vec![0x5a; size];
            while file.write_all(&piece).is_ok() {}
        }
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}
