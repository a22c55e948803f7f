//! The provider: API v2 on top of the books, as a pure state machine.
//!
//! In: the time, and the parts of an HTTP request. Out: an answer's bytes (`handle`), or how the connection
//! fares when the provider misbehaves (`react`). It keeps no clock, opens no file and no socket; the facts
//! that a server must keep are handed out by `take_events`, and `restore` makes the same provider of them
//! again. Order of checks and texts: `api-v2.md` §2, §4, §9.

mod add;
mod distort;
mod ids;
mod react;

use add::Added;
use panelworks_wire::request::{self, Ask, Call, CancelAsk, Incoming};
use panelworks_wire::{ErrorText, Request, Response, decimal};

use crate::action::Action;
use crate::books::{Books, View};
use crate::catalogue::{Catalogue, Service};
use crate::dialect;
use crate::event::{Detail, Event, Opening};
use crate::fault::{Fault, Faults};
use crate::options::Settings;
use crate::reply::Reply;
use crate::witness::{self, Arrival, Witness, WitnessedOrder};

use panelworks_wire::response::ServiceRow;

/// See the module.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    catalogue: Catalogue,
    books: Books,
    witness: Witness,
    /// Requests so far, fed to the draws of faults.
    requests: u64,
    /// Facts not yet taken, if anybody keeps a journal.
    journal: Option<Vec<Event>>,
    /// The newest order an `add` created, for the fault that repeats it.
    newest: Option<u64>,
}

/// An answer before it is spoken, and what it is about.
#[derive(Debug)]
struct Answer {
    action: Action,
    response: Response,
    /// The order a single `status` asked about.
    subject: Option<u64>,
    /// The order an `add` created.
    created: Option<u64>,
    /// The one an `add` created before it.
    previous: Option<u64>,
}

impl Provider {
    /// A well-behaved provider with default settings and empty books.
    pub fn new(catalogue: Catalogue, seed: u64) -> Provider {
        Provider::open(catalogue, Settings { seed, ..Settings::default() })
    }

    /// A provider with empty books, opened as the settings say.
    pub fn open(catalogue: Catalogue, settings: Settings) -> Provider {
        let opening = settings.opening();
        Provider::with_books(catalogue, settings, opening)
    }

    /// The provider that these facts left behind. The seed and the opening balance are those of the facts;
    /// speed, faults, dialect and key are those of the settings.
    pub fn restore(
        catalogue: Catalogue,
        settings: Settings,
        facts: impl IntoIterator<Item = Event>,
    ) -> Provider {
        let mut facts = facts.into_iter().peekable();
        let opening = match facts.peek() {
            Some(Event::Opened(opening)) => *opening,
            Some(_) | None => settings.opening(),
        };
        let mut provider = Provider::with_books(catalogue, settings, opening);
        for fact in facts {
            provider.note_fact(&fact);
            provider.books.apply(fact);
        }
        provider
    }

    fn with_books(catalogue: Catalogue, settings: Settings, opening: Opening) -> Provider {
        let mut books = Books::open(opening);
        if settings.faults.mind_links() {
            books.mind_links();
        }
        let (witness, requests, journal, newest) = (Witness::default(), 0, None, None);
        Provider { settings, catalogue, books, witness, requests, journal, newest }
    }

    /// From now on every fact waits to be taken by `take_events`. The first is how the books were opened.
    pub fn keep_journal(&mut self, opened_before: bool) {
        let opening = (!opened_before).then(|| Event::Opened(self.settings.opening()));
        self.journal = Some(opening.into_iter().collect());
    }

    /// The facts since the last call, oldest first; none unless a journal is kept. To be made durable before
    /// the answer they belong to leaves.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.journal.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Answers one request as a provider without faults does. `now_ms` is milliseconds since 1970; a time
    /// before one that was seen counts as that one.
    pub fn handle(&mut self, now_ms: i64, incoming: &Incoming<'_>) -> Reply {
        let request = request::parse(incoming);
        let answer = self.carry_out(now_ms, &request, &[]);
        dialect::speak(self.settings.dialect, answer.action, &answer.response, None)
    }

    /// The customer pays in, or the provider takes away, in micro-units.
    pub fn top_up(&mut self, now_ms: i64, micros: i64) {
        self.advance(now_ms);
        self.write(Event::ToppedUp { at: self.books.now(), micros });
    }

    /// What is left of the customer's money at `now_ms`, in micro-units.
    pub fn balance_micros(&mut self, now_ms: i64) -> i64 {
        self.advance(now_ms);
        self.books.balance_micros()
    }

    /// How an order stands at `now_ms`, without any fault.
    pub fn order(&mut self, now_ms: i64, id: u64) -> Option<View> {
        self.advance(now_ms);
        self.books.find(id).map(|order| self.books.view(order))
    }

    /// What really arrived.
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// At most `limit` of the orders really created, with ids above `after`, in the sequence of their ids.
    pub fn witnessed_orders(&self, after: u64, limit: usize) -> Vec<WitnessedOrder> {
        witness::orders_after(&self.books, after, limit)
    }

    /// What it sells.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What it sells, to be repriced or thinned out.
    pub fn catalogue_mut(&mut self) -> &mut Catalogue {
        &mut self.catalogue
    }

    /// How it is set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// From now on it misbehaves so.
    pub fn set_faults(&mut self, faults: Faults) {
        if faults.mind_links() {
            self.books.mind_links();
        }
        self.settings.faults = faults;
    }

    /// From now on it speaks so.
    pub fn set_dialect(&mut self, dialect: dialect::Dialect) {
        self.settings.dialect = dialect;
    }

    /// Orders placed from now on are delivered at this speed.
    pub fn set_speed(&mut self, speed: crate::delivery::Speed) {
        self.settings.speed = speed;
    }

    fn advance(&mut self, now_ms: i64) {
        let brought = self.books.advance(now_ms);
        if let Some(journal) = &mut self.journal {
            journal.extend(brought);
        }
    }

    fn write(&mut self, fact: Event) {
        self.note_fact(&fact);
        if let Some(journal) = &mut self.journal {
            journal.push(fact.clone());
        }
        self.books.apply(fact);
    }

    /// Does what the request asks for. Of the faults only those matter here that change what is done.
    fn carry_out(&mut self, now_ms: i64, request: &Request, struck: &[Fault]) -> Answer {
        self.advance(now_ms);
        let at = self.books.now();
        let action = action_of(request, &self.settings.api_key);
        let previous = self.newest;
        let (response, created) = match &request.call {
            Call::Add(asked) if action == Action::Add => match self.add(at, asked, struck) {
                Added::New(id) => (Response::Order(id), Some(id)),
                Added::Known(id) => (Response::Order(id), None),
                Added::Refused(error) => (Response::Error(error), None),
            },
            call => {
                self.note(at, action);
                if request.key.as_deref() == Some(&self.settings.api_key) {
                    (self.look_or_act(at, call, struck), None)
                } else {
                    (Response::Error(ErrorText::InvalidApiKey), None)
                }
            }
        };
        // The first run of a drip-feed is due at once.
        self.advance(at);
        let subject = match &request.call {
            Call::Status(Ask::One(asked)) => asked.id,
            _ => None,
        };
        Answer { action, response, subject, created, previous }
    }

    fn look_or_act(&mut self, at: i64, call: &Call, struck: &[Fault]) -> Response {
        match call {
            Call::Services => Response::Services(self.service_rows()),
            Call::Balance => Response::Balance {
                balance: decimal::format(self.books.balance_micros().into()),
                currency: self.settings.currency.clone(),
            },
            Call::Status(ask) => self.status(ask),
            Call::Refill(ask) => self.refill(at, ask),
            Call::RefillStatus(ask) => self.refill_status(ask),
            Call::Cancel(CancelAsk::Orders(ask)) => self.cancel(at, ask, struck.contains(&Fault::CancelIdle)),
            Call::Cancel(CancelAsk::Requests(ask)) => self.cancel_status(ask),
            Call::Add(_) | Call::Incorrect => Response::Error(ErrorText::IncorrectRequest),
        }
    }

    fn service_rows(&self) -> Vec<ServiceRow> {
        self.catalogue.services().iter().map(service_row).collect()
    }

    fn note(&mut self, at: i64, action: Action) {
        let (service, quantity, order) = (None, None, None);
        self.witness.note(Arrival { at, action, service, link: Box::default(), quantity, order });
    }

    /// Tells the witness of an `add`, new or read back from the journal.
    fn note_fact(&mut self, fact: &Event) {
        match fact {
            Event::Placed(placed) => {
                let quantity = match placed.detail {
                    Detail::Run { .. } | Detail::Post { .. } => return,
                    Detail::Single(_) => placed.quantity,
                    Detail::DripFeed(terms) => terms.each,
                    Detail::Subscription(terms) => terms.max,
                };
                self.newest = Some(placed.id);
                self.witness.note(Arrival {
                    at: placed.at,
                    action: Action::Add,
                    service: Some(placed.service),
                    link: placed.link.as_str().into(),
                    quantity: Some(quantity),
                    order: Some(placed.id),
                });
            }
            Event::Refused(refused) => self.witness.note(Arrival {
                at: refused.at,
                action: Action::Add,
                service: refused.service,
                link: refused.link.as_str().into(),
                quantity: refused.quantity,
                order: None,
            }),
            Event::Opened(_)
            | Event::PostSkipped { .. }
            | Event::Starved { .. }
            | Event::RefillTaken { .. }
            | Event::CancelTaken { .. }
            | Event::ToppedUp { .. } => {}
        }
    }
}

/// What a request asks for; a wrong key makes it unreadable before its action is looked at (`api-v2.md` §2).
fn action_of(request: &Request, key: &str) -> Action {
    if request.key.as_deref() != Some(key) {
        return Action::Unreadable;
    }
    match &request.call {
        Call::Services => Action::Services,
        Call::Add(_) => Action::Add,
        Call::Status(_) => Action::Status,
        Call::Refill(_) => Action::Refill,
        Call::RefillStatus(_) => Action::RefillStatus,
        Call::Cancel(CancelAsk::Orders(_)) => Action::Cancel,
        Call::Cancel(CancelAsk::Requests(_)) => Action::CancelStatus,
        Call::Balance => Action::Balance,
        Call::Incorrect => Action::Unreadable,
    }
}

fn service_row(service: &Service) -> ServiceRow {
    ServiceRow {
        service: service.id.into(),
        name: service.name.clone(),
        service_type: service.kind,
        rate: decimal::format(service.rate_micros.into()),
        min: service.min,
        max: service.max,
        dripfeed: service.dripfeed,
        refill: service.refill,
        cancel: service.cancel,
        category: service.category.clone(),
        extras: None,
    }
}

#[cfg(test)]
mod tests;
