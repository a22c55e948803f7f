//! Customers who call at the same time, and how long each of their calls took.
//!
//! Each caller has a connection of its own and speaks plain HTTP over it: a client library's pools and parsing would be
//! measured with the panel. Times are those of the calls that were answered as they should be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use panelworks_tests::World;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One test at a time: what is measured here is also felt by its neighbours.
pub(crate) async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ONE.lock().await
}

/// Longer than any answer may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A connection kept open, from an address of this machine.
pub(crate) struct Caller {
    panel: SocketAddr,
    stream: TcpStream,
}

/// What came back: the status line's number and the body.
pub(crate) type Said = (u16, String);

impl Caller {
    pub(crate) async fn connect(panel: SocketAddr) -> Self {
        let stream = TcpStream::connect(panel).await.expect("the panel listens");
        stream.set_nodelay(true).expect("a socket of ours");
        Self { panel, stream }
    }

    /// One call; a connection that the panel closed meanwhile is opened anew, once.
    pub(crate) async fn call(&mut self, body: &str) -> Said {
        let request = format!(
            "POST /api/v2 HTTP/1.1\r\nhost: panel\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        if let Some(said) = self.exchange(request.as_bytes()).await {
            return said;
        }
        *self = Self::connect(self.panel).await;
        self.exchange(request.as_bytes()).await.expect("an answer on a new connection")
    }

    async fn exchange(&mut self, request: &[u8]) -> Option<Said> {
        self.stream.write_all(request).await.ok()?;
        tokio::time::timeout(LIMIT, answer(&mut self.stream)).await.expect("an answer in time")
    }
}

/// One answer with a content length, or none if the connection ends before it.
async fn answer(stream: &mut TcpStream) -> Option<Said> {
    let mut bytes = Vec::with_capacity(512);
    loop {
        if let Some(said) = whole(&bytes) {
            return Some(said);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn whole(bytes: &[u8]) -> Option<Said> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    (body.len() >= length).then(|| (status, body.to_owned()))
}

/// How long calls took, in the order they ended.
#[derive(Debug, Default, Clone)]
pub(crate) struct Times(pub(crate) Vec<Duration>);

impl Times {
    /// So many in a thousand were not slower.
    pub(crate) fn per_mille(&self, share: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * share).div_ceil(1_000).clamp(1, sorted.len().max(1)) - 1;
        sorted.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn p99(&self) -> Duration {
        self.per_mille(990)
    }
}

/// Customers' names and keys, each without a limit of requests if it says so.
pub(crate) fn open_accounts(world: &World, name: &str, count: usize, unlimited: bool) -> Vec<String> {
    (0..count)
        .map(|number| {
            let name = format!("{name} {number}");
            let mut words = vec!["customer", "add", &name, "--balance", "1000000"];
            if unlimited {
                words.push("--unlimited");
            }
            let said = world.panel.ask(&words);
            said["api_key"].as_str().unwrap_or_else(|| panic!("no key: {said}")).to_owned()
        })
        .collect()
}

/// The form of an order with a link of its own.
pub(crate) fn add(key: &str, service: u64, link: &str) -> String {
    format!("key={key}&action=add&service={service}&link={link}&quantity=100")
}

/// Tells many callers when to stop, and counts for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Whistle {
    over: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
}

impl Whistle {
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(crate) fn blow(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// A number that nobody else gets.
    pub(crate) fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn counted(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// Resident memory of a process, in MiB.
pub(crate) fn resident_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs, on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") / 1024
}

/// Waits for the ticks of a schedule: however slow an answer was, the next call is sent when it was due.
pub(crate) async fn until_tick(begun: Instant, tick: u64, every: Duration) -> Instant {
    let due = begun + every * u32::try_from(tick).expect("a short test");
    tokio::time::sleep_until(due.into()).await;
    due
}
