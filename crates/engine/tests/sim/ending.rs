//! The second half of every seed: faults stop, a person clears up, and then everything must come to its end
//! (invariants.md 3, I17 and I23 to I25).
//!
//! Bounds: what is due is sent within a minute once its provider is known to be well; what has ended there has ended
//! here within two polls; nobody waits for a question longer than its longest wait; and in the end nothing is open,
//! in flight, queued or waited for.

use panelworks_core::catalogue::{Route, Service};
use panelworks_core::command::Command;
use panelworks_core::customer::Standing;
use panelworks_core::ids::{AttemptId, CustomerId, OrderId, ProviderAccountId};
use panelworks_core::money::Rate;
use panelworks_core::order::attempt::{Attempt, AttemptState, Purpose, Verdict};
use panelworks_core::order::{CancelState, HoldReason, OrderFile, Part};
use panelworks_core::provider::{ProviderAccount, SeenRemains, SeenStatus};
use panelworks_core::time::Span;
use panelworks_engine::limits;
use rand::RngExt;

use crate::checks;
use crate::operator::HUGE;
use crate::outside::Outside;
use crate::run::Sim;
use crate::shop;

/// A healthy provider is known to be well after this: the longest that its refusals were believed, and the longest wait
/// of an order that they held back.
const KNOWN_TO_BE_WELL: Span = Span::minutes(30);
/// From due to sent (I23).
const DISPATCHED_WITHIN: Span = Span::seconds(60);
/// Two of the longest waits between questions, and the time the answers take.
const TWO_POLLS: Span = Span::minutes(130);
/// From one question about an open order to the next (I25): the longest wait, and the time the answer takes.
const ASKED_WITHIN: Span = Span::minutes(65);
/// Everything has ended after so many looks of a person, a quarter of a day apart.
const LOOKS: u32 = 24;

/// What was broken.
type Held = Result<(), Vec<String>>;

/// An order that its provider shows as ended.
type Over = (OrderId, ProviderAccountId, String);

impl Sim {
    pub(crate) fn finish(&mut self) -> Held {
        self.make_peace();
        for _ in 0..3 {
            self.clear_up(false)?;
            self.pass_in_peace(Span(KNOWN_TO_BE_WELL.0 / 3))?;
        }
        hold(self.kept_waiting())?;
        let over = self.over_there();
        self.pass_in_peace(TWO_POLLS)?;
        hold(self.not_noticed(&over))?;
        hold(self.starving())?;
        for _ in 0..LOOKS {
            if self.panel.books().orders().all(|file| file.order.status.has_ended()) {
                break;
            }
            self.clear_up(true)?;
            self.pass_in_peace(Span::hours(6))?;
        }
        // Corrections come for a week.
        if self.rng.random_ratio(1, 12) {
            self.pass_in_peace(Span::days(8))?;
        }
        hold(self.still_open())?;
        hold(checks::in_the_end(self.panel.books(), &self.outside, &self.promised))
    }

    fn pass_in_peace(&mut self, span: Span) -> Held {
        self.let_pass(span);
        hold(self.check(true))
    }

    /// From now on everything works, and costs next to nothing.
    fn make_peace(&mut self) {
        self.say(|| "peace".to_owned());
        self.outside.heal(self.panel.now());
        let books = self.panel.books();
        books.faults.clear();
        (books.full, books.poisoned) = (false, None);
        self.panel.recover(&mut self.outside);
        let books = self.panel.books();
        let providers: Vec<ProviderAccount> = books.providers().cloned().collect();
        let services: Vec<Service> = books.services().cloned().collect();
        for mut provider in providers {
            (provider.enabled, provider.connections) = (true, 4);
            self.put_provider(provider);
        }
        for mut service in services {
            service.enabled = true;
            if let Route::Providers(legs) = &mut service.route {
                for leg in legs.iter_mut() {
                    leg.rate = Rate::from_micros(0).unwrap();
                }
            }
            shop::must(&self.submit(Command::PutService { service: Box::new(service) }));
        }
        for customer in (1..=shop::CUSTOMERS).map(CustomerId) {
            shop::must(&self.submit(Command::SetStanding { customer, standing: Standing::Active }));
        }
    }

    /// A person looks at everything that waits for one. `all`: also at what the provider may still set right itself.
    fn clear_up(&mut self, all: bool) -> Held {
        for (attempt, account, purpose, unknown) in self.waiting_for_a_person() {
            // Meanwhile another word may have settled it.
            let still = self.waiting_for_a_person().iter().any(|(id, ..)| *id == attempt);
            let verdict = self.verdict(attempt, account, purpose, unknown);
            if still && !self.resolve(attempt, &verdict) && !self.resolve(attempt, &Verdict::WriteOff) {
                return Err(vec![format!(
                    "I17: attempt {attempt} waits for a person, and can't be resolved"
                )]);
            }
        }
        let open = self.panel.books().orders().filter(|file| !file.order.status.has_ended());
        let open: Vec<OrderFile> = open.cloned().collect();
        for file in open {
            let (id, customer) = (file.order.id, file.order.customer);
            match (&file.order.part, file.order.hold.as_ref().map(|hold| &hold.reason)) {
                (Part::Subscription(_), _) => self.cancel_of(id, customer),
                (_, Some(HoldReason::PartialPackage)) => self.share_of(id, 500),
                (_, Some(HoldReason::PartialWithoutRemains { .. })) if all => {
                    self.by_hand(id, &SeenStatus::Completed, SeenRemains::Missing);
                }
                (_, Some(HoldReason::Manual)) => {
                    self.by_hand(id, &SeenStatus::Completed, SeenRemains::Missing);
                }
                _on_its_way => {
                    let at_provider = file
                        .attempts
                        .iter()
                        .any(|attempt| attempt.state.is_planned() || attempt.state.is_live());
                    if !at_provider && !matches!(file.order.part, Part::DripFeed(_)) {
                        self.by_hand(id, &SeenStatus::Completed, SeenRemains::Missing);
                    }
                }
            }
        }
        Ok(())
    }

    /// I23: due for longer than a minute though its provider is well.
    fn kept_waiting(&mut self) -> Vec<String> {
        let now = self.panel.now();
        let mut found = Vec::new();
        for file in self.panel.books().orders().filter(|file| !file.order.status.has_ended()) {
            for attempt in &file.attempts {
                let since = match &attempt.state {
                    AttemptState::Planned { due } => *due,
                    AttemptState::Sending { since } => *since,
                    _any_other => continue,
                };
                if now.since(since) > DISPATCHED_WITHIN {
                    found.push(format!(
                        "I23: order {} waits to be sent since {} ms though its provider is well: {attempt:?}",
                        file.order.id,
                        now.since(since).0
                    ));
                }
            }
        }
        found
    }

    /// Open orders whose providers show them as ended.
    fn over_there(&mut self) -> Vec<Over> {
        let now = self.panel.now();
        let mut open = Vec::new();
        for file in self.panel.books().orders().filter(|file| !file.order.status.has_ended()) {
            open.extend(followed(file).map(|(account, order)| (file.order.id, account, order)));
        }
        open.retain(|(_, account, order)| self.outside.is_over(now, *account, order));
        open
    }

    /// I23: ended at its provider for two polls, and not here. Some are for a person: a package, of which nobody else
    /// knows how much was delivered, and an order whose provider was told of another's (B2) and says what can't be.
    fn not_noticed(&mut self, over: &[Over]) -> Vec<String> {
        let books = self.panel.books();
        let open = over.iter().filter(|(id, _, _)| {
            books.order(*id).is_some_and(|file| {
                let for_a_person = file.order.hold.as_ref().is_some_and(|hold| {
                    matches!(
                        hold.reason,
                        HoldReason::PartialPackage | HoldReason::PartialWithoutRemains { .. }
                    )
                });
                !file.order.status.has_ended() && !for_a_person
            })
        });
        open.map(|(id, account, order)| {
            let file = books.order(*id);
            format!("I23: order {id} has ended at provider {account} as {order}, and is {file:?} here")
        })
        .collect()
    }

    /// I25: an open order that nobody asks about.
    fn starving(&mut self) -> Vec<String> {
        let now = self.panel.now();
        let mut open = Vec::new();
        for file in self.panel.books().orders().filter(|file| !file.order.status.has_ended()) {
            let made = file.order.accepted_at;
            open.extend(followed(file).map(|(account, order)| (file.order.id, made, (account, order))));
        }
        let starving = open.into_iter().filter_map(|(id, made, theirs)| {
            let waited = now.since(self.outside.asked.get(&theirs).copied().unwrap_or(made).max(made));
            (waited > ASKED_WITHIN)
                .then(|| format!("I25: order {id} was not asked about for {} ms", waited.0))
        });
        starving.collect()
    }

    /// In the end nothing is open, in flight or waited for (I23, I24).
    fn still_open(&mut self) -> Vec<String> {
        let now = self.panel.now();
        let mut found = Vec::new();
        for file in self.panel.books().orders() {
            if !file.order.status.has_ended() && !is_mixed_up(file, &self.outside) {
                found.push(format!("I23: order {} never ends: {file:?}", file.order.id));
            }
            let in_flight = file.order.sums.in_flight().map_or(i64::MIN, |amount| amount.0);
            if file.order.part.parent().is_none() && file.order.status.has_ended() && in_flight != 0 {
                found.push(format!("I6: order {} has ended with {in_flight} in flight", file.order.id));
            }
            let asked = file.cancels.iter().any(|cancel| matches!(cancel.state, CancelState::Pending { .. }));
            if asked {
                found.push(format!("I23: a cancel of order {} was never settled", file.order.id));
            }
        }
        let (ready, idle) = self.panel.load();
        if found.is_empty() && (ready > 0 || !idle) {
            found.push(format!(
                "I24: {ready} attempts are ready though nothing is open; idle: {idle}; {now:?}"
            ));
        }
        found.truncate(3);
        found
    }
}

/// A provider mixed up the ids of its orders (B2): a subscription follows another's, or was named another's as its post.
/// It never ends, and nobody can end such a subscription yet (docs/simulation.md).
fn is_mixed_up(file: &OrderFile, outside: &Outside) -> bool {
    let named = |reason: &HoldReason| matches!(reason, HoldReason::Failed { text } if text.contains("belongs to another attempt"));
    let follows_another = |attempt: &Attempt| {
        let id = AttemptId { order: file.order.id, number: attempt.number };
        let made =
            outside.made_for(id.order).filter(|arrived| arrived.attempt == id).find_map(|one| one.made);
        let told = attempt.state.provider_order().and_then(|order| order.as_str().parse::<u64>().ok());
        told.is_some_and(|told| Some(told & !HUGE) != made)
    };
    matches!(file.order.part, Part::Subscription(_))
        && (file.order.hold.as_ref().is_some_and(|hold| named(&hold.reason))
            || file.attempts.iter().any(follows_another))
}

/// What an order waits for at its provider.
fn followed(file: &OrderFile) -> impl Iterator<Item = (ProviderAccountId, String)> + '_ {
    let ours = file.attempts.iter().filter(|attempt| attempt.purpose == Purpose::Order);
    ours.filter_map(|attempt| match &attempt.state {
        AttemptState::Accepted { order } | AttemptState::Adopted { order } => {
            Some((attempt.account, order.as_str().to_owned()))
        }
        _any_other => None,
    })
}

fn hold(found: Vec<String>) -> Held {
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// The bounds above are no tighter than what the engine promises.
const _: () = assert!(
    limits::POLL_WAIT_MAX.0 < ASKED_WITHIN.0
        && 2 * limits::POLL_WAIT_MAX.0 < TWO_POLLS.0
        && limits::RETRY_AFTER_MAX.0 < KNOWN_TO_BE_WELL.0
);
