//! Random lives of a small panel: whatever customers, providers and operators do, no law is broken.
//!
//! Every command goes through the [`Stage`], which audits after each batch, checks each order's change, and
//! asserts that a refusal changed nothing (invariants.md 4.1). More cases: `PROPTEST_CASES`.

use proptest::prelude::*;
use proptest::sample::Index;

use super::{Stage, draft, dripping, following, leg, provider_order, service};
use crate::catalogue::{RefillTerms, Route, Service, ServiceType};
use crate::command::Command;
use crate::customer::{Standing, Switches};
use crate::ids::{AttemptId, CustomerId, OrderId, ServiceId};
use crate::money::{Amount, Currency, Rate};
use crate::order::attempt::{Attempt, AttemptResult, AttemptState, Verdict};
use crate::order::cancel::CancelAnswer;
use crate::order::draft::{Draft, Extra, Given};
use crate::order::refill::{RefillAnswer, RefillSeen};
use crate::order::{IdempotencyMark, OrderFile, Part};
use crate::outcome::Refusal;
use crate::provider::{Observation, RejectionClass, SeenCharge, SeenRemains, SeenStatus};
use crate::time::{Span, Timestamp};

const CASES: u32 = 600;

/// Something somebody does. Indexes pick from what there is when it is done.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Place {
        customer: Index,
        service: Index,
        link: u8,
        quantity: u64,
        runs: u64,
        key: Option<u8>,
    },
    /// Begins a planned attempt when it is due, and finishes it.
    Send(Index, Answer),
    Begin(Index),
    Finish(Index, Answer),
    Observe(Index, Observation),
    ByHand(Index, Observation),
    Resolve(Index, Word),
    Cancel(Index, Index),
    AnswerCancel(Index, u8),
    Refill(Index, Index),
    AnswerRefill(Index, u8),
    ExpireHold(Index),
    EnterShare(Index, u16),
    MakeRun(Index),
    Report(Index),
    Tend(Index),
    Credit(Index, i64),
    Stand(Index, u8),
    Reprice(Index, i64),
    Switch(Index),
    Wait(Span),
}

#[derive(Debug, Clone)]
pub(super) enum Answer {
    Accepted(u8),
    Rejected(RejectionClass),
    NotSent,
    Unknown,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    Adopt(u8),
    Absent,
    WriteOff,
}

pub(super) fn acts() -> impl Strategy<Value = Act> {
    let quantity =
        prop_oneof![20 => 10_u64..=200, 1 => 0_u64..=9, 1 => 9_990_u64..=10_010, 1 => any::<u64>()];
    let place = (
        any::<Index>(),
        any::<Index>(),
        0_u8..3,
        quantity,
        prop_oneof![6 => Just(0_u64), 6 => 2_u64..=4, 1 => 999_u64..=1_001],
        prop_oneof![4 => Just(None), 1 => (0_u8..4).prop_map(Some)],
    )
        .prop_map(|(customer, service, link, quantity, runs, key)| Act::Place {
            customer,
            service,
            link,
            quantity,
            runs,
            key,
        });
    let pick = any::<Index>;
    prop_oneof![
        12 => place,
        22 => (pick(), answers()).prop_map(|(at, answer)| Act::Send(at, answer)),
        4 => pick().prop_map(Act::Begin),
        8 => (pick(), answers()).prop_map(|(at, answer)| Act::Finish(at, answer)),
        24 => (pick(), observations()).prop_map(|(at, seen)| Act::Observe(at, seen)),
        2 => (pick(), observations()).prop_map(|(at, seen)| Act::ByHand(at, seen)),
        6 => (pick(), words()).prop_map(|(at, word)| Act::Resolve(at, word)),
        3 => (pick(), pick()).prop_map(|(who, what)| Act::Cancel(who, what)),
        4 => (pick(), any::<u8>()).prop_map(|(at, answer)| Act::AnswerCancel(at, answer)),
        5 => (pick(), pick()).prop_map(|(who, what)| Act::Refill(who, what)),
        3 => (pick(), any::<u8>()).prop_map(|(at, answer)| Act::AnswerRefill(at, answer)),
        3 => pick().prop_map(Act::ExpireHold),
        3 => (pick(), 0_u16..=1_001).prop_map(|(at, permille)| Act::EnterShare(at, permille)),
        8 => pick().prop_map(Act::MakeRun),
        3 => pick().prop_map(Act::Report),
        3 => pick().prop_map(Act::Tend),
        2 => (pick(), prop_oneof![8 => -3_000_000_i64..=3_000_000, 1 => Just(i64::MIN), 1 => Just(i64::MAX)])
            .prop_map(|(who, micros)| Act::Credit(who, micros)),
        1 => (pick(), 0_u8..8).prop_map(|(who, standing)| Act::Stand(who, standing)),
        2 => (pick(), prop_oneof![3 => 500_000_i64..=2_000_000, 1 => 0_i64..=499_999]).prop_map(|(what, micros)| Act::Reprice(what, micros)),
        1 => pick().prop_map(Act::Switch),
        6 => prop_oneof![
            4 => (1_i64..=90).prop_map(Span::minutes),
            2 => (1_i64..=48).prop_map(Span::hours),
            1 => (1_i64..=32).prop_map(Span::days),
        ]
        .prop_map(Act::Wait),
    ]
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => any::<u8>().prop_map(Answer::Accepted),
        2 => Just(Answer::Unknown),
        1 => Just(Answer::NotSent),
        4 => prop::sample::select(vec![
            RejectionClass::Funds,
            RejectionClass::Auth,
            RejectionClass::Service,
            RejectionClass::Input { reroutable: true },
            RejectionClass::Input { reroutable: false },
            RejectionClass::Duplicate,
            RejectionClass::Duplicate,
            RejectionClass::Limit,
            RejectionClass::Temporary,
            RejectionClass::Unrecognised,
        ])
        .prop_map(Answer::Rejected),
    ]
}

fn words() -> impl Strategy<Value = Word> {
    prop_oneof![any::<u8>().prop_map(Word::Adopt), Just(Word::Absent), Just(Word::WriteOff)]
}

fn observations() -> impl Strategy<Value = Observation> {
    let status = prop::sample::select(vec![
        None,
        Some(SeenStatus::Pending),
        Some(SeenStatus::Processing),
        Some(SeenStatus::InProgress),
        Some(SeenStatus::Completed),
        Some(SeenStatus::Completed),
        Some(SeenStatus::Partial),
        Some(SeenStatus::Partial),
        Some(SeenStatus::Canceled),
        Some(SeenStatus::Expired),
        Some(SeenStatus::Failed("Fail".to_owned())),
        Some(SeenStatus::Unknown("Refunding".to_owned())),
    ]);
    let remains = prop_oneof![
        4 => (0_i64..=220).prop_map(SeenRemains::Is),
        1 => any::<i64>().prop_map(SeenRemains::Is),
        1 => Just(SeenRemains::Missing),
        1 => Just(SeenRemains::Invalid),
    ];
    let charge = prop_oneof![
        2 => Just(SeenCharge::Missing),
        1 => Just(SeenCharge::Unusable),
        2 => (0_i64..=200_000).prop_map(SeenCharge::Micros),
        1 => any::<i64>().prop_map(SeenCharge::Micros),
    ];
    let posts = prop_oneof![Just(None), Just(Some(0)), Just(Some(1))];
    let orders = prop_oneof![3 => Just(None), 1 => any::<u8>().prop_map(Some)];
    (status, remains, charge, any::<Option<i64>>(), posts, orders).prop_map(
        |(status, remains, charge, start_count, posts, order)| Observation {
            status,
            charge,
            start_count,
            remains,
            posts,
            orders: order.into_iter().map(|n| format!("post {n}")).collect(),
        },
    )
}

/// Two providers, a service of every sort, and customers of whom one has credit and one hardly any money.
pub(super) fn open() -> Stage {
    let mut stage = Stage::default();
    let (north, south) = (stage.provider(), stage.provider());
    let rate = |micros| Rate::from_micros(micros).expect("a rate");
    let both = || Route::Providers(vec![leg(north, "1"), leg(south, "2")]);
    stage.service(Service {
        rate: rate(833_333),
        guarded: true,
        route: both(),
        ..service(ServiceType::Default)
    });
    stage.service(Service { min: 1, route: both(), ..service(ServiceType::CustomComments) });
    stage.service(Service {
        rate: rate(700_001),
        route: Route::Providers(vec![leg(south, "3")]),
        refill: Some(RefillTerms { days: None, partial: true }),
        ..service(ServiceType::Package)
    });
    stage.service(Service {
        rate: rate(1_234_567),
        route: Route::Providers(vec![leg(north, "4")]),
        ..service(ServiceType::Subscriptions)
    });
    stage.service(service(ServiceType::Subscriptions));
    stage.service(service(ServiceType::Default));
    for micros in [50_000_000, 1_000_000, 0] {
        stage.customer(micros);
    }
    let lent = Command::OpenCustomer {
        name: "ben".to_owned(),
        currency: Currency::USD,
        credit_limit: Amount(2_000_000),
        switches: Switches::default(),
        key: None,
    };
    stage.run(lent).expect("opened");
    stage
}

/// The command for an act as things stand; None when there is nothing it could be about.
fn command(stage: &Stage, act: &Act) -> Option<Command> {
    Some(match act {
        Act::Place { customer, service, link, quantity, runs, key } => {
            let service =
                ServiceId(one(*service, &stage.services.keys().map(|id| id.0).collect::<Vec<_>>())?);
            Command::PlaceOrder {
                customer: one(*customer, &customers(stage))?,
                service: Some(service),
                draft: draft_for(stage.services[&service].service_type, *link, *quantity, *runs),
                mark: key.map(|key| IdempotencyMark { key: [key; 16], parameters: [*link; 16] }),
                max_charge: None,
            }
        }
        Act::Begin(at) | Act::Send(at, _) => {
            let due =
                |state: &AttemptState| matches!(state, AttemptState::Planned { due } if *due <= stage.now);
            Command::BeginAttempt { attempt: one(*at, &attempts(stage, due))? }
        }
        Act::Finish(at, answer) => {
            let sending = |state: &AttemptState| matches!(state, AttemptState::Sending { .. });
            Command::FinishAttempt { attempt: one(*at, &attempts(stage, sending))?, result: result(answer) }
        }
        Act::Observe(at, seen) => {
            let there = |state: &AttemptState| state.provider_order().is_some();
            Command::Observe { attempt: one(*at, &attempts(stage, there))?, seen: seen.clone() }
        }
        Act::ByHand(at, seen) => {
            Command::Observe { attempt: AttemptId::by_hand(one(*at, &orders(stage))?), seen: seen.clone() }
        }
        Act::Resolve(at, word) => Command::ResolveAttempt {
            attempt: one(*at, &attempts(stage, asks_for_a_word))?,
            verdict: match word {
                Word::Adopt(n) => Verdict::Adopt { order: provider_order(&format!("order {n}")) },
                Word::Absent => Verdict::Absent,
                Word::WriteOff => Verdict::WriteOff,
            },
        },
        Act::Cancel(who, at) => {
            let order = one(*at, &orders(stage))?;
            Command::RequestCancel { customer: owner_mostly(stage, *who, order)?, order }
        }
        Act::Refill(who, at) => {
            let order = one(*at, &files(stage, |file| file.order.ended_at.is_some()))?;
            Command::RequestRefill { customer: owner_mostly(stage, *who, order)?, order }
        }
        Act::AnswerCancel(at, answer) => answer_cancel(stage, *at, *answer)?,
        Act::AnswerRefill(at, answer) => answer_refill(stage, *at, *answer)?,
        Act::ExpireHold(at) => {
            Command::ExpireHold { order: one(*at, &files(stage, |file| file.order.hold.is_some()))? }
        }
        Act::EnterShare(at, delivered_permille) => {
            let packages = files(stage, |file| file.order.kind.service_type().is_package());
            Command::EnterShare { order: one(*at, &packages)?, delivered_permille: *delivered_permille }
        }
        Act::MakeRun(at) => Command::MakeRun { parent: one(*at, &files(stage, |file| due(file).is_some()))? },
        Act::Report(at) => {
            Command::ReportPost { subscription: one(*at, &subscriptions(stage))?, link: "post".to_owned() }
        }
        Act::Tend(at) => Command::TendSubscription { subscription: one(*at, &subscriptions(stage))? },
        Act::Credit(who, micros) => Command::CreditCustomer {
            customer: one(*who, &customers(stage))?,
            amount: Amount(*micros),
            note: String::new(),
        },
        Act::Stand(who, standing) => Command::SetStanding {
            customer: one(*who, &customers(stage))?,
            standing: match standing {
                0 => Standing::Suspended,
                1 => Standing::Frozen,
                _ => Standing::Active,
            },
        },
        Act::Reprice(at, micros) => {
            let mut service = one(*at, &stage.services.values().cloned().collect::<Vec<_>>())?;
            service.rate = Rate::from_micros(*micros)?;
            Command::PutService { service: Box::new(service) }
        }
        Act::Switch(at) => {
            let mut account = one(*at, &stage.providers.values().cloned().collect::<Vec<_>>())?;
            account.enabled = !account.enabled;
            Command::PutProvider { account: Box::new(account) }
        }
        Act::Wait(_) => return None,
    })
}

/// When a drip-feed's next run is due.
fn due(file: &OrderFile) -> Option<Timestamp> {
    match &file.order.part {
        Part::DripFeed(drip) if !file.order.status.has_ended() => drip.due(),
        _other_parts => None,
    }
}

/// An act that waits for something finds it due.
fn let_time_pass(stage: &mut Stage, act: &Act) {
    let due = match act {
        Act::Wait(span) => Some(stage.now.after(*span)),
        Act::Send(..) => {
            let planned = |attempt: &Attempt| match &attempt.state {
                AttemptState::Planned { due } => Some(*due),
                _other_states => None,
            };
            stage.orders.values().flat_map(|file| &file.attempts).filter_map(planned).min()
        }
        Act::MakeRun(_) => stage.orders.values().filter_map(due).min(),
        _other_acts => None,
    };
    stage.now = stage.now.max(due.unwrap_or(stage.now));
}

fn one<T: Clone>(at: Index, of: &[T]) -> Option<T> {
    (!of.is_empty()).then(|| at.get(of).clone())
}

fn customers(stage: &Stage) -> Vec<CustomerId> {
    stage.accounts.keys().copied().collect()
}

fn orders(stage: &Stage) -> Vec<OrderId> {
    stage.orders.keys().copied().collect()
}

fn files(stage: &Stage, fits: impl Fn(&OrderFile) -> bool) -> Vec<OrderId> {
    stage.orders.values().filter(|file| fits(file)).map(|file| file.order.id).collect()
}

fn subscriptions(stage: &Stage) -> Vec<OrderId> {
    files(stage, |file| matches!(file.order.part, Part::Subscription(_)))
}

fn attempts(stage: &Stage, fits: impl Fn(&AttemptState) -> bool) -> Vec<AttemptId> {
    let of = |file: &OrderFile| {
        let id = |attempt: &Attempt| AttemptId { order: file.order.id, number: attempt.number };
        file.attempts.iter().filter(|attempt| fits(&attempt.state)).map(id).collect::<Vec<_>>()
    };
    stage.orders.values().flat_map(of).collect()
}

fn asks_for_a_word(state: &AttemptState) -> bool {
    state.is_in_doubt(true)
        || matches!(state, AttemptState::WrittenOff { .. } | AttemptState::Rejected { .. })
}

/// The order's own customer, or now and then whoever comes along.
fn owner_mostly(stage: &Stage, who: Index, order: OrderId) -> Option<CustomerId> {
    if who.index(8) == 0 { one(who, &customers(stage)) } else { Some(stage.order(order).customer) }
}

fn draft_for(service_type: ServiceType, link: u8, quantity: u64, runs: u64) -> Draft {
    let link = format!("https://example.com/{link}");
    match service_type {
        ServiceType::Subscriptions => following(&link, quantity.min(50), quantity, Some(runs)),
        ServiceType::CustomComments => {
            let comments = vec!["nice".to_owned(); usize::try_from(quantity % 40).unwrap_or(0)];
            let extra = Extra { comments: Given::Is(comments.into()), ..Extra::default() };
            Draft { extra: Some(Box::new(extra)), ..draft(&link, 1) }
        }
        ServiceType::Default => dripping(&link, quantity, runs, 30),
        _every_other_type => draft(&link, quantity),
    }
}

fn result(answer: &Answer) -> AttemptResult {
    match answer {
        Answer::Accepted(n) => AttemptResult::Accepted { order: provider_order(&format!("order {n}")) },
        Answer::Rejected(class) => super::refused(*class),
        Answer::NotSent => super::not_sent(),
        Answer::Unknown => super::unknown(),
    }
}

fn answer_cancel(stage: &Stage, at: Index, word: u8) -> Option<Command> {
    let answer = match word % 5 {
        0 | 1 => CancelAnswer::Refused,
        2 => CancelAnswer::Unclear,
        _ => CancelAnswer::Taken { provider_cancel: None },
    };
    let asked_back = |id: &AttemptId| stage.attempt(*id).recall.is_some();
    let recalls: Vec<AttemptId> = attempts(stage, |_| true).into_iter().filter(asked_back).collect();
    if word >= 128
        && let Some(attempt) = one(at, &recalls)
    {
        return Some(Command::AnswerRecall { attempt, answer });
    }
    let order = one(at, &files(stage, OrderFile::asked_to_cancel))?;
    let cancel = stage.file(order).cancels.iter().find(|cancel| cancel.state.is_open())?.id;
    Some(if word.is_multiple_of(5) {
        Command::ObserveCancel { order, cancel, rejected: true }
    } else {
        Command::AnswerCancel { order, cancel, answer }
    })
}

fn answer_refill(stage: &Stage, at: Index, answer: u8) -> Option<Command> {
    let open = |file: &OrderFile| file.refills.iter().any(|refill| refill.state.is_open());
    let order = one(at, &files(stage, open))?;
    let refill = stage.file(order).refills.iter().find(|refill| refill.state.is_open())?.id;
    let answer = match answer % 7 {
        0 => RefillAnswer::Taken { provider_refill: Some("r".to_owned()) },
        1 => RefillAnswer::AlreadyOpen,
        2 => RefillAnswer::Refused,
        3 => RefillAnswer::Unclear,
        4 => return Some(Command::ObserveRefill { order, refill, seen: RefillSeen::Running }),
        5 => return Some(Command::ObserveRefill { order, refill, seen: RefillSeen::Completed }),
        _ => return Some(Command::ObserveRefill { order, refill, seen: RefillSeen::Error }),
    };
    Some(Command::AnswerRefill { order, refill, answer })
}

/// The outcome of money already spent is never refused; nothing is ever too large for the books.
fn check(command: &Command, outcome: &crate::outcome::Outcome) {
    let spent = matches!(command, Command::FinishAttempt { .. })
        || matches!(command, Command::Observe { attempt, .. } if !attempt.is_by_hand());
    assert!(!spent || outcome.is_ok(), "{command:?} was refused: {outcome:?}");
    let small = !matches!(command, Command::CreditCustomer { .. });
    assert!(!small || *outcome != Err(Refusal::AmountOutOfRange), "{command:?}: {outcome:?}");
}

fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(CASES), ..ProptestConfig::default() }
}

/// Lives through `life`, one command at a time.
pub(super) fn live(stage: &mut Stage, life: &[Act]) {
    for act in life {
        let_time_pass(stage, act);
        let Some(command) = command(stage, act) else { continue };
        check(&command, &stage.run(command.clone()));
        if let (Act::Send(_, answer), Command::BeginAttempt { attempt }) = (act, command)
            && matches!(stage.attempt(attempt).state, AttemptState::Sending { .. })
        {
            stage.finish(attempt, result(answer));
        }
    }
}

/// Lives through `life`, the commands of each day in one batch.
pub(super) fn live_in_batches(stage: &mut Stage, life: &[Vec<Act>]) {
    for acts in life {
        for act in acts {
            let_time_pass(stage, act);
        }
        let commands: Vec<Command> = acts.iter().filter_map(|act| command(stage, act)).collect();
        if !commands.is_empty() {
            stage.run_batch(&commands);
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    /// Shows B6, B8, C2, C3, C20, I1, I2, I8, I11.
    #[test]
    fn no_life_of_a_panel_breaks_a_law(life in prop::collection::vec(acts(), 60)) {
        live(&mut open(), &life);
    }

    #[test]
    fn commands_that_share_a_batch_break_no_law(life in prop::collection::vec(prop::collection::vec(acts(), 1..6), 20)) {
        live_in_batches(&mut open(), &life);
    }
}
