//! A wall clock that a test can put forward, for panels whose rules speak of days.
//!
//! In: `libfaketime`, where it is installed. Out: variables for a process; its monotonic clock stays real, so its
//! time-outs do. The offset is read anew about once a second.

use std::path::PathBuf;

use crate::Folder;

/// See the module's head.
#[derive(Debug)]
pub struct FakeClock {
    library: PathBuf,
    folder: Folder,
}

impl FakeClock {
    /// Right at first; nothing where the library isn't installed.
    pub fn new() -> Option<Self> {
        let places = std::fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
        let libraries = places.map(|place| place.path().join("faketime").join("libfaketimeMT.so.1"));
        let library = libraries.into_iter().find(|library| library.exists())?;
        let clock = Self { library, folder: Folder::new("clock") };
        clock.put_forward_hours(0);
        Some(clock)
    }

    pub fn put_forward_hours(&self, hours: u32) {
        // Renamed into place: never seen half written.
        let written = self.folder.file("next");
        std::fs::write(&written, format!("+{hours}h\n")).expect("a folder of ours");
        std::fs::rename(written, self.offset()).expect("a folder of ours");
    }

    fn offset(&self) -> PathBuf {
        self.folder.file("offset")
    }

    /// For the process that is to live by it.
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.offset().display().to_string()),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}
