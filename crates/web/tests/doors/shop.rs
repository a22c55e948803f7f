//! A panel for tests: two customers, one service of each type and some odd ones, a provider that is played by hand.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, RwLock};

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use panelworks_core::catalogue::{Leg, RefillTerms, Route, Service, ServiceType, Takes};
use panelworks_core::command::Command;
use panelworks_core::customer::{Standing, Switches};
use panelworks_core::ids::{AttemptId, CustomerId, OrderId, ProviderAccountId, ProviderOrderId, ServiceId};
use panelworks_core::money::{Amount, Currency, Rate};
use panelworks_core::order::attempt::AttemptResult;
use panelworks_core::outcome::{Done, Outcome};
use panelworks_core::planted::Planted;
use panelworks_core::provider::{Observation, ProviderAccount, SeenRemains, SeenStatus};
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::{Executor, Handle, Lane};
use panelworks_store::reader::Reader;
use panelworks_store::sqlite::{Options, Sqlite};
use panelworks_web::{Known, Panel, Settings, key_hash, router};
use tower::ServiceExt as _;

/// The keys of the two customers.
pub(crate) const ANNA: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const BERT: &str = "fedcba9876543210fedcba9876543210";

/// Services beyond the seventeen types, whose ids are their places in [`ServiceType::ALL`], from 1.
pub(crate) const DISABLED: u32 = 18;
/// No drip-feed, no refill, no cancel, no guard.
pub(crate) const BARE: u32 = 19;
pub(crate) const LINKLESS: u32 = 20;
/// Nobody delivers it: orders wait for an operator.
pub(crate) const MANUAL: u32 = 21;

/// See the module's head.
pub(crate) struct Shop {
    pub(crate) panel: Arc<Panel>,
    pub(crate) router: axum::Router,
    pub(crate) executor: Handle,
    now: Arc<AtomicI64>,
    /// Whoever holds it for writing keeps the executor from deciding anything.
    pub(crate) gate: Arc<RwLock<()>>,
    folder: PathBuf,
}

/// An answer, read whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// A panel whose settings differ from the usual ones.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = fresh_folder();
        let opened = Sqlite::open(&folder, Options::default()).expect("an empty folder opens");
        let reader = Reader::start(panelworks_store::limits::READERS, || Ok(Box::new(opened.reads.views()?)))
            .expect("threads start");
        let known = reader.ask(|views| Known::read(views)).await.expect("an empty store is read");
        let known = Arc::new(known);
        let now = Arc::new(AtomicI64::new(1_767_261_600_000));
        let (clock, gate) = (Arc::clone(&now), Arc::new(RwLock::new(())));
        let gate_of_clock = Arc::clone(&gate);
        let followed = Arc::clone(&known);
        let executor = Executor::new(opened.books, opened.node, opened.epoch, Planted::default());
        let (executor, _thread) = Handle::start(
            executor,
            move || {
                let _open = gate_of_clock.read();
                Timestamp(clock.load(Ordering::Relaxed))
            },
            Box::new(move |committed| followed.follow(committed)),
        )
        .expect("a thread starts");
        let mut settings = Settings::new("Nord", "USD", "http://127.0.0.1:8080");
        change(&mut settings);
        let panel = Arc::new(Panel::new(known, executor.clone(), reader, settings));
        let shop = Self { router: router(Arc::clone(&panel)), panel, executor, now, gate, folder };
        shop.furnish().await;
        shop
    }

    async fn furnish(&self) {
        for (name, key, balance) in [("anna", ANNA, 100_842_920), ("bert", BERT, 50_000_000)] {
            let opened = self
                .command(Command::OpenCustomer {
                    name: name.to_owned(),
                    currency: Currency::USD,
                    credit_limit: Amount::ZERO,
                    switches: Switches::default(),
                    key: Some(key_hash(key)),
                })
                .await;
            let Ok(Done::CustomerOpened { customer }) = opened else { panic!("{opened:?}") };
            self.credit(customer, balance).await;
        }
        let account = ProviderAccount {
            id: ProviderAccountId(0),
            name: "upstream".to_owned(),
            url: "http://127.0.0.1:1/api/v2".to_owned(),
            sealed_key: vec![1],
            currency: Currency::USD,
            enabled: true,
            private_address: true,
            keys_kept_hours: None,
            connections: 1,
        };
        self.command(Command::PutProvider { account: Box::new(account) }).await.expect("a provider");
        for service in services() {
            self.command(Command::PutService { service: Box::new(service) }).await.expect("a service");
        }
    }

    /// A command of an operator, an engine, or time.
    pub(crate) async fn command(&self, command: Command) -> Outcome {
        let reply = self.executor.submit(Lane::Outcome, command);
        reply.await.expect("the executor runs").expect("it is decided")
    }

    pub(crate) async fn credit(&self, customer: CustomerId, micros: i64) {
        let credit =
            Command::CreditCustomer { customer, amount: Amount(micros), note: "for tests".to_owned() };
        self.command(credit).await.expect("a credit");
    }

    pub(crate) async fn standing(&self, customer: CustomerId, standing: Standing) {
        self.command(Command::SetStanding { customer, standing }).await.expect("a standing");
    }

    /// Opens a further customer with these switches, and 100 to spend; gives its key.
    pub(crate) async fn customer(&self, switches: Switches) -> String {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let key = format!("customer-{}", OPENED.fetch_add(1, Ordering::Relaxed));
        let opened = self
            .command(Command::OpenCustomer {
                name: key.clone(),
                currency: Currency::USD,
                credit_limit: Amount::ZERO,
                switches,
                key: Some(key_hash(&key)),
            })
            .await;
        let Ok(Done::CustomerOpened { customer }) = opened else { panic!("{opened:?}") };
        self.credit(customer, 100_000_000).await;
        key
    }

    pub(crate) fn pass(&self, time: Span) {
        self.now.fetch_add(time.0, Ordering::Relaxed);
    }

    /// A call of Anna's as a form.
    pub(crate) async fn anna(&self, form: &str) -> Told {
        self.form(&format!("key={ANNA}&{form}")).await
    }

    pub(crate) async fn bert(&self, form: &str) -> Told {
        self.form(&format!("key={BERT}&{form}")).await
    }

    pub(crate) async fn form(&self, form: &str) -> Told {
        let request = Request::post("/api/v2").header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).expect("a request")).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Told {
        told_by(&self.router, request).await
    }

    /// Places an order of Anna's and gives its id.
    pub(crate) async fn order(&self, form: &str) -> u32 {
        let told = self.anna(&format!("action=add&{form}")).await;
        let id = told.body.strip_prefix("{\"order\":").and_then(|rest| rest.strip_suffix('}'));
        id.and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no order: {}", told.body))
    }

    /// The provider takes an order.
    pub(crate) async fn accept(&self, order: u32) {
        let attempt = AttemptId { order: OrderId(order), number: 1 };
        self.command(Command::BeginAttempt { attempt }).await.expect("a planned attempt");
        let id = ProviderOrderId::new(&format!("up-{order}")).expect("an id");
        let result = AttemptResult::Accepted { order: id };
        self.command(Command::FinishAttempt { attempt, result }).await.expect("an attempt under way");
    }

    /// The provider says where an order stands.
    pub(crate) async fn observe(&self, order: u32, status: SeenStatus, start_count: i64, remains: i64) {
        let attempt = AttemptId { order: OrderId(order), number: 1 };
        let seen = Observation {
            status: Some(status),
            start_count: Some(start_count),
            remains: SeenRemains::Is(remains),
            ..Observation::default()
        };
        self.command(Command::Observe { attempt, seen }).await.expect("an observation");
    }

    /// An order of Anna's that was delivered whole.
    pub(crate) async fn completed(&self, form: &str) -> u32 {
        let order = self.order(form).await;
        self.accept(order).await;
        self.observe(order, SeenStatus::Completed, 10, 0).await;
        order
    }
}

/// What these routes answer, read whole.
pub(crate) async fn told_by(router: &axum::Router, request: Request<Body>) -> Told {
    let Ok(response) = router.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    let body = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    Told { status: parts.status, headers: parts.headers, body }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.executor.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Told {
    /// The body of a call that was answered 200 as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> &str {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/json");
        &self.body
    }
}

/// The body of an error.
pub(crate) fn error(text: &str) -> String {
    format!("{{\"error\":\"{text}\"}}")
}

fn fresh_folder() -> PathBuf {
    static OPENED: AtomicU32 = AtomicU32::new(0);
    let number = OPENED.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("panelworks-web-{}-{number}", std::process::id()))
}

fn services() -> Vec<Service> {
    let mut all: Vec<Service> = ServiceType::ALL.into_iter().map(service).collect();
    all.push(Service { enabled: false, ..service(ServiceType::Default) });
    let bare = service(ServiceType::Default);
    all.push(Service { dripfeed: false, cancel: false, refill: None, guarded: false, ..bare });
    all.push(Service { linkless: true, ..service(ServiceType::Default) });
    all.push(Service { route: Route::Manual, ..service(ServiceType::Default) });
    all
}

/// A further Default service at this rate.
pub(crate) fn one_more(rate: Rate) -> Service {
    Service { rate, ..service(ServiceType::Default) }
}

fn service(service_type: ServiceType) -> Service {
    let leg = Leg {
        account: ProviderAccountId(1),
        service: "77".to_owned(),
        rate: Rate::from_micros(500_000).expect("a rate"),
        cancel: true,
        takes: Takes::Orders,
    };
    Service {
        id: ServiceId(0),
        name: format!("{service_type:?}"),
        category: "First Category".to_owned(),
        description: "Slow and steady".to_owned(),
        service_type,
        rate: Rate::from_micros(900_000).expect("a rate"),
        price_version: 0,
        min: if matches!(service_type, ServiceType::Default) { 50 } else { 1 },
        max: 10_000,
        step: 1,
        dripfeed: service_type.can_drip(),
        cancel: true,
        refill: Some(RefillTerms { days: Some(30), partial: false }),
        enabled: true,
        linkless: false,
        guarded: true,
        hold_limit: Span::hours(72),
        route: Route::Providers(vec![leg]),
    }
}
