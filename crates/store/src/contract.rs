//! What every adapter promises, as cases that run through its [`Books`] and the executor.
//!
//! In: a [`Subject`], which opens an empty store and opens it again. Out: a panic with a message wherever a
//! promise is broken. Written once; `store_contract!` makes a test of each case, and an adapter is done when
//! all are green (architecture.md, The store). For tests only.

mod archive;
mod borrowed;
pub mod cluster;
mod commits;
mod damage;
mod faults;
mod lanes;
mod life;
mod numbers;
mod questions;
mod remembered;
mod staff;
mod survival;
mod work;

use std::collections::HashSet;

use panelworks_core::audit::Violation;
use panelworks_core::catalogue::{Route, Service, ServiceType};
use panelworks_core::command::Command;
use panelworks_core::customer::{Account, Switches};
use panelworks_core::ids::{AttemptId, BatchId, CustomerId, NodeId, OrderId, ProviderAccountId, ServiceId};
use panelworks_core::money::{Amount, Currency};
use panelworks_core::order::attempt::AttemptResult;
use panelworks_core::order::draft::Draft;
use panelworks_core::order::{IdempotencyMark, OrderFile};
use panelworks_core::outcome::{Done, Refusal};
use panelworks_core::planted::Planted;
use panelworks_core::provider::{Observation, ProviderAccount};
use panelworks_core::testing;
use panelworks_core::time::{Span, Timestamp};
use panelworks_core::world::{Cursors, Key, Need, World};

pub use archive::*;
pub use commits::*;
pub use damage::*;
pub use faults::{Fate, Faulty};
pub use lanes::*;
pub use life::*;
pub use numbers::*;
pub use questions::*;
pub use remembered::*;
pub use staff::*;
pub use survival::*;
pub use work::*;

use crate::chain::Link;
use crate::executor::{Executor, Ran, Reply};
use crate::memory::Memory;
use crate::ports::{Books, Queue};

/// An adapter under test.
pub trait Subject {
    type Books: Books + 'static;

    /// Opens the store for a first or a further start. `before` is what the last start used: it was not closed.
    fn open(&mut self, before: Option<Self::Books>) -> Opened<Self::Books>;

    fn link(books: &Self::Books) -> Link;
    fn queue<'a>(&'a self, books: &'a Self::Books) -> Box<dyn Queue + 'a>;
    fn audit(&self, books: &Self::Books) -> Vec<Violation>;
}

/// Books for one start.
#[derive(Debug)]
pub struct Opened<B> {
    pub books: B,
    pub node: NodeId,
    pub epoch: u32,
}

/// The reference: the books in memory.
#[derive(Debug, Default)]
pub struct InMemory {
    epoch: u32,
}

impl Subject for InMemory {
    type Books = Memory;

    fn open(&mut self, before: Option<Memory>) -> Opened<Memory> {
        self.epoch += 1;
        Opened { books: before.unwrap_or_default(), node: NodeId(1), epoch: self.epoch }
    }

    fn link(books: &Memory) -> Link {
        books.link()
    }

    fn queue<'a>(&'a self, books: &'a Memory) -> Box<dyn Queue + 'a> {
        Box::new(borrowed::Borrowed(books))
    }

    fn audit(&self, books: &Memory) -> Vec<Violation> {
        books.audit()
    }
}

/// A small panel on the subject's store: one clock, one executor, faults on demand.
#[derive(Debug)]
pub struct Panel<'s, S: Subject> {
    pub subject: &'s mut S,
    executor: Option<Executor<Faulty<S::Books>>>,
    pub node: NodeId,
    pub epoch: u32,
    pub now: Timestamp,
}

impl<'s, S: Subject> Panel<'s, S> {
    pub fn open(subject: &'s mut S) -> Self {
        let mut panel =
            Self { subject, executor: None, node: NodeId(0), epoch: 0, now: Timestamp(1_700_000_000_000) };
        panel.reopen();
        panel
    }

    /// Another start on the same store; the one before was not closed.
    pub fn reopen(&mut self) {
        let before = self.executor.take().map(|executor| executor.into_books().into_inner());
        let opened = self.subject.open(before);
        assert!(opened.epoch > self.epoch, "a start raises the epoch");
        (self.node, self.epoch) = (opened.node, opened.epoch);
        let books = Faulty::new(opened.books);
        self.executor = Some(Executor::new(books, opened.node, opened.epoch, Planted::default()));
    }

    pub fn executor(&mut self) -> &mut Executor<Faulty<S::Books>> {
        self.executor.as_mut().expect("open")
    }

    /// Gives the executor away, to run it on a thread.
    pub fn take_executor(&mut self) -> Executor<Faulty<S::Books>> {
        self.executor.take().expect("open")
    }

    pub fn books(&mut self) -> &mut S::Books {
        self.executor().books_mut().inner()
    }

    /// The coming commits meet these fates.
    pub fn fates(&mut self, fates: impl IntoIterator<Item = Fate>) {
        self.executor().books_mut().fates.extend(fates);
    }

    /// Runs a batch, and finds every row as the world that decided it had it.
    pub fn run_all(&mut self, commands: &[Command]) -> Vec<Ran> {
        let now = self.now;
        let all = self.executor().run(now, commands).expect("the executor goes on");
        let (mut orders, mut accounts) = (HashSet::new(), HashSet::new());
        for committed in all.iter().rev().filter_map(|ran| ran.committed.as_ref()) {
            for change in
                committed.changes.orders.iter().filter(|change| orders.insert(change.after.order.id))
            {
                assert_eq!(self.file(change.after.order.id).as_ref(), Some(&*change.after));
            }
            for account in committed.changes.accounts.iter().filter(|row| accounts.insert(row.customer)) {
                assert_eq!(self.account(account.customer), *account);
            }
        }
        all
    }

    pub fn batch(&mut self, commands: &[Command]) -> Vec<Reply> {
        self.run_all(commands).into_iter().flat_map(|ran| ran.replies).collect()
    }

    pub fn reply(&mut self, command: Command) -> Reply {
        self.batch(&[command]).pop().expect("one command has one reply")
    }

    pub fn ok(&mut self, command: Command) -> Done {
        let shown = format!("{command:?}");
        match self.reply(command) {
            Ok(Ok(done)) => done,
            other => panic!("{shown}: {other:?}"),
        }
    }

    pub fn refused(&mut self, command: Command) -> Refusal {
        let shown = format!("{command:?}");
        match self.reply(command) {
            Ok(Err(refusal)) => refusal,
            other => panic!("{shown}: {other:?}"),
        }
    }

    /// What a decision would see under `key`, in a world of its own.
    pub fn load(&mut self, key: Key) -> World {
        let look = BatchId { node: self.node, epoch: self.epoch, sequence: i64::MAX as u64 };
        let now = self.now;
        let books = self.books();
        books.begin(look, now).expect("begins");
        let mut world = World::new(books.cursors());
        books.load(&Need::of(key), &mut world).expect("loads");
        books.rollback();
        world
    }

    pub fn file(&mut self, order: OrderId) -> Option<OrderFile> {
        self.load(Key::Order(order)).order(order).expect("loaded").cloned()
    }

    pub fn placed_file(&mut self, order: OrderId) -> OrderFile {
        self.file(order).expect("the order is there")
    }

    pub fn account(&mut self, customer: CustomerId) -> Account {
        *self.load(Key::Account(customer)).accounts.get(&customer).expect("loaded").expect("there")
    }

    pub fn balance(&mut self, customer: CustomerId) -> i64 {
        self.account(customer).balance.0
    }

    pub fn cursors(&mut self) -> Cursors {
        self.books().cursors()
    }

    pub fn link(&mut self) -> Link {
        S::link(self.books())
    }

    pub fn queue<T>(&mut self, ask: impl FnOnce(&dyn Queue) -> T) -> T {
        let Self { subject, executor, .. } = self;
        let books = executor.as_mut().expect("open").books_mut().inner();
        ask(&*subject.queue(books))
    }

    /// No law of the books is broken.
    pub fn audit(&mut self) {
        let Self { subject, executor, .. } = self;
        let broken = subject.audit(executor.as_mut().expect("open").books_mut().inner());
        assert!(broken.is_empty(), "{broken:#?}");
    }

    pub fn wait(&mut self, span: Span) {
        self.now = self.now.after(span);
    }
}

/// Setting the scene.
impl<S: Subject> Panel<'_, S> {
    pub fn customer(&mut self, micros: i64) -> CustomerId {
        let Done::CustomerOpened { customer } = self.ok(open_customer("anna")) else { panic!("not opened") };
        if micros != 0 {
            self.ok(credit(customer, micros));
        }
        customer
    }

    pub fn provider(&mut self) -> ProviderAccountId {
        let Done::ProviderPut { account } =
            self.ok(Command::PutProvider { account: Box::new(provider_account()) })
        else {
            panic!("not put")
        };
        account
    }

    pub fn service(&mut self, service: Service) -> ServiceId {
        let Done::ServicePut { service } = self.ok(Command::PutService { service: Box::new(service) }) else {
            panic!("not put")
        };
        service
    }

    /// A guarded Default service with one leg at a new provider.
    pub fn routed(&mut self) -> (ServiceId, ProviderAccountId) {
        let account = self.provider();
        let service = self.service(routed_service(account));
        (service, account)
    }

    pub fn place(&mut self, customer: CustomerId, service: ServiceId, draft: Draft) -> OrderId {
        placed(self.ok(testing::place(customer, service, draft)))
    }

    /// Sends an order's first attempt; the provider takes it as `id`.
    pub fn accept(&mut self, order: OrderId, id: &str) -> AttemptId {
        self.send(order, AttemptResult::Accepted { order: testing::provider_order(id) })
    }

    pub fn send(&mut self, order: OrderId, result: AttemptResult) -> AttemptId {
        let number = u16::try_from(self.placed_file(order).attempts.len()).expect("few attempts");
        let attempt = AttemptId { order, number };
        self.ok(Command::BeginAttempt { attempt });
        self.ok(Command::FinishAttempt { attempt, result });
        attempt
    }

    pub fn observe(&mut self, attempt: AttemptId, seen: Observation) {
        self.ok(Command::Observe { attempt, seen });
    }
}

pub fn routed_service(account: ProviderAccountId) -> Service {
    Service {
        guarded: true,
        route: Route::Providers(vec![testing::leg(account, "7")]),
        ..testing::service(ServiceType::Default)
    }
}

pub fn open_customer(name: &str) -> Command {
    Command::OpenCustomer {
        name: name.to_owned(),
        currency: Currency::USD,
        credit_limit: Amount::ZERO,
        switches: Switches::default(),
        key: None,
    }
}

pub fn credit(customer: CustomerId, micros: i64) -> Command {
    Command::CreditCustomer { customer, amount: Amount(micros), note: "by hand".to_owned() }
}

pub fn provider_account() -> ProviderAccount {
    ProviderAccount {
        id: ProviderAccountId(0),
        name: "north".to_owned(),
        url: "https://provider.example/api/v2".to_owned(),
        sealed_key: vec![0, 1, 255],
        currency: Currency::USD,
        enabled: true,
        private_address: false,
        keys_kept_hours: None,
        connections: 8,
    }
}

/// Places an order under an idempotency key.
pub fn keyed(customer: CustomerId, service: ServiceId, draft: Draft, key: u8, parameters: u8) -> Command {
    Command::PlaceOrder {
        customer,
        service: Some(service),
        draft,
        mark: Some(IdempotencyMark { key: [key; 16], parameters: [parameters; 16] }),
        max_charge: None,
    }
}

pub fn placed(done: Done) -> OrderId {
    match done {
        Done::Placed { order, replayed: false } => order,
        other => panic!("not placed: {other:?}"),
    }
}

pub fn link(number: usize) -> String {
    format!("https://example.com/{number}")
}

/// Makes a test of every case: `store_contract!(InMemory::default());`. With `where_possible`, of a subject that may be
/// missing on this machine: an expression of an `Option`, None where it was said why.
#[macro_export]
macro_rules! store_contract {
    (where_possible $subject:expr) => {
        $crate::store_contract! { @cases [where_possible] $subject }
    };
    ($subject:expr) => {
        $crate::store_contract! { @cases [always] $subject }
    };
    (@cases [$when:ident] $subject:expr) => {
        $crate::store_contract! { @each [$when] $subject,
            // commits
            what_was_acknowledged_is_there_after_a_start_without_a_close
            a_refusal_changes_nothing
            a_batch_without_changes_leaves_no_trace
            a_rollback_leaves_no_trace
            a_commit_that_fails_for_certain_changes_nothing
            a_serialization_failure_is_decided_again
            a_batch_that_never_commits_is_given_up
            a_lost_answer_is_settled_by_the_batch_that_stands
            a_lost_commit_is_decided_again_in_the_same_batch
            a_lost_commit_and_then_a_lost_answer_still_place_once
            a_committed_batch_says_so_when_it_is_begun_again
            a_poisonous_command_hurts_only_itself
            a_batch_of_one_is_the_same_code
            a_hot_customer_is_charged_once_for_each_order
            orders_of_many_customers_in_one_batch_are_charged_each
            an_account_is_never_drained_below_its_limit_by_a_batch
            every_batch_moves_the_chain
            two_starts_continue_one_chain
            // numbers
            numbers_go_on_after_a_start
            refused_and_failed_batches_draw_no_numbers
            orders_runs_and_posts_share_one_sequence
            the_first_cancel_is_a_thousand
            // rows that come back as they went
            every_kind_of_order_survives
            every_part_survives
            every_hold_survives
            every_state_of_an_attempt_survives
            many_attempts_come_back_in_their_order
            refills_and_cancels_survive_in_every_state
            long_and_odd_texts_survive
            the_largest_charge_survives
            customers_and_keys_survive
            services_and_providers_survive_a_change
            observations_change_only_what_they_say
            // operators
            operators_survive_with_every_change
            a_username_is_given_once_within_a_batch_and_after_a_start
            an_active_owner_remains_after_a_start
            // what must not happen twice
            an_idempotency_key_answers_the_same_order
            an_idempotency_key_with_other_parameters_is_refused
            an_idempotency_key_belongs_to_its_customer
            an_idempotency_key_is_known_after_a_start
            an_idempotency_key_is_forgotten_after_a_day
            an_idempotency_key_outlives_its_order
            a_refused_order_leaves_its_key_free
            an_open_order_guards_its_link
            a_guard_is_known_after_a_start
            a_guard_ends_with_its_order
            a_guard_is_for_one_customer_and_one_service
            a_username_is_guarded_like_a_link
            an_order_at_a_provider_belongs_to_one_attempt
            doubts_are_found_by_account_and_link
            an_absent_attempt_is_a_doubt_for_a_week_while_its_order_is_open
            // work
            open_orders_are_found_in_pages
            an_ended_order_with_an_open_refill_is_work
            an_ended_order_with_a_recall_is_work
            ended_orders_are_walked_in_bounded_steps
            // the archive
            old_orders_are_walked_in_bounded_steps
            an_archived_order_is_what_it_was
            an_archived_order_answers_commands_as_before
            a_change_brings_an_order_back_from_the_archive
            numbers_are_not_given_again_while_their_orders_are_archived
            a_provider_s_order_stays_its_attempt_s_in_the_archive
            what_is_archived_in_a_batch_that_fails_stays
            // lives
            whatever_happens_the_books_agree_with_those_in_memory
            a_life_goes_on_after_starts_and_faults
            // the executor's thread
            replies_leave_after_their_commit_was_told
            outcomes_go_before_new_work
            new_work_is_refused_when_too_much_waits
            one_customer_has_an_eighth_of_the_queue
            customers_take_turns
            a_queue_that_stands_is_shed_and_one_that_drains_is_not
            without_room_only_outcomes_are_taken
            stopping_finishes_what_waits
            a_store_that_fails_for_good_stops_the_executor
        }
    };
    (@each [always] $subject:expr, $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                $crate::contract::$case(&mut $subject);
            }
        )*
    };
    (@each [where_possible] $subject:expr, $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                if let Some(mut subject) = $subject {
                    $crate::contract::$case(&mut subject);
                }
            }
        )*
    };
}
