//! Twice as much as the panel can do, from nearly as many connections as it has: bounded waiting, refusals in clear words
//! if there are any, and all well again afterwards (`invariants.md` A7, I24).
//!
//! One machine can't offer a fast panel more than its own clients can ask; what happens when the books are slower than
//! the doors is tried in `store::contract::lanes`.
//!
//! In CI a short form of some seconds; `TEST_SOAK_MINUTES` (`cargo xtask trust --soak`) makes the overload last, with
//! the memory looked at all the while. The clients share the machine with the panel: what is measured is both.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use panelworks_tests::{Simulator, World, until};
use tokio::task::JoinSet;

use crate::crowd::{Caller, Times, Whistle, add, alone, open_accounts, resident_mib};

const CUSTOMERS: usize = 64;
/// Connections that call without a pause when the capacity is measured.
const CLOSED: usize = 256;
/// Connections in the overload: as many as a panel has by default, less some.
const OPEN: usize = 3_600;
const MEASURED: Duration = Duration::from_secs(2);
const OVERLOADED: Duration = Duration::from_secs(5);
/// How soon after it all is as before.
const RECOVERY: Duration = Duration::from_secs(5);
/// Beyond what it was before the overload: the connections' buffers and the queue.
const MEMORY_MIB: f64 = 192.0;
/// What an open order costs the engine, which keeps its schedule in memory: overload opens them by the million.
const ORDER_BYTES: f64 = 160.0;
/// MiB an hour, once everything is warm: `invariants.md` 4.10 and G17 for long runs.
const SLOPE_MIB_PER_HOUR: f64 = 64.0;

/// What many callers got.
#[derive(Debug, Default)]
struct Got {
    accepted: Times,
    refused: Times,
    /// By status and body.
    words: BTreeMap<String, usize>,
}

impl Got {
    fn join(&mut self, other: Self) {
        self.accepted.0.extend(other.accepted.0);
        self.refused.0.extend(other.refused.0);
        for (word, count) in other.words {
            *self.words.entry(word).or_default() += count;
        }
    }

    fn note(&mut self, took: Duration, status: u16, said: &str) {
        if said.starts_with("{\"order\":") || said.starts_with("{\"charge\":") {
            self.accepted.0.push(took);
        } else {
            self.refused.0.push(took);
            *self.words.entry(format!("{status} {said}")).or_default() += 1;
        }
    }
}

struct Site {
    world: World,
    _simulator: Simulator,
    panel: SocketAddr,
    service: u64,
    keys: Vec<String>,
}

impl Site {
    async fn open() -> Self {
        let simulator = Simulator::start(Simulator::options());
        let world = World::new().provider(&simulator.url(), &simulator.key).start().await;
        let (panel, service) = (world.panel.address(), world.service(1, 1));
        let keys = open_accounts(&world, "crowd", CUSTOMERS, true);
        Self { world, _simulator: simulator, panel, service, keys }
    }

    /// So many callers; each waits `pause` from the sending of a call to the next, or calls at once if it is later
    /// than that.
    async fn call(&self, callers: usize, pause: Duration, time: Duration, round: &str) -> Got {
        let whistle = Whistle::default();
        let mut all = JoinSet::new();
        for number in 0..callers {
            let caller = Calling {
                panel: self.panel,
                key: self.keys[number % self.keys.len()].clone(),
                service: self.service,
                name: format!("{round}-{number}"),
                offset: pause * u32::try_from(number).expect("few") / u32::try_from(callers).expect("few"),
                pause,
                whistle: whistle.clone(),
            };
            all.spawn(caller.run());
        }
        tokio::time::sleep(time).await;
        whistle.blow();
        let mut got = Got::default();
        while let Some(one) = all.join_next().await {
            got.join(one.expect("no caller panics"));
        }
        got
    }
}

struct Calling {
    panel: SocketAddr,
    key: String,
    service: u64,
    name: String,
    offset: Duration,
    pause: Duration,
    whistle: Whistle,
}

impl Calling {
    async fn run(self) -> Got {
        let mut caller = Caller::connect(self.panel).await;
        let mut due = Instant::now() + self.offset;
        let mut got = Got::default();
        for number in 0_u64.. {
            tokio::time::sleep_until(due.into()).await;
            if self.whistle.is_over() {
                break;
            }
            let body = add(&self.key, self.service, &format!("{}-{number}", self.name));
            let sent = Instant::now();
            let (status, said) = caller.call(&body).await;
            got.note(sent.elapsed(), status, &said);
            due = (due + self.pause).max(Instant::now());
        }
        got
    }
}

/// Counts here are small enough for any number.
fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("few enough"))
}

/// The pause of so many callers who together call so often.
fn pause(callers: usize, a_second: f64) -> Duration {
    Duration::from_secs_f64(number(callers) / a_second)
}

/// Shows A7, I24.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overload_is_answered_in_bounded_time_or_refused_in_clear_words_and_soon_forgotten() {
    let _alone = alone().await;
    let mut site = Site::open().await;
    let process = site.world.panel.process().id();
    let full = site.call(CLOSED, Duration::ZERO, MEASURED, "full").await;
    let capacity = number(full.accepted.0.len()) / MEASURED.as_secs_f64();
    let half = pause(CLOSED, capacity / 2.0);
    let quiet = site.call(CLOSED, half, MEASURED, "quiet").await.accepted.p99();
    let before = resident_mib(process);

    let time = soak().unwrap_or(OVERLOADED);
    let memory = tokio::spawn(watch_memory(process, time));
    let over = site.call(OPEN, pause(OPEN, capacity * 2.0), time, "over").await;
    let memory = memory.await.expect("it watches");
    let grown = memory.last().copied().unwrap_or(before).saturating_sub(before);
    eprintln!(
        "{capacity:.0} orders a second; p99 {quiet:?} at half of it; when twice of it is asked for: {} accepted (p99 {:?}), {} refused \
         (p99 {:?}), {grown} MiB more: {:?}",
        over.accepted.0.len(),
        over.accepted.p99(),
        over.refused.0.len(),
        over.refused.p99(),
        over.words
    );
    let clear = r#"200 {"error":"Service temporarily unavailable"}"#;
    let unclear: Vec<&String> = over.words.keys().filter(|word| *word != clear).collect();
    assert!(unclear.is_empty(), "refusals in other words: {unclear:?}");
    let orders = number(over.accepted.0.len()) * ORDER_BYTES / 1_048_576.0;
    let (more, most) = (number(usize::try_from(grown).unwrap_or(usize::MAX)), MEMORY_MIB + orders);
    assert!(more <= most, "{more} MiB more, of which {orders:.0} are open orders; {most:.0} is the most");
    // Whoever is answered has waited for those before him and not for ever: each caller has one call on its way.
    let (p99, most) = (over.accepted.p99(), Duration::from_secs_f64(3.0 * number(OPEN) / capacity));
    assert!(
        p99 <= most + Duration::from_millis(100),
        "p99 {p99:?} of what was accepted; {most:?} is the most"
    );
    let work = capacity * time.as_secs_f64() / 2.0;
    assert!(number(over.accepted.0.len()) >= work, "refusing is no work by itself");
    if let Some(slope) = slope(&memory, time) {
        let of_orders = orders * 3_600.0 / time.as_secs_f64();
        assert!(
            slope <= SLOPE_MIB_PER_HOUR + of_orders,
            "{slope:.1} MiB more an hour, {of_orders:.1} of orders"
        );
    }

    let mut round = 0;
    until("calm as before", RECOVERY, async || {
        round += 1;
        let after = site.call(CLOSED, half, Duration::from_millis(500), &format!("after {round}")).await;
        let p99 = after.accepted.p99();
        if after.words.is_empty() && p99 <= quiet * 3 / 2 + Duration::from_millis(5) {
            Ok(())
        } else {
            Err((p99, after.words))
        }
    })
    .await;
    site.world.panel.books_balance();
}

/// How long it shall last, if somebody has time.
fn soak() -> Option<Duration> {
    let minutes: u64 = std::env::var("TEST_SOAK_MINUTES").ok()?.parse().ok()?;
    Some(Duration::from_secs(60 * minutes))
}

/// MiB, a hundred times in all.
async fn watch_memory(process: u32, time: Duration) -> Vec<u64> {
    let mut looks = tokio::time::interval(time / 100);
    let mut seen = Vec::with_capacity(100);
    for _ in 0..100 {
        looks.tick().await;
        seen.push(resident_mib(process));
    }
    seen
}

/// MiB an hour over the second half, when everything is warm; none for runs too short to have one.
fn slope(memory: &[u64], time: Duration) -> Option<f64> {
    const SHORTEST: Duration = Duration::from_mins(5);
    let half = memory.len() / 2;
    let mean = |part: &[u64]| {
        part.iter().map(|mib| number(usize::try_from(*mib).unwrap_or(0))).sum::<f64>()
            / number(part.len().max(1))
    };
    let (third, last) = (mean(&memory[half..half + half / 2]), mean(&memory[half + half / 2..]));
    (time >= SHORTEST).then(|| (last - third) / (time.as_secs_f64() / 4.0) * 3_600.0)
}
