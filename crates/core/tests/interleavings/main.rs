//! Every interleaving of an order's life, to a depth: what customers, providers, reports and operators do in any order.
//!
//! In: scenes, each an order or two in an empty shop. Out: a count of the distinct states that were reached, or the
//! acts that led to a broken law. After every act the audit runs over everything (invariants.md 3), the change is held
//! against the laws of change, an onlooker who believes nobody ([`onlooker`]) agrees about the money, and from every
//! fourth state the order is brought to its end. Rules: features.md T15, invariants.md 4.1.
//!
//! Two states are one when all that a decision can read is the same: the ledger only grows and no decision reads it, so
//! two ways to the same rows have the same futures, and each act's entries are audited on the way it was done first.

mod acts;
mod ending;
mod onlooker;
mod scenes;
mod search;

use std::time::Instant;

use panelworks_core::planted::{Bug, Planted};
use scenes::{SCENES, Scene};
use search::explore;

/// Bugs of the core that lie in an order's life, and where each must be seen.
const BUGS: [(Bug, &str); 8] = [
    (Bug::RetryAfterTimeout, "one order at two providers"),
    (Bug::RefundWithoutCap, "one order at two providers"),
    (Bug::RefundRepeated, "one order at two providers"),
    (Bug::NegativeRemains, "one order at two providers"),
    (Bug::FullRefundOnPartial, "one order at two providers"),
    (Bug::RefundOnCancelRequest, "one order at two providers"),
    (Bug::LeaveTerminal, "one order at two providers"),
    (Bug::RunsCatchUp, "a drip-feed of three runs"),
];

/// Shows B1, B6, B7, B8, B20, C20, I3, I6, I8, I9, I11, I14, T15.
#[test]
fn no_interleaving_of_an_orders_life_breaks_a_law() {
    let mut all = 0;
    for scene in &SCENES {
        let begun = Instant::now();
        let found = explore(scene, Planted::default()).unwrap_or_else(|broken| panic!("{broken}"));
        println!(
            "{}: {} states after {} acts, depth {}, {:.1} s; {:?}",
            scene.name,
            found.states,
            found.acts,
            scene.depth,
            begun.elapsed().as_secs_f32(),
            found.by_name
        );
        assert!(found.states >= scene.least_states, "{}: only {} states", scene.name, found.states);
        for name in scene.must_happen {
            assert!(found.by_name.contains_key(name), "{}: {name} never happened", scene.name);
        }
        all += found.states;
    }
    println!("{all} distinct states");
}

#[test]
fn every_bug_planted_into_an_orders_life_is_seen() {
    for (bug, name) in BUGS {
        let scene: &Scene = SCENES.iter().find(|scene| scene.name == name).expect("a scene");
        let seen = explore(scene, Planted::only(bug));
        let broken = seen.expect_err(&format!("{bug:?} was not seen in {name}"));
        println!("{bug:?}: {}", broken.in_short());
    }
}
