//! The world outside the panel: three providers and the lines to them, and a witness that believes nobody.
//!
//! The witness sees each `add` as it arrives and each order that was really made, by the token of the attempt. The
//! providers have a clock of their own: ours may be set, theirs goes on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use panelworks_client::{Exchanged, Failure, Phase};
use panelworks_core::ids::{AttemptId, OrderId, ProviderAccountId};
use panelworks_core::order::attempt::Purpose;
use panelworks_core::order::{OrderFile, Part};
use panelworks_core::time::{Span, Timestamp};
use panelworks_engine::Calls;
use panelworks_engine::drive::simulated::Net;
use panelworks_provider_sim::options::Settings;
use panelworks_provider_sim::{Action, AddFault, Dialect, Fault, Faults, Provider, Reaction};
use panelworks_wire::lenient::{self, RowAnswer, SeenRemains, SeenWord, StatusAnswer};
use panelworks_wire::request::Incoming;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::faults::{self, Character, Trouble};
use crate::shop;

/// What a provider says to an `add` for a link that it works on already (`api-v2.md` §9).
const ACTIVE_ORDER: &str = "You have active order with this link. Please wait until order being completed.";

/// One `add` that arrived at a provider.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) account: ProviderAccountId,
    pub(crate) attempt: AttemptId,
    /// The order it made there.
    pub(crate) made: Option<u64>,
    /// What it was bought for, by the books that it was compared with.
    pub(crate) bought_for: Option<Purchase>,
}

/// What is bought at a provider, and only once: an order, a run of a drip-feed, a segment of a subscription. Of the
/// latter two the parent and their number, for the same run may be another order in restored books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Purchase {
    pub(crate) order: OrderId,
    pub(crate) number: u32,
}

impl Purchase {
    pub(crate) fn of(file: &OrderFile, purpose: Purpose) -> Self {
        match (purpose, &file.order.part) {
            (Purpose::Segment(number), _) => Self { order: file.order.id, number },
            (Purpose::Order | Purpose::Mirrored, Part::Run { parent, number }) => {
                Self { order: *parent, number: *number }
            }
            (
                Purpose::Order | Purpose::Mirrored,
                Part::Whole | Part::DripFeed(_) | Part::Subscription(_) | Part::Post { .. },
            ) => Self { order: file.order.id, number: 0 },
        }
    }
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
    characters: BTreeMap<ProviderAccountId, Character>,
    pub(crate) arrived: Vec<Arrived>,
    /// Arrivals that were not yet compared with the books.
    pub(crate) unchecked: usize,
    /// Attempts that arrived and were compared.
    pub(crate) known: HashSet<AttemptId>,
    /// How often each thing was bought.
    pub(crate) bought: HashMap<Purchase, u32>,
    /// Orders of which a person has said that something was absent though it was there: it may be bought again.
    pub(crate) mistaken: HashSet<OrderId>,
    /// It sees that the next `add` is for a link that it works on.
    pub(crate) minds_the_next: Option<ProviderAccountId>,
    /// An `add` may arrive again with its own key.
    pub(crate) honours_keys: bool,
    pub(crate) said: HashMap<(ProviderAccountId, String), Said>,
    /// When each of the providers' orders was last asked about, by our clock.
    pub(crate) asked: HashMap<(ProviderAccountId, String), Timestamp>,
    pub(crate) fired: BTreeMap<&'static str, u64>,
    /// Every call and its answer, if they are to be told.
    pub(crate) told: Option<Vec<String>>,
    rng: StdRng,
    /// Our clock less theirs.
    ahead: Span,
}

impl Outside {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x0075_7473_6964_6521);
        let accounts = (1..=shop::PROVIDERS).map(ProviderAccountId);
        let characters: BTreeMap<ProviderAccountId, Character> =
            accounts.map(|account| (account, Character::draw(&mut rng))).collect();
        let open = |(account, character): (&ProviderAccountId, &Character), dialect| {
            let minded = Fault::Add(AddFault::DuplicateLink);
            let settings = Settings {
                api_key: "key".to_owned(),
                seed: seed.wrapping_mul(31) + u64::from(account.0),
                first_order: 1_000 * u64::from(account.0),
                faults: if character.minds_links() { Faults::at(minded, 0) } else { Faults::none() },
                honours_idempotency_keys: shop::honours_keys(seed),
                dialect,
                ..Settings::default()
            };
            (*account, Provider::open(shop::catalogue(), settings))
        };
        let mut providers = BTreeMap::new();
        for one in &characters {
            let dialect = Dialect::ALL[rng.random_range(0..Dialect::ALL.len())];
            let dialect = if rng.random_bool(0.6) { Dialect::Ours } else { dialect };
            providers.extend([open(one, dialect)]);
        }
        Self {
            providers,
            characters,
            arrived: Vec::new(),
            unchecked: 0,
            known: HashSet::new(),
            bought: HashMap::new(),
            mistaken: HashSet::new(),
            minds_the_next: None,
            honours_keys: shop::honours_keys(seed),
            said: HashMap::new(),
            asked: HashMap::new(),
            fired: BTreeMap::new(),
            told: None,
            rng,
            ahead: Span(0),
        }
    }

    /// From now on everything works.
    pub(crate) fn heal(&mut self, now: Timestamp) {
        let theirs = self.their_time(now);
        for character in self.characters.values_mut() {
            *character = Character::good();
        }
        for provider in self.providers.values_mut() {
            provider.set_faults(Faults::none());
            let short = 1_000_000_000_000 - provider.balance_micros(theirs);
            provider.top_up(theirs, short.max(0));
        }
    }

    /// Our clock was set.
    pub(crate) fn clock_was_set(&mut self, by: Span) {
        self.ahead = Span(self.ahead.0 + by.0);
    }

    fn their_time(&self, now: Timestamp) -> i64 {
        now.0 - self.ahead.0
    }

    /// B13: its customer's money is gone, until somebody pays in again.
    pub(crate) fn drain(&mut self, now: Timestamp, account: ProviderAccountId) {
        let theirs = self.their_time(now);
        let Some(provider) = self.providers.get_mut(&account) else { return };
        let left = provider.balance_micros(theirs);
        let change = if left > 1_000_000 { -left } else { 1_000_000_000_000 };
        provider.top_up(theirs, change);
    }

    /// B12: its prices jump.
    pub(crate) fn reprice(&mut self, account: ProviderAccountId, service: u32, rate_micros: i64) {
        let sold = self.providers.get_mut(&account).and_then(|one| one.catalogue_mut().find_mut(service));
        if let Some(sold) = sold {
            sold.rate_micros = rate_micros;
        }
    }

    /// B11: it sells a service no more.
    pub(crate) fn drop_service(&mut self, account: ProviderAccountId, service: u32) {
        self.providers.get_mut(&account).and_then(|one| one.catalogue_mut().drop_service(service));
    }

    /// Whether the order of this id has ended there.
    pub(crate) fn is_over(&mut self, now: Timestamp, account: ProviderAccountId, id: &str) -> bool {
        let theirs = self.their_time(now);
        let (Ok(id), Some(provider)) = (id.parse::<u64>(), self.providers.get_mut(&account)) else {
            return false;
        };
        // An id beyond 63 bits is the order's with that bit set.
        provider.order(theirs, id & !(1 << 63)).is_some_and(|view| view.is_over())
    }

    /// What arrived for an order, and was made.
    pub(crate) fn made_for(&self, order: OrderId) -> impl Iterator<Item = &Arrived> {
        self.arrived.iter().filter(move |arrived| arrived.attempt.order == order && arrived.made.is_some())
    }

    fn fire(&mut self, name: &'static str) {
        *self.fired.entry(name).or_default() += 1;
    }

    fn hear_answer(&mut self, account: ProviderAccountId, asked: &[String], body: &[u8]) {
        let StatusAnswer::Rows(rows) = lenient::status(body, asked) else { return };
        for (id, row) in rows {
            let RowAnswer::Seen(seen) = row else { continue };
            let said = self.said.entry((account, id)).or_default();
            match seen.status {
                SeenWord::Partial => {
                    if let SeenRemains::Is(remains) = seen.remains {
                        said.partial_remains.push(remains);
                    }
                }
                SeenWord::Completed => said.completed = true,
                SeenWord::Canceled => said.canceled = true,
                SeenWord::Pending
                | SeenWord::Processing
                | SeenWord::InProgress
                | SeenWord::Active
                | SeenWord::Paused
                | SeenWord::Expired
                | SeenWord::Failed(_)
                | SeenWord::Unknown(_)
                | SeenWord::Missing => {}
            }
        }
    }

    /// Brings the request to the provider, and its reaction back, with what it made.
    fn carry(
        &mut self,
        now: Timestamp,
        account: ProviderAccountId,
        form: &str,
        attempt: Option<AttemptId>,
        struck: &[(&'static str, Trouble)],
    ) -> Reaction {
        let theirs = self.their_time(now);
        let incoming = Incoming {
            query: None,
            content_type: Some("application/x-www-form-urlencoded"),
            authorization: None,
            x_api_key: None,
            idempotency_key: None,
            body: form.as_bytes(),
        };
        let provider = self.providers.get_mut(&account).unwrap();
        provider.set_faults(faults::of_provider(struck));
        let adds = provider.witness().count(Action::Add);
        let reaction = provider.react(theirs, &incoming);
        let witness = provider.witness();
        let last = witness.arrivals().len().checked_sub(1);
        let made = (witness.count(Action::Add) > adds)
            .then(|| last.and_then(|last| witness.arrivals().nth(last)).and_then(|arrival| arrival.order))
            .flatten();
        if let Some(attempt) = attempt.filter(|_| !matches!(reaction, Reaction::RefusedConnection)) {
            self.arrived.push(Arrived { account, attempt, made, bought_for: None });
        }
        reaction
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
        let (latency, answer) = self.meet(now, account, form);
        if let Some(told) = &mut self.told {
            let shown = match &answer {
                Ok(answer) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
                Err(failure) => format!("{:?}: {}", failure.phase, failure.why),
            };
            let shown: String = shown.chars().take(400).collect();
            told.push(format!("  at {} to {account}: {form} -> {shown}", now.0));
        }
        (latency, answer)
    }
}

impl Outside {
    /// A request's way there and back.
    fn meet(
        &mut self,
        now: Timestamp,
        account: ProviderAccountId,
        form: &str,
    ) -> (Span, Result<Exchanged, Failure>) {
        let latency = Span(self.rng.random_range(5..2_000));
        let action = action(form);
        let asked = asked_ids(form, action);
        for id in &asked {
            self.asked.insert((account, id.clone()), now);
        }
        let struck = self.characters[&account].strike(action, &mut self.rng);
        for (name, _) in &struck {
            self.fire(name);
        }
        let not_sent = |why: &str| Err(Failure { phase: Phase::NotSent, why: why.to_owned() });
        let sent = |why: &str| Err(Failure { phase: Phase::Sent, why: why.to_owned() });
        let has = |trouble| struck.iter().any(|(_, one)| *one == trouble);
        if has(Trouble::NoRoute) {
            return (latency, not_sent("no route"));
        }
        let attempt = token(form);
        let minds = action == Action::Add && self.minds_the_next == Some(account);
        if minds {
            self.minds_the_next = None;
        }
        if let Some(text) = faults::refusal(&struck).or_else(|| minds.then(|| ACTIVE_ORDER.to_owned())) {
            self.arrived.extend(attempt.map(|attempt| Arrived {
                account,
                attempt,
                made: None,
                bought_for: None,
            }));
            let body = serde_json::json!({ "error": text }).to_string();
            let answer = Exchanged { status: 200, retry_after: None, body: body.into_bytes().into() };
            return (latency, Ok(answer));
        }
        let answer = match self.carry(now, account, form, attempt, &struck) {
            Reaction::Reply(reply) => {
                let body = faults::bend(reply.body, &struck, &mut self.rng);
                if !asked.is_empty() {
                    self.hear_answer(account, &asked, &body);
                }
                let retry_after = reply.retry_after_s.map(|s| Duration::from_secs(u64::from(s)));
                Ok(Exchanged { status: reply.status, retry_after, body: body.into() })
            }
            Reaction::Hang => sent("no answer in time"),
            Reaction::Closed => sent("the connection was closed"),
            Reaction::Half(_) => sent("the connection was closed in mid-answer"),
            Reaction::RefusedConnection => not_sent("connection refused"),
        };
        if has(Trouble::AnswerLost) {
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

fn action(form: &str) -> Action {
    match value(form, "action").as_deref() {
        Some("add") => Action::Add,
        Some("status") => Action::Status,
        Some("refill") => Action::Refill,
        Some("refill_status") => Action::RefillStatus,
        Some("cancel") if value(form, "cancel").is_some() || value(form, "cancels").is_some() => {
            Action::CancelStatus
        }
        Some("cancel") => Action::Cancel,
        Some("services") => Action::Services,
        Some("balance") => Action::Balance,
        other => panic!("the engine asked for {other:?}"),
    }
}

fn asked_ids(form: &str, action: Action) -> Vec<String> {
    if action != Action::Status {
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
