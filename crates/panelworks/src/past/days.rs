//! What customers and the operator do on each day of the past. Drawn from a fixed seed: every demo has the same.

use panelworks_core::catalogue::{Service, ServiceType};
use panelworks_core::command::Command;
use panelworks_core::ids::{CustomerId, OrderId};
use panelworks_core::money::{Amount, Rate};
use panelworks_core::order::Lines;
use panelworks_core::order::draft::{Draft, Extra, Given};
use panelworks_core::outcome::Done;
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::Reply;

use super::{Beginning, PastError};

/// Orders of one day, of the first and of the second customer.
const ORDERS: [u32; 2] = [26, 10];
/// Days from an order to the question whether it can be refilled.
const REFILL_AFTER: i64 = 4;

/// The customers' habits and what they were told so far.
#[derive(Debug)]
pub(super) struct Days {
    services: Vec<Service>,
    customers: [CustomerId; 2],
    draws: u64,
    /// Orders placed, by day, with who placed them.
    placed: Vec<(i64, CustomerId, OrderId)>,
}

/// One thing somebody does.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) at: Timestamp,
    pub(super) asked: Asked,
    pub(super) command: Command,
}

/// What its answer must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    Order(CustomerId),
    /// May be refused: customers ask for what can't be had, too.
    Wish,
    /// Must work.
    Need,
}

impl Days {
    pub(super) fn new(begin: &Beginning) -> Self {
        Self {
            services: begin.services.clone(),
            customers: begin.customers,
            draws: 0x5eed,
            placed: Vec::new(),
        }
    }

    pub(super) fn placed(&self) -> u64 {
        self.placed.len() as u64
    }

    /// The day's commands, each with its hour.
    pub(super) fn plan(&mut self, day: i64, morning: Timestamp, ordering: bool) -> Vec<Planned> {
        let mut plan = Vec::new();
        if day % 7 == 3 {
            plan.push(Planned {
                at: morning.after(Span::hours(8)),
                asked: Asked::Need,
                command: self.reprice(),
            });
        }
        if day % 6 == 1 {
            for customer in self.customers {
                let amount = Amount(50_000_000 * i64::from(self.draw(4) + 1));
                let note = "deposit by bank transfer".to_owned();
                let command = Command::CreditCustomer { customer, amount, note };
                plan.push(Planned { at: morning.after(Span::hours(9)), asked: Asked::Need, command });
            }
        }
        if ordering {
            for (place, count) in ORDERS.into_iter().enumerate() {
                for number in 0..count {
                    let at = morning.after(Span::minutes(i64::from(600 + number * 13 + self.draw(12))));
                    let customer = self.customers[place];
                    let command = self.order(customer, place == 0);
                    plan.push(Planned { at, asked: Asked::Order(customer), command });
                }
            }
            self.cancel_one(morning, &mut plan);
        }
        self.refill_some(day, morning, &mut plan);
        plan.sort_by_key(|planned| planned.at);
        plan
    }

    /// What the books answered to one of them.
    pub(super) fn hear(&mut self, day: i64, asked: Asked, reply: &Reply) -> Result<(), PastError> {
        match (asked, reply) {
            (Asked::Order(customer), Ok(Ok(Done::Placed { order, .. }))) => {
                self.placed.push((day, customer, *order));
            }
            (Asked::Need | Asked::Order(_), Ok(Err(refusal))) => {
                return Err(PastError::Refused { day, why: refusal.to_string() });
            }
            (_, Err(undecided)) => return Err(PastError::Refused { day, why: undecided.to_string() }),
            (Asked::Wish | Asked::Need | Asked::Order(_), Ok(_)) => {}
        }
        Ok(())
    }

    /// One price goes up a little, as prices do.
    fn reprice(&mut self) -> Command {
        let place = self.pick(self.services.len());
        let service = &mut self.services[place];
        let micros = service.rate.micros() + service.rate.micros() / 20;
        service.rate = Rate::from_micros(micros).unwrap_or(service.rate);
        Command::PutService { service: Box::new(self.services[place].clone()) }
    }

    /// The first customer sells guaranteed followers; the second tries everything that ends by itself.
    fn order(&mut self, customer: CustomerId, guaranteed: bool) -> Command {
        let wanted = |service: &&Service| match service.service_type {
            ServiceType::Default => {
                !guaranteed || (service.refill.is_some() && service.rate.micros() < 5_000_000)
            }
            ServiceType::CustomComments | ServiceType::Package => !guaranteed,
            _further_type => false,
        };
        let services: Vec<Service> = self.services.iter().filter(wanted).cloned().collect();
        let service = services[self.pick(services.len())].clone();
        let quantity = service.min.max(100) + u64::from(self.draw(9)) * 50;
        let mut draft = Draft { quantity: Given::Is(quantity), ..Draft::default() };
        if !service.linkless {
            draft.link = Given::Is(format!(
                "https://social.example/{}/post/{}",
                NAMES[self.pick(NAMES.len())],
                self.draws
            ));
        }
        if service.service_type == ServiceType::CustomComments {
            let lines: Vec<String> =
                (0..10 + self.draw(15)).map(|_| COMMENTS[self.pick(COMMENTS.len())].to_owned()).collect();
            draft.extra =
                Some(Box::new(Extra { comments: Given::Is(Lines::from(lines)), ..Extra::default() }));
        } else if service.dripfeed && self.draw(12) == 0 {
            draft.quantity = Given::Is(service.min.max(100));
            (draft.runs, draft.interval_min) = (Given::Is(3), Given::Is(60));
        }
        Command::PlaceOrder { customer, service: Some(service.id), draft, mark: None, max_charge: None }
    }

    /// Somebody changes their mind within the hour.
    fn cancel_one(&mut self, morning: Timestamp, plan: &mut Vec<Planned>) {
        let recent: Vec<(CustomerId, OrderId)> =
            self.placed.iter().rev().take(20).map(|(_, customer, order)| (*customer, *order)).collect();
        if recent.is_empty() {
            return;
        }
        let (customer, order) = recent[self.pick(recent.len())];
        let command = Command::RequestCancel { customer, order };
        plan.push(Planned { at: morning.after(Span::minutes(5)), asked: Asked::Wish, command });
    }

    /// Drops are noticed some days later.
    fn refill_some(&mut self, day: i64, morning: Timestamp, plan: &mut Vec<Planned>) {
        // Refills of the last days would still be open at the opening.
        if day >= super::DAYS - super::QUIET_DAYS {
            return;
        }
        let dropped: Vec<(CustomerId, OrderId)> = (self.placed.iter())
            .filter(|(placed, _, _)| *placed == day - REFILL_AFTER)
            .map(|(_, customer, order)| (*customer, *order))
            .take(4)
            .collect();
        for (customer, order) in dropped {
            let command = Command::RequestRefill { customer, order };
            plan.push(Planned { at: morning.after(Span::hours(11)), asked: Asked::Wish, command });
        }
    }

    fn pick(&mut self, count: usize) -> usize {
        self.draw(u32::try_from(count).unwrap_or(u32::MAX)) as usize
    }

    /// A draw below `below`: a fixed sequence, so that every demo lives the same past.
    fn draw(&mut self, below: u32) -> u32 {
        self.draws =
            self.draws.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.draws >> 33) % u64::from(below.max(1))).unwrap_or(0)
    }
}

const NAMES: [&str; 8] =
    ["anna", "boris.eats", "cafe_luna", "delta.fit", "emma_paints", "fjord.travel", "greta", "hiking_club"];
const COMMENTS: [&str; 6] = [
    "Love this!",
    "Where was this taken?",
    "So good 🔥",
    "Following for more",
    "This made my day",
    "Wow, well done",
];
