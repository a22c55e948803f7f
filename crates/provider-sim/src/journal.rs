//! The journal: the facts of the books as lines of JSON in one append-only file, `provider-sim.jsonl`.
//!
//! In: facts, before the answer they belong to leaves. Out: the same facts after a restart. Every call writes
//! its lines with one `write` to the operating system and does not wait for the disk: a killed process loses
//! nothing, which is what the books must outlive; a machine that loses power may lose the last moments, and
//! the provider is a simulated one. So thousands of orders a second cost a few microseconds each. A line torn
//! by such a loss is cut off at the next start; damage anywhere else is refused, because guessing would
//! change the books.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::event::Event;

/// The file's name in the data folder.
pub const FILE_NAME: &str = "provider-sim.jsonl";

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// A line in its midst is no fact.
    #[error("{}: line {line} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What stands there.
        why: String,
    },
}

/// A journal being read: yields its facts, then becomes the journal that is written.
#[derive(Debug)]
pub struct Facts {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    lines: u64,
    /// Bytes up to the end of the last whole line.
    sound: u64,
    failed: Option<JournalError>,
}

/// A journal being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    lines: Vec<u8>,
}

impl Facts {
    /// Opens the journal of a data folder; folder and file are made if they are missing.
    pub fn open(folder: &Path) -> Result<Facts, JournalError> {
        let path = folder.join(FILE_NAME);
        let failed = |source| JournalError::Io { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::InUse(path)),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let reader = BufReader::with_capacity(1 << 20, file);
        Ok(Facts { path, reader, line: Vec::new(), lines: 0, sound: 0, failed: None })
    }

    /// How many facts were read so far.
    pub fn read_so_far(&self) -> u64 {
        self.lines
    }

    /// Ends the reading: cuts a torn last line off, and writes go on behind the last whole one.
    pub fn into_journal(mut self) -> Result<Journal, JournalError> {
        self.by_ref().for_each(drop);
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let mut file = self.reader.into_inner();
        file.set_len(self.sound)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|source| JournalError::Io { path: self.path.clone(), source })?;
        Ok(Journal { path: self.path, file, lines: Vec::new() })
    }

    /// The next whole line as a fact; `None` at the end, before a torn line, and after a failure.
    fn read_fact(&mut self) -> Result<Option<Event>, JournalError> {
        self.line.clear();
        let read = self.reader.read_until(b'\n', &mut self.line);
        let read = read.map_err(|source| JournalError::Io { path: self.path.clone(), source })?;
        if self.line.last() != Some(&b'\n') {
            return Ok(None);
        }
        self.lines += 1;
        let fact = serde_json::from_slice(&self.line).map_err(|error| JournalError::Damaged {
            path: self.path.clone(),
            line: self.lines,
            why: error.to_string(),
        })?;
        self.sound += read as u64;
        Ok(Some(fact))
    }
}

impl Iterator for Facts {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.failed.is_some() {
            return None;
        }
        self.read_fact().unwrap_or_else(|failed| {
            self.failed = Some(failed);
            None
        })
    }
}

impl Journal {
    /// Hands facts to the operating system, in one write. On an error some of them may have been written.
    pub fn append(&mut self, facts: &[Event]) -> Result<(), JournalError> {
        if facts.is_empty() {
            return Ok(());
        }
        self.lines.clear();
        for fact in facts {
            serde_json::to_writer(&mut self.lines, fact)
                .expect("facts are plain values and a Vec takes every byte");
            self.lines.push(b'\n');
        }
        self.file
            .write_all(&self.lines)
            .map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn top_up(micros: i64) -> Event {
        Event::ToppedUp { at: 5, micros }
    }

    fn journal(folder: &Folder) -> Journal {
        Facts::open(folder.path()).and_then(Facts::into_journal).expect("opens")
    }

    #[test]
    fn what_was_appended_is_read_back_in_order() {
        let folder = Folder::new();
        journal(&folder).append(&[top_up(1), top_up(2)]).expect("appends");
        journal(&folder).append(&[top_up(3)]).expect("appends");
        let facts: Vec<Event> = Facts::open(folder.path()).expect("opens").collect();
        assert_eq!(facts, [top_up(1), top_up(2), top_up(3)]);
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_writing_goes_on() {
        let folder = Folder::new();
        journal(&folder).append(&[top_up(1)]).expect("appends");
        let path = folder.path().join(FILE_NAME);
        OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(br#"{"topped_up":{"at":5,"mic"#))
            .expect("writes");
        journal(&folder).append(&[top_up(2)]).expect("appends");
        let facts: Vec<Event> = Facts::open(folder.path()).expect("opens").collect();
        assert_eq!(facts, [top_up(1), top_up(2)]);
    }

    #[test]
    fn damage_in_the_midst_is_refused_with_its_line() {
        let folder = Folder::new();
        std::fs::write(
            folder.path().join(FILE_NAME),
            "{\"topped_up\":{\"at\":5,\"micros\":1}}\nrubbish\n{}\n",
        )
        .expect("writes");
        let error = Facts::open(folder.path()).and_then(Facts::into_journal).expect_err("damaged");
        assert!(matches!(error, JournalError::Damaged { line: 2, .. }), "{error}");
    }

    #[test]
    fn two_processes_cannot_keep_one_journal() {
        let folder = Folder::new();
        let held = journal(&folder);
        assert!(matches!(Facts::open(folder.path()), Err(JournalError::InUse(_))));
        drop(held);
        assert!(Facts::open(folder.path()).is_ok());
    }
}
