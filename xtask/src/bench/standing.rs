//! P11 and P12: what a panel takes of the memory, and how soon it answers.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};

use super::Bench;
use super::load::{Target, until_it_breaks};
use super::plan::{CUSTOMERS, MANY, ROUNDS};
use super::request::{Adds, first_customer};
use super::server::{Panel, Server, memory as memory_of};
use super::sheet::{Goal, Sheet, Spread};
use super::tested::{Tested, audit};

const MIB: u64 = 1024 * 1024;
/// Between two looks at the memory of a loaded panel.
const LOOK: Duration = Duration::from_millis(50);

/// P12: from the program's start to the first add that is answered; an add waits for all that is rebuilt.
pub(crate) fn until_the_first_answer(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let books = bench.large_books()?;
    let mut orders = bench.programs.count(books)?;
    let (mut balance, mut add, mut after_kill) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let server = start(bench, books, &first_customer("action=balance"))?;
        balance.push(server.took.as_secs_f64());
        server.stop()?;
        let server = start(bench, books, &one_add())?;
        add.push(server.took.as_secs_f64());
        orders += 1 + killed_under_load(bench, server)?;
        let server = start(bench, books, &one_add())?;
        after_kill.push(server.took.as_secs_f64());
        orders += 1;
        server.stop()?;
    }
    audit(bench, books, orders)?;
    let first =
        format!("the first add, at {orders} orders; balance after {:.2} s", Spread::of(balance).median());
    sheet.add("P12 start", Spread::of(add), Goal::AtMost(1.0), first);
    sheet.add("P12 start after kill -9", Spread::of(after_kill), Goal::AtMost(1.0), "killed under load");
    Ok(())
}

fn start(bench: &Bench, books: &Path, first: &[u8]) -> Result<Server> {
    Server::panel(&bench.programs, Panel { books, preload: None, first })
}

fn one_add() -> Vec<u8> {
    let mut request = Vec::new();
    Adds::of(1, false).next(&mut request);
    request
}

/// Gives the orders that were acknowledged before the end.
fn killed_under_load(bench: &Bench, server: Server) -> Result<u64> {
    let target = Target::new(&server, MANY, &bench.plan);
    let load = std::thread::spawn(move || until_it_breaks(target, &Adds::of(CUSTOMERS, false)));
    std::thread::sleep(bench.plan.window);
    server.kill()?;
    match load.join() {
        Ok(acknowledged) => acknowledged,
        Err(_) => bail!("the generator of the load panicked"),
    }
}

/// P11: anonymous and shared memory of the idle demo, and of a panel with large books under load.
pub(crate) fn memory(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let idle = of_the_idle_demo(bench)?;
    let seconds = bench.plan.idle.as_secs();
    sheet.add(
        "P11 idle demo MiB",
        mib(idle),
        Goal::AtMost(40.0),
        format!("{seconds} s after its first answer"),
    );
    let books = bench.large_books()?;
    let mut panel = Tested::start(bench, books, None)?;
    let before = panel.server.memory()?;
    let process = panel.server.id();
    let ends = Arc::new(AtomicBool::new(false));
    let watch = std::thread::spawn({
        let ends = Arc::clone(&ends);
        move || {
            let mut most = 0;
            while !ends.load(Ordering::Relaxed) {
                most = most.max(memory_of(process).unwrap_or(0));
                std::thread::sleep(LOOK);
            }
            most
        }
    });
    let loaded = panel.load(MANY, &Adds::of(CUSTOMERS, false));
    ends.store(true, Ordering::Relaxed);
    let Ok(most) = watch.join() else { bail!("the look at the memory panicked") };
    let acknowledged = loaded?.acknowledged;
    panel.finish()?;
    let note = format!(
        "at {} orders, while {acknowledged} more are added; {:.0} MiB before",
        bench.plan.large_books,
        mib(before).median()
    );
    sheet.add("P11 under load MiB", mib(most), Goal::AtMost(200.0), note);
    Ok(())
}

fn of_the_idle_demo(bench: &Bench) -> Result<u64> {
    let folder = bench.scratch.fresh("demo");
    let demo = Server::demo(
        &bench.programs,
        &folder,
        b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
    )?;
    std::thread::sleep(bench.plan.idle);
    let memory = demo.memory()?;
    demo.stop()?;
    Ok(memory)
}

fn mib(bytes: u64) -> Spread {
    #[expect(clippy::cast_precision_loss, reason = "memory is far below 2⁵² bytes")]
    Spread::of([bytes as f64 / MIB as f64])
}
