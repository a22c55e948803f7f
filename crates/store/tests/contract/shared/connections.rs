//! Connections that die: before a commit, at a commit, for a while; and commits whose yes means less than it says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use panelworks_core::ids::BatchId;
use panelworks_core::outcome::Done;
use panelworks_core::testing::{draft, place};
use panelworks_core::world::{Key, Need, World};
use panelworks_store::contract::cluster::{self, Cluster};
use panelworks_store::contract::{Panel, credit};
use panelworks_store::executor::{Handle, Lane, Undecided};
use panelworks_store::ports::{Begun, Books as _, StoreErrorKind};
use panelworks_store::postgres::{self, OpenError, Postgres, Promise};

use super::proxy::Proxy;
use super::{ByHand, until};
use crate::subjects::InPostgres;

fn kill_all(hand: &ByHand, subject: &InPostgres) {
    let schema = &subject.options.schema;
    hand.rows(&format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{schema}' and pid <> pg_backend_pid()"
    ));
}

/// By hand under another name, so that it is not among those that are killed.
fn watching(subject: &InPostgres) -> ByHand {
    let mut options = subject.options.clone();
    options.server.application_name("by hand");
    ByHand::at(&InPostgres { options, reads: None, neighbours: None })
}

#[test]
fn a_connection_that_died_while_nothing_was_to_be_done_is_made_again() {
    let Some(mut subject) = InPostgres::new() else { return };
    let hand = watching(&subject);
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(5);
    kill_all(&hand, panel.subject);
    panel.ok(credit(customer, 1));
    assert_eq!(panel.balance(customer), 6);
}

#[test]
fn a_batch_whose_connection_dies_before_its_commit_is_decided_again() {
    let Some(mut subject) = InPostgres::new() else { return };
    let hand = watching(&subject);
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(5);
    let (batch, now) = (BatchId { node: panel.node, epoch: panel.epoch, sequence: 1_000 }, panel.now);
    assert_eq!(panel.books().begin(batch, now), Ok(Begun::Fresh));
    kill_all(&hand, panel.subject);
    let books = panel.books();
    let mut world = World::new(books.cursors());
    let lost = books.load(&Need::of(Key::Account(customer)), &mut world).expect_err("dead");
    assert_eq!(lost.kind, StoreErrorKind::Again, "{lost}");
    books.rollback();
    assert_eq!(books.begin(batch, now), Ok(Begun::Fresh));
    books.load(&Need::of(Key::Account(customer)), &mut world).expect("alive");
    books.rollback();
}

/// The server is told to take its time over a commit; its connection dies meanwhile.
/// Shows A8.
#[test]
fn a_commit_that_dies_under_way_is_decided_again_once() {
    let Some(mut subject) = InPostgres::new() else { return };
    let hand = watching(&subject);
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    hand.run(
        "create function linger() returns trigger language plpgsql as $$ begin \
           if (select count(*) from lingering) > 0 then perform pg_sleep(60); end if; return null; end $$; \
         create table lingering (once integer); insert into lingering values (1); \
         create constraint trigger linger after update on batch deferrable initially deferred \
           for each row execute function linger()",
    );
    let schema = panel.subject.options.schema.clone();
    let order = std::thread::scope(|threads| {
        let placing = threads.spawn(|| {
            let now = panel.now;
            panel.executor().run(now, &[place(customer, service, draft("a", 100))]).expect("goes on")
        });
        let sleeps = format!(
            "select count(*) from pg_stat_activity where application_name = '{schema}' and wait_event = 'PgSleep'"
        );
        until(|| hand.number(&sleeps) > 0);
        hand.run("delete from lingering");
        hand.rows(&format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{schema}'"
        ));
        placing.join().expect("no panic")
    });
    assert!(matches!(order[0].replies[0], Ok(Ok(Done::Placed { .. }))), "{order:?}");
    assert_eq!(hand.number("select count(*) from orders"), 1);
    assert_eq!(panel.balance(customer), 910_000);
    hand.run("drop trigger linger on batch");
    panel.audit();
}

/// Batches wait with their first entry, which is sent together with the commit.
const HOLD_WRITES: &str = "begin; lock table entry in share mode";
const IS_HELD: &str =
    "select count(*) from pg_locks where not granted and relation = cast('entry' as regclass)";

/// A subject whose way to the database can be cut, and somebody who watches from the other side.
fn behind_a_proxy() -> Option<(InPostgres, Proxy, ByHand)> {
    let mut subject = InPostgres::new()?;
    let hand = watching(&subject);
    let proxy = Proxy::to(cluster::shared()?.port());
    let address = format!("postgres://panelworks@127.0.0.1:{}/postgres", proxy.port);
    let direct = subject.options.clone();
    subject.options = postgres::Options::new(&address, "first").expect("an address");
    subject.options.schema.clone_from(&direct.schema);
    subject.options.server.application_name(&direct.schema);
    Some((subject, proxy, hand))
}

/// Shows A8.
#[test]
fn a_commit_that_stands_though_its_answer_was_lost_is_acknowledged_once() {
    let Some((mut subject, proxy, hand)) = behind_a_proxy() else { return };
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(1_000_000);
    let (service, _) = panel.routed();
    for round in 0..3 {
        // Its statements are known to the new connection then: only their execution is held.
        panel.ok(credit(customer, 1));
        let ran = std::thread::scope(|threads| {
            proxy.swallow_answers(false);
            // The answers to what the batch reads come through; its writing is held until they are swallowed.
            hand.run(HOLD_WRITES);
            let placing = threads.spawn(|| {
                let now = panel.now;
                let order = place(customer, service, draft(&round.to_string(), 100));
                panel.executor().run(now, &[order]).expect("goes on")
            });
            until(|| hand.number(IS_HELD) > 0);
            proxy.swallow_answers(true);
            hand.run("commit");
            until(|| hand.number("select count(*) from orders") == round + 1);
            proxy.swallow_answers(false);
            proxy.cut();
            placing.join().expect("no panic")
        });
        assert!(matches!(ran[0].replies[0], Ok(Ok(Done::Placed { replayed: false, .. }))), "{ran:?}");
        assert_eq!(hand.number("select count(*) from orders"), round + 1);
    }
    panel.ok(credit(customer, 1));
    assert_eq!(panel.balance(customer), 1_000_004 - 3 * 90_000);
    panel.audit();
}

/// Shows A6.
#[test]
fn while_the_database_is_away_new_work_is_refused_and_outcomes_wait() {
    let Some((mut subject, proxy, _hand)) = behind_a_proxy() else { return };
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(5);
    let now = panel.now;
    let (handle, thread) =
        Handle::start(panel.take_executor(), move || now, Box::new(|_| {})).expect("a thread");
    let submit = |lane| handle.submit(lane, credit(customer, 1));
    assert!(matches!(submit(Lane::Panel).blocking_recv(), Ok(Ok(Ok(_)))));
    proxy.go_down();
    let begun = Instant::now();
    let first = submit(Lane::Panel).blocking_recv().expect("answered");
    assert!(matches!(first, Err(Undecided::NotCommitted(_))), "{first:?}");
    let mut outcome = submit(Lane::Outcome);
    until(|| submit(Lane::Panel).blocking_recv() == Ok(Err(Undecided::Away)));
    assert!(begun.elapsed() < Duration::from_secs(2), "refused within {:?}", begun.elapsed());
    assert!(outcome.try_recv().is_err(), "it waits");
    proxy.come_back();
    let begun = Instant::now();
    assert!(matches!(outcome.blocking_recv(), Ok(Ok(Ok(_)))));
    until(|| matches!(submit(Lane::Panel).blocking_recv(), Ok(Ok(Ok(_)))));
    assert!(begun.elapsed() < Duration::from_secs(5), "back within {:?}", begun.elapsed());
    handle.stop();
    thread.join().expect("no panic").expect("not stopped");
}

/// Shows A8, A14.
#[test]
fn a_commit_of_unknown_fate_is_settled_when_the_database_is_back() {
    let Some((mut subject, proxy, hand)) = behind_a_proxy() else { return };
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(5);
    let now = panel.now;
    hand.run(HOLD_WRITES);
    let (handle, thread) =
        Handle::start(panel.take_executor(), move || now, Box::new(|_| {})).expect("a thread");
    let mut waiting = handle.submit(Lane::Panel, credit(customer, 1));
    until(|| hand.number(IS_HELD) > 0);
    proxy.go_down();
    hand.run("commit");
    until(|| handle.submit(Lane::Panel, credit(customer, 1)).blocking_recv() == Ok(Err(Undecided::Away)));
    proxy.come_back();
    until(|| {
        handle.submit(Lane::Panel, credit(customer, 10)).blocking_recv().is_ok_and(|reply| reply.is_ok())
    });
    let reply = waiting.try_recv().expect("answered before the next");
    let done = i64::from(matches!(reply, Ok(Ok(_))));
    assert_eq!(hand.number("select balance from account"), 5 + done + 10, "{reply:?}");
    handle.stop();
    thread.join().expect("no panic").expect("not stopped");
}

/// invariants.md 7.8: a commit that waits for its standby and is cancelled says yes, with a warning.
/// Shows A8.
#[test]
fn a_cancelled_wait_for_the_standby_is_no_yes() {
    let own = match Cluster::start(&[]) {
        Ok(own) => own,
        Err(why) => return cluster::skipped("PostgreSQL", &why),
    };
    let options = postgres::Options::new(&own.address(), "first").expect("an address");
    let mut subject = InPostgres { options, reads: None, neighbours: None };
    subject.options.server.application_name("panel");
    let hand = watching(&subject);
    let mut panel = Panel::open(&mut subject);
    let customer = panel.customer(5);
    hand.run("alter system set synchronous_standby_names = 'ghost'");
    hand.rows("select pg_reload_conf()");
    until(|| {
        let asked = hand.rows("select current_setting('synchronous_standby_names')");
        asked[0].get::<_, String>(0) == "ghost"
    });
    let now = panel.now;
    let (handle, thread) =
        Handle::start(panel.take_executor(), move || now, Box::new(|_| {})).expect("a thread");
    let mut reply = handle.submit(Lane::Panel, credit(customer, 1));
    for _ in 0..5 {
        until(|| {
            let cancelled =
                hand.rows("select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'");
            !cancelled.is_empty()
        });
        assert!(reply.try_recv().is_err(), "acknowledged, and a failover would lose it");
    }
    // By the server's own configuration: this session must not wait for the ghost either.
    hand.run("set synchronous_commit to local");
    hand.run("alter system reset synchronous_standby_names");
    hand.rows("select pg_reload_conf()");
    assert!(matches!(reply.blocking_recv(), Ok(Ok(Ok(_)))));
    assert_eq!(hand.number("select balance from account"), 6);
    handle.stop();
    thread.join().expect("no panic").expect("not stopped");
}

/// Shows A2.
#[test]
fn a_server_that_loses_commits_is_refused_unless_that_was_asked_for() {
    let own = match Cluster::start(&["fsync=off"]) {
        Ok(own) => own,
        Err(why) => return cluster::skipped("PostgreSQL", &why),
    };
    let mut options = postgres::Options::new(&own.address(), "first").expect("an address");
    let refused = Postgres::open(options.clone()).expect_err("it may lose commits");
    assert!(refused.to_string().contains("fsync"), "{refused}");
    options.durability = postgres::Durability::Lazy;
    assert_eq!(Postgres::open(options).expect("asked for").server.promise, Promise::Nothing);
}

/// Shows E11.
#[test]
fn tables_of_others_and_of_newer_programs_are_left_alone() {
    let Some(subject) = InPostgres::new() else { return };
    let hand = ByHand::at(&subject);
    let schema = &subject.options.schema;
    hand.run(&format!("create schema {schema}; create table {schema}.stranger (id integer)"));
    let refused = Postgres::open(subject.options.clone()).expect_err("not ours");
    assert!(matches!(refused, OpenError::NotOurs(_)), "{refused}");
    hand.run(&format!("drop table {schema}.stranger"));
    let opened = Postgres::open(subject.options.clone()).expect("empty");
    assert_eq!(opened.server.promise, Promise::PowerLoss);
    drop(opened);
    hand.run(&format!("insert into {schema}.schema_version values (99, now())"));
    let refused = Postgres::open(subject.options.clone()).expect_err("newer");
    assert!(matches!(refused, OpenError::TooNew { found: 99, .. }), "{refused}");
}

#[test]
fn starts_at_the_same_moment_make_the_tables_once() {
    let Some(subject) = InPostgres::new() else { return };
    let subject = Arc::new(subject);
    let starts: Vec<_> = (0..4)
        .map(|number| {
            let options = subject.beside(&format!("node {number}")).options;
            std::thread::spawn(move || Postgres::open(options).expect("opens").node.0)
        })
        .collect();
    let mut nodes: Vec<_> = starts.into_iter().map(|start| start.join().expect("no panic")).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, [1, 2, 3, 4]);
}

/// Batches, and commands in each.
const BATCHES: usize = 500;
const IN_A_BATCH: usize = 20;

/// Shows A8, I12.
#[test]
fn one_commit_in_twenty_is_cut_off_and_every_command_is_carried_out_once() {
    let Some((mut subject, proxy, hand)) = behind_a_proxy() else { return };
    let mut panel = Panel::open(&mut subject);
    let charge = 90_000;
    let all = i64::try_from(BATCHES * IN_A_BATCH).expect("few");
    let customer = panel.customer(all * charge);
    let (service, _) = panel.routed();
    proxy.break_commits(20);
    let mut orders = Vec::new();
    for batch in 0..BATCHES {
        let links = (0..IN_A_BATCH).map(|n| format!("{}", batch * IN_A_BATCH + n));
        let commands: Vec<_> = links.map(|link| place(customer, service, draft(&link, 100))).collect();
        let now = panel.now;
        let ran = panel.executor().run(now, &commands).expect("goes on");
        for reply in ran.into_iter().flat_map(|ran| ran.replies) {
            let Ok(Ok(Done::Placed { order, replayed: false })) = reply else {
                panic!("batch {batch}: {reply:?}")
            };
            orders.push(order);
        }
    }
    proxy.break_commits(0);
    assert!(proxy.broken() >= BATCHES / 20, "only {} were cut off", proxy.broken());
    orders.sort_unstable();
    orders.dedup();
    assert_eq!(i64::try_from(orders.len()), Ok(all), "each has an order of its own");
    assert_eq!(hand.number("select count(*) from orders"), all);
    assert_eq!(panel.balance(customer), 0);
    panel.audit();
}
