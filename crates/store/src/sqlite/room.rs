//! Room on the disk: a reserve written in advance, and whether new work may be taken.
//!
//! While there is room everything goes on. When it gets short, or a write failed for want of it, new work is
//! refused and the reserve is given up, so that outcomes of calls under way can still be recorded; when there
//! is room again the reserve is written anew, and work goes on. Rules: invariants.md A4, 7.4.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::limits;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    reserve: PathBuf,
    bytes: u64,
    short: bool,
    looked_at: Option<Instant>,
}

impl Room {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let disk = rustix::fs::statvfs(folder)?;
        let bytes =
            limits::RESERVE_BYTES.min(disk.f_blocks.saturating_mul(disk.f_frsize) / limits::RESERVE_SHARE);
        let mut room = Self {
            folder: folder.to_owned(),
            reserve: folder.join("reserve"),
            bytes,
            short: false,
            looked_at: None,
        };
        if room.has_reserve() || room.make_reserve().is_ok() {
            return Ok(room);
        }
        room.short = true;
        Ok(room)
    }

    /// Looks at the disk, at most every [`limits::ROOM_CHECK`].
    pub(super) fn takes_new_work(&mut self) -> bool {
        let now = Instant::now();
        if self.looked_at.is_some_and(|at| now.duration_since(at) < limits::ROOM_CHECK) {
            return !self.short;
        }
        self.looked_at = Some(now);
        let free = self.free();
        let enough = if self.short {
            // The reserve has to be written again first.
            self.bytes.saturating_mul(limits::ROOM_RESERVES + 1)
        } else {
            self.bytes.saturating_mul(limits::ROOM_RESERVES)
        };
        match (self.short, free >= enough) {
            (false, false) => {
                tracing::error!(free, "the disk is nearly full: new work is refused until there is room");
                self.short = true;
            }
            (true, true) => match self.make_reserve() {
                Ok(()) => {
                    tracing::info!(free, "there is room on the disk again");
                    self.short = false;
                }
                Err(error) => tracing::warn!(%error, "the reserve can't be written yet"),
            },
            (false, true) | (true, false) => {}
        }
        !self.short
    }

    pub(super) const fn reserve_bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the reserve is, or may be, in use.
    pub(super) const fn is_short(&self) -> bool {
        self.short
    }

    /// A write found no room: gives the reserve up.
    pub(super) fn ran_out(&mut self) {
        if !self.short {
            tracing::error!("the disk is full: new work is refused, the reserve is given up for outcomes");
        }
        self.short = true;
        self.looked_at = Some(Instant::now());
        match fs::remove_file(&self.reserve) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!(%error, "the reserve can't be given up"),
        }
    }

    fn free(&self) -> u64 {
        // A disk that can't be asked is not called full: the write itself will tell.
        rustix::fs::statvfs(&self.folder).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn has_reserve(&self) -> bool {
        fs::metadata(&self.reserve).is_ok_and(|reserve| reserve.len() == self.bytes)
    }

    /// Really written, not only promised: a hole would find no room when it is needed.
    fn make_reserve(&self) -> io::Result<()> {
        let mut file = private(&self.reserve)?;
        let block = vec![0_u8; 64 * 1024];
        let mut left = self.bytes;
        while left > 0 {
            let part = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
            if let Err(error) = file.write_all(&block[..part]) {
                drop(file);
                let _ = fs::remove_file(&self.reserve);
                return Err(error);
            }
            left -= part as u64;
        }
        file.sync_all()
    }
}

/// A file that only its owner reads.
pub(super) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)
}
