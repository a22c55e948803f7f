//! Every value comes back as it went: each case makes rows of one sort, and [`Panel::run_all`] compares them.

use panelworks_core::catalogue::{RefillTerms, Route, Service, ServiceType};
use panelworks_core::command::Command;
use panelworks_core::customer::{KeyHash, Standing, Switches};
use panelworks_core::ids::{AttemptId, CancelId, OrderId, RefillId};
use panelworks_core::limits::{HOLD_LIMIT, LINK_BYTES};
use panelworks_core::money::{Amount, Currency, Rate};
use panelworks_core::order::attempt::{AttemptResult, AttemptState, Verdict};
use panelworks_core::order::cancel::CancelAnswer;
use panelworks_core::order::draft::{Draft, Extra, Given};
use panelworks_core::order::refill::{RefillAnswer, RefillSeen};
use panelworks_core::order::{CancelState, Lines, RefillState};
use panelworks_core::outcome::Done;
use panelworks_core::provider::{
    Observation, ProviderAccount, RejectionClass, SeenCharge, SeenRemains, SeenStatus,
};
use panelworks_core::testing::{
    draft, dripping, following, leg, not_sent, provider_order, refused, seen, seen_left, service, unknown,
};
use panelworks_core::time::{Date, Span};
use panelworks_core::world::Key;

use super::{Panel, Subject, link, provider_account};
use crate::ports::Share;

/// Everything that any type asks for.
fn full_draft(quantity: u64) -> Draft {
    let lines = |texts: &[&str]| Given::Is(texts.iter().map(|text| (*text).to_owned()).collect::<Lines>());
    let text = |text: &str| Given::Is(text.to_owned());
    let extra = Extra {
        comments: lines(&["nice", "so \"nice\"", "🙂 — ½"]),
        usernames: lines(&["anna", "ben"]),
        hashtags: lines(&["one", "two"]),
        keywords: lines(&["panel"]),
        groups: lines(&["https://example.com/g"]),
        hashtag: text("tag"),
        username: text("anna"),
        media: text("https://example.com/m"),
        answer_number: text("7"),
        country: text("DE"),
        device: Given::Is(1),
        type_of_traffic: Given::Is(1),
        google_keyword: text("panel"),
        referring_url: text("https://example.com"),
        min: Given::Is(10),
        max: Given::Is(20),
        posts: Given::Is(3),
        old_posts: Given::Is(2),
        delay_min: Given::Is(5),
        expiry: Date::new(2030, 1, 31).map_or(Given::Absent, Given::Is),
    };
    Draft { extra: Some(Box::new(extra)), ..draft("https://example.com/a", quantity) }
}

pub fn every_kind_of_order_survives<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    for service_type in ServiceType::ALL {
        let sold = panel.service(Service { min: 1, guarded: true, ..service(service_type) });
        let order = panel.place(customer, sold, full_draft(100));
        let before = panel.placed_file(order);
        assert_eq!(before.order.kind.service_type(), service_type);
        panel.reopen();
        assert_eq!(panel.placed_file(order), before);
    }
    panel.audit();
}

pub fn every_part_survives<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    let account = panel.provider();
    let route = || Route::Providers(vec![leg(account, "7")]);
    let sold = panel.service(Service { route: route(), ..service(ServiceType::Default) });
    let parent = panel.place(customer, sold, dripping("a", 100, 3, 10));
    for n in 0..3 {
        let run = OrderId(parent.0 + 1 + n);
        let attempt = panel.accept(run, &format!("run {n}"));
        panel.observe(attempt, seen_left(SeenStatus::Partial, 40));
        panel.wait(Span::minutes(10));
        if n < 2 {
            panel.ok(Command::MakeRun { parent });
        }
    }
    assert!(panel.placed_file(parent).order.status.has_ended());
    for route in [route(), Route::Manual] {
        let sold = panel.service(Service { route, ..service(ServiceType::Subscriptions) });
        let subscription = panel.place(customer, sold, following("anna", 10, 20, Some(2)));
        if panel.placed_file(subscription).attempts.is_empty() {
            panel.ok(Command::ReportPost { subscription, link: "post".to_owned() });
        } else {
            let attempt = panel.accept(subscription, "segment");
            let post = Observation { orders: vec!["post 1".to_owned()], ..seen(SeenStatus::InProgress) };
            panel.observe(attempt, post);
        }
        panel.reopen();
        panel.ok(Command::RequestCancel { customer, order: subscription });
    }
    panel.audit();
}

pub fn every_hold_survives<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    let (sold, account) = panel.routed();
    let route = Route::Providers(vec![leg(account, "9")]);
    let package = panel.service(Service { route, ..service(ServiceType::Package) });
    let manual = panel.service(service(ServiceType::Default));
    panel.place(customer, manual, draft("manual", 100));
    let results =
        [not_sent(), unknown(), refused(RejectionClass::Unrecognised), refused(RejectionClass::Limit)];
    for (n, result) in results.into_iter().enumerate() {
        let order = panel.place(customer, sold, draft(&link(n), 100));
        panel.send(order, result);
        assert!(panel.placed_file(order).order.hold.is_some());
    }
    let sightings = [
        (sold, seen(SeenStatus::Partial)),
        (sold, seen_left(SeenStatus::Partial, -5)),
        (sold, seen(SeenStatus::Failed("Fehler: \"x\" '🙂'".to_owned()))),
        (package, seen(SeenStatus::Partial)),
    ];
    for (n, (sold, sight)) in sightings.into_iter().enumerate() {
        let order = panel.place(customer, sold, draft(&link(100 + n), 100));
        let attempt = panel.accept(order, &format!("{n}"));
        panel.wait(Span::minutes(1));
        panel.observe(attempt, sight);
        assert!(panel.placed_file(order).order.hold.is_some());
        panel.observe(attempt, seen(SeenStatus::Completed));
        assert!(panel.placed_file(order).order.hold.is_none());
    }
    panel.audit();
}

pub fn every_state_of_an_attempt_survives<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    let (sold, _) = panel.routed();
    let mut number = 0;
    let mut order = |panel: &mut Panel<'_, S>| {
        number += 1;
        panel.place(customer, sold, draft(&link(number), 100))
    };
    let voided = order(&mut panel);
    panel.ok(Command::RequestCancel { customer, order: voided });
    let sending = AttemptId { order: order(&mut panel), number: 1 };
    panel.ok(Command::BeginAttempt { attempt: sending });
    for result in [not_sent(), unknown(), refused(RejectionClass::Temporary), refused(RejectionClass::Funds)]
    {
        let order = order(&mut panel);
        panel.send(order, result);
    }
    for verdict in [Verdict::Absent, Verdict::WriteOff, Verdict::Adopt { order: provider_order("77") }] {
        let order = order(&mut panel);
        let attempt = panel.send(order, unknown());
        panel.ok(Command::ResolveAttempt { attempt, verdict: verdict.clone() });
        if verdict == Verdict::WriteOff {
            let late = Verdict::Adopt { order: provider_order("late") };
            panel.ok(Command::ResolveAttempt { attempt, verdict: late });
            let state = panel.placed_file(order).attempts[0].state.clone();
            assert!(matches!(state, AttemptState::FoundLate { .. }), "{state:?}");
        }
    }
    let before = panel.queue(|queue| queue.open_files(&Share::Own, OrderId(0), 100).expect("reads"));
    panel.reopen();
    assert_eq!(panel.queue(|queue| queue.open_files(&Share::Own, OrderId(0), 100).expect("reads")), before);
    panel.audit();
}

pub fn many_attempts_come_back_in_their_order<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    let (sold, _) = panel.routed();
    let order = panel.place(customer, sold, draft("a", 100));
    for _ in 0..40 {
        panel.send(order, not_sent());
        panel.wait(Span::hours(1));
    }
    let numbers: Vec<_> = panel.placed_file(order).attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (1..=41).collect::<Vec<_>>());
    panel.audit();
}

pub fn refills_and_cancels_survive_in_every_state<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    let (sold, _) = panel.routed();
    let order = panel.place(customer, sold, draft("a", 100));
    let attempt = panel.accept(order, "1");
    panel.observe(attempt, seen(SeenStatus::Completed));
    let taken = |id: &str| RefillAnswer::Taken { provider_refill: Some(id.to_owned()) };
    for (answer, end) in [
        (taken("r1"), Some(RefillSeen::Completed)),
        (taken("r2"), Some(RefillSeen::Error)),
        (RefillAnswer::AlreadyOpen, Some(RefillSeen::Rejected)),
        (RefillAnswer::Refused, None),
    ] {
        panel.wait(Span::days(2));
        let Done::RefillRequested { refill } = panel.ok(Command::RequestRefill { customer, order }) else {
            panic!("not requested")
        };
        panel.ok(Command::AnswerRefill { order, refill, answer: RefillAnswer::Unclear });
        panel.ok(Command::AnswerRefill { order, refill, answer });
        if let Some(seen) = end {
            panel.ok(Command::ObserveRefill { order, refill, seen: RefillSeen::Running });
            panel.ok(Command::ObserveRefill { order, refill, seen });
        }
    }
    assert_eq!(
        panel.placed_file(order).refills.iter().map(|refill| refill.id).collect::<Vec<_>>(),
        [1, 2, 3, 4].map(RefillId)
    );
    assert_eq!(panel.placed_file(order).refills[3].state, RefillState::Rejected);
    cancels(&mut panel, customer, sold);
    panel.audit();
}

fn cancels<S: Subject>(
    panel: &mut Panel<'_, S>,
    customer: panelworks_core::ids::CustomerId,
    sold: panelworks_core::ids::ServiceId,
) {
    let order = panel.place(customer, sold, draft("b", 100));
    let attempt = panel.accept(order, "2");
    let answers = [CancelAnswer::Refused, CancelAnswer::Taken { provider_cancel: Some("c1".to_owned()) }];
    for answer in answers {
        let Done::CancelRequested { cancel, .. } = panel.ok(Command::RequestCancel { customer, order })
        else {
            panic!("not requested")
        };
        panel.ok(Command::AnswerCancel { order, cancel, answer: CancelAnswer::Unclear });
        panel.ok(Command::AnswerCancel { order, cancel, answer });
    }
    panel.reopen();
    panel.observe(attempt, seen(SeenStatus::Canceled));
    let ends: Vec<_> = panel.placed_file(order).cancels.iter().map(|cancel| cancel.state.clone()).collect();
    assert_eq!(ends, [CancelState::Rejected, CancelState::Completed]);
    assert_eq!(panel.placed_file(order).cancels[0].id, CancelId(1_000));
}

pub fn long_and_odd_texts_survive<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    let (sold, _) = panel.routed();
    let longest = format!("https://example.com/{}", "ä".repeat((LINK_BYTES - 20) / 2));
    for text in [longest.as_str(), "'; drop table orders; --", "a?1=$2&%_", "नमस्ते 🙂", "1e3", "NULL"]
    {
        let order = panel.place(customer, sold, draft(text, 100));
        assert_eq!(panel.placed_file(order).order.link.as_deref(), Some(text));
    }
    let comments = panel.service(Service { min: 1, ..service(ServiceType::CustomComments) });
    let lines: Lines = (0..2_000).map(|n| format!("comment {n} with some words \\ \" '")).collect();
    let extra = Extra { comments: Given::Is(lines), ..Extra::default() };
    panel.place(customer, comments, Draft { extra: Some(Box::new(extra)), ..draft("a", 1) });
    panel.audit();
}

pub fn the_largest_charge_survives<S: Subject>(subject: &mut S) {
    const BALANCE: i64 = 90_000_000_000_000_000;
    let mut panel = Panel::open(subject);
    let customer = panel.customer(BALANCE);
    let rate = Rate::from_micros(panelworks_core::limits::RATE_MAX_MICROS).expect("a rate");
    let max = panelworks_core::limits::QUANTITY_MAX;
    let sold = panel.service(Service { rate, max, ..service(ServiceType::Default) });
    let order = panel.place(customer, sold, draft("a", 90_000_000));
    assert_eq!(panel.placed_file(order).order.charge, Amount(BALANCE));
    panel.ok(Command::RequestCancel { customer, order });
    assert_eq!(panel.balance(customer), BALANCE);
    panel.audit();
}

pub fn customers_and_keys_survive<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let switches = Switches { shows_paused: true, descriptions: true, ..Switches::default() };
    let (first, second) = (KeyHash([1; 32]), KeyHash([2; 32]));
    let opened = panel.ok(Command::OpenCustomer {
        name: "Änna \"x\"".to_owned(),
        currency: Currency::new("EUR").expect("a code"),
        credit_limit: Amount(5_000_000),
        switches,
        key: Some(first),
    });
    let Done::CustomerOpened { customer } = opened else { panic!("{opened:?}") };
    let label = "second".to_owned();
    panel.ok(Command::AddKey { customer, hash: second, label, revoke_others: vec![first] });
    panel.ok(Command::SetStanding { customer, standing: Standing::Suspended });
    panel.reopen();
    let account = panel.account(customer);
    assert_eq!(account.currency.as_str(), "EUR");
    assert_eq!((account.credit_limit, account.standing), (Amount(5_000_000), Standing::Suspended));
    let row = panel
        .load(Key::Customer(customer))
        .customers
        .get(&customer)
        .expect("loaded")
        .cloned()
        .expect("there");
    assert_eq!((row.name.as_str(), row.switches), ("Änna \"x\"", switches));
    for (hash, revoked, label) in [(first, true, "first"), (second, false, "second")] {
        let key = panel.load(Key::ApiKey(hash)).api_keys.get(&hash).expect("loaded").cloned().expect("there");
        assert_eq!((key.customer, key.revoked, key.label.as_str()), (customer, revoked, label));
    }
    let nobody = KeyHash([3; 32]);
    assert_eq!(panel.load(Key::ApiKey(nobody)).api_keys.get(&nobody), Some(None));
}

pub fn services_and_providers_survive_a_change<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let account = panel.provider();
    let route = Route::Providers(vec![leg(account, "a"), leg(account, "b")]);
    let id = panel.service(Service {
        route,
        refill: Some(RefillTerms { days: None, partial: true }),
        hold_limit: HOLD_LIMIT,
        step: 5,
        ..service(ServiceType::WebTraffic)
    });
    let stored = |panel: &mut Panel<'_, S>| {
        Service::clone(panel.load(Key::Service(id)).service(id).expect("loaded").expect("there"))
    };
    let mut changed = stored(&mut panel);
    changed.rate = Rate::from_micros(123_456).expect("a rate");
    "<b>\"new\"</b>".clone_into(&mut changed.description);
    panel.service(changed.clone());
    changed.price_version = 2;
    assert_eq!(stored(&mut panel), changed);
    let off = ProviderAccount { id: account, enabled: false, ..provider_account() };
    panel.ok(Command::PutProvider { account: Box::new(off.clone()) });
    panel.ok(Command::FundProvider { account, amount: Amount(7), note: "first".to_owned() });
    panel.reopen();
    assert_eq!(stored(&mut panel), changed);
    let provider = panel.load(Key::Provider(account)).providers.get(&account).expect("loaded").cloned();
    assert_eq!(provider, Some(off));
    panel.audit();
}

pub fn observations_change_only_what_they_say<S: Subject>(subject: &mut S) {
    let mut panel = Panel::open(subject);
    let customer = panel.customer(1_000_000_000);
    let (sold, _) = panel.routed();
    let order = panel.place(customer, sold, draft("a", 100));
    let other = panel.place(customer, sold, draft("b", 100));
    let attempt = panel.accept(order, "1");
    let bystander = panel.placed_file(other);
    let start_counts = [Some(0), Some(i64::MAX), Some(-1), None];
    for (n, start_count) in start_counts.into_iter().enumerate() {
        panel.observe(
            attempt,
            Observation {
                start_count,
                charge: SeenCharge::Micros(50_000 + i64::try_from(n).expect("small")),
                remains: SeenRemains::Is(90 - i64::try_from(n).expect("small")),
                ..seen(SeenStatus::InProgress)
            },
        );
    }
    let file = panel.placed_file(order);
    assert_eq!((file.order.start_count, file.order.remains), (Some(-1), 87));
    assert_eq!(file.attempts[0].booked_cost, Amount(50_003));
    assert_eq!(panel.placed_file(other), bystander);
    let result = AttemptResult::Accepted { order: provider_order("2") };
    panel.send(other, result);
    panel.audit();
}
