//! The laws of the books, as one pure function over everything that is stored.
//!
//! In: every entry in order, every customer's account, every order with its entries, each once, in any mix.
//! Out: the violations, each with the name of the invariant it breaks (invariants.md 3). The simulation asks
//! after every step, the crash tests after every restart, `panelworks check` whenever an operator likes.
//! Never: a repair.

use std::collections::HashMap;
use std::fmt;

use crate::customer::Account;
use crate::ids::{CustomerId, OrderId};
use crate::ledger::{Cause, Entry, LedgerAccount};
use crate::money::{Amount, Currency, Quantity, Rate, RatePer};
use crate::order::attempt::{AttemptState, Purpose};
use crate::order::{OrderFile, OrderStatus, Part, Sums};

/// One broken law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `I1` to `I25`.
    pub law: &'static str,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.what)
    }
}

/// What was counted so far.
#[derive(Debug, Default)]
pub struct Audit {
    balances: HashMap<(LedgerAccount, Currency), i128>,
    in_flight: HashMap<Currency, i128>,
    /// Parents' own sums, less what their children's say: zero in the end.
    families: HashMap<OrderId, Family>,
    accounts: HashMap<CustomerId, Account>,
    last_entry: Option<u64>,
    violations: Vec<Violation>,
}

/// What a parent's sums and its children's must agree on.
#[derive(Debug, Default)]
struct Family {
    parent: Option<Sums>,
    own: [i128; 2],
    children: [i128; 2],
    child_charges: i128,
    /// Of a drip-feed: its remains without the runs not made, which its runs' own must add up to.
    runs_left: Option<i128>,
    undelivered: i128,
    open_children: u32,
    parent_ended: bool,
}

impl Audit {
    /// What follows is another node's stream: its numbers begin anew.
    pub fn next_stream(&mut self) {
        self.last_entry = None;
    }

    /// The next entry of a node's stream, in order of its number.
    pub fn entry(&mut self, entry: &Entry) {
        let expected = self.last_entry.map_or(entry.number, |last| last + 1);
        if entry.number != expected {
            self.broken("I4", format!("entry {} follows entry {}", entry.number, expected.saturating_sub(1)));
        }
        self.last_entry = Some(entry.number);
        if !entry.amount.is_positive() || entry.from == entry.to {
            self.broken(
                "I1",
                format!(
                    "entry {} moves {} from {:?} to {:?}",
                    entry.number, entry.amount, entry.from, entry.to
                ),
            );
        }
        *self.balances.entry((entry.from, entry.currency)).or_default() -= i128::from(entry.amount.0);
        *self.balances.entry((entry.to, entry.currency)).or_default() += i128::from(entry.amount.0);
    }

    pub fn account(&mut self, account: &Account) {
        if account.balance.0 < account.credit_limit.0.saturating_neg() {
            self.broken(
                "I3",
                format!(
                    "customer {} has {} with a credit limit of {}",
                    account.customer, account.balance, account.credit_limit
                ),
            );
        }
        self.accounts.insert(account.customer, *account);
    }

    /// An order, with every entry whose cause is the order or one of its attempts, by cause and sequence.
    pub fn order(&mut self, file: &OrderFile, entries: &[Entry]) {
        self.check_sums(file, entries);
        self.check_price(file);
        self.check_state(file);
        self.check_attempts(file, entries);
        self.count_family(file, entries);
        let sums = &file.order.sums;
        let open = i128::from(sums.debited.0)
            - i128::from(sums.returned.0)
            - i128::from(sums.refunded.0)
            - i128::from(sums.recognised.0);
        if file.order.part.parent().is_none() {
            *self.in_flight.entry(file.order.currency).or_default() += open;
            if open < 0 {
                self.broken("I6", format!("order {} has {open} micro-units in flight", file.order.id));
            }
        }
    }

    /// What can be said without having seen everything: of the orders alone.
    pub fn so_far(self) -> Vec<Violation> {
        self.violations
    }

    /// The sums that need everything.
    pub fn finish(mut self) -> Vec<Violation> {
        let customers: Vec<Account> = self.accounts.values().copied().collect();
        for account in customers {
            let key = (LedgerAccount::Customer(account.customer), account.currency);
            let postings = self.balances.get(&key).copied().unwrap_or_default();
            if postings != i128::from(account.balance.0) {
                self.broken(
                    "I2",
                    format!(
                        "customer {} has {}, its postings sum to {postings} micro-units",
                        account.customer, account.balance
                    ),
                );
            }
        }
        let strangers: Vec<String> = (self.balances.keys())
            .filter_map(|(account, currency)| match account {
                LedgerAccount::Customer(id) => {
                    let known = self.accounts.get(id).is_some_and(|account| account.currency == *currency);
                    (!known)
                        .then(|| format!("entries in {currency} for customer {id}, who has no account in it"))
                }
                LedgerAccount::InFlight
                | LedgerAccount::Revenue
                | LedgerAccount::Clearing
                | LedgerAccount::RefundExpense
                | LedgerAccount::Owner
                | LedgerAccount::Prepaid(_)
                | LedgerAccount::Cost(_)
                | LedgerAccount::Disputed(_) => None,
            })
            .collect();
        for what in strangers {
            self.broken("I2", what);
        }
        self.check_in_flight();
        self.check_families();
        self.violations.sort_by(|a, b| (a.law, &a.what).cmp(&(b.law, &b.what)));
        self.violations
    }

    fn check_in_flight(&mut self) {
        let mut currencies: Vec<Currency> = self.in_flight.keys().copied().collect();
        currencies.extend(
            self.balances
                .keys()
                .filter(|(account, _)| *account == LedgerAccount::InFlight)
                .map(|(_, currency)| *currency),
        );
        currencies.sort_unstable();
        currencies.dedup();
        for currency in currencies {
            let booked = self.balances.get(&(LedgerAccount::InFlight, currency)).copied().unwrap_or_default();
            let orders = self.in_flight.get(&currency).copied().unwrap_or_default();
            if booked != orders {
                self.broken(
                    "I6",
                    format!("in flight is {booked} micro-{currency} by the ledger, {orders} by the orders"),
                );
            }
        }
    }

    fn check_families(&mut self) {
        let families = std::mem::take(&mut self.families);
        for (id, family) in families {
            let Some(sums) = family.parent else {
                self.broken("I11", format!("order {id} has children and does not exist"));
                continue;
            };
            let expected = [i128::from(sums.refunded.0), i128::from(sums.recognised.0)];
            let counted = [family.own[0] + family.children[0], family.own[1] + family.children[1]];
            if expected != counted {
                self.broken("I11", format!("order {id} says refunded and earned {expected:?}, its own and its children's entries {counted:?}"));
            }
            if family.child_charges > i128::from(sums.debited.0) {
                self.broken(
                    "I11",
                    format!(
                        "the children of order {id} are charged {} of {}",
                        family.child_charges, sums.debited
                    ),
                );
            }
            if family.runs_left.is_some_and(|left| left != family.undelivered) {
                self.broken("I11", format!("the remains of order {id} are not those of its runs"));
            }
            let open = sums.in_flight().unwrap_or_default();
            if family.parent_ended && family.open_children == 0 && open != Amount::ZERO {
                self.broken(
                    "I6",
                    format!("order {id} has ended with all its children, and has {open} in flight"),
                );
            }
        }
    }

    fn broken(&mut self, law: &'static str, what: String) {
        self.violations.push(Violation { law, what });
    }

    fn check_sums(&mut self, file: &OrderFile, entries: &[Entry]) {
        let order = &file.order;
        let customer = LedgerAccount::Customer(order.customer);
        let [mut debited, mut back, mut earned, mut corrected] = [0_i128; 4];
        for (place, entry) in entries.iter().filter(|entry| entry.cause == Cause::Order(order.id)).enumerate()
        {
            if u64::from(entry.sequence) != place as u64 {
                self.broken(
                    "I5",
                    format!("order {} has entry {} where {place} belongs", order.id, entry.sequence),
                );
            }
            let amount = i128::from(entry.amount.0);
            match (entry.from, entry.to) {
                (from, LedgerAccount::InFlight) if from == customer => debited += amount,
                (LedgerAccount::InFlight, to) if to == customer => back += amount,
                (LedgerAccount::InFlight, LedgerAccount::Revenue) => earned += amount,
                (LedgerAccount::Revenue, to) if to == customer => corrected += amount,
                (from, to) => {
                    self.broken("I5", format!("order {} has an entry from {from:?} to {to:?}", order.id));
                }
            }
        }
        let sums = &order.sums;
        let is_parent = matches!(order.part, Part::DripFeed(_) | Part::Subscription(_));
        let own_refunds = i128::from(sums.refunded.0) + i128::from(sums.returned.0);
        let agrees = debited == i128::from(sums.debited.0)
            && (is_parent
                || (back + corrected == own_refunds && earned - corrected == i128::from(sums.recognised.0)));
        if !agrees {
            self.broken("I6", format!("order {}: {sums:?}, by its entries debited {debited}, back {back}, earned {earned}, corrected {corrected}", order.id));
        }
        if sums.refunded.0 < 0 || i128::from(sums.refunded.0) > i128::from(order.charge.0) {
            self.broken(
                "I8",
                format!("order {} is refunded {} of {}", order.id, sums.refunded, order.charge),
            );
        }
    }

    fn check_price(&mut self, file: &OrderFile) {
        let order = &file.order;
        let expected = match (&order.part, &order.kind) {
            (Part::Run { .. } | Part::Subscription(_), _) => None,
            (Part::Post { .. }, _) => price(order.rate, RatePer::Thousand, order.quantity),
            (Part::Whole | Part::DripFeed(_), kind) => {
                price(order.rate, kind.service_type().rate_per(), order.quantity)
            }
        };
        if expected.is_some_and(|expected| expected != order.charge) {
            self.broken(
                "I7",
                format!(
                    "order {} was charged {} for {} at {}",
                    order.id,
                    order.charge,
                    order.quantity,
                    order.rate.micros()
                ),
            );
        }
    }

    fn check_state(&mut self, file: &OrderFile) {
        let order = &file.order;
        if order.remains > order.quantity {
            self.broken(
                "I10",
                format!("order {} has {} of {} left", order.id, order.remains, order.quantity),
            );
        }
        if order.status.has_ended() != order.ended_at.is_some() {
            self.broken(
                "I9",
                format!("order {} is {:?}, ended at {:?}", order.id, order.status, order.ended_at),
            );
        }
        if order.status.has_ended() && (order.hold.is_some() || file.asked_to_cancel()) {
            self.broken("I9", format!("order {} has ended, and is held or waits for a cancel", order.id));
        }
        let sums = &order.sums;
        let whole = matches!(order.part, Part::Whole | Part::Run { .. } | Part::Post { .. });
        let settled = i128::from(sums.refunded.0) + i128::from(sums.recognised.0);
        if whole && order.status.has_ended() && settled != i128::from(order.charge.0) {
            self.broken(
                "I6",
                format!(
                    "order {} has ended with {} earned and {} refunded of {}",
                    order.id, sums.recognised, sums.refunded, order.charge
                ),
            );
        }
        if whole && !order.status.has_ended() && settled != 0 {
            self.broken(
                "I8",
                format!(
                    "order {} is open, and {} was earned and {} refunded",
                    order.id, sums.recognised, sums.refunded
                ),
            );
        }
        if whole && order.status == OrderStatus::Canceled && sums.refunded != order.charge {
            self.broken(
                "I8",
                format!("order {} is canceled with {} of {} refunded", order.id, sums.refunded, order.charge),
            );
        }
        self.check_partial(file, whole);
        let planned =
            file.attempts.iter().any(|attempt| matches!(attempt.state, AttemptState::Planned { .. }));
        if order.status.has_ended() && planned {
            self.broken("I9", format!("order {} has ended, and an attempt is planned", order.id));
        }
        if let Part::DripFeed(drip) = &order.part
            && drip.made.len() as u64 > u64::from(drip.runs)
        {
            self.broken("I11", format!("order {} made {} of {} runs", order.id, drip.made.len(), drip.runs));
        }
    }

    /// A Partial that was settled by its remains keeps exactly the delivered share.
    fn check_partial(&mut self, file: &OrderFile, whole: bool) {
        let order = &file.order;
        // Of a package only the operator who entered the share knows it.
        let by_share = order.kind.service_type().is_package();
        if !whole || by_share || order.status != OrderStatus::Partial {
            return;
        }
        let delivered = order.quantity.saturating_sub(order.remains);
        let net = crate::money::share(order.charge, delivered, order.quantity).unwrap_or_default();
        if order.charge.above(net) != order.sums.refunded {
            self.broken(
                "I8",
                format!(
                    "order {}: {delivered} of {} delivered, refunded {} of {}",
                    order.id, order.quantity, order.sums.refunded, order.charge
                ),
            );
        }
    }

    fn check_attempts(&mut self, file: &OrderFile, entries: &[Entry]) {
        let id = file.order.id;
        for entry in entries {
            if let Cause::Attempt(attempt) = entry.cause
                && file.attempt(attempt.number).is_none()
            {
                let (entry, number) = (entry.number, attempt.number);
                self.broken(
                    "I5",
                    format!("order {id} has entry {entry} of attempt {number}, which does not exist"),
                );
            }
        }
        for (place, attempt) in file.attempts.iter().enumerate() {
            if usize::from(attempt.number) != place + 1 {
                self.broken(
                    "I14",
                    format!("order {id}: attempt {} stands at place {}", attempt.number, place + 1),
                );
            }
            // A later one that was refused may stand after one that came back from absent to unknown.
            let may_spend = |state: &AttemptState| state.is_live() || state.is_planned();
            let later = (file.attempts.iter().skip(place + 1))
                .any(|later| later.purpose == attempt.purpose && may_spend(&later.state));
            let blocks =
                may_spend(&attempt.state) || matches!(attempt.state, AttemptState::WrittenOff { .. });
            if later && blocks {
                self.broken(
                    "I14",
                    format!(
                        "order {id}: attempt {} is {:?}, and a later one may spend too",
                        attempt.number, attempt.state
                    ),
                );
            }
            let wanted = !file.order.status.has_ended() && attempt.state.is_live();
            if attempt.recall.is_some() && (wanted || attempt.state.provider_order().is_none()) {
                self.broken("I14", format!("order {id}: attempt {} is recalled for nothing", attempt.number));
            }
            let cause = Cause::Attempt(crate::ids::AttemptId { order: id, number: attempt.number });
            let booked: i128 = (entries.iter().filter(|entry| entry.cause == cause))
                .map(|entry| {
                    if matches!(entry.from, LedgerAccount::Prepaid(_)) {
                        i128::from(entry.amount.0)
                    } else {
                        -i128::from(entry.amount.0)
                    }
                })
                .sum();
            if booked != i128::from(attempt.booked_cost.0)
                || (attempt.purpose == Purpose::Mirrored && booked != 0)
            {
                self.broken(
                    "I19",
                    format!(
                        "order {id}: attempt {} says {} booked, its entries {booked}",
                        attempt.number, attempt.booked_cost
                    ),
                );
            }
        }
    }

    fn count_family(&mut self, file: &OrderFile, entries: &[Entry]) {
        let order = &file.order;
        let own = || {
            let mut sums = [0_i128; 2];
            for entry in entries.iter().filter(|entry| entry.cause == Cause::Order(order.id)) {
                let amount = i128::from(entry.amount.0);
                match (entry.from, entry.to) {
                    (LedgerAccount::InFlight, LedgerAccount::Customer(_)) => sums[0] += amount,
                    (LedgerAccount::InFlight, LedgerAccount::Revenue) => sums[1] += amount,
                    (LedgerAccount::Revenue, _) => {
                        sums[0] += amount;
                        sums[1] -= amount;
                    }
                    _other_movement => {}
                }
            }
            sums
        };
        match &order.part {
            Part::Whole => {}
            Part::DripFeed(_) | Part::Subscription(_) => {
                let mut own = own();
                own[0] -= i128::from(order.sums.returned.0);
                let family = self.families.entry(order.id).or_default();
                family.parent = Some(order.sums);
                family.own = own;
                family.parent_ended = order.status.has_ended();
                if let Part::DripFeed(drip) = &order.part {
                    let unmade = u64::from(drip.runs).saturating_sub(drip.made.len() as u64) * drip.per_run;
                    family.runs_left = Some(i128::from(order.remains) - i128::from(unmade));
                }
            }
            Part::Run { parent, .. } | Part::Post { parent, .. } => {
                let own = own();
                let family = self.families.entry(*parent).or_default();
                family.children[0] += own[0];
                family.children[1] += own[1];
                family.child_charges += i128::from(order.charge.0);
                family.undelivered += i128::from(crate::order::dripfeed::undelivered(order));
                family.open_children += u32::from(!order.status.has_ended());
            }
        }
    }
}

/// The charge once more, by other arithmetic than the core's own (invariants.md I7).
fn price(rate: Rate, per: RatePer, quantity: Quantity) -> Option<Amount> {
    let micros = match per {
        RatePer::WholeOrder => i128::from(rate.micros()),
        RatePer::Thousand => {
            let thousandths = i128::from(rate.micros()) * i128::from(quantity);
            thousandths / 1000 + i128::from(thousandths % 1000 > 0)
        }
    };
    i64::try_from(micros).ok().map(Amount)
}
