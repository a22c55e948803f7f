//! In synchronous mode, whatever happens to the primary: nothing acknowledged is lost, nothing is bought twice, and
//! work goes on by itself within a stated time.

use std::time::{Duration, Instant};

use panelworks_tests::{Manner, Panel, Patroni, SimulatorProcess, page, until};
use serde_json::{Value, json};

use crate::buyers::{Buyers, Known};
use crate::truth::Truth;
use crate::{ALONE, is_left_out, number, ttl};

/// Failovers of one run in CI: a kill, a freeze, a kill. `TEST_FAILOVERS` asks for more.
const FAILOVERS: u64 = 3;
const CUSTOMERS: usize = 4;
/// Acknowledged between two failovers, at least.
const ORDERS_BETWEEN: usize = 50;
/// Without writes beyond the time-to-live: Patroni's own work, a new connection, and, where the old primary is frozen,
/// the deadline of a statement that nobody answers. A tired CI machine is given as much again.
const OUTAGE_BEYOND_TTL: Duration = Duration::from_secs(20);
const LIMIT: Duration = Duration::from_mins(1);

/// What happens to a primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Killed,
    Frozen,
}

impl Fate {
    const fn of(turn: u64) -> Self {
        if turn.is_multiple_of(2) { Self::Frozen } else { Self::Killed }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Frozen => "frozen",
        }
    }
}

/// One failover, measured.
#[derive(Debug)]
struct Moved {
    fate: Fate,
    from: usize,
    to: usize,
    timeline: u32,
    /// From the last order acknowledged before to the first after, by the customers' own clocks.
    outage: Duration,
    /// From the old primary's return until it follows the new one.
    whole_after: Duration,
}

/// Shows A10, I12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_primary_is_killed_and_frozen_loses_no_acknowledged_order() {
    if is_left_out("failovers of a Patroni cluster") {
        return;
    }
    let _alone = ALONE.lock().await;
    let failovers = number("TEST_FAILOVERS").unwrap_or(FAILOVERS);
    let mut cluster = Patroni::start(Manner { synchronous: true, ttl: ttl() }).await;
    let provider = SimulatorProcess::start(&[]).await;
    let flags = ["--provider-url", provider.api_url.as_str(), "--provider-key", provider.key.as_str()];
    let mut panel = Panel::demo_with(&flags, &cluster.variables()).await;
    promises(&panel, "commits survive the loss of the database server").await;
    let buyers = Buyers::start("failover", CUSTOMERS, &panel.customer(0), panel.service("Default"));

    let mut all = Vec::new();
    for turn in 1..=failovers {
        orders_go_on(&buyers, ORDERS_BETWEEN).await;
        let moved = fail_over(&mut cluster, &buyers, Fate::of(turn)).await;
        eprintln!(
            "failover {turn}: node {} {}, node {} leads on timeline {}; {:.1} s without writes, whole {:.1} s after its return",
            moved.from + 1,
            moved.fate.word(),
            moved.to + 1,
            moved.timeline,
            moved.outage.as_secs_f32(),
            moved.whole_after.as_secs_f32()
        );
        all.push(moved);
    }
    orders_go_on(&buyers, ORDERS_BETWEEN).await;
    let known = buyers.stop(LIMIT).await;
    let report = report(&all, &known);
    eprintln!("{report}");
    if let Some(file) = std::env::var_os("TEST_REPORT") {
        std::fs::write(file, report.to_string()).expect("the report's place is writable");
    }

    answers_were_clean(&known);
    let truth = Truth::of(&cluster);
    assert_eq!(truth.lost(&known), [], "acknowledged, and lost");
    assert!(truth.doubled().is_empty(), "{:?}", truth.doubled());
    all_are_bought_once(&panel, &provider, &known).await;
    panel.books_balance();
    let longest = all.iter().map(|moved| moved.outage).max().unwrap_or_default();
    assert!(longest <= Duration::from_secs(ttl()) + OUTAGE_BEYOND_TTL, "{longest:?} without writes");
    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.said);
    panel.books_balance();
    the_log_is_short(&panel.log(), all.iter().map(|moved| moved.outage.as_secs() + 10).sum());
}

/// `/readyz` says beforehand what an acknowledged order survives.
pub(crate) async fn promises(panel: &Panel, words: &str) {
    let place = format!("{}/readyz", panel.web_url());
    until("the promise", LIMIT, async || {
        let told = page(&place).await;
        let promise = told.json()["promise"].as_str().unwrap_or_default().to_owned();
        if promise.contains(words) { Ok(()) } else { Err(told) }
    })
    .await;
}

pub(crate) async fn orders_go_on(buyers: &Buyers, count: usize) {
    let enough = buyers.acknowledged() + count;
    until("orders", LIMIT, async || {
        let acknowledged = buyers.acknowledged();
        if acknowledged >= enough { Ok(()) } else { Err((acknowledged, buyers.known().refused.clone())) }
    })
    .await;
}

/// Something happens to the primary; another one takes over; the old one comes back and follows.
async fn fail_over(cluster: &mut Patroni, buyers: &Buyers, fate: Fate) -> Moved {
    let from = cluster.primary().expect("the cluster is whole");
    let began = Instant::now();
    match fate {
        Fate::Killed => cluster.kill(from),
        Fate::Frozen => cluster.freeze(from),
    }
    let to = cluster.moved_from(from).await;
    orders_go_on(buyers, 1).await;
    let outage = buyers.known().longest_silence(began);
    let back = Instant::now();
    match fate {
        Fate::Killed => cluster.bring_up(from),
        Fate::Frozen => cluster.thaw(from),
    }
    // The old one believes for a moment that it still leads.
    orders_go_on(buyers, 1).await;
    cluster.is_whole_again().await;
    Moved { fate, from, to, timeline: cluster.timeline(), outage, whole_after: back.elapsed() }
}

fn report(all: &[Moved], known: &Known) -> Value {
    let failovers: Vec<Value> = all
        .iter()
        .map(|moved| {
            json!({
                "primary": moved.fate.word(),
                "from": moved.from + 1,
                "to": moved.to + 1,
                "timeline": moved.timeline,
                "seconds_without_writes": moved.outage.as_secs_f64(),
                "seconds_until_whole": moved.whole_after.as_secs_f64(),
            })
        })
        .collect();
    json!({
        "ttl_seconds": ttl(),
        "failovers": failovers,
        "acknowledged": known.acknowledged.len(),
        "refused": known.refused,
        "slowest_answer_seconds": known.slowest.as_secs_f64(),
    })
}

fn answers_were_clean(known: &Known) {
    assert!(known.contradictions.is_empty(), "{:?}", known.contradictions);
    assert!(known.unanswered.is_empty(), "{:?}", known.unanswered);
    let clean =
        |text: &str| text == "Service temporarily unavailable" || text.starts_with("Something went wrong");
    assert!(known.refused.keys().all(|text| clean(text)), "{:?}", known.refused);
}

/// Or held, where nobody can know whether the provider has it.
async fn all_are_bought_once(panel: &Panel, provider: &SimulatorProcess, known: &Known) {
    until("the provider to have every order", LIMIT, async || {
        let witness = provider.witness().await;
        let bought = witness.by_link();
        let missing = known.acknowledged.keys().filter(|link| !bought.contains_key(link.as_str())).count();
        let held = panel.ask(&["order", "list-held", "--limit", "100000"]).as_array().map_or(0, Vec::len);
        if missing <= held { Ok(()) } else { Err((missing, held)) }
    })
    .await;
    let witness = provider.witness().await;
    witness.bought_nothing_twice();
    let bought = witness.by_link();
    let strange = bought.keys().find(|link| !known.acknowledged.contains_key(**link));
    assert!(strange.is_none(), "nobody asked for {strange:?}");
}

/// Whoever reads it at night finds a line for the beginning and one for the end, a line a second about refused calls, and
/// not one for every try.
fn the_log_is_short(log: &str, seconds: u64) {
    let is_loud = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
    let loud: Vec<&str> = log.lines().filter(is_loud).collect();
    let most = usize::try_from(seconds).expect("few") * 2;
    assert!(loud.len() <= most, "{} warnings and errors:\n{}", loud.len(), loud.join("\n"));
}
