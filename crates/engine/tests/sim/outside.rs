//! The world outside the panel: two providers and the network, and a witness that believes nobody.
//!
//! The witness sees each `add` as it arrives and each order that was really made, by the token of the attempt.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use panelworks_client::{Exchanged, Failure, Phase};
use panelworks_core::ids::{AttemptId, OrderId, ProviderAccountId};
use panelworks_core::time::{Span, Timestamp};
use panelworks_engine::Calls;
use panelworks_engine::drive::simulated::Net;
use panelworks_provider_sim::options::Settings;
use panelworks_provider_sim::{
    AddFault, BatchFault, Break, ErrorStatus, Fault, Faults, Provider, Reaction, RefillFault, RowFault,
};
use panelworks_wire::request::Incoming;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::shop;

/// One `add` that arrived at a provider.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) attempt: AttemptId,
    /// The order it made there.
    pub(crate) made: Option<u64>,
}

/// What a provider ever said of an order of its own.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) partial_remains: Vec<i128>,
    pub(crate) completed: bool,
    pub(crate) canceled: bool,
}

#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) providers: BTreeMap<ProviderAccountId, Provider>,
    pub(crate) arrived: Vec<Arrived>,
    /// Arrivals that were not yet compared with the books.
    pub(crate) unchecked: usize,
    /// An `add` may arrive again with its own key.
    pub(crate) honours_keys: bool,
    pub(crate) said: HashMap<(ProviderAccountId, String), Said>,
    pub(crate) fired: BTreeMap<&'static str, u64>,
    rng: StdRng,
    /// Calls that find the line dead, of a thousand.
    pub(crate) dead_permille: u32,
    /// Answers that are lost on their way, of a thousand.
    pub(crate) lost_permille: u32,
}

/// Every fault of the provider that a seed may draw, with its name in the report.
const FAULTS: [(&str, Fault); 32] = [
    ("B1 accepted, then silence", Fault::Accepted(Break::Hang)),
    ("B1 accepted, then closed", Fault::Accepted(Break::Close)),
    ("B4 half an answer", Fault::Accepted(Break::Half)),
    ("B3 502 after accepting", Fault::Accepted(Break::BadGateway)),
    ("B3 504 after accepting", Fault::Accepted(Break::GatewayTimeout)),
    ("B4 a page after accepting", Fault::Accepted(Break::Html)),
    ("B4 an empty answer", Fault::Accepted(Break::Empty)),
    ("B1 not accepted, silence", Fault::Refused(Break::Hang)),
    ("B3 not accepted, 502", Fault::Refused(Break::BadGateway)),
    ("B3 429", Fault::TooManyRequests { retry_after: true }),
    ("B3 refused with 400", Fault::RefusedWith(ErrorStatus::BadRequest)),
    ("B3 refused with 500", Fault::RefusedWith(ErrorStatus::Internal)),
    ("connection refused", Fault::ConnectionRefused),
    ("B5 an error as an object", Fault::ErrorAsObject),
    ("B13 no funds", Fault::Add(AddFault::NotEnoughFunds)),
    ("active order on the link", Fault::Add(AddFault::DuplicateLink)),
    ("internal error after creating", Fault::Add(AddFault::InternalErrorAfter)),
    ("B2 an id repeated", Fault::Add(AddFault::RepeatedId)),
    ("B5 an id as text", Fault::Add(AddFault::IdAsString)),
    ("id and error", Fault::Add(AddFault::ErrorBeside)),
    ("B5 odd words", Fault::OddWords),
    ("B6 remains below zero", Fault::Row(RowFault::RemainsNegative)),
    ("B6 remains above the quantity", Fault::Row(RowFault::RemainsAboveQuantity)),
    ("B6 remains missing", Fault::Row(RowFault::RemainsMissing)),
    ("B9 ten times the charge", Fault::Row(RowFault::ChargeTenfold)),
    ("B10 another currency", Fault::Row(RowFault::OtherCurrency)),
    ("B7 a status backwards", Fault::Row(RowFault::StatusBackwards)),
    ("B8 a Partial that wanders", Fault::Row(RowFault::PartialWanders)),
    ("B19 ids missing", Fault::Batch(BatchFault::IdsMissing)),
    ("B19 one error for all", Fault::Batch(BatchFault::OneError)),
    ("B20 cancels never carried out", Fault::CancelIdle),
    ("refill denied", Fault::Refill(RefillFault::Denied)),
];

impl Outside {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x0075_7473_6964_6521);
        let mut fired = BTreeMap::new();
        let mut provider = |number: u64| {
            let mut faults = Faults::none();
            // Each seed has its own few faults, some of them often.
            for (name, fault) in FAULTS {
                if rng.random_ratio(1, 6) {
                    *fired.entry(name).or_default() += 1;
                    faults = faults.and(fault, [20, 60, 200][rng.random_range(0..3)]);
                }
            }
            let settings = Settings {
                api_key: "key".to_owned(),
                seed: seed.wrapping_mul(31) + number,
                first_order: 1_000 * number,
                faults,
                honours_idempotency_keys: shop::honours_keys(seed),
                ..Settings::default()
            };
            Provider::open(shop::catalogue(), settings)
        };
        let providers =
            BTreeMap::from([(ProviderAccountId(1), provider(1)), (ProviderAccountId(2), provider(2))]);
        let dead_permille = [0, 0, 10, 100][rng.random_range(0..4)];
        let lost_permille = [0, 0, 10, 100][rng.random_range(0..4)];
        Self {
            providers,
            arrived: Vec::new(),
            unchecked: 0,
            honours_keys: shop::honours_keys(seed),
            said: HashMap::new(),
            fired,
            rng,
            dead_permille,
            lost_permille,
        }
    }

    /// From now on everything works.
    pub(crate) fn heal(&mut self) {
        (self.dead_permille, self.lost_permille) = (0, 0);
        for provider in self.providers.values_mut() {
            provider.set_faults(Faults::none());
        }
    }

    /// The order really made upstream for an attempt.
    pub(crate) fn made_by(&self, attempt: AttemptId) -> Option<u64> {
        self.arrived.iter().filter(|arrived| arrived.attempt == attempt).find_map(|arrived| arrived.made)
    }

    fn fire(&mut self, name: &'static str) {
        *self.fired.entry(name).or_default() += 1;
    }

    fn hear_answer(&mut self, account: ProviderAccountId, form: &str, body: &[u8]) {
        let asked = asked_ids(form);
        if asked.is_empty() {
            return;
        }
        let panelworks_wire::lenient::StatusAnswer::Rows(rows) =
            panelworks_wire::lenient::status(body, &asked)
        else {
            return;
        };
        for (id, row) in rows {
            let panelworks_wire::lenient::RowAnswer::Seen(seen) = row else { continue };
            let said = self.said.entry((account, id)).or_default();
            match seen.status {
                panelworks_wire::lenient::SeenWord::Partial => {
                    if let panelworks_wire::lenient::SeenRemains::Is(remains) = seen.remains {
                        said.partial_remains.push(remains);
                    }
                }
                panelworks_wire::lenient::SeenWord::Completed => said.completed = true,
                panelworks_wire::lenient::SeenWord::Canceled => said.canceled = true,
                _other_word => {}
            }
        }
    }
}

impl Net for Outside {
    fn exchange(
        &mut self,
        now: Timestamp,
        account: ProviderAccountId,
        form: &str,
        _kind: Calls,
    ) -> (Span, Result<Exchanged, Failure>) {
        let latency = Span(self.rng.random_range(5..2_000));
        if self.rng.random_ratio(self.dead_permille, 1_000) {
            self.fire("network: not sent");
            return (latency, Err(Failure { phase: Phase::NotSent, why: "no route".to_owned() }));
        }
        let provider = self.providers.get_mut(&account).unwrap();
        let attempt = token(form);
        let before = attempt.map_or(0, |_| provider.witnessed_orders(0, usize::MAX).len());
        let incoming = Incoming {
            query: None,
            content_type: Some("application/x-www-form-urlencoded"),
            authorization: None,
            x_api_key: None,
            idempotency_key: None,
            body: form.as_bytes(),
        };
        let reaction = provider.react(now.0, &incoming);
        let made = attempt
            .and_then(|_| provider.witnessed_orders(0, usize::MAX).get(before).map(|order| order.order));
        let reached = !matches!(reaction, Reaction::RefusedConnection);
        if let Some(attempt) = attempt.filter(|_| reached) {
            self.arrived.push(Arrived { attempt, made });
        }
        let sent = |why: &str| Err(Failure { phase: Phase::Sent, why: why.to_owned() });
        let answer = match reaction {
            Reaction::Reply(reply) => {
                self.hear_answer(account, form, &reply.body);
                let retry_after = reply.retry_after_s.map(|s| Duration::from_secs(u64::from(s)));
                Ok(Exchanged { status: reply.status, retry_after, body: reply.body.into() })
            }
            Reaction::Hang => sent("no answer in time"),
            Reaction::Closed => sent("closed"),
            Reaction::Half(_) => sent("the answer was cut off"),
            Reaction::RefusedConnection => {
                Err(Failure { phase: Phase::NotSent, why: "connection refused".to_owned() })
            }
        };
        if self.rng.random_ratio(self.lost_permille, 1_000) {
            self.fire("network: answer lost");
            return (Span(30_000), sent("the answer was lost"));
        }
        (latency, answer)
    }
}

/// The attempt that an `add` names, by the token the engine gives it.
fn token(form: &str) -> Option<AttemptId> {
    let token = value(form, "request_id")?;
    let (order, number) = token.split_once('/')?;
    Some(AttemptId { order: OrderId(order.parse().ok()?), number: number.parse().ok()? })
}

fn asked_ids(form: &str) -> Vec<String> {
    if value(form, "action").as_deref() != Some("status") {
        return Vec::new();
    }
    let ids = value(form, "orders").or_else(|| value(form, "order")).unwrap_or_default();
    ids.split(',').map(str::to_owned).collect()
}

fn value(form: &str, name: &str) -> Option<String> {
    form.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| value.replace("%2C", ",").replace("%2F", "/"))
    })
}
