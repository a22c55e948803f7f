//! A cut of power at two thousand moments: the disk holds what was synced, and of the rest anything (`invariants.md`
//! A2, 7.3).
//!
//! One busy panel is recorded, call by call. For each moment the files are made again as a disk might hold them: all
//! that a finished sync covers, and of later writes some, some not, some in parts of 512 bytes. SQLite opens each
//! image; every order whose answer had begun to leave must be in it. The same record with syncs that do nothing is the
//! canary: there orders must be missing, or nothing is proved.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use panelworks_tests::recorded::{Event, STRACE, events};
use panelworks_tests::{Folder, Load, Panel, SmallDisk, has, run, skipped, until};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;

/// Images of one run; `TEST_IMAGES` asks for more.
const IMAGES: usize = 2_000;
const CANARY_IMAGES: usize = 100;
/// Every so manyth image is audited as well.
const AUDITED: usize = 100;
/// Small, so that the panel keeps its log short and copies it into the file many times.
const DISK_MIB: u32 = 64;
/// Bytes of the record as text, in which a byte written is four: some twenty megabytes of writes.
const RECORDED: u64 = 100_000_000;
const SECTOR: usize = 512;
const BOOKS: [&str; 2] = ["panelworks.db", "panelworks.db-wal"];

/// What the disk does when it is told to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Honest,
    /// As a setting that leaves the log to the system would.
    ForgetsTheLog,
    ForgetsAll,
}

/// Shows A2, I12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_cut_of_power_at_any_moment_every_acknowledged_order_is_there() {
    const WHAT: &str = "a cut of power";
    if !has(&["strace", "-o", "/dev/null", "true"]) {
        return skipped(WHAT, "strace is missing or not allowed");
    }
    let folder = Folder::new("images");
    let disk = match SmallDisk::mount(&folder.file("disk"), DISK_MIB) {
        Ok(disk) => disk,
        Err(why) => return skipped(WHAT, why),
    };
    let given = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let seed = given("TEST_SEED").unwrap_or(clock);
    let images = given("TEST_IMAGES").map_or(IMAGES, |images| usize::try_from(images).expect("some"));
    let events = record(&folder, &disk).await;
    let answered = events.iter().filter(|event| matches!(event, Event::Answered { .. })).count();
    assert!(answered > 100, "the load was no load: {answered}");

    let secret = disk.file("data/secret.key");
    let cut = |disk_is, images| {
        let at = Cuts { events: &events, disk_is, secret: &secret, disk: &disk };
        at.all(seed, images)
    };
    let honest = cut(Disk::Honest, images);
    let without_log = cut(Disk::ForgetsTheLog, CANARY_IMAGES);
    let without_sync = cut(Disk::ForgetsAll, CANARY_IMAGES);
    eprintln!(
        "seed {seed}, {images} images, {} calls, {answered} answers: {honest:?}; log not synced: {without_log:?}; nothing synced: \
         {without_sync:?}",
        events.len()
    );
    assert_eq!((honest.lost, honest.damaged), (0, 0), "of {images} images");
    assert!(without_log.lost > 0, "a log that is not synced loses nothing: the test is blind");
    for blind in [without_log, without_sync] {
        assert!(blind.lost + blind.damaged > CANARY_IMAGES / 2, "the test is blind: {blind:?}");
    }
}

/// All calls of a panel that takes, sends and delivers orders until it is killed.
async fn record(folder: &Folder, disk: &SmallDisk) -> Vec<Event> {
    let trace = folder.file("trace");
    let through: Vec<&str> = STRACE.into_iter().chain(["-o", trace.to_str().expect("ASCII")]).collect();
    let mut panel = Panel::demo_in(&[], Some(&disk.file("data")), &through).await;
    let load = Load::start("power", 16, panel.service("Default"));
    load.is_at(Some(panel.customer(0)));
    until("a record", Duration::from_mins(1), async || {
        let length = std::fs::metadata(&trace).map_or(0, |trace| trace.len());
        if length > RECORDED { Ok(()) } else { Err(length) }
    })
    .await;
    panel.kill();
    load.stop().await;
    let trace = std::fs::read(&trace).expect("the trace is there");
    events(&String::from_utf8_lossy(&trace), |file| BOOKS.contains(&file))
}

/// What became of the images.
#[derive(Debug, Default)]
struct Found {
    /// In which an acknowledged order is missing.
    lost: usize,
    /// That SQLite can't open, or finds inconsistent.
    damaged: usize,
}

struct Cuts<'a> {
    events: &'a [Event],
    disk_is: Disk,
    secret: &'a Path,
    /// In memory, so that writing the images takes no time.
    disk: &'a SmallDisk,
}

impl Cuts<'_> {
    /// Two threads, each with every second moment.
    fn all(&self, seed: u64, images: usize) -> Found {
        let first = self.events.iter().position(|event| matches!(event, Event::Answered { .. }));
        let first = first.expect("an answer");
        let mut draws = StdRng::seed_from_u64(seed);
        let mut moments: Vec<usize> =
            (0..images).map(|_| draws.random_range(first..self.events.len())).collect();
        moments.sort_unstable();
        let (lost, damaged) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for half in 0..2 {
                let moments: Vec<usize> = moments.iter().skip(half).step_by(2).copied().collect();
                let (lost, damaged) = (&lost, &damaged);
                let draws = StdRng::seed_from_u64(seed.wrapping_add(1 + half as u64));
                scope.spawn(move || self.some(&moments, draws, half, [lost, damaged]));
            }
        });
        Found { lost: lost.into_inner(), damaged: damaged.into_inner() }
    }

    fn some(&self, moments: &[usize], mut draws: StdRng, half: usize, counts: [&AtomicUsize; 2]) {
        let folder = self.disk.file(&format!("image-{half}"));
        let (mut files, mut answered) = (Files::default(), Vec::new());
        let mut moments = moments.iter().enumerate().peekable();
        for (place, event) in self.events.iter().enumerate() {
            while let Some((number, _)) = moments.next_if(|(_, moment)| **moment == place) {
                let image = files.image(&mut draws);
                write(&folder, &image);
                let [lost, damaged] = counts;
                match orders(&folder) {
                    Ok(orders) if answered.iter().all(|order| orders.contains(order)) => {}
                    Ok(_) => {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(_) => {
                        damaged.fetch_add(1, Ordering::Relaxed);
                    }
                }
                if self.disk_is == Disk::Honest && number % AUDITED == 0 {
                    write(&folder, &image);
                    audit(&folder, self.secret);
                }
            }
            files.see(event, self.disk_is);
            if let Event::Answered { orders } = event {
                answered.extend(orders);
            }
        }
        let _ = std::fs::remove_dir_all(&folder);
    }
}

/// The books on a disk that may lose power.
#[derive(Debug, Default)]
struct Files {
    files: BTreeMap<String, File>,
    /// Of each sync under way what it covers.
    syncs: HashMap<usize, Vec<usize>>,
}

#[derive(Debug, Default)]
struct File {
    on_disk: Vec<u8>,
    /// By the numbers of their calls: what was written and is not known to be on the disk, and whether its call ended.
    pending: Vec<(usize, bool, Change)>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

impl Files {
    fn see(&mut self, event: &Event, disk_is: Disk) {
        match event {
            Event::Write { call, file, offset, bytes } => {
                let change = Change::Write { offset: *offset, bytes: bytes.clone() };
                self.files.entry(file.clone()).or_default().pending.push((*call, false, change));
            }
            Event::Truncate { call, file, length } => {
                let change = Change::Truncate { length: *length };
                self.files.entry(file.clone()).or_default().pending.push((*call, false, change));
            }
            Event::Done { call } => {
                let all = self.files.values_mut().flat_map(|file| file.pending.iter_mut().rev());
                if let Some((_, is_done, _)) = all.into_iter().find(|(number, ..)| number == call) {
                    *is_done = true;
                }
            }
            Event::SyncBegan { call, file } => {
                let pending = self.files.entry(file.clone()).or_default().pending.iter();
                let covered = pending.filter(|(_, is_done, _)| *is_done).map(|(number, ..)| *number);
                self.syncs.insert(*call, covered.collect());
            }
            Event::Synced { call, file } => {
                let covered = self.syncs.remove(call).unwrap_or_default();
                let forgets = match disk_is {
                    Disk::Honest => false,
                    Disk::ForgetsTheLog => file.ends_with("-wal"),
                    Disk::ForgetsAll => true,
                };
                if !forgets {
                    self.files.entry(file.clone()).or_default().keep(&covered);
                }
            }
            Event::Answered { .. } => {}
        }
    }

    /// As the disk may hold them if the power fails now.
    fn image(&self, draws: &mut StdRng) -> Vec<(String, Vec<u8>)> {
        let mut images = Vec::new();
        // Of two files neither's later writes are the likelier ones to be there.
        let share = *[0.0, 0.1, 0.5, 0.9, 1.0].choose(draws).expect("some");
        for (name, file) in &self.files {
            let mut bytes = file.on_disk.clone();
            for (.., change) in &file.pending {
                if draws.random_bool(share) {
                    change.apply(&mut bytes);
                } else if let (Change::Write { offset, bytes: written }, true) =
                    (change, draws.random_bool(0.5))
                {
                    for (place, sector) in written.chunks(SECTOR).enumerate() {
                        if draws.random_bool(0.5) {
                            let offset = offset + place * SECTOR;
                            Change::Write { offset, bytes: sector.to_vec() }.apply(&mut bytes);
                        }
                    }
                }
            }
            images.push((name.clone(), bytes));
        }
        images.shuffle(draws);
        images
    }
}

impl File {
    /// What these calls have changed is on the disk.
    fn keep(&mut self, covered: &[usize]) {
        let covered: HashSet<usize> = covered.iter().copied().collect();
        let on_disk = &mut self.on_disk;
        self.pending.retain(|(number, _, change)| {
            let is_kept = covered.contains(number);
            if is_kept {
                change.apply(on_disk);
            }
            !is_kept
        });
    }
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if file.len() < end {
                    file.resize(end, 0);
                }
                file[*offset..end].copy_from_slice(bytes);
            }
            Self::Truncate { length } => file.resize(*length, 0),
        }
    }
}

fn write(folder: &Path, image: &[(String, Vec<u8>)]) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).expect("a folder");
    for (name, bytes) in image {
        std::fs::write(folder.join(name), bytes).expect("room for an image");
    }
}

/// The orders in an image, where it is sound.
fn orders(folder: &Path) -> rusqlite::Result<HashSet<u64>> {
    let books = Connection::open(folder.join(BOOKS[0]))?;
    let sound: String = books.query_row("pragma quick_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(rusqlite::Error::InvalidQuery);
    }
    let mut ids = books.prepare("select id from orders")?;
    ids.query_map([], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))?.collect()
}

/// Every invariant of the books.
fn audit(folder: &Path, secret: &Path) {
    std::fs::copy(secret, folder.join("secret.key")).expect("the demo has its key");
    let output = run(&["check", "--data-dir", folder.to_str().expect("ASCII")]);
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "check of an image: {said}");
}
