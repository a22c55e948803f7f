//! One limit over all nodes (`api-v2.md` §12).

use std::time::{Duration, Instant};

use panelworks_tests::{error_of, until};

use crate::{LIMIT, Nodes, is_left_out, metric};

const PER_MINUTE: u32 = 120;
const BURST: u32 = 6;
/// How long a customer calls both nodes as fast as they answer.
const CALLING: Duration = Duration::from_secs(8);

/// Shows C28.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_calls_two_nodes_has_one_limit() {
    if is_left_out("a limit over two nodes") {
        return;
    }
    let (per_minute, burst) = (PER_MINUTE.to_string(), BURST.to_string());
    let settings =
        [("HTTP_REQUESTS_PER_MINUTE", per_minute.as_str()), ("HTTP_REQUESTS_BURST", burst.as_str())];
    let nodes = Nodes::start_with(2, &[], &settings).await;
    let said = nodes.panel(0).ask(&["customer", "add", "hasty", "--balance", "1"]);
    let key = said["api_key"].as_str().unwrap_or_else(|| panic!("no key: {said}"));
    for place in [0, 1] {
        // Both know that they are two: only then do they tell each other.
        nodes.anna(place).order(nodes.service().await, &panelworks_tests::link("pace"), 100).await;
        until("both nodes to know of each other", LIMIT, async || {
            match metric(nodes.panel(place), "nodes_live").await {
                2 => Ok(()),
                live => Err(live),
            }
        })
        .await;
    }
    let (begun, mut passed, mut refused) = (Instant::now(), 0_u32, 0_u32);
    until("the end of the calling", LIMIT, async || {
        for place in [0, 1] {
            let answer =
                nodes.customer(place, key).try_call(&[("action", "balance")]).await.expect("an answer");
            let is_refused = answer.status == 429 || !error_of(&answer.json()).is_empty();
            if is_refused { refused += 1 } else { passed += 1 }
        }
        if begun.elapsed() >= CALLING { Ok(()) } else { Err(passed) }
    })
    .await;
    let seconds = u32::try_from(begun.elapsed().as_secs()).expect("few") + 1;
    let one_limit = BURST + PER_MINUTE * seconds / 60;
    eprintln!("{passed} calls passed, {refused} were refused; one node alone lets {one_limit} through");
    // The second node's burst, and what passes within a second before the nodes have told each other.
    let most = one_limit + BURST + PER_MINUTE / 60 + BURST / 4;
    assert!(passed <= most, "{passed} of at most {most}");
    assert!(passed + BURST >= PER_MINUTE * (seconds - 1) / 60, "and nobody is held back for more: {passed}");
}
