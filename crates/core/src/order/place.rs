//! Accepting an order: the checks in their order, the debit, and the first attempt, in one decision.
//!
//! In: what a customer asked. Out: the order's id, or the first refusal in the order of `api-v2.md` §4; the
//! idempotency key comes before every other check, funds come last (rule 13). Rules: `domain.md`, Orders and
//! Money. Never: a provider.

use crate::catalogue::{Route, Service, ServiceType};
use crate::customer::{Account, Standing};
use crate::draws::Draws;
use crate::ids::{CustomerId, OrderId, ServiceId};
use crate::ledger::{Cause, LedgerAccount};
use crate::money::{Amount, Quantity, Rate, RatePer};
use crate::order::attempt::{self, Purpose};
use crate::order::draft::{Draft, Given, Ordered};
use crate::order::{
    DripFeed, IdempotencyMark, Order, OrderFile, OrderKind, OrderStatus, Part, Sums, dripfeed, subscription,
    wait_for_a_person,
};
use crate::outcome::{Decision, Done, Parameter, Refusal, Stop};
use crate::planted::Bug;
use crate::time::Timestamp;
use crate::world::{GuardKey, IdempotencyHit, Need, World};

/// What a customer asked for.
#[derive(Debug)]
pub struct Asked<'a> {
    pub customer: CustomerId,
    /// None: missing or no number.
    pub service: Option<ServiceId>,
    pub draft: &'a Draft,
    pub mark: Option<IdempotencyMark>,
    /// Refuse rather than charge more than this.
    pub max_charge: Option<Amount>,
}

/// See the module's head.
pub fn place_order(world: &mut World, now: Timestamp, draws: &mut Draws, asked: &Asked<'_>) -> Decision {
    let guard = need_everything(world, asked)?;
    if let Some(replay) = replayed(world, asked)? {
        return replay;
    }
    let account = *world.account(asked.customer)?.ok_or(Refusal::UnknownCustomer)?;
    if account.standing != Standing::Active {
        return Err(Refusal::AccountSuspended.into());
    }
    let id = asked.service.ok_or(Refusal::UnknownService)?;
    let service =
        world.service(id)?.filter(|service| service.enabled).ok_or(Refusal::UnknownService)?.clone();
    let ordered = asked.draft.complete(&service)?;
    not_over_yet(&ordered, now)?;
    not_active_yet(world, guard.as_ref())?;
    let charge = charge_of(world, &service, &ordered)?;
    if asked.max_charge.is_some_and(|max| charge > max) || !can_pay(world, &account, charge) {
        return Err(Refusal::NotEnoughFunds.into());
    }
    let file = accept(world, now, asked, &account, &service, ordered, charge)?;
    let order = file.order.id;
    if let Some(mark) = asked.mark {
        let hit = IdempotencyHit { order, parameters: mark.parameters };
        world.idempotency.set((asked.customer, mark.key), Some(hit));
    }
    start(world, now, draws, file, &service, guard)?;
    Ok(Done::Placed { order, replayed: false })
}

/// All rows at once, so that a batch is decided twice at the most. Out: what the guard compares, where the service
/// guards and a link, or for a subscription a username, was given.
fn need_everything(world: &World, asked: &Asked<'_>) -> Result<Option<GuardKey>, Need> {
    let key = asked.mark.and_then(|mark| world.idempotency(asked.customer, mark.key).err());
    let service = asked.service.and_then(|service| world.service(service).err());
    let known = asked.service.and_then(|service| world.service(service).ok().flatten());
    let (link, username) =
        (&asked.draft.link, asked.draft.extra.as_ref().map_or(&Given::Absent, |extra| &extra.username));
    let targets = match known {
        // Not loaded yet, or not there: both, whichever it will be.
        None => [link, username],
        Some(service) if !service.guarded => [&Given::Absent, &Given::Absent],
        Some(service) if service.service_type == ServiceType::Subscriptions => [&Given::Absent, username],
        Some(_) => [link, &Given::Absent],
    };
    let guards = targets.map(|target| match (asked.service, target) {
        (Some(service), Given::Is(target)) => Some(GuardKey::new(asked.customer, service, target)),
        (Some(_), Given::Absent | Given::Bad) | (None, _) => None,
    });
    let missing = guards.each_ref().map(|guard| world.guard(guard.as_ref()?).err());
    Need::together([world.account(asked.customer).err(), key, service].into_iter().chain(missing))?;
    let [of_link, of_username] = guards;
    Ok(of_link.or(of_username))
}

fn replayed(world: &World, asked: &Asked<'_>) -> Result<Option<Decision>, Stop> {
    let Some(mark) = asked.mark else { return Ok(None) };
    if world.planted.has(Bug::IdempotencyIgnored) {
        return Ok(None);
    }
    let hit = world.idempotency(asked.customer, mark.key)?;
    Ok(hit.map(|hit| {
        if hit.parameters == mark.parameters || world.planted.has(Bug::KeyWithOtherParameters) {
            Ok(Done::Placed { order: hit.order, replayed: true })
        } else {
            Err(Refusal::IdempotencyMismatch.into())
        }
    }))
}

/// A subscription whose last day is gone would only take money and give it back.
fn not_over_yet(ordered: &Ordered, now: Timestamp) -> Result<(), Refusal> {
    match &ordered.kind {
        OrderKind::Subscriptions(asked) if asked.expiry.is_some_and(|date| now >= date.end()) => {
            Err(Refusal::Incorrect(Parameter::Expiry))
        }
        _other_orders => Ok(()),
    }
}

fn not_active_yet(world: &World, guard: Option<&GuardKey>) -> Result<(), Stop> {
    let Some(guard) = guard else { return Ok(()) };
    match world.guard(guard)? {
        Some(_) => Err(Refusal::ActiveOrderOnLink.into()),
        None => Ok(()),
    }
}

/// What is taken at once: the whole order; of a subscription its first post at its highest cost.
fn charge_of(world: &World, service: &Service, ordered: &Ordered) -> Result<Amount, Stop> {
    let quantity = match &ordered.kind {
        OrderKind::Subscriptions(asked) => asked.max,
        _other_kinds => total(ordered)?,
    };
    let charge = service
        .rate
        .charge(service.service_type.rate_per(), quantity)
        .ok_or(Refusal::Incorrect(Parameter::Quantity))?;
    if world.planted.has(Bug::ChargeRoundsDown)
        && charge_is_rounded(service.rate, service.service_type.rate_per(), quantity)
    {
        return Ok(charge.above(Amount(1)));
    }
    if world.planted.has(Bug::WrappingProduct) && service.service_type.rate_per() == RatePer::Thousand {
        return Ok(wrapping_charge(service.rate, quantity));
    }
    Ok(charge)
}

/// Whether rounding up added anything; only the planted bug asks.
fn charge_is_rounded(rate: Rate, per: RatePer, quantity: Quantity) -> bool {
    per == RatePer::Thousand && i128::from(rate.micros()) * i128::from(quantity) % 1000 != 0
}

/// The product as a 32-bit machine would have it; only the planted bug asks.
fn wrapping_charge(rate: Rate, quantity: Quantity) -> Amount {
    let product = (i128::from(rate.micros()) * i128::from(quantity)) & i128::from(u32::MAX);
    Amount(i64::try_from(product / 1000).unwrap_or(0))
}

fn total(ordered: &Ordered) -> Result<Quantity, Stop> {
    let runs = ordered.drip.map_or(1, |drip| u64::from(drip.runs));
    Ok(ordered.quantity.checked_mul(runs).ok_or(Refusal::Incorrect(Parameter::Quantity))?)
}

fn can_pay(world: &World, account: &Account, charge: Amount) -> bool {
    if world.planted.has(Bug::BalanceBeforeBatch) {
        return world.accounts.before_batch(&account.customer).is_some_and(|before| before.can_pay(charge));
    }
    account.can_pay(charge)
}

/// Draws the id, debits, and writes the order down.
fn accept(
    world: &mut World,
    now: Timestamp,
    asked: &Asked<'_>,
    account: &Account,
    service: &Service,
    ordered: Ordered,
    charge: Amount,
) -> Result<OrderFile, Stop> {
    let quantity = total(&ordered)?;
    let id = world.next_order().ok_or(Refusal::IdsExhausted)?;
    let part = match (&ordered.kind, ordered.drip) {
        (OrderKind::Subscriptions(_), _) => Part::Subscription(subscription::Subscription::opened(now)),
        (_, Some(drip)) => Part::DripFeed(DripFeed::new(drip, ordered.quantity, now)),
        (_, None) => Part::Whole,
    };
    let mut sums = Sums { debited: charge, ..Sums::default() };
    sums.entries = world.post(
        Cause::Order(id),
        0,
        LedgerAccount::Customer(asked.customer),
        LedgerAccount::InFlight,
        charge,
        account.currency,
    )?;
    Ok(OrderFile::new(Order {
        id,
        customer: asked.customer,
        service: service.id,
        kind: ordered.kind,
        link: ordered.link,
        quantity,
        part,
        currency: account.currency,
        rate: service.rate,
        price_version: service.price_version,
        charge,
        sums,
        status: OrderStatus::Pending,
        remains: quantity,
        start_count: None,
        accepted_at: now,
        ended_at: None,
        hold: None,
        mark: asked.mark,
        guarded: service.guarded,
    }))
}

/// What follows at once: the first attempt, the first run, or the first prepaid post.
fn start(
    world: &mut World,
    now: Timestamp,
    draws: &mut Draws,
    mut file: OrderFile,
    service: &Service,
    guard: Option<GuardKey>,
) -> Result<(), Stop> {
    match file.order.part {
        Part::Whole | Part::Run { .. } | Part::Post { .. } => {
            plan_first(&mut file, service, now);
            world.put_new_order(file, guard);
            Ok(())
        }
        Part::DripFeed(_) => {
            let parent = file.order.id;
            world.put_order(file);
            dripfeed::make_run(world, now, parent).map(|_| ())
        }
        Part::Subscription(_) => {
            subscription::begin(&mut file, service, now, draws);
            world.put_order(file);
            Ok(())
        }
    }
}

/// The first attempt of an order, or the hold that says there is no provider.
pub fn plan_first(file: &mut OrderFile, service: &Service, now: Timestamp) {
    match &service.route {
        Route::Manual => wait_for_a_person(file, now),
        Route::Providers(legs) => {
            if let Some(leg) = legs.first() {
                attempt::plan(file, Purpose::Order, leg, now);
            }
        }
    }
}

/// An order of a parent: a run or a post. It has no debit of its own.
pub fn child_of(
    parent: &Order,
    id: OrderId,
    part: Part,
    kind: OrderKind,
    quantity: Quantity,
    charge: Amount,
    now: Timestamp,
) -> Order {
    Order {
        id,
        kind,
        part,
        quantity,
        charge,
        sums: Sums::default(),
        status: OrderStatus::Pending,
        remains: quantity,
        start_count: None,
        accepted_at: now,
        ended_at: None,
        hold: None,
        mark: None,
        guarded: false,
        ..parent.clone()
    }
}

#[cfg(test)]
mod tests;
