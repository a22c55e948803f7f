//! Subscriptions: one post prepaid at a time, at its highest cost; each post that is made is an order.
//!
//! Passed on to a provider one post (a *segment*) at a time with its quantity already drawn, so that what the
//! provider may make before we know is one post, and its cost is exact. Where the provider can't cancel, or
//! there is none, an operator's detector reports posts; each is ordered when the delay that was asked for is over,
//! at a leg for posts or by a person. Rules: `domain.md`, Subscription.

use serde::{Deserialize, Serialize};

use crate::catalogue::{Service, Takes};
use crate::draws::Draws;
use crate::ids::{AttemptId, OrderId, ProviderOrderId};
use crate::ledger::{Cause, LedgerAccount};
use crate::limits;
use crate::money::{Amount, Quantity, Rate, RatePer};
use crate::order::attempt::{self, Attempt, AttemptState, Purpose, recall};
use crate::order::observe::hold;
use crate::order::settle::{End, Movement, move_money, settle};
use crate::order::{
    CancelState, HoldReason, OrderFile, OrderKind, OrderStatus, Part, PostsAsked, place, wait_for_a_person,
};
use crate::outcome::{Decision, Done, Refusal, Stop};
use crate::provider::{Observation, SeenStatus};
use crate::time::{Span, Timestamp};
use crate::world::World;

/// The subscription's own state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub state: SubscriptionState,
    /// Ids of the posts made so far, in order.
    pub made: Vec<OrderId>,
    /// The quantity of the next post, drawn when it was prepaid.
    pub drawn: Quantity,
    /// Posts waited for so far; those that were passed on are the segments asked upstream.
    pub segments: u32,
    pub last_post_at: Timestamp,
    /// Its books were restored from a backup: which segments were asked for since, nobody here knows (invariants.md E7).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionState {
    /// The next post is prepaid, at this price version.
    Active {
        prepaid: Amount,
        rate: Rate,
        price_version: u32,
    },
    /// No money for the next post; a credit that covers it ends the pause.
    PausedForFunds,
    Ended,
}

impl Subscription {
    /// Not yet prepaid: [`begin`] follows in the same decision.
    pub const fn opened(now: Timestamp) -> Self {
        Self {
            state: SubscriptionState::PausedForFunds,
            made: Vec::new(),
            drawn: 0,
            segments: 0,
            last_post_at: now,
            doubted: false,
        }
    }
}

fn parts(file: &OrderFile) -> Result<(PostsAsked, Subscription), Stop> {
    match (&file.order.kind, &file.order.part) {
        (OrderKind::Subscriptions(asked), Part::Subscription(subscription)) => {
            Ok((asked.clone(), subscription.clone()))
        }
        _other_order => Err(Refusal::OutOfTurn("not a subscription").into()),
    }
}

/// After the first debit: prepaid, drawn, and asked upstream where that can be taken back.
pub fn begin(file: &mut OrderFile, service: &Service, now: Timestamp, draws: &mut Draws) {
    let Ok((asked, mut subscription)) = parts(file) else { return };
    let prepaid = file.order.charge;
    subscription.state =
        SubscriptionState::Active { prepaid, rate: service.rate, price_version: service.price_version };
    subscription.drawn = draws.between(asked.min, asked.max);
    file.order.part = Part::Subscription(subscription);
    ask_for_post(file, service, now);
}

/// Plans the next segment, or holds for the detector.
fn ask_for_post(file: &mut OrderFile, service: &Service, now: Timestamp) {
    let Some(leg) = service.route.legs().iter().find(|leg| leg.takes == Takes::Orders && leg.cancel) else {
        return wait_for_a_person(file, now);
    };
    let Part::Subscription(subscription) = &mut file.order.part else { return };
    subscription.segments += 1;
    let purpose = Purpose::Segment(subscription.segments);
    file.order.hold = None;
    attempt::plan(file, purpose, leg, now);
}

/// The provider's word on segment `number`. Takes the file as booked so far, and writes it back.
pub fn observe_segment(
    world: &mut World,
    now: Timestamp,
    draws: &mut Draws,
    mut file: OrderFile,
    number: u32,
    seen: &Observation,
) -> Result<(), Stop> {
    let (_, subscription) = parts(&file)?;
    let current =
        subscription.segments == number && matches!(subscription.state, SubscriptionState::Active { .. });
    if current && !file.order.status.has_ended() {
        follow_segment(world, now, draws, &mut file, seen)?;
    }
    world.put_order(file);
    Ok(())
}

fn follow_segment(
    world: &mut World,
    now: Timestamp,
    draws: &mut Draws,
    file: &mut OrderFile,
    seen: &Observation,
) -> Result<(), Stop> {
    if let Some(post) = seen.orders.first().and_then(|id| ProviderOrderId::new(id)) {
        return make_post(world, now, draws, file, &Found::Upstream { order: Some(post) });
    }
    match &seen.status {
        Some(SeenStatus::Completed) if seen.posts != Some(0) => {
            make_post(world, now, draws, file, &Found::Upstream { order: None })
        }
        Some(SeenStatus::Completed | SeenStatus::Canceled | SeenStatus::Expired) => {
            if file.asked_to_cancel() {
                end_cancelled(world, now, file)
            } else {
                end(world, now, file, OrderStatus::Expired)
            }
        }
        Some(SeenStatus::Failed(text)) => {
            hold(file, HoldReason::Failed { text: text.clone() }, now);
            Ok(())
        }
        None
        | Some(
            SeenStatus::Pending
            | SeenStatus::Processing
            | SeenStatus::InProgress
            | SeenStatus::Partial
            | SeenStatus::Unknown(_),
        ) => Ok(()),
    }
}

/// How a post came to be known.
enum Found {
    /// An operator's detector saw it.
    Reported { link: String },
    /// Made by the provider of the current segment, under this id if it named one.
    Upstream { order: Option<ProviderOrderId> },
}

/// A post that an operator's detector found: ordered at once, and the next one prepaid.
pub fn report_post(
    world: &mut World,
    now: Timestamp,
    draws: &mut Draws,
    id: OrderId,
    link: &str,
) -> Decision {
    let mut file = world.order(id)?.ok_or(Refusal::UnknownOrder)?.clone();
    let (_, subscription) = parts(&file)?;
    if attempt::may_have_spent(&file) || file.attempts.iter().any(|attempt| attempt.state.is_planned()) {
        return Err(Refusal::OutOfTurn("the provider watches for its posts").into());
    }
    if !matches!(subscription.state, SubscriptionState::Active { .. }) {
        // Recorded by the caller's log; a post that falls due in a pause is skipped and does not count.
        return Err(Refusal::OutOfTurn("the subscription is not active").into());
    }
    make_post(world, now, draws, &mut file, &Found::Reported { link: link.to_owned() })?;
    world.put_order(file);
    Ok(Done::Noted)
}

/// Settles the prepaid post as an order of its real quantity, gives the difference back, and prepays the next.
fn make_post(
    world: &mut World,
    now: Timestamp,
    draws: &mut Draws,
    file: &mut OrderFile,
    found: &Found,
) -> Result<(), Stop> {
    let (asked, mut subscription) = parts(file)?;
    let SubscriptionState::Active { prepaid, rate, price_version } = subscription.state else {
        return Err(Refusal::OutOfTurn("the subscription is not active").into());
    };
    if let Some(text) = claimed_elsewhere(world, file, &subscription, found)? {
        hold(file, HoldReason::Failed { text }, now);
        return Ok(());
    }
    let quantity = subscription.drawn;
    let charge = rate.charge(RatePer::Thousand, quantity).ok_or(Refusal::AmountOutOfRange)?;
    let id = world.next_order().ok_or(Refusal::IdsExhausted)?;
    let number = u32::try_from(subscription.made.len() + 1).unwrap_or(u32::MAX);
    let part = Part::Post { parent: file.order.id, number };
    let mut post =
        OrderFile::new(place::child_of(&file.order, id, part, OrderKind::Default, quantity, charge, now));
    post.order.link = Some(match found {
        Found::Reported { link } => link.clone(),
        Found::Upstream { .. } => asked.username.clone(),
    });
    (post.order.rate, post.order.price_version) = (rate, price_version);
    move_money(world, file, Movement::Returned, prepaid.above(charge))?;
    file.order.charge = file.order.charge.above(prepaid.above(charge));
    subscription.made.push(id);
    subscription.last_post_at = now;
    subscription.state = SubscriptionState::PausedForFunds;
    let segment = segment_of(file, &subscription).cloned();
    file.order.part = Part::Subscription(subscription);
    // The post's money comes out of the subscription's sums, which must be written before it moves.
    world.put_order(file.clone());
    match (found, segment) {
        (Found::Upstream { order: Some(order) }, Some(segment)) => {
            mirror(world, &mut post, &segment, order, now);
        }
        (Found::Upstream { .. }, _) => {
            post.order.remains = 0;
            settle(world, now, &mut post, End::Completed)?;
        }
        (Found::Reported { .. }, _) => order_post(world, &mut post, now.after(delay(&asked)))?,
    }
    world.put_order(post);
    *file = world.order(file.order.id)?.ok_or(Refusal::UnknownOrder)?.clone();
    go_on(world, now, draws, file)
}

/// Minutes, at most a day.
fn delay(asked: &PostsAsked) -> Span {
    Span::minutes(i64::try_from(asked.delay_min.min(limits::DELAY_MAX_MIN)).unwrap_or_default())
}

/// Sends a reported post at `due` to the leg that takes posts; without one a person or an outside worker delivers it
/// from then on.
fn order_post(world: &World, post: &mut OrderFile, due: Timestamp) -> Result<(), Stop> {
    let service = world.service(post.order.service)?.ok_or(Refusal::UnknownService)?;
    match service.route.legs().iter().find(|leg| leg.takes == Takes::Posts) {
        Some(leg) => attempt::plan(post, Purpose::Order, leg, due),
        None => wait_for_a_person(post, due),
    }
    Ok(())
}

/// The attempt that asked the provider for the post that is waited for now.
fn segment_of<'a>(file: &'a OrderFile, subscription: &Subscription) -> Option<&'a Attempt> {
    let purpose = Purpose::Segment(subscription.segments);
    file.attempts.iter().rev().find(|attempt| attempt.purpose == purpose)
}

/// Why a post can't be the provider's order that it names: that one is another attempt's already.
fn claimed_elsewhere(
    world: &World,
    file: &OrderFile,
    subscription: &Subscription,
    found: &Found,
) -> Result<Option<String>, Stop> {
    let Found::Upstream { order: Some(order) } = found else { return Ok(None) };
    let Some(segment) = segment_of(file, subscription) else { return Ok(None) };
    let claimed = world.claim(segment.account, order)?.is_some();
    Ok(claimed
        .then(|| format!("the provider named order {order} as a post, which belongs to another attempt")))
}

/// Hangs the provider's own order of the post below it: followed here, paid for with the segment.
fn mirror(
    world: &mut World,
    post: &mut OrderFile,
    segment: &Attempt,
    order: &ProviderOrderId,
    now: Timestamp,
) {
    let id = AttemptId { order: post.order.id, number: 1 };
    world.claims.set((segment.account, order.clone()), Some(id));
    post.attempts.push(Attempt {
        number: 1,
        purpose: Purpose::Mirrored,
        expected_cost: Amount::ZERO,
        booked_cost: Amount::ZERO,
        entries: 0,
        state: AttemptState::Adopted { order: order.clone() },
        planned_at: now,
        ..segment.clone()
    });
    post.order.status = OrderStatus::Processing;
}

/// After a post, or at the end of a pause: done, cancelled, expired, or the next post prepaid.
fn go_on(world: &mut World, now: Timestamp, draws: &mut Draws, file: &mut OrderFile) -> Result<(), Stop> {
    let (asked, mut subscription) = parts(file)?;
    if asked.posts.is_some_and(|posts| subscription.made.len() as u64 >= posts) {
        return end(world, now, file, OrderStatus::Completed);
    }
    if file.asked_to_cancel() {
        return end_cancelled(world, now, file);
    }
    if asked.expiry.is_some_and(|date| now >= date.end()) {
        return end(world, now, file, OrderStatus::Expired);
    }
    let service = world.service(file.order.service)?.ok_or(Refusal::UnknownService)?.clone();
    let prepaid = service.rate.charge(RatePer::Thousand, asked.max).ok_or(Refusal::AmountOutOfRange)?;
    let account = *world.account(file.order.customer)?.ok_or(Refusal::UnknownCustomer)?;
    if !account.can_pay(prepaid) || account.standing != crate::customer::Standing::Active {
        subscription.state = SubscriptionState::PausedForFunds;
        file.order.part = Part::Subscription(subscription);
        return Ok(());
    }
    let (from, to) = (LedgerAccount::Customer(file.order.customer), LedgerAccount::InFlight);
    let order = &mut file.order;
    order.sums.entries =
        world.post(Cause::Order(order.id), order.sums.entries, from, to, prepaid, order.currency)?;
    order.sums.debited = order.sums.debited.plus(prepaid).ok_or(Refusal::AmountOutOfRange)?;
    order.charge = order.charge.plus(prepaid).ok_or(Refusal::AmountOutOfRange)?;
    subscription.state =
        SubscriptionState::Active { prepaid, rate: service.rate, price_version: service.price_version };
    subscription.drawn = draws.between(asked.min, asked.max);
    order.part = Part::Subscription(subscription);
    ask_for_post(file, &service, now);
    attempt::doubt_segment(world, now, file)
}

/// Gives back what is prepaid and unused, and ends. Posts that were made go on by themselves.
pub fn end(world: &mut World, now: Timestamp, file: &mut OrderFile, status: OrderStatus) -> Result<(), Stop> {
    let (_, mut subscription) = parts(file)?;
    if let SubscriptionState::Active { prepaid, .. } = subscription.state {
        move_money(world, file, Movement::Returned, prepaid)?;
        file.order.charge = file.order.charge.above(prepaid);
    }
    subscription.state = SubscriptionState::Ended;
    file.order.part = Part::Subscription(subscription);
    file.order.status = status;
    file.order.ended_at = Some(now);
    file.order.hold = None;
    attempt::void_planned(file);
    for cancel in file.cancels.iter_mut().filter(|cancel| cancel.state.is_open()) {
        cancel.ended_at = Some(now);
        cancel.state =
            if status == OrderStatus::Completed { CancelState::Rejected } else { CancelState::Completed };
    }
    Ok(())
}

/// With posts made it shows `Expired`, with none `Canceled` (`api-v2.md` §5, SP money rule).
pub fn end_cancelled(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<(), Stop> {
    let (_, subscription) = parts(file)?;
    let status = if subscription.made.is_empty() { OrderStatus::Canceled } else { OrderStatus::Expired };
    end(world, now, file, status)
}

/// The owner's cancel: at once when nothing is asked upstream, else when the provider has let go of it.
pub fn cancel(world: &mut World, now: Timestamp, file: &mut OrderFile) -> Result<(), Stop> {
    let (_, subscription) = parts(file)?;
    if attempt::may_have_spent(file) && matches!(subscription.state, SubscriptionState::Active { .. }) {
        return Ok(());
    }
    end_cancelled(world, now, file)
}

/// Time's own part: an expiry that passed, thirty days without a post, a pause that can end.
pub fn tend(world: &mut World, now: Timestamp, draws: &mut Draws, id: OrderId) -> Decision {
    let mut file = world.order(id)?.ok_or(Refusal::UnknownOrder)?.clone();
    let (asked, subscription) = parts(&file)?;
    if file.order.status.has_ended() {
        return Err(Refusal::OutOfTurn("the subscription has ended").into());
    }
    let before = file.clone();
    // The provider knows the date too; its last post may still come in for a while.
    let watched = attempt::may_have_spent(&file);
    let grace = if watched { Span::hours(1) } else { Span(0) };
    let expired = asked.expiry.is_some_and(|date| now >= date.end().after(grace));
    let silent = now.since(subscription.last_post_at) >= limits::SUBSCRIPTION_SILENCE;
    if expired || silent {
        end(world, now, &mut file, OrderStatus::Expired)?;
        recall::begin_of_segment(world, now, &mut file, &subscription)?;
    } else if matches!(subscription.state, SubscriptionState::PausedForFunds) {
        go_on(world, now, draws, &mut file)?;
    }
    if file != before {
        world.put_order(file);
    }
    Ok(Done::Noted)
}

#[cfg(test)]
mod tests;
