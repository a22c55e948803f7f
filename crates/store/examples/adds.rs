//! What an order costs in the embedded store: CPU per `add`, and bytes of its whole life.
//!
//! `cargo run --release -p panelworks-store --example adds [orders] [folder] [read | batch,customers]`. CPU is user and system time of
//! the whole process (writer, checkpoints and the core's decision together), so compare within one run.

use std::path::{Path, PathBuf};
use std::time::Instant;

use panelworks_core::catalogue::{Leg, Route, Service, ServiceType};
use panelworks_core::command::Command;
use panelworks_core::customer::Switches;
use panelworks_core::ids::{
    AttemptId, CustomerId, NodeId, OrderId, ProviderAccountId, ProviderOrderId, ServiceId,
};
use panelworks_core::limits::HOLD_LIMIT;
use panelworks_core::money::{Amount, Currency, Rate};
use panelworks_core::order::IdempotencyMark;
use panelworks_core::order::attempt::AttemptResult;
use panelworks_core::order::draft::{Draft, Given};
use panelworks_core::planted::Planted;
use panelworks_core::provider::{Observation, ProviderAccount, SeenCharge, SeenRemains, SeenStatus};
use panelworks_core::time::{Span, Timestamp};
use panelworks_store::executor::Executor;
use panelworks_store::memory::Memory;
use panelworks_store::ports::{Books as _, Queue as _, Views as _};
use panelworks_store::sqlite::{Options, Sqlite, SqliteBooks, SqliteReads};

const CUSTOMERS: u32 = 1_000;
const SERVICES: u32 = 20;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let orders: u32 = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let folder = arguments.next().map_or_else(|| std::env::temp_dir().join("panelworks-adds"), PathBuf::from);
    match arguments.next().as_deref() {
        Some("read") => return Panel::open(&folder)?.reopen_and_read(&folder),
        Some(only) => {
            // One kind of batch alone, for a profile.
            let (batch, customers) = only.split_once(',').ok_or("read, or: batch,customers")?;
            return Panel::stocked(&folder)?.adds(orders, batch.parse()?, customers.parse()?, false);
        }
        None => {}
    }
    let mut panel = Panel::stocked(&folder)?;
    in_memory()?;
    println!("{:>44} {:>9} {:>9} {:>9}", "", "CPU us", "wall us", "per s");
    for round in 1..=2 {
        for (batch, customers, keyed) in [
            (50, 1, false),
            (50, CUSTOMERS, false),
            (512, 1, false),
            (512, CUSTOMERS, false),
            (512, CUSTOMERS, true),
        ] {
            let name =
                format!("add, batch {batch}, {customers} customers{}", if keyed { ", keys" } else { "" });
            let at = panel.next_order;
            panel.measure(&name, 20_000, |panel| panel.adds(20_000, batch, customers, keyed))?;
            panel.finish_from(at)?;
        }
        println!("round {round} done");
    }
    panel.life(orders)?;
    panel.reopen_and_read(&folder)?;
    Ok(())
}

/// What deciding alone costs: the same commands on books in memory, which keep no links and no rows on disk.
fn in_memory() -> Result<(), Failure> {
    let mut executor = Executor::new(Memory::default(), NodeId(1), 1, Planted::default());
    let mut source = Source::default();
    for commands in stock() {
        executor.run(source.later(), &commands)?;
    }
    let cpu = cpu_micros();
    for _ in 0..100 {
        let commands: Vec<Command> = (0..512).map(|_| source.add(CUSTOMERS, false)).collect();
        executor.run(source.later(), &commands)?;
    }
    println!("deciding alone, with books in memory: {:.2} us CPU an add", (cpu_micros() - cpu) / 51_200.0);
    Ok(())
}

struct Panel {
    executor: Executor<SqliteBooks>,
    reads: SqliteReads,
    file: PathBuf,
    source: Source,
    next_order: u32,
}

/// Commands and their times.
struct Source {
    now: Timestamp,
    links: u64,
}

impl Default for Source {
    fn default() -> Self {
        Self { now: Timestamp(1_790_000_000_000), links: 0 }
    }
}

impl Source {
    fn later(&mut self) -> Timestamp {
        self.now = self.now.after(Span(20));
        self.now
    }

    fn add(&mut self, customers: u32, keyed: bool) -> Command {
        self.links += 1;
        let scattered = scatter(self.links);
        let draft = Draft {
            link: Given::Is(format!("https://www.instagram.com/p/{scattered:016x}/")),
            quantity: Given::Is(100 + scattered % 5_000),
            ..Draft::default()
        };
        let mark = keyed.then(|| {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&scatter(scattered).to_be_bytes());
            IdempotencyMark { key, parameters: [1; 16] }
        });
        Command::PlaceOrder {
            customer: CustomerId(1 + u32::try_from(scattered % u64::from(customers)).unwrap_or(0)),
            service: Some(ServiceId(1 + u32::try_from(scattered % u64::from(SERVICES)).unwrap_or(0))),
            draft,
            mark,
            max_charge: None,
        }
    }
}

/// A provider, services, and customers with money.
fn stock() -> Vec<Vec<Command>> {
    let account = ProviderAccount {
        id: ProviderAccountId(0),
        name: "north".to_owned(),
        url: "https://provider.example/api/v2".to_owned(),
        sealed_key: vec![7; 72],
        currency: Currency::USD,
        enabled: true,
        private_address: false,
        keys_kept_hours: None,
        connections: 8,
    };
    let mut batches = vec![vec![Command::PutProvider { account: Box::new(account) }]];
    batches.extend(
        (1..=SERVICES).map(|number| vec![Command::PutService { service: Box::new(service(number)) }]),
    );
    batches.extend((1..=CUSTOMERS).map(|number| {
        let open = Command::OpenCustomer {
            name: format!("customer {number}"),
            currency: Currency::USD,
            credit_limit: Amount::ZERO,
            switches: Switches::default(),
            key: None,
        };
        let amount = Amount(10_000_000_000_000);
        vec![open, Command::CreditCustomer { customer: CustomerId(number), amount, note: "stock".to_owned() }]
    }));
    batches
}

fn service(number: u32) -> Service {
    let leg = Leg {
        account: ProviderAccountId(1),
        service: format!("{}", 1_000 + number),
        rate: rate(500_000),
        cancel: true,
    };
    Service {
        id: ServiceId(0),
        name: format!("Followers of kind {number}"),
        category: "Followers".to_owned(),
        description: "Fast start. ".repeat(20),
        service_type: ServiceType::Default,
        rate: rate(900_000),
        price_version: 0,
        min: 10,
        max: 1_000_000,
        step: 1,
        dripfeed: true,
        cancel: true,
        refill: None,
        enabled: true,
        linkless: false,
        guarded: true,
        hold_limit: HOLD_LIMIT,
        route: Route::Providers(vec![leg]),
    }
}

impl Panel {
    fn open(folder: &Path) -> Result<Self, Failure> {
        let opened = Sqlite::open(folder, Options::default())?;
        let executor = Executor::new(opened.books, opened.node, opened.epoch, Planted::default());
        let file = folder.join("panelworks.db");
        Ok(Self { executor, reads: opened.reads, file, source: Source::default(), next_order: 1 })
    }

    /// In an empty folder.
    fn stocked(folder: &Path) -> Result<Self, Failure> {
        let _ = std::fs::remove_dir_all(folder);
        let mut panel = Self::open(folder)?;
        for commands in stock() {
            panel.run(&commands)?;
        }
        Ok(panel)
    }

    fn run(&mut self, commands: &[Command]) -> Result<(), Failure> {
        for ran in self.executor.run(self.source.later(), commands)? {
            for reply in ran.replies {
                reply??;
            }
        }
        Ok(())
    }

    fn adds(&mut self, count: u32, batch: u32, customers: u32, keyed: bool) -> Result<(), Failure> {
        let mut left = count;
        while left > 0 {
            let size = left.min(batch);
            let commands: Vec<Command> = (0..size).map(|_| self.source.add(customers, keyed)).collect();
            self.run(&commands)?;
            left -= size;
            self.next_order += size;
        }
        Ok(())
    }

    /// Whole lives, in waves: as many are open at once as a panel's provider takes in an hour.
    fn life(&mut self, orders: u32) -> Result<(), Failure> {
        const WAVE: u32 = 10_000;
        let before = self.bytes()?;
        let started = self.next_order;
        let mut done = 0;
        while done < orders {
            let wave = WAVE.min(orders - done);
            let from = self.next_order;
            self.adds(wave, 512, CUSTOMERS, false)?;
            self.finish_from(from)?;
            done += wave;
        }
        let lives = self.next_order - started;
        let bytes = self.bytes()? - before;
        println!("a whole life: {} bytes an order, over {lives} orders", bytes / u64::from(lives));
        self.tables()?;
        let at = self.next_order;
        self.measure(&format!("add at {at} orders, batch 512"), 20_000, |panel| {
            panel.adds(20_000, 512, CUSTOMERS, false)
        })?;
        self.measure("begin, batch 512", 20_000, |panel| {
            panel.each(at, |attempt| Command::BeginAttempt { attempt })
        })?;
        self.measure("accept, batch 512", 20_000, |panel| panel.each(at, accepted))?;
        self.measure("in progress, batch 512", 20_000, |panel| panel.each(at, in_progress))?;
        self.measure("completed, batch 512", 20_000, |panel| panel.each(at, completed))?;
        Ok(())
    }

    fn finish_from(&mut self, first: u32) -> Result<(), Failure> {
        self.each(first, |attempt| Command::BeginAttempt { attempt })?;
        self.each(first, accepted)?;
        self.each(first, in_progress)?;
        self.each(first, completed)
    }

    fn each(&mut self, first: u32, command: impl Fn(AttemptId) -> Command) -> Result<(), Failure> {
        let orders: Vec<u32> = (first..self.next_order).collect();
        for batch in orders.chunks(512) {
            let attempt = |order: &u32| AttemptId { order: OrderId(*order), number: 1 };
            let commands: Vec<Command> = batch.iter().map(|order| command(attempt(order))).collect();
            self.run(&commands)?;
        }
        Ok(())
    }

    /// Pages in the file, after everything was copied into it.
    fn bytes(&self) -> Result<u64, Failure> {
        let connection = rusqlite::Connection::open(&self.file)?;
        connection.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))?;
        let pages: u64 =
            connection.query_row("pragma page_count", [], |row| row.get::<_, i64>(0))?.try_into()?;
        Ok(pages * 4096)
    }

    fn tables(&self) -> Result<(), Failure> {
        let connection = rusqlite::Connection::open(&self.file)?;
        let mut statement = connection.prepare(
            "select name, sum(pgsize), sum(pgsize) * 1.0 / ?1, sum(payload) * 100.0 / sum(pgsize) from dbstat group by name order by 2 desc limit 10",
        )?;
        let mut rows = statement.query([self.next_order])?;
        while let Some(row) = rows.next()? {
            let (name, each, full): (String, f64, f64) = (row.get(0)?, row.get(2)?, row.get(3)?);
            println!("{name:>24} {each:>8.1} bytes an order, {full:>5.1} % full");
        }
        Ok(())
    }

    fn measure(
        &mut self,
        name: &str,
        count: u32,
        run: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (cpu, wall) = (cpu_micros(), Instant::now());
        run(self)?;
        let (cpu, wall) = (cpu_micros() - cpu, wall.elapsed());
        let each = |micros: f64| micros / f64::from(count);
        let seconds = wall.as_secs_f64();
        println!(
            "{name:>44} {:>9.2} {:>9.2} {:>9.0}",
            each(cpu),
            each(seconds * 1e6),
            f64::from(count) / seconds
        );
        Ok(())
    }

    fn reopen_and_read(self, folder: &Path) -> Result<(), Failure> {
        let Self { executor, source, next_order, .. } = self;
        drop(executor);
        let started = Instant::now();
        let mut panel = Self::open(folder)?;
        println!("opened in {:?}", started.elapsed());
        panel.source = source;
        panel.next_order = next_order.max(panel.executor.books().cursors().order);
        panel.adds(1, 1, CUSTOMERS, false)?;
        println!("first add after {:?}", started.elapsed());
        let views = panel.reads.views()?;
        let orders = panel.next_order - 1;
        let customers = 20_000_u64;
        let read = Instant::now();
        let cpu = cpu_micros();
        for round in 0..2_000_u64 {
            let ids: Vec<OrderId> = (0..100)
                .map(|n| {
                    OrderId(1 + u32::try_from(scatter(round * 100 + n) % u64::from(orders)).unwrap_or(0))
                })
                .collect();
            let customer =
                CustomerId(1 + u32::try_from(round % customers.min(u64::from(CUSTOMERS))).unwrap_or(0));
            views.orders(customer, &ids)?;
        }
        println!(
            "status of 100 ids: {:.1} us CPU, {:.1} us wall",
            (cpu_micros() - cpu) / 2_000.0,
            read.elapsed().as_secs_f64() * 1e6 / 2_000.0
        );
        println!("counts: {:?} in {:?}", views.counts()?, {
            let at = Instant::now();
            views.counts()?;
            at.elapsed()
        });
        let started = Instant::now();
        let open = views.open_files(OrderId(0), 1_000)?;
        println!("{} open files in {:?}", open.len(), started.elapsed());
        let started = Instant::now();
        let violations = views.audit(&mut |_, _| ())?;
        println!("audit: {} violations in {:?}", violations.len(), started.elapsed());
        for violation in violations.iter().take(5) {
            println!("  {violation}");
        }
        println!("resident, anonymous: {}", anonymous()?);
        Ok(())
    }
}

fn accepted(attempt: AttemptId) -> Command {
    let id = format!("{}", 40_000_000 + u64::from(attempt.order.0));
    let order = ProviderOrderId::new(&id).unwrap_or_else(|| unreachable!("digits are an id"));
    Command::FinishAttempt { attempt, result: AttemptResult::Accepted { order } }
}

fn in_progress(attempt: AttemptId) -> Command {
    let seen = Observation {
        status: Some(SeenStatus::InProgress),
        start_count: Some(12_345),
        remains: SeenRemains::Is(50),
        ..Observation::default()
    };
    Command::Observe { attempt, seen }
}

fn completed(attempt: AttemptId) -> Command {
    let seen = Observation {
        status: Some(SeenStatus::Completed),
        start_count: Some(12_345),
        remains: SeenRemains::Is(0),
        charge: SeenCharge::Missing,
        ..Observation::default()
    };
    Command::Observe { attempt, seen }
}

fn rate(micros: i64) -> Rate {
    Rate::from_micros(micros).unwrap_or_else(|| unreachable!("a small rate"))
}

/// Spreads a count over all numbers, so that links come in no order.
fn scatter(number: u64) -> u64 {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (mixed >> 32)
}

/// User and system time of this process.
#[expect(clippy::cast_precision_loss, reason = "seconds of a measurement")]
fn cpu_micros() -> f64 {
    let times = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    times.tv_sec as f64 * 1e6 + times.tv_nsec as f64 / 1e3
}

fn anonymous() -> Result<String, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    Ok(status
        .lines()
        .filter(|line| line.starts_with("RssAnon") || line.starts_with("RssShmem"))
        .collect::<Vec<_>>()
        .join(", "))
}
