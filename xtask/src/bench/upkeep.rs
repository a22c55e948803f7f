//! P9 and P10: the work after an order, following a million open ones and forwarding new ones under a full load.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Bench;
use super::plan::{CUSTOMERS, FEW};
use super::request::{Adds, first_customer};
use super::server::{Panel, Server, cpu};
use super::sheet::{Goal, Sheet, Spread, per_second};
use super::tested::{Tested, audit};
use super::upstream::Upstream;

/// Providers of P9, and over how long its orders were accepted: the younger they are, the more often each is asked.
const PROVIDERS: u32 = 20;
const PAST: Duration = Duration::from_hours(1);
/// What an order may wait for a question, at the least; older ones a twentieth of their age.
const FRESH: Duration = Duration::from_mins(2);
const SHARE_OF_AGE: u32 = 20;
/// How long the first round over all orders may take after a start.
const FIRST_ROUND: Duration = Duration::from_mins(3);
/// P10: how long the provider takes to answer an add, and how many it takes at once.
const ANSWERS_AFTER: Duration = Duration::from_millis(100);
const AT_ONCE: u32 = 50;
/// What that provider could take in a second.
const CAPACITY: f64 = 500.0;
const LOOK: Duration = Duration::from_millis(100);

/// P9: after its first round every order is asked within its bound, and the panel's processor time is told.
pub(crate) fn a_million_open_orders(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let orders = bench.plan.large_books;
    let upstream = Upstream::start(PROVIDERS as usize, Duration::ZERO, orders)?;
    let books = bench.upstream_of(&upstream, AT_ONCE)?;
    bench.programs.open(&books, orders, CUSTOMERS, PROVIDERS, PAST)?;
    let began = Instant::now();
    let panel = start(bench, &books)?;
    while upstream.known() < orders as usize {
        if began.elapsed() > FIRST_ROUND {
            bail!("{} of {orders} orders were never asked for", orders as usize - upstream.known());
        }
        std::thread::sleep(LOOK);
    }
    let first_round = began.elapsed();
    upstream.watch();
    let (watched, busy, questions) = (Instant::now(), cpu(panel.id())?, upstream.seen().questions);
    std::thread::sleep(bench.plan.watch);
    let busy = cpu(panel.id())?.saturating_sub(busy).as_secs_f64() / watched.elapsed().as_secs_f64();
    let asked = upstream.seen().questions - questions;
    let waits = upstream.longest_waits();
    let memory = panel.memory()?;
    panel.stop()?;
    audit(bench, &books, u64::from(orders))?;
    let worst = waits.iter().zip(0..).map(|(wait, place)| {
        let age = PAST * (orders - place) / orders;
        wait.as_secs_f64() / FRESH.max(age / SHARE_OF_AGE).as_secs_f64()
    });
    #[expect(clippy::cast_precision_loss, reason = "questions and bytes are far below 2⁵²")]
    let (asked, memory) = (asked as f64, memory as f64 / (1024.0 * 1024.0));
    let note = format!(
        "the longest wait of {orders} orders by its bound; first round within {:.0} s of the start; {:.0} questions/s; \
         {memory:.0} MiB",
        first_round.as_secs_f64(),
        asked / bench.plan.watch.as_secs_f64(),
    );
    sheet.add("P9 freshness", Spread::of([worst.fold(0.0, f64::max)]), Goal::AtMost(1.0), note);
    let note = format!("of one core, {PROVIDERS} providers, all orders of the last hour");
    sheet.add("P9 cores", Spread::of([busy]), Goal::AtMost(0.5), note);
    Ok(())
}

/// P10: what reaches the provider while customers order as fast as they can, and when the queue is worked off.
pub(crate) fn forwarding_under_load(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let upstream = Upstream::start(1, ANSWERS_AFTER, 0)?;
    let books = bench.upstream_of(&upstream, AT_ONCE)?;
    bench.programs.open(&books, 0, CUSTOMERS, 1, PAST)?;
    let mut panel = Tested::start(bench, &books, None)?;
    panel.load(FEW, &Adds::of(CUSTOMERS, false))?;
    let (under_load, waits) = forwarded(&upstream)?;
    // What is left of the queue is forwarded with nothing else to do.
    let (before, busy, began) = (upstream.seen().adds.len(), cpu(panel.server.id())?, Instant::now());
    std::thread::sleep(bench.plan.window);
    let more = upstream.seen().adds.len() - before;
    let busy = cpu(panel.server.id())?.saturating_sub(busy);
    let alone = per_second_of(more, began.elapsed());
    panel.finish()?;
    let each = busy.as_secs_f64() * 1e6 / f64::from(u32::try_from(more.max(1))?);
    let note = format!(
        "{} of {CAPACITY:.0} possible; {} without adds, at {each:.0} µs cpu each",
        per_second(under_load),
        per_second(alone)
    );
    sheet.add("P10 forwarding", Spread::of([under_load / CAPACITY]), Goal::AtLeast(0.9), note);
    let note = "seconds from the time at which a queue without losses would have forwarded it, median";
    sheet.add("P10 wait", Spread::of([waits.median()]), Goal::AtMost(1.0), note);
    Ok(())
}

/// Orders forwarded in a second, and how long each waited beyond its turn. The links' numbers are the order's turns, to
/// within the few that are under way at once.
fn forwarded(upstream: &Upstream) -> Result<(f64, Spread)> {
    let seen = upstream.seen();
    let (Some((_, began)), Some((_, ended))) = (seen.adds.first(), seen.adds.last()) else {
        bail!("void: nothing was forwarded");
    };
    let first = seen.adds.iter().map(|(number, _)| *number).min().unwrap_or(0);
    let beyond = |(number, at): &(u64, Instant)| {
        #[expect(clippy::cast_precision_loss, reason = "orders are counted in thousands")]
        let turn = (*number - first) as f64 / CAPACITY;
        (at.duration_since(*began).as_secs_f64() - turn).max(0.0)
    };
    let rate = per_second_of(seen.adds.len(), ended.duration_since(*began));
    Ok((rate, Spread::of(seen.adds.iter().map(beyond))))
}

fn per_second_of(number: usize, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "orders are counted in thousands")]
    let number = number as f64;
    number / time.as_secs_f64()
}

fn start(bench: &Bench, books: &Path) -> Result<Server> {
    Server::panel(&bench.programs, Panel { books, preload: None, first: &first_customer("action=balance") })
}

impl Bench {
    /// Books without orders whose provider accounts from number 2 on are those of `upstream`.
    fn upstream_of(&self, upstream: &Upstream, connections: u32) -> Result<PathBuf> {
        let books = self.filled(0, CUSTOMERS)?;
        for address in &upstream.addresses {
            self.programs
                .add_provider(&books, &format!("http://{address}/api/v2"), connections)
                .context("can't open an account at the provider")?;
        }
        Ok(books)
    }
}
