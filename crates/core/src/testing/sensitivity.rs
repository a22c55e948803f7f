//! Proof that the property can fail: each bug planted in the core is seen within some lives (invariants.md 4.2).

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::Stage;
use super::property::{acts, live, live_in_batches, open};
use crate::planted::{Bug, Planted};

/// Lives until a bug must have been seen.
const LIVES: u32 = 3_000;

/// The bugs that lie in the core; the others lie in the executor and the engine, and the simulation finds them.
const IN_THE_CORE: [Bug; 11] = [
    Bug::RetryAfterTimeout,
    Bug::BalanceBeforeBatch,
    Bug::RefundWithoutCap,
    Bug::RefundRepeated,
    Bug::IdempotencyIgnored,
    Bug::NegativeRemains,
    Bug::FullRefundOnPartial,
    Bug::RefundOnCancelRequest,
    Bug::LeaveTerminal,
    Bug::ChargeRoundsDown,
    Bug::RunsCatchUp,
];

/// How many lives it took to see the bug.
fn lives_until_seen(bug: Bug) -> Option<u32> {
    let mut runner = TestRunner::deterministic();
    let (single, batched) =
        (prop::collection::vec(acts(), 60), prop::collection::vec(prop::collection::vec(acts(), 1..6), 20));
    (1..=LIVES).find(|_| {
        let life = single.new_tree(&mut runner).expect("a life").current();
        let days = batched.new_tree(&mut runner).expect("a life").current();
        let stage = || Stage { planted: Planted::only(bug), ..open() };
        let unseen = catch_unwind(AssertUnwindSafe(|| {
            live(&mut stage(), &life);
            live_in_batches(&mut stage(), &days);
        }));
        unseen.is_err()
    })
}

#[test]
fn every_bug_planted_in_the_core_is_seen() {
    std::panic::set_hook(Box::new(|_| {}));
    let seen: Vec<(Bug, Option<u32>)> =
        IN_THE_CORE.into_iter().map(|bug| (bug, lives_until_seen(bug))).collect();
    let _ = std::panic::take_hook();
    let unseen: Vec<&(Bug, Option<u32>)> = seen.iter().filter(|(_, lives)| lives.is_none()).collect();
    assert!(unseen.is_empty(), "not seen within {LIVES} lives: {unseen:?}; all: {seen:?}");
}
