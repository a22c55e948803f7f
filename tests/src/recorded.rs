//! What a panel wrote to its books and told its customers, in the order of its system calls.
//!
//! In: a trace of strace (`-f -y -xx`, one line per call or two where another thread came between). Out: [`Event`]s.
//! Nothing else of the trace counts. A call begins with its line, or the first of its two; what a sync covers had
//! ended before it began.

use std::collections::HashMap;

/// The flags with which strace writes such a trace.
pub const STRACE: [&str; 9] = [
    "strace",
    "-f",
    "-qq",
    "-y",
    "-xx",
    "-s",
    "70000",
    "-e",
    "trace=pwrite64,ftruncate,fdatasync,fsync,write,writev,sendto,sendmsg",
];

/// One call that matters. Files are named without their folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A call's number, by which its end is found.
    Write {
        call: usize,
        file: String,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        call: usize,
        file: String,
        length: usize,
    },
    /// The call with this number has returned.
    Done {
        call: usize,
    },
    SyncBegan {
        call: usize,
        file: String,
    },
    /// All that was done when the sync with this number began is on the disk.
    Synced {
        call: usize,
        file: String,
    },
    /// An answer with these orders began to leave.
    Answered {
        orders: Vec<u64>,
    },
}

/// Events of files whose names `counts` wants, and of answers to `add`.
pub fn events(trace: &str, counts: impl Fn(&str) -> bool) -> Vec<Event> {
    let mut reading = Reading { counts, events: Vec::new(), calls: 0, under_way: HashMap::new() };
    for line in trace.lines() {
        // A trace that was cut off ends in the middle of a line.
        let _ = reading.line(line);
    }
    reading.events
}

struct Reading<F> {
    counts: F,
    events: Vec<Event>,
    calls: usize,
    /// Of each thread the call that has begun and not ended.
    under_way: HashMap<String, Event>,
}

impl<F: Fn(&str) -> bool> Reading<F> {
    fn line(&mut self, line: &str) -> Option<()> {
        let (thread, rest) = line.split_once(' ')?;
        let rest = rest.trim_start();
        if rest.starts_with("<...") {
            if let Some(end) = self.under_way.remove(thread) {
                self.events.push(end);
            }
            return Some(());
        }
        let (name, arguments) = rest.split_once('(')?;
        let (begin, end) = self.call(name, arguments)?;
        self.events.push(begin);
        if rest.ends_with("<unfinished ...>") {
            self.under_way.extend(end.map(|end| (thread.to_owned(), end)));
        } else {
            self.events.extend(end);
        }
        Some(())
    }

    /// How a call begins, and how it will have ended.
    fn call(&mut self, name: &str, arguments: &str) -> Option<(Event, Option<Event>)> {
        let call = self.calls;
        self.calls += 1;
        let file = || file(arguments).filter(|file| (self.counts)(file));
        match name {
            "pwrite64" => {
                let (file, (text, rest)) = (file()?, text(arguments)?);
                let offset = rest.split(", ").nth(2)?;
                let offset = offset.split([')', ' ']).next()?.parse().ok()?;
                let write = Event::Write { call, file, offset, bytes: unhex(text)? };
                Some((write, Some(Event::Done { call })))
            }
            "ftruncate" => {
                let length = arguments.split(", ").nth(1)?.split([')', ' ']).next()?.parse().ok()?;
                Some((Event::Truncate { call, file: file()?, length }, Some(Event::Done { call })))
            }
            "fdatasync" | "fsync" => {
                let file = file()?;
                Some((Event::SyncBegan { call, file: file.clone() }, Some(Event::Synced { call, file })))
            }
            _answer => {
                // Head and body are texts of their own where they are written at once.
                let texts = arguments.split('"').skip(1).step_by(2);
                let bytes: Vec<u8> = texts.filter_map(unhex).flatten().collect();
                let orders = orders(&bytes);
                (!orders.is_empty()).then_some((Event::Answered { orders }, None))
            }
        }
    }
}

/// Of `7</folder/file>, …` the file; the path is in hexadecimal too.
fn file(arguments: &str) -> Option<String> {
    let path = arguments.split_once('<')?.1.split_once('>')?.0;
    let path = String::from_utf8(unhex(path)?).ok()?;
    path.rsplit('/').next().map(str::to_owned)
}

/// The first text, and what follows it.
fn text(arguments: &str) -> Option<(&str, &str)> {
    arguments.split_once('"')?.1.split_once('"')
}

/// `\x61\x62` is `ab`.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let byte = |four: &[u8]| u8::from_str_radix(std::str::from_utf8(four.get(2..4)?).ok()?, 16).ok();
    text.as_bytes().chunks(4).map(byte).collect()
}

/// Every order that the answers in these bytes name.
fn orders(bytes: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(bytes);
    let id = |rest: &str| rest.split_once('}').and_then(|(digits, _)| digits.parse().ok());
    text.split("{\"order\":").skip(1).filter_map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_another_thread_came_between_ends_with_its_second_line() {
        let hex = |text: &str| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<Vec<_>>().concat();
        let (books, other, answer) = (hex("/d/a.db"), hex("/d/other"), hex("{\"order\":7}"));
        let trace = format!(
            "7 pwrite64(3<{books}>, \"\\x61\\x62\", 2, 4096) = 2\n\
             7 fdatasync(3<{books}> <unfinished ...>\n\
             8 writev(9<socket:[1]>, [{{iov_base=\"\\x48\", iov_len=1}}, {{iov_base=\"{answer}\", iov_len=11}}], 2) = 12\n\
             8 pwrite64(3<{other}>, \"\\x61\", 1, 0) = 1\n\
             7 <... fdatasync resumed>) = 0\n\
             7 pwrite64(3<\\x2f"
        );
        let file = || "a.db".to_owned();
        assert_eq!(
            events(&trace, |file| file == "a.db"),
            [
                Event::Write { call: 0, file: file(), offset: 4096, bytes: b"ab".to_vec() },
                Event::Done { call: 0 },
                Event::SyncBegan { call: 1, file: file() },
                Event::Answered { orders: vec![7] },
                Event::Synced { call: 1, file: file() },
            ]
        );
    }
}
