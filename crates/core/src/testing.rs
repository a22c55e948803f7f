//! A stage for tests: a store of rows in memory that decides commands as the executor does, and audits after each.
//!
//! In: commands, a clock that only the test moves. Out: outcomes; rows to look at. A decision that needs rows
//! gets what is there and is made again; a refusal must have changed nothing; after every batch [`Audit`] and
//! the laws of change ([`laws`]) must find nothing. Builders below give values that are valid and plain, for
//! tests to change. Panics with a message wherever a law is broken: it is for tests only.

pub mod laws;
#[cfg(test)]
mod property;
#[cfg(all(test, feature = "planted"))]
mod sensitivity;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::audit::{Audit, Violation};
use crate::catalogue::{Leg, RefillTerms, Route, Service, ServiceType, Takes};
use crate::command::{Command, decide};
use crate::customer::{Account, ApiKey, Customer, KeyHash, Switches};
use crate::draws::Draws;
use crate::ids::{
    AttemptId, BatchId, CancelId, CustomerId, NodeId, OrderId, ProviderAccountId, ProviderOrderId, RefillId,
    ServiceId,
};
use crate::ledger::{Cause, Entry, LedgerAccount};
use crate::limits;
use crate::money::{Amount, Currency, Rate};
use crate::operator::{PasswordHash, Staff};
use crate::order::attempt::{Attempt, AttemptResult, Outgoing};
use crate::order::draft::{Draft, Extra, Given};
use crate::order::{Order, OrderFile};
use crate::outcome::{Done, Outcome, Refusal};
use crate::planted::Planted;
use crate::provider::{Observation, ProviderAccount, RejectionClass, SeenRemains, SeenStatus};
use crate::time::{Span, Timestamp};
use crate::world::{Changes, Cursors, GuardKey, IdempotencyHit, Key, Need, World};

/// See the module's head.
#[derive(Debug, Clone)]
pub struct Stage {
    pub now: Timestamp,
    pub cursors: Cursors,
    pub accounts: BTreeMap<CustomerId, Account>,
    pub customers: BTreeMap<CustomerId, Customer>,
    pub api_keys: HashMap<KeyHash, ApiKey>,
    pub services: BTreeMap<ServiceId, Service>,
    pub providers: BTreeMap<ProviderAccountId, ProviderAccount>,
    pub orders: BTreeMap<OrderId, OrderFile>,
    pub staff: Staff,
    pub entries: Vec<Entry>,
    pub planted: Planted,
    archived: BTreeSet<OrderId>,
    batches: u64,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            now: Timestamp(1_700_000_000_000),
            cursors: Cursors::default(),
            accounts: BTreeMap::new(),
            customers: BTreeMap::new(),
            api_keys: HashMap::new(),
            services: BTreeMap::new(),
            providers: BTreeMap::new(),
            orders: BTreeMap::new(),
            staff: Staff::default(),
            entries: Vec::new(),
            planted: Planted::default(),
            archived: BTreeSet::new(),
            batches: 0,
        }
    }
}

/// Deciding and storing.
impl Stage {
    /// Decides one command as a batch of its own.
    pub fn run(&mut self, command: Command) -> Outcome {
        self.run_batch(&[command]).pop().expect("one command has one outcome")
    }

    /// Decides commands one after another, stores what they changed, and audits.
    pub fn run_batch(&mut self, commands: &[Command]) -> Vec<Outcome> {
        self.batches += 1;
        let batch = BatchId { node: NodeId(1), epoch: 1, sequence: self.batches };
        let mut world = World::new(self.cursors);
        world.planted = self.planted;
        let outcomes = loop {
            match decide_all(&mut world, self.now, batch, commands) {
                Ok(outcomes) => break outcomes,
                Err(need) => {
                    world.undo_all();
                    need.keys().for_each(|key| self.load(key, &mut world));
                }
            }
        };
        let (changes, cursors) = world.into_changes();
        if outcomes.iter().all(Result::is_err) {
            assert!(changes.is_empty(), "{commands:?} was refused ({outcomes:?}) and changed {changes:?}");
            assert_eq!(cursors, self.cursors, "{commands:?} was refused and drew ids");
        }
        if commands.len() == 1 {
            // Several commands may take an order through several states, each allowed.
            for change in &changes.orders {
                let Some(before) = &change.before else { continue };
                let mut broken = laws::of_change(self.now, before, &change.after);
                if target(&commands[0]) == Some(before.order.id) {
                    broken.extend(laws::of_command(&commands[0], before, &change.after));
                }
                assert!(broken.is_empty(), "after {commands:?} ({outcomes:?}): {broken:#?}");
            }
        }
        self.store(changes, cursors);
        let broken = self.violations();
        assert!(broken.is_empty(), "after {commands:?} ({outcomes:?}): {broken:#?}");
        outcomes
    }

    fn load(&self, key: &Key, world: &mut World) {
        match key {
            Key::Account(id) => world.accounts.load(*id, self.accounts.get(id).copied()),
            Key::Customer(id) => world.customers.load(*id, self.customers.get(id).cloned()),
            Key::ApiKey(hash) => world.api_keys.load(*hash, self.api_keys.get(hash).cloned()),
            Key::Service(id) => world.services.load(*id, self.services.get(id).cloned().map(Arc::new)),
            Key::Provider(id) => world.providers.load(*id, self.providers.get(id).cloned()),
            Key::Order(id) => world.orders.load(*id, self.orders.get(id).cloned().map(Box::new)),
            Key::Guard(key) => {
                let mut open = self.orders.values().filter(|file| !file.order.status.has_ended());
                let holder = open.find(|file| GuardKey::of(&file.order).as_ref() == Some(key));
                world.guards.load(key.clone(), holder.map(|file| file.order.id));
            }
            Key::Idempotency(customer, key) => {
                let hit = self.orders.values().find_map(|file| self.remembered(&file.order, *customer, *key));
                world.idempotency.load((*customer, *key), hit);
            }
            Key::Claim(account, order) => {
                let owner = self.claims().find(|(claim, _)| *claim == (*account, order.clone()));
                world.claims.load((*account, order.clone()), owner.map(|(_, id)| id));
            }
            Key::Doubts(account, link) => {
                let here = self.orders.values().filter(|file| file.order.target() == Some(link));
                let doubts: Vec<AttemptId> = here
                    .flat_map(|file| {
                        file.in_doubt().map(|attempt| (attempt.account, id_of(&file.order, attempt)))
                    })
                    .filter_map(|(at, id)| (at == *account).then_some(id))
                    .collect();
                world.doubts.load((*account, link.clone()), Some(doubts).filter(|all| !all.is_empty()));
            }
            Key::Staff => world.staff.load((), Some(self.staff.clone())),
        }
    }

    fn remembered(&self, order: &Order, customer: CustomerId, key: [u8; 16]) -> Option<IdempotencyHit> {
        let mark = order.mark.filter(|mark| order.customer == customer && mark.key == key)?;
        let fresh = self.now.since(order.accepted_at) <= limits::IDEMPOTENCY_KEPT;
        fresh.then_some(IdempotencyHit { order: order.id, parameters: mark.parameters })
    }

    fn claims(&self) -> impl Iterator<Item = ((ProviderAccountId, ProviderOrderId), AttemptId)> {
        self.orders.values().flat_map(|file| {
            file.attempts.iter().filter_map(|attempt| {
                let order = attempt.state.provider_order()?.clone();
                Some(((attempt.account, order), id_of(&file.order, attempt)))
            })
        })
    }

    fn store(&mut self, changes: Changes, cursors: Cursors) {
        for change in changes.orders {
            let stored = self.orders.get(&change.after.order.id);
            assert_eq!(stored, change.before.as_deref(), "a change starts from what is stored");
            self.archived.remove(&change.after.order.id);
            self.orders.insert(change.after.order.id, *change.after);
        }
        self.archived.extend(changes.archived);
        self.cursors = cursors;
        self.accounts.extend(changes.accounts.into_iter().map(|row| (row.customer, row)));
        self.customers.extend(changes.customers.into_iter().map(|row| (row.id, row)));
        self.api_keys.extend(changes.api_keys.into_iter().map(|row| (row.hash, row)));
        self.services.extend(changes.services.into_iter().map(|row| (row.id, Service::clone(&row))));
        self.providers.extend(changes.providers.into_iter().map(|row| (row.id, row)));
        self.entries.extend(changes.entries);
        self.staff = self.staff.iter().cloned().chain(changes.operators).collect();
    }

    pub fn is_archived(&self, order: OrderId) -> bool {
        self.archived.contains(&order)
    }

    /// Every law over everything that is stored.
    pub fn violations(&self) -> Vec<Violation> {
        let mut audit = Audit::default();
        self.entries.iter().for_each(|entry| audit.entry(entry));
        self.accounts.values().for_each(|account| audit.account(account));
        for file in self.orders.values() {
            audit.order(file, &self.entries_of(file.order.id));
        }
        let mut broken = audit.finish();
        broken.extend(laws::of_indexes(self.claims(), self.orders.values()));
        broken.extend(laws::of_runs(&self.orders));
        broken
    }

    /// Entries that an order or one of its attempts caused, by cause and sequence.
    fn entries_of(&self, order: OrderId) -> Vec<Entry> {
        let caused = |entry: &&Entry| match entry.cause {
            Cause::Order(id) => id == order,
            Cause::Attempt(id) => id.order == order,
            Cause::Transfer(_) => false,
        };
        let mut entries: Vec<Entry> = self.entries.iter().filter(caused).copied().collect();
        entries.sort_by_key(|entry| (entry.cause, entry.sequence));
        entries
    }
}

fn decide_all(
    world: &mut World,
    now: Timestamp,
    batch: BatchId,
    commands: &[Command],
) -> Result<Vec<Outcome>, Need> {
    let decided = commands.iter().enumerate();
    decided.map(|(place, command)| decide(world, now, &mut Draws::new(batch, place), command)).collect()
}

/// The order that a command is about, where its change is judged by the command.
const fn target(command: &Command) -> Option<OrderId> {
    match command {
        Command::Observe { attempt, .. } | Command::FinishAttempt { attempt, .. } => Some(attempt.order),
        Command::RequestCancel { order, .. } => Some(*order),
        _every_other_command => None,
    }
}

fn id_of(order: &Order, attempt: &Attempt) -> AttemptId {
    AttemptId { order: order.id, number: attempt.number }
}

/// Setting the scene.
impl Stage {
    /// A customer in US dollars with `micros` on the account and no credit.
    pub fn customer(&mut self, micros: i64) -> CustomerId {
        let opened = self.run(Command::OpenCustomer {
            name: "anna".to_owned(),
            currency: Currency::USD,
            credit_limit: Amount::ZERO,
            switches: Switches::default(),
            key: None,
        });
        let Ok(Done::CustomerOpened { customer }) = opened else { panic!("{opened:?}") };
        if micros != 0 {
            self.credit(customer, micros);
        }
        customer
    }

    pub fn credit(&mut self, customer: CustomerId, micros: i64) {
        let note = "by hand".to_owned();
        let credited = self.run(Command::CreditCustomer { customer, amount: Amount(micros), note });
        assert!(credited.is_ok(), "{credited:?}");
    }

    pub fn provider(&mut self) -> ProviderAccountId {
        let put = self.run(Command::PutProvider { account: Box::new(provider_account()) });
        let Ok(Done::ProviderPut { account }) = put else { panic!("{put:?}") };
        account
    }

    pub fn service(&mut self, service: Service) -> ServiceId {
        let put = self.run(Command::PutService { service: Box::new(service) });
        let Ok(Done::ServicePut { service }) = put else { panic!("{put:?}") };
        service
    }

    /// Changes a service that is sold.
    pub fn change(&mut self, service: ServiceId, change: impl FnOnce(&mut Service)) {
        let mut next = self.services[&service].clone();
        change(&mut next);
        self.service(next);
    }

    /// A Default service of 0.90 per thousand with one leg at a new provider.
    pub fn routed(&mut self) -> (ServiceId, ProviderAccountId) {
        let account = self.provider();
        let service =
            Service { route: Route::Providers(vec![leg(account, "7")]), ..service(ServiceType::Default) };
        (self.service(service), account)
    }

    pub fn wait(&mut self, span: Span) {
        self.now = self.now.after(span);
    }
}

/// Acting.
impl Stage {
    pub fn place(&mut self, customer: CustomerId, service: ServiceId, draft: Draft) -> Outcome {
        self.run(place(customer, service, draft))
    }

    /// Places an order that must be accepted.
    pub fn placed(&mut self, customer: CustomerId, service: ServiceId, draft: Draft) -> OrderId {
        let placed = self.place(customer, service, draft);
        let Ok(Done::Placed { order, replayed: false }) = placed else { panic!("{placed:?}") };
        order
    }

    /// The newest attempt of an order.
    pub fn last_attempt(&self, order: OrderId) -> AttemptId {
        id_of(self.order(order), self.file(order).attempts.last().expect("an attempt"))
    }

    /// Claims the newest attempt when it is due.
    pub fn begin(&mut self, order: OrderId) -> Outgoing {
        let attempt = self.last_attempt(order);
        if let crate::order::AttemptState::Planned { due } = self.attempt(attempt).state {
            self.now = self.now.max(due);
        }
        let began = self.run(Command::BeginAttempt { attempt });
        let Ok(Done::Began(outgoing)) = began else { panic!("{began:?}") };
        *outgoing
    }

    /// Sends the newest attempt, with this result.
    pub fn send(&mut self, order: OrderId, result: AttemptResult) -> AttemptId {
        let attempt = self.begin(order).attempt;
        self.finish(attempt, result);
        attempt
    }

    pub fn finish(&mut self, attempt: AttemptId, result: AttemptResult) {
        let finished = self.run(Command::FinishAttempt { attempt, result });
        assert_eq!(finished, Ok(Done::Noted));
    }

    /// Sends the newest attempt; the provider takes it under `id`.
    pub fn accept(&mut self, order: OrderId, id: &str) -> AttemptId {
        self.send(order, AttemptResult::Accepted { order: provider_order(id) })
    }

    pub fn observe(&mut self, attempt: AttemptId, seen: Observation) {
        let observed = self.run(Command::Observe { attempt, seen });
        assert_eq!(observed, Ok(Done::Noted));
    }

    pub fn cancel(&mut self, customer: CustomerId, order: OrderId) -> Result<CancelId, Refusal> {
        self.run(Command::RequestCancel { customer, order }).map(|done| match done {
            Done::CancelRequested { cancel, .. } => cancel,
            other => panic!("{other:?}"),
        })
    }

    pub fn refill(&mut self, customer: CustomerId, order: OrderId) -> Result<RefillId, Refusal> {
        self.run(Command::RequestRefill { customer, order }).map(|done| match done {
            Done::RefillRequested { refill } => refill,
            other => panic!("{other:?}"),
        })
    }
}

/// Looking.
impl Stage {
    pub fn file(&self, order: OrderId) -> &OrderFile {
        self.orders.get(&order).expect("an order")
    }

    pub fn order(&self, order: OrderId) -> &Order {
        &self.file(order).order
    }

    pub fn attempt(&self, id: AttemptId) -> &Attempt {
        self.file(id.order).attempt(id.number).expect("an attempt")
    }

    /// Micro-units on the customer's account.
    pub fn balance(&self, customer: CustomerId) -> i64 {
        self.accounts[&customer].balance.0
    }

    /// Sum of an account's postings, in micro-units.
    pub fn booked(&self, account: LedgerAccount) -> i64 {
        let signed = |entry: &Entry| {
            i64::from(entry.to == account) * entry.amount.0
                - i64::from(entry.from == account) * entry.amount.0
        };
        self.entries.iter().map(signed).sum()
    }
}

/// A service that sells at 0.90, 10 to 10,000, with cancel and a refill of 30 days; by hand.
pub fn service(service_type: ServiceType) -> Service {
    Service {
        id: ServiceId(0),
        name: "Followers".to_owned(),
        category: "First".to_owned(),
        description: String::new(),
        service_type,
        rate: Rate::from_micros(900_000).expect("a rate"),
        price_version: 0,
        min: 10,
        max: 10_000,
        step: 1,
        dripfeed: service_type.can_drip(),
        cancel: true,
        refill: Some(RefillTerms { days: Some(30), partial: false }),
        enabled: true,
        linkless: false,
        guarded: false,
        hold_limit: limits::HOLD_LIMIT,
        route: Route::Manual,
    }
}

/// A provider's service at 0.50 that takes cancels.
pub fn leg(account: ProviderAccountId, service: &str) -> Leg {
    Leg {
        account,
        service: service.to_owned(),
        rate: Rate::from_micros(500_000).expect("a rate"),
        cancel: true,
        takes: Takes::Orders,
    }
}

fn provider_account() -> ProviderAccount {
    ProviderAccount {
        id: ProviderAccountId(0),
        name: "north".to_owned(),
        url: "https://provider.example/api/v2".to_owned(),
        sealed_key: vec![1, 2, 3],
        currency: Currency::USD,
        enabled: true,
        private_address: false,
        keys_kept_hours: None,
        connections: 8,
    }
}

/// The hash of no password: it only looks like one.
pub fn password_hash(of: &str) -> PasswordHash {
    PasswordHash::new(&format!("$argon2id$v=19$m=8,t=1,p=1$salt${of}")).expect("a hash")
}

pub fn provider_order(id: &str) -> ProviderOrderId {
    ProviderOrderId::new(id).expect("a provider's id")
}

pub fn place(customer: CustomerId, service: ServiceId, draft: Draft) -> Command {
    Command::PlaceOrder { customer, service: Some(service), draft, mark: None, max_charge: None }
}

pub fn draft(link: &str, quantity: u64) -> Draft {
    Draft { link: Given::Is(link.to_owned()), quantity: Given::Is(quantity), ..Draft::default() }
}

/// `quantity` in each of `runs`, `interval_min` apart.
pub fn dripping(link: &str, quantity: u64, runs: u64, interval_min: u64) -> Draft {
    Draft { runs: Given::Is(runs), interval_min: Given::Is(interval_min), ..draft(link, quantity) }
}

/// The next `posts` of `username`, each with `min` to `max`.
pub fn following(username: &str, min: u64, max: u64, posts: Option<u64>) -> Draft {
    let extra = Extra {
        username: Given::Is(username.to_owned()),
        min: Given::Is(min),
        max: Given::Is(max),
        posts: posts.map_or(Given::Absent, Given::Is),
        ..Extra::default()
    };
    Draft { extra: Some(Box::new(extra)), ..Draft::default() }
}

/// A refusal of this class.
pub fn refused(class: RejectionClass) -> AttemptResult {
    AttemptResult::Rejected { class, text: format!("{class:?}") }
}

pub fn unknown() -> AttemptResult {
    AttemptResult::Unknown { why: "no answer in time".to_owned() }
}

pub fn not_sent() -> AttemptResult {
    AttemptResult::NotSent { why: "connection refused".to_owned() }
}

/// A status word and nothing else.
pub fn seen(status: SeenStatus) -> Observation {
    Observation { status: Some(status), ..Observation::default() }
}

/// A status word and what it says is left.
pub fn seen_left(status: SeenStatus, remains: i64) -> Observation {
    Observation { remains: SeenRemains::Is(remains), ..seen(status) }
}
