//! P2: durable adds over HTTP on PostgreSQL, against pgbench doing the usual transaction on the same server.
//!
//! The usual transaction writes the same rows: it takes the charge from the customer's balance where that covers it,
//! inserts the order with its attempt, inserts the entry of the ledger. Its statements are prepared, its connections
//! stay. Both are asked what they have done afterwards: every order counted has its entry and its charge.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::Bench;
use super::database::Database;
use super::plan::{CUSTOMERS, FEW, MANY, ROUNDS, SMALL_BOOKS};
use super::request::Adds;
use super::sheet::{Goal, Sheet, Spread, per_second};
use super::sync;
use super::tested::Tested;

/// The tables of a panel script as they are usually made, and its customers.
const TABLES: &str = "create schema usual; \
     create table usual.customer (id integer primary key, balance bigint not null check (balance >= 0)) with (fillfactor = 50); \
     create table usual.orders (id bigserial primary key, customer integer not null references usual.customer (id), \
       service integer not null, link text not null, quantity integer not null, charge bigint not null, \
       remains integer not null, status smallint not null, provider smallint not null, created_at timestamptz not null); \
     create index orders_of_customer on usual.orders (customer, id); \
     create index open_orders on usual.orders (id) where status < 4; \
     create table usual.entry (id bigserial primary key, order_id bigint not null, customer integer not null, \
       amount bigint not null, balance bigint not null, created_at timestamptz not null); \
     create index entries_of_customer on usual.entry (customer, id); \
     insert into usual.customer select id, 1000000000000 from generate_series(1, 1000) as id;";

/// One add.
const SCRIPT: &str = "\\set customer random(1, :customers)\n\
     begin;\n\
     update usual.customer set balance = balance - 90000 where id = :customer and balance >= 90000 returning balance \\gset\n\
     insert into usual.orders (customer, service, link, quantity, charge, remains, status, provider, created_at) \
       values (:customer, 1, 'https://www.example.com/l/' || :customer || '/', 100, 90000, 100, 1, 1, now()) returning id \\gset\n\
     insert into usual.entry (order_id, customer, amount, balance, created_at) \
       values (:id, :customer, 90000, :balance, now());\n\
     commit;\n";

/// Nothing is lost, doubled or unpaid.
const CHECKED: &str = "select (select count(*) from usual.orders) = (select count(*) from usual.entry) \
     and (select 1000 * 1000000000000 - sum(balance) from usual.customer) = (select coalesce(sum(amount), 0) from usual.entry)";

/// See the module's head.
pub(crate) fn against_the_usual_transaction(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let Some(database) = Database::start(bench, "P2", None)? else { return Ok(()) };
    compare(bench, sheet, &database, "", [5.0, 15.0])?;
    drop(database);
    let library = sync::slow_library(bench.scratch.folder())?;
    let Some(slow) = Database::start(bench, "P2", Some(&library))? else { return Ok(()) };
    compare(bench, sheet, &slow, " slow sync", [8.0, 40.0])
}

fn compare(bench: &Bench, sheet: &mut Sheet, database: &Database, how: &str, goals: [f64; 2]) -> Result<()> {
    database.ask(TABLES)?;
    for (customers, words, goal) in [(CUSTOMERS, "1,000 customers", goals[0]), (1, "hot customer", goals[1])]
    {
        let books = database.filled(bench, SMALL_BOOKS, customers)?;
        let mut panel = Tested::start(bench, &books, None)?;
        let work = Adds::of(customers, false);
        let (mut ratios, mut rates, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        let mut fewer = [(1, Vec::new()), (FEW, Vec::new())];
        for _ in 0..ROUNDS {
            let theirs = usual(bench, database, customers)?;
            let ours = panel.load(MANY, &work)?;
            ratios.push(ours.rate / theirs);
            rates.push([ours.rate, theirs]);
            cpu.push(ours.cpu_us);
            for (connections, found) in &mut fewer {
                found.push(panel.load(*connections, &work)?.rate / theirs);
            }
        }
        panel.finish()?;
        if database.ask(CHECKED)? != "t" {
            bail!("void: the usual transaction's own books don't add up");
        }
        let rate = |place: usize| per_second(Spread::of(rates.iter().map(|both| both[place])).median());
        let cpu = Spread::of(cpu).median();
        let note = format!("{} of {}; {cpu:.1} µs of the panel's cpu each", rate(0), rate(1));
        sheet.add(format!("P2{how} {words}"), Spread::of(ratios), Goal::AtLeast(goal), note);
        for (connections, found) in fewer {
            sheet.add(format!("P2{how} {words} at {connections}"), Spread::of(found), Goal::None, "");
        }
    }
    Ok(())
}

/// Its rate at 64 connections.
fn usual(bench: &Bench, database: &Database, customers: u32) -> Result<f64> {
    let script = bench.scratch.folder().join("usual.sql");
    std::fs::write(&script, SCRIPT)?;
    let seconds = bench.plan.window.as_secs().max(1).to_string();
    let mut pgbench = Command::new(pgbench()?);
    pgbench.args(["-n", "-M", "prepared", "-c", &FEW.to_string(), "-j", "1", "-T", &seconds]);
    pgbench.args(["-D", &format!("customers={customers}"), "-f"]).arg(&script).arg(&database.address);
    let output = pgbench.stdin(Stdio::null()).output().context("can't run pgbench")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let tps =
        said.lines().find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next()?.parse().ok());
    match tps {
        Some(tps) if output.status.success() && said.contains("failed transactions: 0 ") => Ok(tps),
        _void => bail!("void: pgbench: {said} {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// On the path, or where Debian puts it.
fn pgbench() -> Result<std::path::PathBuf> {
    let output = Command::new("sh")
        .args(["-c", "command -v pgbench || ls -d /usr/lib/postgresql/*/bin/pgbench | sort -V | tail -1"])
        .output()?;
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if path.is_empty() {
        bail!("there is no pgbench here");
    }
    Ok(path.into())
}
