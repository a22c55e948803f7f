//! What [`super`] promises.

use super::*;
use crate::catalogue::ServiceType;
use crate::command::Command;
use crate::money::Currency;
use crate::order::attempt::AttemptState;
use crate::testing::{Stage, draft, dripping, following, place, service};
use crate::time::{Date, Span};

const LINK: &str = "https://example.com/p";

#[test]
fn an_accepted_order_is_debited_and_planned_in_one_decision() {
    let mut stage = Stage::default();
    let (sold, account) = stage.routed();
    let anna = stage.customer(1_000_000);

    let order = stage.placed(anna, sold, draft(LINK, 309));

    assert_eq!(order, OrderId(1));
    assert_eq!(stage.balance(anna), 1_000_000 - 278_100);
    assert_eq!(stage.booked(LedgerAccount::InFlight), 278_100);
    let file = stage.file(order);
    assert_eq!((file.order.status, file.order.remains), (OrderStatus::Pending, 309));
    assert_eq!((file.order.charge, file.order.price_version), (Amount(278_100), 1));
    assert_eq!(file.attempts[0].account, account);
    assert_eq!(file.attempts[0].state, AttemptState::Planned { due: stage.now });
    assert_eq!(file.attempts[0].expected_cost, Amount(154_500));
}

#[test]
fn a_manual_service_holds_its_orders_for_a_person() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Default));
    let anna = stage.customer(1_000_000);
    let order = stage.placed(anna, sold, draft(LINK, 100));
    let hold = stage.order(order).hold.clone().expect("held");
    assert_eq!(hold.reason, crate::order::HoldReason::Manual);
    assert!(stage.file(order).attempts.is_empty());
}

/// Each draft has everything wrong that comes later, so that only the order of the checks decides.
#[test]
fn the_first_thing_wrong_is_the_refusal() {
    let mut stage = Stage::default();
    let sold = stage.service(Service { guarded: true, ..service(ServiceType::Default) });
    let frozen = stage.customer(0);
    stage.run(Command::SetStanding { customer: frozen, standing: Standing::Frozen }).expect("frozen");
    let rich = stage.customer(1_000_000);
    stage.placed(rich, sold, draft(LINK, 100));
    let with = |link: Given<String>, quantity: Given<u64>, runs: u64, interval: u64| Draft {
        link,
        quantity,
        runs: Given::Is(runs),
        interval_min: Given::Is(interval),
        extra: None,
    };
    let good = || Given::Is(LINK.to_owned());
    let (low, high, fine) = (Given::Is(9), Given::Is(10_001), Given::Is(100));
    let cases = [
        (frozen, None, with(Given::Absent, Given::Bad, 9_999, 0), Refusal::AccountSuspended),
        (rich, None, with(Given::Absent, Given::Bad, 9_999, 0), Refusal::UnknownService),
        (rich, Some(sold), with(Given::Absent, Given::Bad, 9_999, 0), Refusal::BadLink),
        (rich, Some(sold), with(good(), Given::Bad, 9_999, 0), Refusal::Incorrect(Parameter::Quantity)),
        (rich, Some(sold), with(good(), low, 9_999, 0), Refusal::BelowMinimum(10)),
        (rich, Some(sold), with(good(), high, 9_999, 0), Refusal::AboveMaximum(10_000)),
        (rich, Some(sold), with(good(), fine.clone(), 1_001, 0), Refusal::Incorrect(Parameter::Runs)),
        (rich, Some(sold), with(good(), fine.clone(), 1_000, 0), Refusal::Incorrect(Parameter::Interval)),
        (rich, Some(sold), with(good(), fine.clone(), 1_000, 5), Refusal::Incorrect(Parameter::Quantity)),
        (rich, Some(sold), with(good(), fine, 50, 5), Refusal::ActiveOrderOnLink),
        (rich, Some(sold), draft("elsewhere", 10_000), Refusal::NotEnoughFunds),
    ];
    for (customer, service, draft, refusal) in cases {
        let command = Command::PlaceOrder { customer, service, draft, mark: None, max_charge: None };
        assert_eq!(stage.run(command.clone()), Err(refusal), "{command:?}");
    }
    assert_eq!(stage.cursors.order, 2, "refusals drew no ids");
}

#[test]
fn a_disabled_service_is_as_unknown_as_one_that_never_was() {
    let mut stage = Stage::default();
    let off = stage.service(Service { enabled: false, ..service(ServiceType::Default) });
    let anna = stage.customer(1_000_000);
    assert_eq!(stage.place(anna, off, draft(LINK, 100)), Err(Refusal::UnknownService));
    assert_eq!(stage.place(anna, ServiceId(77), draft(LINK, 100)), Err(Refusal::UnknownService));
    assert_eq!(stage.place(CustomerId(77), off, draft(LINK, 100)), Err(Refusal::UnknownCustomer));
}

#[test]
fn a_quantity_must_be_the_demanded_multiple() {
    let mut stage = Stage::default();
    let sold = stage.service(Service { step: 50, ..service(ServiceType::Default) });
    let anna = stage.customer(1_000_000);
    let odd = stage.place(anna, sold, draft(LINK, 120));
    assert_eq!(odd, Err(Refusal::Incorrect(Parameter::Quantity)));
    stage.placed(anna, sold, draft(LINK, 150));
}

/// Shows C1, I3.
#[test]
fn the_balance_may_be_spent_to_the_last_micro_unit_and_no_further() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Default));
    let (exact, short) = (stage.customer(90_000), stage.customer(89_999));
    stage.placed(exact, sold, draft(LINK, 100));
    assert_eq!(stage.balance(exact), 0);
    assert_eq!(stage.place(short, sold, draft(LINK, 100)), Err(Refusal::NotEnoughFunds));
}

/// Shows C1.
#[test]
fn orders_of_one_batch_see_what_those_before_them_spent() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Default));
    let anna = stage.customer(200_000);
    let outcomes = stage.run_batch(&vec![place(anna, sold, draft(LINK, 100)); 5]);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    assert_eq!(stage.balance(anna), 20_000);
    assert_eq!(stage.orders.keys().copied().collect::<Vec<_>>(), [OrderId(1), OrderId(2)]);
}

#[test]
fn a_credit_limit_is_how_far_below_zero_an_order_may_go() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Default));
    let opened = stage.run(Command::OpenCustomer {
        name: "ben".to_owned(),
        currency: Currency::USD,
        credit_limit: Amount(90_000),
        switches: crate::customer::Switches::default(),
        key: None,
    });
    let Ok(Done::CustomerOpened { customer: ben }) = opened else { panic!("{opened:?}") };
    stage.placed(ben, sold, draft(LINK, 100));
    assert_eq!(stage.balance(ben), -90_000);
    assert_eq!(stage.place(ben, sold, draft(LINK, 10)), Err(Refusal::NotEnoughFunds));
}

/// Shows C22.
#[test]
fn the_callers_own_limit_of_the_charge_is_respected() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Default));
    let anna = stage.customer(1_000_000);
    let mut capped = |max| {
        let Command::PlaceOrder { customer, service, draft, mark, .. } = place(anna, sold, draft(LINK, 100))
        else {
            unreachable!("it places an order")
        };
        stage.run(Command::PlaceOrder { customer, service, draft, mark, max_charge: Some(Amount(max)) })
    };
    assert_eq!(capped(89_999), Err(Refusal::NotEnoughFunds));
    assert!(capped(90_000).is_ok());
}

/// Shows C2.
#[test]
fn the_largest_order_of_the_dearest_service_is_charged_exactly() {
    let mut stage = Stage::default();
    let dear = Service {
        rate: Rate::from_micros(crate::limits::RATE_MAX_MICROS).expect("a rate"),
        max: crate::limits::QUANTITY_MAX,
        ..service(ServiceType::Default)
    };
    let sold = stage.service(dear);
    let anna = stage.customer(crate::limits::BALANCE_MAX_MICROS);
    let huge = stage.place(anna, sold, draft(LINK, crate::limits::QUANTITY_MAX));
    assert_eq!(huge, Err(Refusal::NotEnoughFunds));
    let order = stage.placed(anna, sold, draft(LINK, 1_234_567));
    assert_eq!(stage.order(order).charge, Amount(1_234_567_000_000_000));
    let above = stage.place(anna, sold, draft(LINK, crate::limits::QUANTITY_MAX + 1));
    assert_eq!(above, Err(Refusal::AboveMaximum(crate::limits::QUANTITY_MAX)));
}

#[test]
fn a_free_service_takes_orders_without_an_entry() {
    let mut stage = Stage::default();
    let free = Rate::from_micros(0).expect("a rate");
    let sold = stage.service(Service { rate: free, ..service(ServiceType::Default) });
    let anna = stage.customer(0);
    let order = stage.placed(anna, sold, draft(LINK, 100));
    assert_eq!((stage.order(order).charge, stage.entries.len()), (Amount::ZERO, 0));
}

#[test]
fn a_package_costs_its_rate_whatever_quantity_was_sent() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Package));
    let anna = stage.customer(1_000_000);
    let order = stage.placed(anna, sold, draft(LINK, 5_000));
    assert_eq!((stage.order(order).quantity, stage.order(order).charge), (1, Amount(900_000)));
}

fn marked(
    stage: &mut Stage,
    customer: CustomerId,
    service: ServiceId,
    parameters: u8,
) -> crate::outcome::Outcome {
    stage.run(Command::PlaceOrder {
        customer,
        service: Some(service),
        draft: draft(LINK, 100),
        mark: Some(IdempotencyMark { key: [7; 16], parameters: [parameters; 16] }),
        max_charge: None,
    })
}

#[test]
fn the_same_key_and_parameters_give_the_same_order_and_cost_nothing() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Default));
    let anna = stage.customer(1_000_000);
    let first = marked(&mut stage, anna, sold, 1);
    stage.wait(Span::hours(23));
    // Before every other check: what could be bought then can be replayed now.
    stage.change(sold, |service| service.enabled = false);
    assert_eq!(first, Ok(Done::Placed { order: OrderId(1), replayed: false }));
    let again = marked(&mut stage, anna, sold, 1);
    assert_eq!(again, Ok(Done::Placed { order: OrderId(1), replayed: true }));
    assert_eq!(stage.balance(anna), 910_000);
}

#[test]
fn the_same_key_with_other_parameters_is_refused_and_belongs_to_its_customer_alone() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Default));
    let (anna, ben) = (stage.customer(1_000_000), stage.customer(1_000_000));
    marked(&mut stage, anna, sold, 1).expect("placed");
    assert_eq!(marked(&mut stage, anna, sold, 2), Err(Refusal::IdempotencyMismatch));
    let other = marked(&mut stage, ben, sold, 2);
    assert_eq!(other, Ok(Done::Placed { order: OrderId(2), replayed: false }));
}

#[test]
fn a_refusal_is_not_remembered_under_its_key() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Default));
    let anna = stage.customer(0);
    assert_eq!(marked(&mut stage, anna, sold, 1), Err(Refusal::NotEnoughFunds));
    stage.credit(anna, 1_000_000);
    let later = marked(&mut stage, anna, sold, 2);
    assert_eq!(later, Ok(Done::Placed { order: OrderId(1), replayed: false }));
}

#[test]
fn the_same_key_twice_in_one_batch_is_one_order() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Default));
    let anna = stage.customer(1_000_000);
    let Command::PlaceOrder { customer, service, draft, max_charge, .. } =
        place(anna, sold, draft(LINK, 100))
    else {
        unreachable!("it places an order")
    };
    let mark = Some(IdempotencyMark { key: [7; 16], parameters: [1; 16] });
    let command = Command::PlaceOrder { customer, service, draft, mark, max_charge };
    let outcomes = stage.run_batch(&[command.clone(), command]);
    assert_eq!(outcomes[1], Ok(Done::Placed { order: OrderId(1), replayed: true }));
}

#[test]
fn a_guarded_link_is_free_again_when_its_order_ends() {
    let mut stage = Stage::default();
    let sold = stage.service(Service { guarded: true, ..service(ServiceType::Default) });
    let (anna, ben) = (stage.customer(1_000_000), stage.customer(1_000_000));
    let first = stage.placed(anna, sold, draft(" https://WWW.example.com/p/#top", 100));
    assert_eq!(stage.place(anna, sold, draft(LINK, 100)), Err(Refusal::ActiveOrderOnLink));
    stage.placed(ben, sold, draft(LINK, 100));
    stage.placed(anna, sold, draft("https://example.com/other", 100));
    stage.cancel(anna, first).expect("cancelled");
    stage.placed(anna, sold, draft(LINK, 100));
}

#[test]
fn the_runs_of_a_drip_feed_are_no_second_order_of_their_customer() {
    let mut stage = Stage::default();
    let sold = stage.service(Service { guarded: true, ..service(ServiceType::Default) });
    let anna = stage.customer(1_000_000);
    let parent = stage.placed(anna, sold, dripping(LINK, 100, 3, 30));
    stage.wait(Span::minutes(30));
    stage.run(Command::MakeRun { parent }).expect("a run on the same link");
}

#[test]
fn a_subscription_that_is_over_already_is_refused() {
    let mut stage = Stage::default();
    let sold = stage.service(service(ServiceType::Subscriptions));
    let anna = stage.customer(1_000_000);
    let mut draft = following("anna", 100, 200, None);
    draft.extra.as_mut().expect("fields").expiry = Given::Is(Date::new(2023, 11, 13).expect("a day"));
    assert_eq!(stage.place(anna, sold, draft), Err(Refusal::Incorrect(Parameter::Expiry)));
}
