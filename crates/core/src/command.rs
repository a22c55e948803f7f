//! The table of contents of writing: every change to money, orders, prices or access is one of these commands.
//!
//! In: the command, the world, the time, the draws. Out: what was done, or a refusal that changed nothing; or
//! [`Need`]: rows that the decision reads and the world has not loaded. Each arm of [`decide`] calls the one
//! decision that knows the rule. Never: I/O, locks, panics.

use crate::catalogue::Service;
use crate::customer::{KeyHash, Standing, Switches};
use crate::draws::Draws;
use crate::ids::{
    AttemptId, CancelId, CustomerId, OperatorId, OrderId, ProviderAccountId, ProviderOrderId, RefillId,
    ServiceId,
};
use crate::money::{Amount, Currency};
use crate::operator::{NewOperator, OperatorStanding, PasswordHash};
use crate::order::attempt::{AttemptResult, Verdict};
use crate::order::cancel::CancelAnswer;
use crate::order::draft::Draft;
use crate::order::place::Asked;
use crate::order::refill::{RefillAnswer, RefillSeen};
use crate::order::{self, IdempotencyMark};
use crate::outcome::{Decision, Outcome, Stop};
use crate::provider::{Observation, ProviderAccount};
use crate::time::{Span, Timestamp};
use crate::world::{Need, World};

/// Something to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    PlaceOrder {
        customer: CustomerId,
        service: Option<ServiceId>,
        draft: Draft,
        mark: Option<IdempotencyMark>,
        max_charge: Option<Amount>,
    },
    RequestRefill {
        customer: CustomerId,
        order: OrderId,
    },
    RequestCancel {
        customer: CustomerId,
        order: OrderId,
    },

    /// Claims a planned attempt: its commit is the claim, and only then may the first byte leave.
    BeginAttempt {
        attempt: AttemptId,
    },
    FinishAttempt {
        attempt: AttemptId,
        result: AttemptResult,
    },
    /// What a provider said about the order it made for this attempt.
    Observe {
        attempt: AttemptId,
        seen: Observation,
    },
    /// Claims the right to ask about an attempt of unknown outcome with its own idempotency key, at a provider that
    /// is known to honour it: what is sent is the same, so nothing is bought twice.
    AskAgain {
        attempt: AttemptId,
    },
    /// The order that the provider named then.
    FinishAsk {
        attempt: AttemptId,
        order: ProviderOrderId,
    },
    /// An operator's word on how much of a package that came back `Partial` was delivered, in thousandths.
    EnterShare {
        order: OrderId,
        delivered_permille: u16,
    },
    /// Books restored from a backup can't vouch for this attempt: it may have been sent since.
    DoubtAttempt {
        attempt: AttemptId,
    },
    /// Nor for this subscription: its later posts may have been asked for since.
    DoubtPosts {
        subscription: OrderId,
    },
    /// A person's decision over an attempt of unknown outcome.
    ResolveAttempt {
        attempt: AttemptId,
        verdict: Verdict,
    },
    /// Ends an order whose hold has outlived its service's limit.
    ExpireHold {
        order: OrderId,
    },
    /// Creates a drip-feed's next run, if it is due.
    MakeRun {
        parent: OrderId,
    },
    /// A post that an operator's own detector found.
    ReportPost {
        subscription: OrderId,
        link: String,
    },
    /// Ends a subscription whose date has come or that saw no post for long; resumes one paused for want of money.
    TendSubscription {
        subscription: OrderId,
    },
    AnswerRefill {
        order: OrderId,
        refill: RefillId,
        answer: RefillAnswer,
    },
    ObserveRefill {
        order: OrderId,
        refill: RefillId,
        seen: RefillSeen,
    },
    AnswerCancel {
        order: OrderId,
        cancel: CancelId,
        answer: CancelAnswer,
    },
    /// The provider's answer to a cancel that the panel itself asked.
    AnswerRecall {
        attempt: AttemptId,
        answer: CancelAnswer,
    },
    /// The provider's word on a cancel request it had taken.
    ObserveCancel {
        order: OrderId,
        cancel: CancelId,
        rejected: bool,
    },
    /// Lets finished orders go to the archive that ended at least `kept` ago and can't move any more.
    ArchiveOrders {
        orders: Vec<OrderId>,
        kept: Span,
    },

    OpenCustomer {
        name: String,
        currency: Currency,
        credit_limit: Amount,
        switches: Switches,
        key: Option<KeyHash>,
    },
    /// Positive: money in; negative: money out. An operator's word, with its reason.
    CreditCustomer {
        customer: CustomerId,
        amount: Amount,
        note: String,
    },
    SetStanding {
        customer: CustomerId,
        standing: Standing,
    },
    /// Adds a key and, where asked, revokes all others of the customer.
    AddKey {
        customer: CustomerId,
        hash: KeyHash,
        label: String,
        revoke_others: Vec<KeyHash>,
    },
    /// Opens (id 0) or changes a provider account.
    PutProvider {
        account: Box<ProviderAccount>,
    },
    FundProvider {
        account: ProviderAccountId,
        amount: Amount,
        note: String,
    },
    /// Opens (id 0) or changes a service; a changed rate makes a new price version.
    PutService {
        service: Box<Service>,
    },

    OpenOperator(Box<NewOperator>),
    /// Ends all sessions of the operator too.
    SetOperatorPassword {
        operator: OperatorId,
        password: PasswordHash,
    },
    SetOperatorStanding {
        operator: OperatorId,
        standing: OperatorStanding,
    },
    /// Another key to the admin API, or none.
    SetOperatorKey {
        operator: OperatorId,
        key: Option<KeyHash>,
    },
}

/// Decides one command. A refused or needy command leaves the world as it was.
pub fn decide(
    world: &mut World,
    now: Timestamp,
    draws: &mut Draws,
    command: &Command,
) -> Result<Outcome, Need> {
    let mark = world.mark();
    match dispatch(world, now, draws, command) {
        Ok(done) => Ok(Ok(done)),
        Err(stop) => {
            world.undo_to(mark);
            match stop {
                Stop::Need(need) => Err(need),
                Stop::Refused(refusal) => Ok(Err(refusal)),
            }
        }
    }
}

fn dispatch(world: &mut World, now: Timestamp, draws: &mut Draws, command: &Command) -> Decision {
    match command {
        Command::PlaceOrder { customer, service, draft, mark, max_charge } => {
            let asked =
                Asked { customer: *customer, service: *service, draft, mark: *mark, max_charge: *max_charge };
            order::place::place_order(world, now, draws, &asked)
        }
        Command::RequestRefill { customer, order } => {
            order::refill::request_refill(world, now, *customer, *order)
        }
        Command::RequestCancel { customer, order } => {
            order::cancel::request_cancel(world, now, *customer, *order)
        }
        Command::BeginAttempt { attempt } => order::attempt::begin_attempt(world, now, *attempt),
        Command::FinishAttempt { attempt, result } => {
            order::attempt::finish_attempt(world, now, *attempt, result)
        }
        Command::Observe { attempt, seen } => order::observe::observe(world, now, draws, *attempt, seen),
        Command::AskAgain { attempt } => order::attempt::ask_again(world, now, *attempt),
        Command::FinishAsk { attempt, order } => order::attempt::finish_ask(world, now, *attempt, order),
        Command::DoubtAttempt { attempt } => order::attempt::doubt_attempt(world, now, *attempt),
        Command::DoubtPosts { subscription } => order::attempt::doubt_posts(world, now, *subscription),
        Command::EnterShare { order, delivered_permille } => {
            order::share::enter_share(world, now, *order, *delivered_permille)
        }
        Command::ResolveAttempt { attempt, verdict } => {
            order::attempt::resolve_attempt(world, now, *attempt, verdict)
        }
        Command::ExpireHold { order } => order::attempt::expire_hold(world, now, *order),
        Command::MakeRun { parent } => order::dripfeed::make_run(world, now, *parent),
        Command::ReportPost { subscription, link } => {
            order::subscription::report_post(world, now, draws, *subscription, link)
        }
        Command::TendSubscription { subscription } => {
            order::subscription::tend(world, now, draws, *subscription)
        }
        Command::AnswerRefill { order, refill, answer } => {
            order::refill::answer_refill(world, now, *order, *refill, answer)
        }
        Command::ObserveRefill { order, refill, seen } => {
            order::refill::observe_refill(world, now, *order, *refill, *seen)
        }
        Command::AnswerCancel { order, cancel, answer } => {
            order::cancel::answer_cancel(world, now, *order, *cancel, answer)
        }
        Command::AnswerRecall { attempt, answer } => {
            order::attempt::answer_recall(world, now, *attempt, answer)
        }
        Command::ObserveCancel { order, cancel, rejected } => {
            order::cancel::observe_cancel(world, now, *order, *cancel, *rejected)
        }
        Command::ArchiveOrders { orders, kept } => order::archive::archive_orders(world, now, orders, *kept),
        Command::OpenCustomer { name, currency, credit_limit, switches, key } => {
            crate::customer::open(world, name, *currency, *credit_limit, *switches, *key)
        }
        Command::CreditCustomer { customer, amount, note } => {
            crate::customer::credit(world, now, *customer, *amount, note)
        }
        Command::SetStanding { customer, standing } => {
            crate::customer::set_standing(world, *customer, *standing)
        }
        Command::AddKey { customer, hash, label, revoke_others } => {
            crate::customer::add_key(world, *customer, *hash, label, revoke_others)
        }
        Command::PutProvider { account } => crate::provider::put(world, account),
        Command::FundProvider { account, amount, note } => {
            crate::provider::fund(world, now, *account, *amount, note)
        }
        Command::PutService { service } => crate::catalogue::put(world, now, service),
        Command::OpenOperator(new) => crate::operator::open(world, now, new),
        Command::SetOperatorPassword { operator, password } => {
            crate::operator::set_password(world, now, *operator, password)
        }
        Command::SetOperatorStanding { operator, standing } => {
            crate::operator::set_standing(world, now, *operator, *standing)
        }
        Command::SetOperatorKey { operator, key } => crate::operator::set_key(world, *operator, *key),
    }
}
