//! What operators do: money, prices, services, providers, standings, and a word on what nobody else knows.
//!
//! An operator who decides over an unknown outcome has looked at the provider's own list of orders before.

use std::collections::HashSet;

use panelworks_core::catalogue::{Leg, Route, Service};
use panelworks_core::command::Command;
use panelworks_core::customer::Standing;
use panelworks_core::ids::{AttemptId, OrderId, ProviderAccountId, ProviderOrderId, ServiceId};
use panelworks_core::money::{Amount, Rate};
use panelworks_core::order::attempt::{AttemptState, Purpose, Verdict, may_have_spent};
use panelworks_core::order::{HoldReason, OrderFile, Part};
use panelworks_core::provider::{Observation, ProviderAccount, SeenRemains, SeenStatus};
use rand::RngExt;

use crate::outside::Purchase;
use crate::run::Sim;
use crate::shop;

/// Added by a provider to an id that no signed number holds; the order itself has the id without it.
pub(crate) const HUGE: u64 = 1 << 63;

impl Sim {
    pub(crate) fn operate(&mut self) {
        match self.rng.random_range(0..14) {
            0..2 => self.credit(),
            2 => self.reprice(),
            3 => self.provider_reprices(),
            4 => self.switch_service(),
            5 => self.switch_provider(),
            6 => self.suspend(),
            7 => self.fund(),
            8 => self.move_by_hand(),
            9 => self.enter_share(),
            10 => self.find_late(),
            _resolve => self.resolve_some(),
        }
    }

    fn credit(&mut self) {
        let amount = Amount(self.rng.random_range(-500_000..2_000_000));
        let customer = self.customer();
        let reply = self.submit(Command::CreditCustomer { customer, amount, note: "simulated".to_owned() });
        self.say(|| format!("credit {amount} to customer {customer}: {reply:?}"));
    }

    fn some_service(&mut self) -> Option<Service> {
        let id = ServiceId(self.rng.random_range(1..=shop::SERVICES));
        self.panel.books().services().find(|service| service.id == id).cloned()
    }

    fn put_service(&mut self, service: Service, what: &'static str) {
        self.fire(what);
        let reply = self.submit(Command::PutService { service: Box::new(service) });
        self.say(|| format!("{what}: {reply:?}"));
    }

    /// Prices change while orders are under way (C22).
    fn reprice(&mut self) {
        let Some(mut service) = self.some_service() else { return };
        service.rate = Rate::from_micros(self.rng.random_range(0..2_000_000)).unwrap();
        self.put_service(service, "C22 repriced");
    }

    /// A sync finds what the provider asks now (B12), or that it sells the service no more.
    fn provider_reprices(&mut self) {
        let Some(mut service) = self.some_service() else { return };
        let rate = self.rng.random_range(1..1_500_000);
        if let Route::Providers(legs) = &mut service.route {
            let place = self.rng.random_range(0..legs.len());
            let Leg { account, service: theirs, .. } = legs[place].clone();
            legs[place].rate = Rate::from_micros(rate).unwrap();
            self.outside.reprice(account, theirs.parse().unwrap(), rate);
        }
        self.put_service(service, "B12 a provider's price changed");
    }

    /// E2: switched off with orders open, or on again; or with another limit for holds.
    fn switch_service(&mut self) {
        let Some(mut service) = self.some_service() else { return };
        service.enabled = !service.enabled || self.rng.random_bool(0.5);
        self.put_service(service, "E2 a service switched");
    }

    fn switch_provider(&mut self) {
        let account = ProviderAccountId(self.rng.random_range(1..=shop::PROVIDERS));
        let known = self.panel.books().providers().find(|provider| provider.id == account).cloned();
        let Some(mut provider) = known else { return };
        provider.enabled = !provider.enabled || self.rng.random_bool(0.5);
        provider.connections = self.rng.random_range(1..6);
        self.put_provider(provider);
    }

    pub(crate) fn put_provider(&mut self, provider: ProviderAccount) {
        self.fire("E2 a provider switched");
        let on = provider.enabled;
        let reply = self.submit(Command::PutProvider { account: Box::new(provider) });
        self.say(|| format!("provider on {on}: {reply:?}"));
    }

    fn suspend(&mut self) {
        let standing = [Standing::Active, Standing::Active, Standing::Suspended, Standing::Frozen]
            [self.rng.random_range(0..4)];
        let customer = self.customer();
        self.fire("C30 a standing changed");
        let reply = self.submit(Command::SetStanding { customer, standing });
        self.say(|| format!("customer {customer} is {standing:?}: {reply:?}"));
    }

    fn fund(&mut self) {
        let account = ProviderAccountId(self.rng.random_range(1..=shop::PROVIDERS));
        let amount = Amount(self.rng.random_range(-1_000_000..2_000_000));
        let reply = self.submit(Command::FundProvider { account, amount, note: "simulated".to_owned() });
        self.say(|| format!("fund {account}: {reply:?}"));
    }

    /// An order that no provider has, or that is held, gets a word by hand.
    fn move_by_hand(&mut self) {
        let Some((order, _)) = self.some_order() else { return };
        let status =
            [SeenStatus::InProgress, SeenStatus::Completed, SeenStatus::Partial, SeenStatus::Canceled]
                [self.rng.random_range(0..4)]
            .clone();
        let remains = SeenRemains::Is(self.rng.random_range(-5..1_500));
        self.by_hand(order, &status, remains);
    }

    pub(crate) fn by_hand(&mut self, order: OrderId, status: &SeenStatus, remains: SeenRemains) {
        let seen = Observation { status: Some(status.clone()), remains, ..Observation::default() };
        let reply = self.submit(Command::Observe { attempt: AttemptId::by_hand(order), seen });
        if matches!(reply, Ok(Ok(_))) {
            self.fire("E4 an order moved by hand");
            self.promised.by_hand.insert(order);
        }
        self.say(|| format!("by hand {order} {status:?} {remains:?}: {reply:?}"));
    }

    fn enter_share(&mut self) {
        let held = |file: &&OrderFile| {
            file.order.hold.as_ref().is_some_and(|hold| hold.reason == HoldReason::PartialPackage)
        };
        let Some(order) = self.panel.books().orders().find(held).map(|file| file.order.id) else { return };
        let delivered_permille = self.rng.random_range(1..1_000);
        self.share_of(order, delivered_permille);
    }

    pub(crate) fn share_of(&mut self, order: OrderId, delivered_permille: u16) {
        let reply = self.submit(Command::EnterShare { order, delivered_permille });
        if matches!(reply, Ok(Ok(_))) {
            self.fire("E4 a share entered");
            self.promised.by_hand.insert(order);
        }
        self.say(|| format!("share of {order}: {reply:?}"));
    }

    pub(crate) fn report_post(&mut self) {
        let subscriptions = self.panel.books().orders();
        let subscriptions = subscriptions.filter(|file| matches!(file.order.part, Part::Subscription(_)));
        let ids: Vec<OrderId> = subscriptions.map(|file| file.order.id).collect();
        if ids.is_empty() {
            return;
        }
        let subscription = ids[self.rng.random_range(0..ids.len())];
        let command = if self.rng.random_bool(0.5) {
            Command::ReportPost { subscription, link: "https://example.com/post".to_owned() }
        } else {
            Command::TendSubscription { subscription }
        };
        let reply = self.submit(command);
        self.say(|| format!("a look at subscription {subscription}: {reply:?}"));
    }

    /// Attempts that wait for a person, with where they were made and what for.
    pub(crate) fn waiting_for_a_person(&mut self) -> Vec<(AttemptId, ProviderAccountId, Purpose, bool)> {
        let mut found = Vec::new();
        for file in self.panel.books().orders() {
            let last = file.attempts.len();
            for attempt in &file.attempts {
                let id = AttemptId { order: file.order.id, number: attempt.number };
                let unknown = matches!(attempt.state, AttemptState::Unknown { .. });
                let held = matches!(attempt.state, AttemptState::Rejected { .. })
                    && usize::from(attempt.number) == last
                    && !file.order.status.has_ended()
                    && file.order.hold.is_some()
                    && !may_have_spent(file);
                if unknown || held {
                    found.push((id, attempt.account, attempt.purpose, unknown));
                }
            }
        }
        found
    }

    pub(crate) fn resolve_some(&mut self) {
        let waiting = self.waiting_for_a_person();
        if waiting.is_empty() {
            return;
        }
        let (attempt, account, purpose, unknown) = waiting[self.rng.random_range(0..waiting.len())];
        match self.verdict(attempt, account, purpose, unknown) {
            Verdict::Adopt { order } if self.rng.random_ratio(1, 8) => {
                self.overlook(attempt, account, purpose, order);
            }
            _ if self.rng.random_ratio(1, 8) => {
                self.resolve(attempt, &Verdict::WriteOff);
            }
            looked => {
                self.resolve(attempt, &looked);
            }
        }
    }

    /// A person looks at the wrong list, and lets buy again what was bought; or sees it before that is done.
    fn overlook(
        &mut self,
        attempt: AttemptId,
        account: ProviderAccountId,
        purpose: Purpose,
        order: ProviderOrderId,
    ) {
        self.fire("E4 a person overlooks an order");
        let file = self.panel.books().order(attempt.order);
        self.outside.mistaken.extend(file.map(|file| Purchase::of(file, purpose).order));
        let sees_it_soon = self.rng.random_bool(0.5);
        if sees_it_soon {
            self.switch_off(account);
        } else {
            self.outside.minds_the_next = Some(account);
        }
        self.resolve(attempt, &Verdict::Absent);
        if sees_it_soon {
            self.resolve(attempt, &Verdict::Adopt { order });
        }
    }

    fn switch_off(&mut self, account: ProviderAccountId) {
        let known = self.panel.books().providers().find(|provider| provider.id == account).cloned();
        if let Some(provider) = known {
            self.put_provider(ProviderAccount { enabled: false, ..provider });
        }
    }

    /// True when it was taken.
    pub(crate) fn resolve(&mut self, attempt: AttemptId, verdict: &Verdict) -> bool {
        self.fire("unknown resolved by a person");
        let reply = self.submit(Command::ResolveAttempt { attempt, verdict: verdict.clone() });
        self.say(|| format!("resolve {attempt} {verdict:?}: {reply:?}"));
        matches!(reply, Ok(Ok(_)))
    }

    /// By the provider's own list: what it made under the attempt's token is adopted; what it made for the same purpose
    /// under another, which only a restored panel has forgotten, too.
    pub(crate) fn verdict(
        &mut self,
        attempt: AttemptId,
        account: ProviderAccountId,
        purpose: Purpose,
        unknown: bool,
    ) -> Verdict {
        let taken: HashSet<(ProviderAccountId, u64)> = self
            .panel
            .books()
            .claims()
            .filter_map(|((account, order), _)| Some((account, order.as_str().parse::<u64>().ok()? & !HUGE)))
            .collect();
        let file = self.panel.books().order(attempt.order);
        let purchase = file.map(|file| Purchase::of(file, purpose));
        let candidates = self
            .outside
            .arrived
            .iter()
            .filter(|one| one.attempt == attempt || (purchase.is_some() && one.bought_for == purchase));
        let mut made: Vec<(bool, ProviderAccountId, u64)> =
            candidates.filter_map(|one| Some((one.attempt == attempt, one.account, one.made?))).collect();
        made.sort_by_key(|(own, at, id)| (!own, taken.contains(&(*at, *id))));
        match made.first() {
            Some((_, at, id)) if unknown && *at == account && !taken.contains(&(*at, *id)) => {
                Verdict::Adopt { order: ProviderOrderId::new(&id.to_string()).unwrap() }
            }
            // Bought, but not to be had: elsewhere, or another attempt was told that it is its own.
            Some(_) => Verdict::WriteOff,
            None => Verdict::Absent,
        }
    }

    /// What was written off, or taken for absent, turns up on the provider's list after all.
    fn find_late(&mut self) {
        let given_up = self.panel.books().orders().flat_map(|file| {
            let lost = file.attempts.iter().filter(|attempt| {
                matches!(attempt.state, AttemptState::WrittenOff { .. } | AttemptState::Absent { .. })
            });
            lost.map(|attempt| (AttemptId { order: file.order.id, number: attempt.number }, attempt.account))
        });
        let given_up: Vec<(AttemptId, ProviderAccountId)> = given_up.collect();
        let found = given_up.into_iter().find_map(|(attempt, account)| {
            let one = self.outside.made_for(attempt.order).find(|one| one.attempt == attempt)?;
            (one.account == account).then_some((attempt, one.made?))
        });
        if let Some((attempt, id)) = found {
            self.resolve(attempt, &Verdict::Adopt { order: ProviderOrderId::new(&id.to_string()).unwrap() });
        }
    }
}
