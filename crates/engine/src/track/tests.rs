//! What [`super`] promises, told by the core's own rows.

use bytes::Bytes;
use panelworks_client::{ClientCall, Exchanged};

use panelworks_core::ids::CustomerId;
use panelworks_core::order::attempt::Verdict;
use panelworks_core::outcome::Done;
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{Stage, draft, provider_order, seen, unknown};
use panelworks_core::time::Span;
use panelworks_core::world::{Changes, OrderChange};

use super::*;
use crate::engine::{Act, Next, Pace, Ticket};

/// A stage, and an engine that hears of what happens on it.
struct Heard {
    stage: Stage,
    engine: Engine,
    customer: CustomerId,
    order: OrderId,
}

impl Heard {
    /// An order that is accepted upstream.
    fn accepted() -> Self {
        let mut stage = Stage::default();
        let (sold, _) = stage.routed();
        let customer = stage.customer(1_000_000);
        let order = stage.placed(customer, sold, draft("https://example.com/p", 100));
        stage.accept(order, "p1");
        Self::of(stage, customer, order)
    }

    /// An engine that was started on what stands on the stage.
    fn of(stage: Stage, customer: CustomerId, order: OrderId) -> Self {
        let mut engine = Engine::new(Pace::default());
        engine.know(&stage.providers.values().cloned().collect::<Vec<_>>(), std::iter::empty());
        let mut heard = Self { stage, engine, customer, order };
        heard.tell();
        heard
    }

    fn tell(&mut self) {
        let after = Box::new(self.stage.file(self.order).clone());
        let orders = vec![OrderChange { before: None, after }];
        self.engine.heard(self.stage.now, &Changes { orders, ..Changes::default() }, &[]);
    }

    /// What is asked of providers now.
    fn calls(&mut self) -> Vec<(Ticket, ClientCall)> {
        let Next { acts, .. } = self.engine.next(self.stage.now);
        let calls = acts.into_iter().filter_map(|act| match act {
            Act::Ask { ticket, call, .. } => Some((ticket, call)),
            Act::Submit { .. } | Act::ReadOpen { .. } | Act::ReadOrders(_) | Act::ReadEnded { .. } => None,
        });
        calls.collect()
    }

    /// The same, beside the status of orders.
    fn asks(&mut self) -> Vec<(Ticket, ClientCall)> {
        let mut calls = self.calls();
        calls.retain(|(_, call)| !matches!(call, ClientCall::Status(_)));
        calls
    }

    /// The one thing that is asked is answered with `body`.
    fn answer(&mut self, body: &'static str) {
        let asks = self.asks();
        let [(ticket, _)] = asks.as_slice() else { panic!("{asks:?}") };
        self.take(*ticket, body);
    }

    /// `body` comes back, and what the engine makes of it is decided.
    fn take(&mut self, ticket: Ticket, body: &'static str) {
        let body = Bytes::from_static(body.as_bytes());
        let answer = Ok(Exchanged { status: 200, retry_after: None, body });
        self.engine.answered(self.stage.now, ticket, &answer);
        for act in self.engine.next(self.stage.now).acts {
            let Act::Submit { ticket, command, .. } = act else { continue };
            let outcome = self.stage.run(command);
            assert_eq!(outcome, Ok(Done::Noted));
            self.tell();
            self.engine.decided(self.stage.now, ticket, Ok(outcome));
        }
    }

    fn wait(&mut self, span: Span) {
        self.stage.now = self.stage.now.after(span);
    }
}

/// Asked at once, then at 20 s, 40 s and so on after an answer that says nothing: never sooner.
fn backs_off(heard: &mut Heard) {
    for wait in [20, 40, 80, 160, 320, 640] {
        heard.answer("<html>later</html>");
        heard.wait(Span(Span::seconds(wait).0 - 1));
        assert!(heard.asks().is_empty(), "asked before the {wait} seconds are over");
        heard.wait(Span(1));
    }
    assert_eq!(heard.asks().len(), 1);
}

#[test]
fn after_an_unclear_answer_a_cancel_is_asked_again_when_the_core_says() {
    let mut heard = Heard::accepted();
    heard.stage.cancel(heard.customer, heard.order).expect("asked");
    heard.tell();
    backs_off(&mut heard);
}

#[test]
fn after_an_unclear_answer_a_refill_is_asked_again_when_the_core_says() {
    let mut heard = Heard::accepted();
    let attempt = heard.stage.last_attempt(heard.order);
    heard.stage.observe(attempt, seen(SeenStatus::Completed));
    heard.stage.wait(Span::hours(24));
    heard.stage.refill(heard.customer, heard.order).expect("asked");
    heard.tell();
    backs_off(&mut heard);
}

/// An order written off and paid back, found at its provider after all.
fn found_late() -> Heard {
    let mut stage = Stage::default();
    let (sold, _) = stage.routed();
    let customer = stage.customer(1_000_000);
    let order = stage.placed(customer, sold, draft("https://example.com/p", 100));
    let attempt = stage.send(order, unknown());
    for verdict in [Verdict::WriteOff, Verdict::Adopt { order: provider_order("late") }] {
        stage.run(Command::ResolveAttempt { attempt, verdict }).expect("resolved");
    }
    Heard::of(stage, customer, order)
}

#[test]
fn what_is_found_late_is_asked_back_until_a_clear_answer_and_followed_to_its_end() {
    let mut heard = found_late();
    backs_off(&mut heard);
    let mut heard = found_late();
    heard.answer(r#"[{"order":"late","cancel":7}]"#);
    heard.wait(Span::minutes(1));
    let calls = heard.calls();
    let [(ticket, ClientCall::Status(ids))] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(ids.as_slice(), ["late"]);
    let (ticket, balance) = (*ticket, heard.stage.balance(heard.customer));
    heard.take(ticket, r#"{"late":{"charge":"0","status":"Canceled","remains":"100","currency":"USD"}}"#);
    assert_eq!(heard.stage.file(heard.order).attempts[0].booked_cost.0, 0, "the provider gave it back");
    assert_eq!(heard.stage.balance(heard.customer), balance);
    heard.wait(Span::days(1));
    assert!(heard.calls().is_empty(), "nothing is left to ask");
}

#[test]
fn a_recall_goes_on_after_a_start() {
    let before = found_late();
    let mut heard = Heard::of(before.stage, before.customer, before.order);
    let asks = heard.asks();
    assert!(matches!(asks.as_slice(), [(_, ClientCall::Cancel(ids))] if ids == &["late"]), "{asks:?}");
}
