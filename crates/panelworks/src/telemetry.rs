//! The log: one line per event, written by a thread of its own, never in the way of a request.
//!
//! In: the settings of `[log]`. Out: lines on standard error or in a file, as text for people or as JSON. The writer
//! takes what it can get: when the disk is slow or full, lines are dropped and counted, requests go on. Line breaks,
//! escape sequences and marks that turn the direction of writing are shown as escapes, so that nothing that comes
//! from outside can forge a line. A file that was moved away is opened anew. Keys are never given to it; whoever shows
//! more than that is not heard ([`tells_no_secret`]). Rules: invariants.md A16, C25.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use tracing::{Level, Metadata};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogSettings};
use crate::limits;

/// Keeps the log running; what waits is written when this is dropped.
#[derive(Debug)]
pub struct Telemetry {
    dropped: ErrorCounter,
    _writer: WorkerGuard,
}

/// Whether a text is a level, with exceptions or without.
pub fn is_level(text: &str) -> bool {
    text.split(',').all(|directive| {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level).trim();
        !level.is_empty() && level.parse::<tracing::metadata::LevelFilter>().is_ok()
    }) && EnvFilter::try_new(text).is_ok()
}

impl Telemetry {
    /// Starts the log of this process. A second start is refused by `tracing` and changes nothing.
    pub fn start(settings: &LogSettings) -> io::Result<Self> {
        let sink: Box<dyn Write + Send> = match &settings.file {
            Some(path) => Box::new(LogFile::open(path)?),
            None => Box::new(io::stderr()),
        };
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(limits::LOG_LINES)
            .lossy(true)
            .thread_name("log")
            .finish(sink);
        let dropped = writer.error_counter();
        // The configuration was checked: a level that can't be read was refused there.
        let filter = EnvFilter::try_new(&settings.level).unwrap_or_else(|_| EnvFilter::new("info"));
        subscriber(settings.format, filter, OneLine(writer)).try_init().map_err(io::Error::other)?;
        Ok(Self { dropped, _writer: guard })
    }

    /// Counts the lines that found no room since the start.
    pub fn dropped_lines(&self) -> ErrorCounter {
        self.dropped.clone()
    }
}

fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer);
    match format {
        LogFormat::Human => Box::new(base.with_target(false).finish().with(filter_fn(tells_no_secret))),
        LogFormat::Json => {
            Box::new(base.json().flatten_event(true).finish().with(filter_fn(tells_no_secret)))
        }
    }
}

/// The driver of PostgreSQL shows what statements are given: hashes of passwords and keys, sealed keys.
fn tells_no_secret(event: &Metadata<'_>) -> bool {
    !event.target().starts_with("tokio_postgres") || *event.level() <= Level::INFO
}

/// Makes every event one line of printable characters.
#[derive(Debug, Clone)]
struct OneLine<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for OneLine<W> {
    type Writer = OneLine<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLine(self.0.make_writer())
    }
}

impl<W: Write> Write for OneLine<W> {
    /// The subscriber hands over one whole event at a time.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let body = event.strip_suffix(b"\n").unwrap_or(event);
        if body.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            self.0.write_all(event)?;
        } else {
            let mut line = escaped(&String::from_utf8_lossy(body));
            line.push('\n');
            self.0.write_all(line.as_bytes())?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // C0, DEL and C1; line and paragraph separators; everything that turns the direction of writing.
        let forges = c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if forges {
            let code = u32::from(c);
            line.push_str("\\u");
            line.extend([12, 8, 4, 0].map(|shift| char::from_digit(code >> shift & 0xf, 16).unwrap_or('0')));
        } else {
            line.push(c);
        }
    }
    line
}

/// A file that is opened anew when something else, or nothing, stands in its place.
#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    looked_at: Instant,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: append(path)?, looked_at: Instant::now() })
    }

    fn follow_rotation(&mut self) {
        if self.looked_at.elapsed() < limits::LOG_REOPEN {
            return;
        }
        self.looked_at = Instant::now();
        let ours = self.file.metadata().map(|file| (file.dev(), file.ino()));
        let there = std::fs::metadata(&self.path).map(|file| (file.dev(), file.ino()));
        let same = matches!((&ours, &there), (Ok(ours), Ok(there)) if ours == there);
        if !same && let Ok(file) = append(&self.path) {
            self.file = file;
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.follow_rotation();
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_appender::non_blocking::NonBlocking;

    use super::*;
    use crate::testing::Folder;

    #[derive(Debug, Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = subscriber(format, EnvFilter::new("trace"), OneLine(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, log);
        let bytes = sink.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// Shows C25.
    #[test]
    fn nothing_from_outside_can_forge_a_line() {
        let evil = "a\r\n2026-01-01 ERROR forged\u{1b}[31m \u{202e}txt \u{85}\u{2028}end";
        for format in [LogFormat::Human, LogFormat::Json] {
            let text = logged(format, || {
                tracing::info!(link = evil, "{evil}");
                tracing::warn!(link = %evil, "second");
            });
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(text.ends_with('\n'));
            let inside = text.replace('\n', "");
            assert!(!inside.chars().any(char::is_control), "{text:?}");
            assert!(!inside.contains(['\u{202e}', '\u{2028}']), "{text:?}");
        }
    }

    /// Shows C25.
    #[test]
    fn what_statements_are_given_is_not_logged_however_much_is_asked_for() {
        for format in [LogFormat::Human, LogFormat::Json] {
            let text = logged(format, || {
                tracing::debug!(target: "tokio_postgres::query", "parameters: hash");
                tracing::info!(target: "tokio_postgres::connection", "a notice");
                tracing::trace!(target: "panelworks", "our own");
            });
            assert!(
                text.contains("a notice") && text.contains("our own") && !text.contains("hash"),
                "{text}"
            );
        }
    }

    #[test]
    fn json_lines_stay_json_with_the_spans_fields() {
        let text = logged(LogFormat::Json, || {
            let span = tracing::info_span!("call", request_id = "r-1");
            span.in_scope(|| tracing::info!(link = "x\u{202e}\"y", "placed"));
        });
        let line: serde_json::Value = serde_json::from_str(text.trim()).expect("JSON");
        assert_eq!(line["link"], "x\u{202e}\"y");
        assert_eq!(line["span"]["request_id"], "r-1");
    }

    /// Shows C25, I22.
    #[test]
    fn secrets_are_not_shown_even_when_they_are_logged() {
        let key = "0123456789abcdef0123456789abcdef";
        for format in [LogFormat::Human, LogFormat::Json] {
            let text = logged(format, || {
                let secret = panelworks_client::Secret::new(key);
                let reach = panelworks_client::Reach::PrivateAllowed;
                let endpoint =
                    panelworks_client::Endpoint::new("http://127.0.0.1:9/api/v2", secret.clone(), reach);
                tracing::info!(?secret, ?endpoint, "a provider");
            });
            assert!(text.contains("127.0.0.1") && !text.contains(key), "{text}");
        }
    }

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew() {
        let folder = Folder::new();
        let path = folder.path("panel.log");
        let mut log = LogFile::open(&path).expect("opened");
        log.write_all(b"one\n").expect("written");
        std::fs::rename(&path, folder.path("panel.log.1")).expect("moved");
        log.looked_at = Instant::now().checked_sub(limits::LOG_REOPEN).expect("the machine runs longer");
        log.write_all(b"two\n").expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "two\n");
        assert_eq!(std::fs::read_to_string(folder.path("panel.log.1")).expect("there"), "one\n");
    }

    /// Shows A16.
    #[test]
    fn a_writer_that_blocks_makes_nobody_wait() {
        struct Stuck(std::sync::mpsc::Receiver<()>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                // Until the test ends.
                let _ = self.0.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (free, stuck) = std::sync::mpsc::channel();
        let (mut writer, _guard): (NonBlocking, WorkerGuard) =
            NonBlockingBuilder::default().buffered_lines_limit(8).lossy(true).finish(Stuck(stuck));
        for _ in 0..100 {
            writer.write_all(b"a line\n").expect("never fails");
        }
        assert!(writer.error_counter().dropped_lines() >= 90, "{}", writer.error_counter().dropped_lines());
        drop(free);
    }

    #[test]
    fn levels_are_told_from_other_words() {
        for right in ["info", "WARN", "off", "info,panelworks_engine=debug", "panelworks_web=trace"] {
            assert!(is_level(right), "{right}");
        }
        for wrong in ["loud", "", "info,", "info=loud", "a b"] {
            assert!(!is_level(wrong), "{wrong}");
        }
    }
}
