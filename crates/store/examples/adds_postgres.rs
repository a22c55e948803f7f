//! Adds per second through the executor on PostgreSQL, by batch size, for many customers and for a hot one.
//!
//! In: an address (`postgres://…`), or nothing: then a server of its own is started from this machine's binaries. Out: a
//! line per measurement, adds per second and the processor time of this program for each. The server's syncs are what
//! its settings say; a schema of its own is made and dropped.
//!
//! ```text
//! cargo run --release -p panelworks-store --example adds_postgres [ADDRESS]
//! ```

use std::error::Error;
use std::time::{Duration, Instant};

use panelworks_core::catalogue::{Route, Service, ServiceType};
use panelworks_core::command::Command;
use panelworks_core::customer::Switches;
use panelworks_core::ids::{CustomerId, ServiceId};
use panelworks_core::money::{Amount, Currency};
use panelworks_core::planted::Planted;
use panelworks_core::testing::{draft, place, service};
use panelworks_core::time::Timestamp;
use panelworks_store::contract::{cluster::Cluster, credit, link};
use panelworks_store::executor::Executor;
use panelworks_store::postgres::{Options, Postgres, PostgresBooks};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const CUSTOMERS: usize = 1_000;
const MEASURED: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let own = if std::env::args().nth(1).is_none() { Some(Cluster::start(&[])?) } else { None };
    let address = std::env::args().nth(1).or_else(|| own.as_ref().map(Cluster::address));
    let mut options = Options::new(&address.ok_or("no address")?, "bench")?;
    options.schema = format!("bench_{}", std::process::id());
    let opened = Postgres::open(options)?;
    println!("{}", opened.server.promise.words());
    let mut executor = Executor::new(opened.books, opened.node, opened.epoch, Planted::default());
    let sold = furnish(&mut executor)?;
    let mut orders = 0;
    for customers in [CUSTOMERS, 1] {
        for batch in [1, 8, 64, 512] {
            let (begun, cpu) = (Instant::now(), cpu());
            let mut placed = 0;
            while begun.elapsed() < MEASURED {
                let commands: Vec<Command> =
                    (0..batch).map(|n| order(customers, sold, orders + placed + n)).collect();
                let ran = executor.run(NOW, &commands)?;
                let taken = ran
                    .iter()
                    .flat_map(|ran| &ran.replies)
                    .filter(|reply| matches!(reply, Ok(Ok(_))))
                    .count();
                assert_eq!(taken, batch, "a refusal measures nothing: {ran:?}");
                placed += batch;
            }
            orders += placed;
            let seconds = begun.elapsed().as_secs_f64();
            let micros = self::cpu().saturating_sub(cpu).as_secs_f64() * 1e6;
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let (rate, each) = (placed as f64 / seconds, micros / placed as f64);
            println!(
                "{customers} customers, batches of {batch}: {rate:.0} adds per second, {each:.1} us of CPU each"
            );
        }
    }
    Ok(())
}

fn order(customers: usize, sold: ServiceId, number: usize) -> Command {
    let customer = u32::try_from(number % customers).map_or(CustomerId(1), |n| CustomerId(n + 1));
    place(customer, sold, draft(&link(number), 100))
}

fn furnish(executor: &mut Executor<PostgresBooks>) -> Result<ServiceId, Box<dyn Error>> {
    let open = Command::OpenCustomer {
        name: "anna".to_owned(),
        currency: Currency::USD,
        credit_limit: Amount::ZERO,
        switches: Switches::default(),
        key: None,
    };
    let all: Vec<Command> = (0..CUSTOMERS).map(|_| open.clone()).collect();
    executor.run(NOW, &all)?;
    let funded = (1..=CUSTOMERS).filter_map(|n| u32::try_from(n).ok());
    let funded: Vec<Command> = funded.map(|n| credit(CustomerId(n), 1_000_000_000_000)).collect();
    executor.run(NOW, &funded)?;
    let sold = Service { guarded: true, route: Route::Manual, ..service(ServiceType::Default) };
    executor.run(NOW, &[Command::PutService { service: Box::new(sold) }])?;
    Ok(ServiceId(1))
}

/// Of this process, all threads.
fn cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, nanos) = (spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or(0));
    Duration::new(seconds, nanos)
}
