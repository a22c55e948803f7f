//! Random lives of a small panel, led twice: once in memory, once in the store under test.
//!
//! Both get the same batches under the same names, so they must give the same outcomes, the same rows, the same
//! numbers and the same links. The seed is in every message.

use panelworks_core::catalogue::{Route, Service, ServiceType};
use panelworks_core::command::Command;
use panelworks_core::customer::Standing;
use panelworks_core::draws::Draws;
use panelworks_core::ids::{AttemptId, BatchId, CustomerId, NodeId, OrderId};
use panelworks_core::order::attempt::{AttemptResult, AttemptState, Verdict};
use panelworks_core::order::cancel::CancelAnswer;
use panelworks_core::order::draft::Draft;
use panelworks_core::order::refill::{RefillAnswer, RefillSeen};
use panelworks_core::order::{IdempotencyMark, OrderFile, Part};
use panelworks_core::provider::{Observation, RejectionClass, SeenCharge, SeenRemains, SeenStatus};
use panelworks_core::testing::{
    draft, dripping, following, leg, not_sent, provider_order, refused, seen, service, unknown,
};
use panelworks_core::time::{Span, Timestamp};
use panelworks_core::world::Key;

use super::{Fate, InMemory, Panel, Subject, credit, open_customer, provider_account};
use crate::executor::Reply;
use crate::memory::Memory;
use crate::ports::{Queue as _, Share};

const SEEDS: u32 = 6;
const BATCHES: u64 = 120;

pub fn whatever_happens_the_books_agree_with_those_in_memory<S: Subject>(subject: &mut S) {
    lead(subject, 1, false);
}

/// Shows A1, A8.
pub fn a_life_goes_on_after_starts_and_faults<S: Subject>(subject: &mut S) {
    lead(subject, 2, true);
}

/// The lives follow one another on the same store: later ones find a past.
fn lead<S: Subject>(subject: &mut S, first: u32, troubled: bool) {
    let mut reference = InMemory::default();
    let mut expected = Panel::open(&mut reference);
    let mut panel = Panel::open(subject);
    assert_eq!((expected.node, expected.epoch), (panel.node, panel.epoch));
    open_shop(&mut expected, &mut panel);
    let mut archived = 0;
    for seed in first * 100..first * 100 + SEEDS {
        let mut life = Life { seed, step: 0 };
        for _ in 0..BATCHES {
            let size = life.below(12) + 1;
            let commands: Vec<Command> = (0..size).filter_map(|_| life.act(expected.books())).collect();
            if troubled {
                trouble(&mut life, &mut expected, &mut panel);
            }
            both(&mut expected, &mut panel, &commands, seed);
            let wait = Span::minutes([0, 1, 30, 60 * 5, 60 * 30][life.pick(5)]);
            expected.wait(wait);
            panel.wait(wait);
        }
        compare(&mut expected, &mut panel, seed, &mut archived);
    }
    assert!(archived > 50, "a life without an archive proves little: {archived}");
}

/// Neither a start nor a fault that is survived changes what the books say.
fn trouble<S: Subject>(life: &mut Life, expected: &mut Panel<'_, InMemory>, panel: &mut Panel<'_, S>) {
    match life.below(8) {
        0 => {
            expected.reopen();
            panel.reopen();
        }
        1 => {
            let fates = [Fate::Again, Fate::LostCommit, Fate::LostAnswer];
            let count = life.pick(3) + 1;
            panel.fates((0..count).map(|_| fates[life.pick(3)]).collect::<Vec<_>>());
        }
        _ => {}
    }
}

fn both<S: Subject>(
    expected: &mut Panel<'_, InMemory>,
    panel: &mut Panel<'_, S>,
    commands: &[Command],
    seed: u32,
) {
    let replies: Vec<Reply> = panel.batch(commands);
    let reference = expected.batch(commands);
    assert_eq!(replies, reference, "seed {seed}: {commands:#?}");
    assert_eq!(panel.cursors(), expected.cursors(), "seed {seed}");
    assert_eq!(panel.link(), expected.link(), "seed {seed}: {commands:#?}");
    // A fate that no commit met must not wait for the next batch: it would meet another one than in memory.
    panel.executor().books_mut().fates.clear();
}

fn compare<S: Subject>(
    expected: &mut Panel<'_, InMemory>,
    panel: &mut Panel<'_, S>,
    seed: u32,
    archived: &mut usize,
) {
    let files: Vec<OrderFile> = expected.books().orders().cloned().collect();
    assert!(files.len() > 100, "seed {seed}: a life without orders proves nothing");
    let present = |queue: &dyn crate::ports::Queue| {
        queue.old_orders(OrderId(0), Timestamp(i64::MAX), usize::MAX).expect("reads").orders
    };
    let ended = present(expected.books());
    assert_eq!(panel.queue(present), ended, "seed {seed}: the same orders are in the archive");
    *archived += files.iter().filter(|file| expected.books().is_archived(file.order.id)).count();
    for file in &files {
        assert_eq!(panel.file(file.order.id).as_ref(), Some(file), "seed {seed}");
    }
    for customer in customers() {
        assert_eq!(panel.account(customer), expected.account(customer), "seed {seed}");
    }
    let services: Vec<Service> = expected.books().services().cloned().collect();
    for service in services {
        let found = panel.load(Key::Service(service.id)).services.get(&service.id).expect("loaded").cloned();
        assert_eq!(found.as_deref(), Some(&service), "seed {seed}");
    }
    let open = expected.books().open_files(&Share::Own, OrderId(0), usize::MAX).expect("reads");
    assert_eq!(
        panel.queue(|queue| queue.open_files(&Share::Own, OrderId(0), 1_000_000).expect("reads")),
        open,
        "seed {seed}"
    );
    expected.audit();
    panel.audit();
}

const CUSTOMERS: u32 = 4;

fn customers() -> impl Iterator<Item = CustomerId> {
    (1..=CUSTOMERS).map(CustomerId)
}

/// Two providers, seven services, four customers, one of them poor.
fn open_shop<S: Subject>(expected: &mut Panel<'_, InMemory>, panel: &mut Panel<'_, S>) {
    let provider = || Command::PutProvider { account: Box::new(provider_account()) };
    both(expected, panel, &[provider(), provider()], 0);
    let [north, south] = [1, 2].map(panelworks_core::ids::ProviderAccountId);
    let both_legs = || Route::Providers(vec![leg(north, "1"), leg(south, "2")]);
    let sold = [
        Service { guarded: true, route: both_legs(), ..service(ServiceType::Default) },
        Service { min: 1, route: both_legs(), ..service(ServiceType::CustomComments) },
        Service { route: Route::Providers(vec![leg(south, "3")]), ..service(ServiceType::Package) },
        Service { route: both_legs(), ..service(ServiceType::Subscriptions) },
        service(ServiceType::Subscriptions),
        Service { guarded: true, ..service(ServiceType::Default) },
        Service { route: both_legs(), ..service(ServiceType::Poll) },
    ];
    let sold = sold.map(|service| Command::PutService { service: Box::new(service) });
    both(expected, panel, &sold, 0);
    let opened: Vec<_> = customers().map(|_| open_customer("anna")).collect();
    both(expected, panel, &opened, 0);
    let funded: Vec<_> =
        customers().map(|customer| credit(customer, 30_000_000 / i64::from(customer.0))).collect();
    both(expected, panel, &funded, 0);
}

/// Draws one act after another.
struct Life {
    seed: u32,
    step: u64,
}

impl Life {
    fn below(&mut self, bound: u64) -> u64 {
        self.step += 1;
        let name = BatchId { node: NodeId(9), epoch: self.seed, sequence: self.step };
        Draws::new(name, 0).between(0, bound.saturating_sub(1))
    }

    fn pick(&mut self, of: usize) -> usize {
        usize::try_from(self.below(of as u64)).unwrap_or(0)
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        if of.is_empty() { None } else { Some(of[self.pick(of.len())].clone()) }
    }

    /// The next command, as things stand; None when there is nothing it could be about.
    fn act(&mut self, books: &Memory) -> Option<Command> {
        match self.below(40) {
            0..=9 => self.place(books),
            10..=15 => self.begin(books),
            16..=21 => self.finish(books),
            22..=28 => self.observe(books),
            29 | 30 => self.resolve(books),
            31 | 32 => self.request(books),
            33 | 34 => self.answer(books),
            35 | 36 => self.tend(books),
            37 if self.below(2) == 0 => Some(self.archive(books)),
            37 => Some(Command::ExpireHold {
                order: self.order(books, |file| file.order.hold.is_some())?.order.id,
            }),
            38 => self.operate(books),
            _ => Some(credit(CustomerId(self.id(CUSTOMERS)), [-200_000, 1, 3_000_000][self.pick(3)])),
        }
    }

    fn id(&mut self, most: u32) -> u32 {
        u32::try_from(self.below(u64::from(most))).unwrap_or(0) + 1
    }

    fn order(&mut self, books: &Memory, fits: impl Fn(&OrderFile) -> bool) -> Option<OrderFile> {
        let fitting: Vec<&OrderFile> = books.orders().filter(|file| fits(file)).collect();
        self.one(&fitting).cloned()
    }

    fn attempt(&mut self, books: &Memory, fits: impl Fn(&AttemptState) -> bool) -> Option<AttemptId> {
        let attempts: Vec<AttemptId> = books
            .orders()
            .flat_map(|file| {
                let fitting = file.attempts.iter().filter(|attempt| fits(&attempt.state));
                fitting.map(|attempt| AttemptId { order: file.order.id, number: attempt.number })
            })
            .collect();
        self.one(&attempts)
    }

    fn place(&mut self, books: &Memory) -> Option<Command> {
        let services: Vec<Service> = books.services().cloned().collect();
        let service = self.one(&services)?;
        let mark = (self.below(4) == 0).then(|| IdempotencyMark {
            key: [u8::try_from(self.below(12)).unwrap_or(0); 16],
            parameters: [u8::try_from(self.below(3)).unwrap_or(0); 16],
        });
        Some(Command::PlaceOrder {
            customer: CustomerId(self.id(CUSTOMERS)),
            service: Some(service.id),
            draft: self.draft(service.service_type),
            mark,
            max_charge: None,
        })
    }

    fn draft(&mut self, service_type: ServiceType) -> Draft {
        let link = format!("https://example.com/{}", self.below(40));
        let quantity = [100, 10, 9, 2_000, 333][self.pick(5)];
        match service_type {
            ServiceType::Subscriptions => following(&link, 10, 40, Some(2)),
            ServiceType::Default if self.below(4) == 0 => dripping(&link, quantity, 3, 60),
            _other_types => {
                let extra = panelworks_core::order::draft::Extra {
                    comments: panelworks_core::order::draft::Given::Is(
                        ["a".to_owned(), "ü".to_owned()].into(),
                    ),
                    answer_number: panelworks_core::order::draft::Given::Is("3".to_owned()),
                    ..panelworks_core::order::draft::Extra::default()
                };
                Draft { extra: Some(Box::new(extra)), ..draft(&link, quantity) }
            }
        }
    }

    fn begin(&mut self, books: &Memory) -> Option<Command> {
        let attempt = self.attempt(books, |state| matches!(state, AttemptState::Planned { .. }))?;
        Some(Command::BeginAttempt { attempt })
    }

    fn finish(&mut self, books: &Memory) -> Option<Command> {
        let attempt = self.attempt(books, |state| matches!(state, AttemptState::Sending { .. }))?;
        let result = match self.below(10) {
            0..=5 => {
                AttemptResult::Accepted { order: provider_order(&format!("order {}", self.below(2_000))) }
            }
            6 => unknown(),
            7 => not_sent(),
            8 => refused(RejectionClass::Duplicate),
            _ => refused(
                [RejectionClass::Service, RejectionClass::Limit, RejectionClass::Input { reroutable: false }]
                    [self.pick(3)],
            ),
        };
        Some(Command::FinishAttempt { attempt, result })
    }

    fn observe(&mut self, books: &Memory) -> Option<Command> {
        let attempt = self.attempt(books, |state| state.provider_order().is_some())?;
        let status = match self.below(8) {
            0 => SeenStatus::Pending,
            1 | 2 => SeenStatus::InProgress,
            3 | 4 => SeenStatus::Completed,
            5 => SeenStatus::Partial,
            6 => SeenStatus::Canceled,
            _ => SeenStatus::Failed("Fail".to_owned()),
        };
        let remains = i64::try_from(self.below(120)).unwrap_or(0);
        let seen = Observation {
            remains: if self.below(5) == 0 { SeenRemains::Missing } else { SeenRemains::Is(remains) },
            charge: if self.below(2) == 0 { SeenCharge::Missing } else { SeenCharge::Micros(remains * 500) },
            start_count: (self.below(2) == 0).then_some(remains * 1_000),
            orders: if self.below(3) == 0 { vec![format!("post {remains}")] } else { Vec::new() },
            ..seen(status)
        };
        Some(Command::Observe { attempt, seen })
    }

    fn resolve(&mut self, books: &Memory) -> Option<Command> {
        let open = |state: &AttemptState| {
            matches!(
                state,
                AttemptState::Unknown { .. } | AttemptState::Absent { .. } | AttemptState::WrittenOff { .. }
            )
        };
        let attempt = self.attempt(books, open)?;
        let verdict = match self.below(3) {
            0 => Verdict::Absent,
            1 => Verdict::WriteOff,
            _ => Verdict::Adopt { order: provider_order(&format!("order {}", self.below(2_000))) },
        };
        Some(Command::ResolveAttempt { attempt, verdict })
    }

    fn request(&mut self, books: &Memory) -> Option<Command> {
        let order = self.order(books, |_| true)?.order;
        let customer = if self.below(9) == 0 { CustomerId(self.id(CUSTOMERS)) } else { order.customer };
        Some(if self.below(2) == 0 {
            Command::RequestCancel { customer, order: order.id }
        } else {
            Command::RequestRefill { customer, order: order.id }
        })
    }

    fn answer(&mut self, books: &Memory) -> Option<Command> {
        if self.below(2) == 0 {
            let file = self.order(books, |file| file.refills.iter().any(|refill| refill.state.is_open()))?;
            let (order, refill) = (file.order.id, file.refills.last()?.id);
            return Some(match self.below(4) {
                0 => Command::AnswerRefill {
                    order,
                    refill,
                    answer: RefillAnswer::Taken { provider_refill: Some("r".to_owned()) },
                },
                1 => Command::AnswerRefill { order, refill, answer: RefillAnswer::Unclear },
                2 => Command::ObserveRefill { order, refill, seen: RefillSeen::Running },
                _ => Command::ObserveRefill { order, refill, seen: RefillSeen::Completed },
            });
        }
        let file = self.order(books, |file| file.cancels.iter().any(|cancel| cancel.state.is_open()))?;
        let (order, cancel) = (file.order.id, file.cancels.last()?.id);
        let answer = match self.below(3) {
            0 => CancelAnswer::Taken { provider_cancel: None },
            1 => CancelAnswer::Unclear,
            _ => CancelAnswer::Refused,
        };
        Some(Command::AnswerCancel { order, cancel, answer })
    }

    fn tend(&mut self, books: &Memory) -> Option<Command> {
        let parent = self.order(books, |file| {
            matches!(file.order.part, Part::DripFeed(_) | Part::Subscription(_))
                && !file.order.status.has_ended()
        })?;
        let id = parent.order.id;
        Some(match (&parent.order.part, self.below(2)) {
            (Part::DripFeed(_), _) => Command::MakeRun { parent: id },
            (_, 0) => Command::TendSubscription { subscription: id },
            _ => Command::ReportPost {
                subscription: id,
                link: format!("https://example.com/{}", self.below(40)),
            },
        })
    }

    fn archive(&mut self, books: &Memory) -> Command {
        let orders: Vec<OrderId> = books.orders().map(|file| file.order.id).collect();
        let from = self.pick(orders.len().max(1)).min(orders.len());
        let orders = orders[from..].iter().copied().take(20).collect();
        Command::ArchiveOrders { orders, kept: Span(0) }
    }

    fn operate(&mut self, books: &Memory) -> Option<Command> {
        match self.below(3) {
            0 => {
                let standing =
                    [Standing::Active, Standing::Active, Standing::Frozen, Standing::Suspended][self.pick(4)];
                Some(Command::SetStanding { customer: CustomerId(self.id(CUSTOMERS)), standing })
            }
            1 => {
                let services: Vec<Service> = books.services().cloned().collect();
                let mut service = self.one(&services)?;
                service.guarded = !service.guarded;
                service.rate =
                    panelworks_core::money::Rate::from_micros(400_000 + i64::from(self.id(500_000)))?;
                Some(Command::PutService { service: Box::new(service) })
            }
            _ => {
                let providers: Vec<_> = books.providers().cloned().collect();
                let mut provider = self.one(&providers)?;
                provider.enabled = self.below(4) > 0;
                Some(Command::PutProvider { account: Box::new(provider) })
            }
        }
    }
}
