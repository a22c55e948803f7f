//! The fuzzer's program: built with coverage, run once for each target, and what it found put where it is kept.
//!
//! In: names of targets and a time. Out: a [`Session`] for each. As many run at once as there are processors.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::session::{Ended, Session};
use crate::cargo::{cargo, succeed};
use crate::root;

/// Counters at every edge, a table of their places, and the operands of comparisons: what libFuzzer reads. They are
/// flags of stable Rust. One unit for each crate keeps the counters in one piece.
const COVERAGE: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Ccollapse-macro-debuginfo=yes",
];
/// Memory of one fuzzer, with its corpus.
const RSS_MIB: u32 = 1024;
/// Seconds for one input: a thousand times what a slow one takes.
const INPUT_SECONDS: u32 = 5;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Driver {
    program: PathBuf,
    work: PathBuf,
    at_once: usize,
}

impl Driver {
    pub(super) fn build() -> Result<Self> {
        let host = host()?;
        let work = root().join("target").join("fuzz");
        let mut command =
            cargo(&["build", "--quiet", "--package", "panelworks-fuzz", "--features", "libfuzzer"]);
        command.args(["--profile", "fuzz", "--target", &host]).arg("--target-dir").arg(&work);
        succeed(command.env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}")))?;
        let program = work.join(&host).join("fuzz").join("panelworks-fuzz");
        let at_once = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { program, work, at_once })
    }

    /// How long each of so many targets may take, if all together may take `whole`.
    pub(super) fn share_of(&self, whole: Duration, targets: usize) -> Duration {
        let rounds = targets.div_ceil(self.at_once);
        whole / u32::try_from(rounds).unwrap_or(u32::MAX).max(1)
    }

    /// Fuzzes each of them for so long, or until something is found.
    pub(super) fn all(&self, targets: &[&str], time: Duration) -> Result<Vec<Session>> {
        let waiting = Mutex::new(targets.iter());
        let next = || waiting.lock().ok()?.next();
        let worker = || {
            let mut sessions = Vec::new();
            while let Some(target) = next() {
                sessions.push(self.one(target, time)?);
            }
            Ok(sessions)
        };
        let done: Vec<Result<Vec<Session>>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.at_once).map(|_| scope.spawn(worker)).collect();
            let joined =
                workers.into_iter().map(|one| one.join().unwrap_or_else(|_| bail!("a worker panicked")));
            joined.collect()
        });
        let mut sessions = done.into_iter().collect::<Result<Vec<_>>>()?.concat();
        sessions.sort_by_key(|session| targets.iter().position(|target| *target == session.target));
        Ok(sessions)
    }

    fn one(&self, target: &str, time: Duration) -> Result<Session> {
        let learned = self.work.join("corpus").join(target);
        let artifacts = self.work.join("artifacts").join(target);
        let _ = std::fs::remove_dir_all(&artifacts);
        let is_canary = target.starts_with("canary");
        if is_canary {
            let _ = std::fs::remove_dir_all(&learned);
        }
        for folder in [&learned, &artifacts] {
            std::fs::create_dir_all(folder)?;
        }
        let mut command = Command::new(&self.program);
        command.env("FUZZ_TARGET", target).arg(&learned);
        let kept = ["corpus", "found"].map(|kind| root().join("fuzz").join(kind).join(target));
        command.args(kept.iter().filter(|folder| folder.is_dir()));
        command.arg(format!("-dict={}", root().join("fuzz/words.dict").display()));
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.arg(format!("-max_total_time={}", time.as_secs().max(1)));
        command.arg(format!("-max_len={}", longest(target)));
        command.arg(format!("-timeout={INPUT_SECONDS}")).arg(format!("-rss_limit_mb={RSS_MIB}"));
        command.args(["-print_final_stats=1", "-verbosity=1"]).stdin(Stdio::null());
        let output = command.output().with_context(|| format!("can't run {}", self.program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        std::fs::write(self.work.join(format!("{target}.log")), &said)?;
        let ended = match (output.status.success(), first_file(&artifacts)) {
            (true, _) => Ended::Held,
            (false, Some(input)) => Ended::Found { input, why: why(&said) },
            (false, None) => bail!("{target}: {}\n{said}", output.status),
        };
        Ok(Session::read(target, &said, time, ended))
    }

    /// Puts what a session found where it is kept; a text for the report.
    pub(super) fn keep(session: &Session) -> Result<Option<String>> {
        let Ended::Found { input, why } = &session.ended else { return Ok(None) };
        let name = input.file_name().unwrap_or_default().to_string_lossy();
        let name: String = name.chars().take("timeout-0123456789".len()).collect();
        let kept = root().join("fuzz").join("found").join(&session.target);
        std::fs::create_dir_all(&kept)?;
        let kept = kept.join(name);
        let bytes = std::fs::read(input)?;
        std::fs::write(&kept, &bytes)?;
        let shown: String = String::from_utf8_lossy(&bytes).escape_debug().take(400).collect();
        Ok(Some(format!(
            "{}: {why}\n  input: {shown}\n  kept as {}; cargo test -p panelworks-fuzz replays it",
            session.target,
            kept.strip_prefix(root()).unwrap_or(&kept).display()
        )))
    }
}

/// Bytes of the longest input worth trying: what is longer is slower and says nothing new.
fn longest(target: &str) -> u32 {
    match target {
        "money" | "repeated" => 128,
        "encodings" => 4 * 1024,
        "lists" => 8 * 1024,
        _ if target.starts_with("canary") => 256,
        _ => 16 * 1024,
    }
}

fn first_file(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.find_map(|entry| Some(entry.ok()?.path()))
}

/// What the panic said, or else libFuzzer.
fn why(said: &str) -> String {
    let mut lines = said.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
    let panic = lines.next().filter(|line| !line.is_empty());
    let own = said.lines().find(|line| line.contains("ERROR: libFuzzer:"));
    panic.or(own).unwrap_or("no reason was given").chars().take(600).collect()
}

/// The machine's own target: naming it keeps the coverage out of build scripts and procedural macros.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("can't run rustc")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_the_panic_said() {
        let said = "#12 NEW\nthread 'main' panicked at fuzz/src/canary.rs:3:5:\nplanted: XAU\nnote: run with\n==1== ERROR: libFuzzer: deadly signal\n";
        assert_eq!(why(said), "planted: XAU");
        assert_eq!(
            why("==1== ERROR: libFuzzer: timeout after 5 seconds\n"),
            "==1== ERROR: libFuzzer: timeout after 5 seconds"
        );
    }
}
