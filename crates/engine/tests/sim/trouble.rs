//! What goes wrong with the machine: commits, the disk, the clock, kills; and the restore of an old backup.

use std::collections::BTreeSet;

use panelworks_core::ids::{AttemptId, OrderId, ProviderAccountId};
use panelworks_core::order::OrderFile;
use panelworks_core::time::Span;
use panelworks_engine::restored;
use panelworks_store::memory::CommitFault;
use panelworks_store::ports::{Books, Queue, Share};
use rand::RngExt;

use crate::run::Sim;
use crate::shop;

/// As `panelworks restore` leaves between the last id of a backup and the first it gives itself.
const RESTORE_ID_GAP: u32 = 1_000_000;
/// Open files in one step of a restore; few, so that a step's end is met.
const RESTORE_ROWS: usize = 7;

/// Every kind that can be fired here, by the operator and by customers; those of the providers stand in `faults.rs`.
pub(crate) const KINDS: [&str; 33] = [
    "A1 killed and started again",
    "A1 killed with calls under way",
    "A3 a sync failed, and the program stopped",
    "A4 a commit refused",
    "A4 a commit without room",
    "A4 the disk is full, outcomes only",
    "A7 a command that can't be committed",
    "A8 a commit that stands, its answer lost",
    "A8 a commit that does not stand, its answer lost",
    "A9 decide again",
    "A12 a process frozen",
    "A12 killed with a commit under way",
    "A13 down for hours",
    "A13 the clock goes an hour ahead",
    "A13 the clock goes an hour back",
    "A13 the clock goes ten years ahead",
    "B11 a service vanished",
    "B12 a provider's price changed",
    "B12 a provider's price changed unseen",
    "B13 a balance emptied or filled",
    "C4 an answer lost on its way to the customer",
    "C4 an old key with another order",
    "C4 retried with its key",
    "C4 retried without a key",
    "C22 repriced",
    "C30 a standing changed",
    "E2 a provider switched",
    "E2 a service switched",
    "E4 a person overlooks an order",
    "E4 a share entered",
    "E4 an order moved by hand",
    "E7 an old backup restored",
    "unknown resolved by a person",
];

impl Sim {
    /// The coming commits fail in one way or another.
    pub(crate) fn store_fault(&mut self) {
        let stands = self.rng.random_bool(0.5);
        let (name, fault) = [
            ("A3 a sync failed, and the program stopped", CommitFault::SyncFailed { stands }),
            ("A4 a commit refused", CommitFault::Refused),
            ("A4 a commit without room", CommitFault::Full),
            ("A8 a commit that stands, its answer lost", CommitFault::LostAnswer),
            ("A8 a commit that does not stand, its answer lost", CommitFault::LostCommit),
            ("A9 decide again", CommitFault::Again),
        ][self.rng.random_range(0..6)];
        // Often it meets an order, or the claim of its attempt.
        let meets = self.rng.random_bool(0.6);
        let wait =
            if meets { [0, 1, 1, 1][self.rng.random_range(0..4)] } else { self.rng.random_range(0..4) };
        let faults = &mut self.panel.books().faults;
        faults.extend(std::iter::repeat_n(None, wait));
        faults.push_back(Some(fault));
        self.fire(name);
        self.say(|| format!("{name}, after {wait} commits"));
        if meets {
            self.customers_order();
        }
    }

    /// New work is refused, what became of calls under way is still written down.
    pub(crate) fn fill_disk(&mut self) {
        self.fire("A4 the disk is full, outcomes only");
        // A commit that is under way since there was room may still come to its end.
        let under_way = self.panel.books().late_orders().filter(|file| is_of_a_customer(file)).count();
        let before = self.orders_of_customers() + under_way;
        self.panel.books().full = true;
        self.customers_order();
        let span = Span::minutes(self.rng.random_range(1..90));
        self.let_pass(span);
        if self.orders_of_customers() > before {
            self.promised.broken.push("A4: an order was accepted on a full disk".to_owned());
        }
        self.panel.books().full = false;
        self.say(|| format!("the disk was full for {} minutes", span.0 / 60_000));
    }

    fn orders_of_customers(&mut self) -> usize {
        self.panel.books().orders().filter(|file| is_of_a_customer(file)).count()
    }

    /// For a while nothing that changes one customer's account can be committed; everything else goes on.
    pub(crate) fn poison(&mut self) {
        let customer = self.customer();
        self.fire("A7 a command that can't be committed");
        self.say(|| format!("customer {customer} is poison"));
        self.panel.books().poisoned = Some(customer);
        for _ in 0..3 {
            self.customers_order();
        }
        let span = Span::minutes(self.rng.random_range(1..20));
        self.let_pass(span);
        self.panel.books().poisoned = None;
    }

    pub(crate) fn crash(&mut self) {
        self.panel.books().faults.clear();
        // Half of the time somebody notices only hours later: what fell due meanwhile must not burst.
        let down = if self.rng.random_bool(0.5) {
            self.fire("A13 down for hours");
            Span::minutes(self.rng.random_range(1..600))
        } else {
            Span(0)
        };
        if let Some(calls) = self.panel.kill(down) {
            self.fire("A1 killed and started again");
            if calls > 0 {
                self.fire("A1 killed with calls under way");
            }
        }
        self.say(|| format!("killed, and started again after {} minutes", down.0 / 60_000));
        self.let_pass(down);
    }

    pub(crate) fn set_clock(&mut self) {
        let (name, by) = match self.rng.random_range(0..10) {
            0..5 => ("A13 the clock goes an hour ahead", Span::hours(1)),
            5..9 => ("A13 the clock goes an hour back", Span::hours(-1)),
            _far => ("A13 the clock goes ten years ahead", Span::days(3_652)),
        };
        self.fire(name);
        self.say(|| name.to_owned());
        self.panel.set_clock(by);
        self.outside.clock_was_set(by);
        self.let_pass(Span(0));
    }

    /// Something changes at a provider that nobody here did.
    pub(crate) fn change_provider(&mut self) {
        let account = ProviderAccountId(self.rng.random_range(1..=shop::PROVIDERS));
        let service = self.rng.random_range(1..=shop::SERVICES);
        let name = match self.rng.random_range(0..8) {
            0 => {
                self.outside.drop_service(account, service);
                "B11 a service vanished"
            }
            1..4 => {
                let rate = self.rng.random_range(1..1_500_000);
                self.outside.reprice(account, service, rate);
                "B12 a provider's price changed unseen"
            }
            _money => {
                self.outside.drain(self.panel.now(), account);
                "B13 a balance emptied or filled"
            }
        };
        self.fire(name);
        self.say(|| format!("{name}: {account}, service {service}"));
    }

    /// A copy is made while everything goes on; some time later it is all there is.
    pub(crate) fn back_up_or_restore(&mut self) {
        if self.backup.is_none() {
            let mut copy = self.panel.books().clone();
            copy.take_past();
            self.backup = Some(copy);
            self.say(|| "backed up".to_owned());
        } else {
            self.restore();
        }
    }

    /// What `panelworks restore` does: ids go on far beyond any that were given since, and nothing planned, under way
    /// or unknown goes on by itself.
    fn restore(&mut self) {
        let Some(mut copy) = self.backup.take() else { return };
        self.fire("E7 an old backup restored");
        copy.faults.clear();
        (copy.full, copy.poisoned) = (false, None);
        let floor = copy.cursors().order.saturating_add(RESTORE_ID_GAP);
        copy.raise_order_floor(floor);
        let down = Span::minutes(self.rng.random_range(0..120));
        let lost = self.panel.restart_on(down, copy);
        let now = self.panel.now();
        restored::doubt_all(self.panel.executor(), now, |books, after| {
            books.open_files(&Share::Own, after, RESTORE_ROWS)
        })
        .unwrap();
        let kept: BTreeSet<OrderId> = self.panel.books().orders().map(|file| file.order.id).collect();
        self.promised.restored(&kept, lost.orders().map(|file| file.order.id));
        self.outside.unchecked = self.outside.arrived.len();
        // Attempts that these books don't know of are forgotten; their numbers may come again.
        let books = self.panel.books();
        let stands =
            |id: &AttemptId| books.order(id.order).is_some_and(|file| file.attempt(id.number).is_some());
        self.outside.known.retain(stands);
        self.retries.clear();
        self.say(|| format!("restored, after {} minutes; {} orders are left", down.0 / 60_000, kept.len()));
        self.let_pass(Span(0));
    }
}

/// Not a run or a post that the panel made of another order.
const fn is_of_a_customer(file: &OrderFile) -> bool {
    file.order.part.parent().is_none()
}
