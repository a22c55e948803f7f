//! Every input that is kept holds: the small corpus that the fuzzer starts from, and all that it ever found.
//!
//! Runs without a fuzzer, in milliseconds, with the other unit tests.

use std::fs;
use std::path::{Path, PathBuf};

use panelworks_fuzz::{CANARIES, TARGETS, Target};

/// A person reads these: few, and short.
const CORPUS_BYTES: usize = 4 * 1024;

fn inputs(kind: &str, target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target.name);
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    paths.map(|path| (path.clone(), fs::read(path).expect("a readable file"))).collect()
}

/// Shows B4, B5, B19, C2, C5, C29.
#[test]
fn every_input_of_the_corpus_holds_and_can_be_read_by_a_person() {
    for target in &TARGETS {
        let corpus = inputs("corpus", target);
        assert!(!corpus.is_empty(), "{} starts from nothing", target.name);
        for (path, input) in corpus {
            eprintln!("{}", path.display());
            (target.holds)(&input);
            assert!(input.len() <= CORPUS_BYTES && std::str::from_utf8(&input).is_ok(), "{}", path.display());
        }
    }
}

/// Shows B4, B5, B19, C2, C5, C29.
#[test]
fn every_input_that_was_ever_found_holds() {
    for target in &TARGETS {
        for (path, input) in inputs("found", target) {
            eprintln!("{}", path.display());
            (target.holds)(&input);
        }
    }
}

#[test]
fn no_canary_dies_of_what_it_starts_from() {
    for canary in &CANARIES {
        for (_, input) in inputs("corpus", canary) {
            (canary.holds)(&input);
        }
    }
}
