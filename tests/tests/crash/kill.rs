//! SIGKILL at random moments of a busy panel, thirty times and more.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use panelworks_tests::{Known, Load, Panel, SimulatorProcess, until};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Kills in one run; `TEST_KILLS` asks for more.
const KILLS: usize = 30;
/// From readiness to the kill, in milliseconds: from a panel that has just opened to one in full load.
const LIVES_MS: std::ops::Range<u64> = 5..400;
/// The books are checked after every so many kills, and at the end.
const CHECK_EVERY: usize = 5;
const CUSTOMERS: usize = 8;
/// Until all that can be delivered is.
const SETTLE_LIMIT: Duration = Duration::from_mins(1);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Shows A1, I12, I13, I14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_panel_forgets_no_acknowledged_order_and_buys_nothing_twice() {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let seed = number("TEST_SEED").unwrap_or(clock);
    let kills = number("TEST_KILLS").map_or(KILLS, |kills| usize::try_from(kills).expect("some"));
    eprintln!("replay the moments with TEST_SEED={seed} TEST_KILLS={kills}");
    let mut draws = StdRng::seed_from_u64(seed);

    let provider = SimulatorProcess::start(&["--latency-ms", "3"]).await;
    let flags = ["--provider-url", provider.api_url.as_str(), "--provider-key", provider.key.as_str()];
    let mut panel = Panel::demo(&flags).await;
    let load = Load::start("kill", CUSTOMERS, panel.service("Default"));
    for kill in 1..=kills {
        load.is_at(Some(panel.customer(0)));
        let moment = Instant::now() + Duration::from_millis(draws.random_range(LIVES_MS));
        tokio::time::sleep_until(moment.into()).await;
        panel.kill();
        load.is_at(None);
        if kill % CHECK_EVERY == 0 {
            panel.books_balance();
        }
        panel.start().await;
    }
    load.is_at(Some(panel.customer(0)));
    let known = load.stop().await;
    eprintln!(
        "{kills} kills, {} orders acknowledged, {} unanswered",
        known.acknowledged.len(),
        known.unanswered.len()
    );
    assert!(known.acknowledged.len() > kills, "the load was no load: {}", known.acknowledged.len());
    assert!(known.contradictions.is_empty(), "{:?}", known.contradictions);
    assert!(known.refused.is_empty(), "{:?}", known.refused);

    all_acknowledged_are_there(&panel, &known).await;
    let settled = settle(&panel, &known).await;
    eprintln!("ends: {settled:?}");
    let witness = provider.witness().await;
    witness.bought_nothing_twice();
    let bought = witness.by_link();
    let strange = bought.keys().find(|link| {
        !known.acknowledged.contains_key(**link) && !known.unanswered.iter().any(|one| one == *link)
    });
    assert!(strange.is_none(), "nobody asked for {strange:?}");
    panel.books_balance();
    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}", ended.status);
    panel.books_balance();
}

async fn all_acknowledged_are_there(panel: &Panel, known: &Known) {
    let mut ids: Vec<u64> = known.acknowledged.values().copied().collect();
    ids.sort_unstable();
    let distinct = ids.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(distinct, "two links were told the same order");
    for some in ids.chunks(100) {
        let statuses = panel.customer(0).statuses(some).await;
        for id in some {
            let status = &statuses[id.to_string()];
            assert!(status["status"].is_string(), "order {id} was acknowledged and is lost: {status}");
        }
    }
}

/// Waits until every order has ended or waits for the operator because nobody can know whether it was sent.
async fn settle(panel: &Panel, known: &Known) -> BTreeMap<String, usize> {
    let ids: Vec<u64> = known.acknowledged.values().copied().collect();
    let words = until("all orders settled", SETTLE_LIMIT, async || {
        let mut words: BTreeMap<String, usize> = BTreeMap::new();
        for some in ids.chunks(100) {
            let statuses = panel.customer(0).statuses(some).await;
            for id in some {
                let word = statuses[id.to_string()]["status"].as_str().unwrap_or("nothing").to_owned();
                *words.entry(word).or_default() += 1;
            }
        }
        let running = ["Processing", "In progress"].iter().filter_map(|word| words.get(*word)).sum::<usize>();
        let pending = words.get("Pending").copied().unwrap_or(0);
        let held = panel.ask(&["order", "list-held", "--limit", "100000"]).as_array().map_or(0, Vec::len);
        if running == 0 && pending <= held { Ok(words) } else { Err((words, held)) }
    })
    .await;
    assert!(words.contains_key("Completed"), "{words:?}");
    words
}
