//! What an engine makes of what other nodes did, told by the core's own rows.

use panelworks_core::command::Command;
use panelworks_core::ids::{CustomerId, NodeId, OrderId};
use panelworks_core::order::attempt::{AttemptResult, RESTARTED};
use panelworks_core::testing::{Stage, draft};
use panelworks_core::world::{Changes, OrderChange};
use panelworks_store::ports::Share;

use crate::engine::{Act, Engine, Found, Pace};

/// A stage with one order, and an engine that has walked over its own open orders and found none.
fn begun() -> (Stage, Engine, CustomerId, OrderId) {
    let mut stage = Stage::default();
    let (sold, _) = stage.routed();
    let customer = stage.customer(1_000_000);
    let order = stage.placed(customer, sold, draft("https://example.com/p", 100));
    let mut engine = Engine::new(Pace::default());
    engine.know(&stage.providers.values().cloned().collect::<Vec<_>>(), std::iter::empty());
    engine.next(stage.now);
    engine.found(stage.now, Found::Open { share: Share::Own, files: Vec::new(), more: false });
    (stage, engine, customer, order)
}

fn hear(stage: &Stage, engine: &mut Engine, order: OrderId, elsewhere: &[OrderId]) {
    let after = Box::new(stage.file(order).clone());
    let orders = vec![OrderChange { before: None, after }];
    engine.heard(stage.now, &Changes { orders, ..Changes::default() }, elsewhere);
}

fn find(stage: &Stage, engine: &mut Engine, order: OrderId) {
    let files = vec![stage.file(order).clone()];
    engine.found(stage.now, Found::Orders { asked: vec![order], files });
}

/// In words: what is submitted, asked of providers, and read.
fn acts(stage: &Stage, engine: &mut Engine) -> Vec<String> {
    let word = |act| match act {
        Act::Submit { command: Command::BeginAttempt { .. }, .. } => "begin".to_owned(),
        Act::Submit { command: Command::FinishAttempt { result, .. }, .. } => match result {
            AttemptResult::Unknown { why } if why == RESTARTED => "own up".to_owned(),
            result => format!("finish {result:?}"),
        },
        Act::Submit { command, .. } => format!("{command:?}"),
        Act::Ask { call, .. } => format!("{call:?}"),
        Act::ReadOpen { share, .. } => format!("{share:?}"),
        Act::ReadOrders(orders) => format!("read {orders:?}"),
        Act::ReadEnded { .. } => "walk".to_owned(),
    };
    engine.next(stage.now).acts.into_iter().map(word).collect()
}

#[test]
fn an_order_that_another_node_works_on_is_left_to_it() {
    let (stage, mut engine, _, order) = begun();
    hear(&stage, &mut engine, order, &[order]);
    assert_eq!(acts(&stage, &mut engine), [""; 0]);
    hear(&stage, &mut engine, order, &[]);
    assert_eq!(acts(&stage, &mut engine), ["begin"]);
}

#[test]
fn an_order_that_another_node_changed_is_read_and_gone_on_with_as_it_is() {
    let (stage, mut engine, _, order) = begun();
    engine.touched(&[order]);
    engine.touched(&[order]);
    assert_eq!(
        acts(&stage, &mut engine),
        [format!("read {:?}", [order])],
        "once; and again when that has come"
    );
    find(&stage, &mut engine, order);
    assert_eq!(acts(&stage, &mut engine), [format!("read {:?}", [order])]);
    find(&stage, &mut engine, order);
    assert_eq!(acts(&stage, &mut engine), ["begin"]);
}

#[test]
fn what_was_changed_here_while_it_was_read_is_read_again() {
    let (mut stage, mut engine, customer, order) = begun();
    let old = stage.file(order).clone();
    engine.touched(&[order]);
    acts(&stage, &mut engine);
    stage.cancel(customer, order).expect("it was not sent yet");
    hear(&stage, &mut engine, order, &[]);
    engine.found(stage.now, Found::Orders { asked: vec![order], files: vec![old] });
    assert_eq!(acts(&stage, &mut engine), [format!("read {:?}", [order])], "what was read is older");
    find(&stage, &mut engine, order);
    assert_eq!(acts(&stage, &mut engine), [""; 0], "it is cancelled: nothing is sent");
    engine.touched(&[order]);
    acts(&stage, &mut engine);
    engine.found(stage.now, Found::Orders { asked: vec![order], files: Vec::new() });
    engine.touched(&[order]);
    assert_eq!(
        acts(&stage, &mut engine),
        [format!("read {:?}", [order])],
        "one that was not there is forgotten"
    );
}

/// Shows A11, I14.
#[test]
fn what_a_fallen_node_was_sending_is_an_unknown_outcome_and_what_it_had_planned_is_sent() {
    let (mut stage, mut engine, _, order) = begun();
    let share = Share::Of(vec![NodeId(2)]);
    engine.inherited(vec![NodeId(2)]);
    assert_eq!(acts(&stage, &mut engine), [format!("{share:?}")]);
    let planned = vec![stage.file(order).clone()];
    engine.found(stage.now, Found::Open { share: share.clone(), files: planned, more: false });
    assert_eq!(acts(&stage, &mut engine), ["begin"]);

    let (_, mut other, ..) = begun();
    other.know(&stage.providers.values().cloned().collect::<Vec<_>>(), std::iter::empty());
    stage.begin(order);
    other.inherited(vec![NodeId(2)]);
    acts(&stage, &mut other);
    let sending = vec![stage.file(order).clone()];
    other.found(stage.now, Found::Open { share: share.clone(), files: sending.clone(), more: false });
    assert_eq!(acts(&stage, &mut other), ["own up"]);
    // The one that began it itself since knows better.
    engine.inherited(vec![NodeId(2)]);
    acts(&stage, &mut engine);
    engine.found(stage.now, Found::Open { share, files: sending, more: false });
    assert_eq!(acts(&stage, &mut engine), [""; 0]);
}

#[test]
fn what_was_being_sent_is_owned_up_to_also_when_the_order_was_changed_meanwhile() {
    let (mut stage, mut engine, customer, order) = begun();
    stage.begin(order);
    engine.inherited(vec![NodeId(2)]);
    acts(&stage, &mut engine);
    let sending = vec![stage.file(order).clone()];
    stage.cancel(customer, order).expect("taken");
    hear(&stage, &mut engine, order, &[]);
    engine.found(stage.now, Found::Open { share: Share::Of(vec![NodeId(2)]), files: sending, more: false });
    assert_eq!(acts(&stage, &mut engine), ["own up"]);
}
