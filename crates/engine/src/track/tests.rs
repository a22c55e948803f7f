//! What [`super`] promises, told by the core's own rows.

use bytes::Bytes;
use panelworks_client::{ClientCall, Exchanged};

use panelworks_core::ids::CustomerId;
use panelworks_core::outcome::Done;
use panelworks_core::provider::SeenStatus;
use panelworks_core::testing::{Stage, draft, seen};
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
        let mut engine = Engine::new(Pace::default());
        engine.know(&stage.providers.values().cloned().collect::<Vec<_>>(), std::iter::empty());
        let mut heard = Self { stage, engine, customer, order };
        heard.tell();
        heard
    }

    fn tell(&mut self) {
        let after = self.stage.file(self.order).clone();
        let orders = vec![OrderChange { before: None, after }];
        self.engine.heard(self.stage.now, &Changes { orders, ..Changes::default() });
    }

    /// What is asked of providers now, beside the status of orders.
    fn asks(&mut self) -> Vec<(Ticket, ClientCall)> {
        let Next { acts, .. } = self.engine.next(self.stage.now);
        let asks = acts.into_iter().filter_map(|act| match act {
            Act::Ask { ticket, call, .. } if !matches!(call, ClientCall::Status(_)) => Some((ticket, call)),
            Act::Ask { .. } | Act::Submit { .. } | Act::ReadOpen { .. } | Act::ReadEnded { .. } => None,
        });
        asks.collect()
    }

    /// The one thing that is asked is answered with `body`, and what the engine makes of it is decided.
    fn answer(&mut self, body: &'static str) {
        let asks = self.asks();
        let [(ticket, _)] = asks.as_slice() else { panic!("{asks:?}") };
        let body = Bytes::from_static(body.as_bytes());
        let answer = Ok(Exchanged { status: 200, retry_after: None, body });
        self.engine.answered(self.stage.now, *ticket, &answer);
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
