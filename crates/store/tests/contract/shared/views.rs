//! Questions and the audit on PostgreSQL: its own columns, its plans, several nodes, lost connections.

use panelworks_core::ids::{CustomerId, OrderId};
use panelworks_core::testing::draft;
use panelworks_store::contract::{Asked, Panel, after_edits, busy, cluster, found_after, link};
use panelworks_store::ports::StoreErrorKind;
use panelworks_store::postgres::{Options, hot_questions};
use panelworks_store::reader::OwnReads;

use super::{ByHand, two};
use crate::subjects::InPostgres;

impl Asked for InPostgres {
    fn reads(&self) -> OwnReads {
        Box::new(self.reads.as_ref().expect("open").views().expect("prepared"))
    }

    fn by_hand(&self, sql: &str) -> u64 {
        ByHand::at(self).changed(sql)
    }

    fn number(&self, sql: &str) -> u64 {
        u64::try_from(ByHand::at(self).number(sql)).expect("not negative")
    }
}

impl ByHand {
    /// Rows that a statement changed.
    fn changed(&self, sql: &str) -> u64 {
        self.runtime.block_on(self.client.execute(sql, &[])).unwrap_or_else(|why| panic!("{sql}: {why:?}"))
    }

    /// How many parameters a statement has.
    fn parameters(&self, sql: &str) -> usize {
        let prepared = self.runtime.block_on(self.client.prepare(sql));
        prepared.unwrap_or_else(|why| panic!("{sql}: {why:?}")).params().len()
    }
}

fn found(sql: &str, law: &str, word: &str) {
    if let Some(mut subject) = InPostgres::new() {
        found_after(&mut subject, sql, law, word);
    }
}

#[test]
fn an_entry_that_was_added_belongs_to_no_batch() {
    found(
        "insert into entry (number, amount, node, cause_id, cause_part, sequence, customer, from_id, to_id, cause_kind, from_kind, to_kind, currency) \
         select max(number) + 1, 5, 1, 999, 0, 0, 0, 0, 1, 3, 4, 1, 'USD' from entry",
        "I4",
        "belongs to no batch",
    );
}

#[test]
fn an_entry_given_to_another_node_is_found() {
    found("update entry set node = 2 where number = 9", "I4", "belongs to no batch");
}

#[test]
fn a_broken_link_is_named_once() {
    let Some(mut subject) = InPostgres::new() else { return };
    let said = after_edits(&mut subject, &["update batch set link = gen_random_uuid() where place = 4"]);
    let links = said.iter().filter(|line| line.starts_with("I4")).count();
    assert_eq!(links, 2, "the batch itself, and the one that follows it: {said:#?}");
}

#[test]
fn a_batch_that_was_emptied_is_found() {
    found("update batch set place = null, link = null where place = 4", "I4", "stands at place 0");
}

#[test]
fn a_second_attempt_beside_a_live_one_is_found() {
    let sql = "insert into attempt (expected_cost, booked_cost, planned_at, state_at, order_id, customer, purpose, account, entries, number, \
               state, doubt, currency, service) select expected_cost, 0, planned_at, planned_at, order_id, customer, purpose, account, 0, 2, \
               1, false, currency, service from attempt where order_id = 1";
    found(sql, "I14", "order 1");
}

#[test]
fn a_row_in_the_wrong_index_is_found() {
    found("update orders set open = false where id = 10", "I9", "order 10 is in the wrong index");
    found("update attempt set doubt = true where order_id = 3", "I9", "an attempt of order 3");
    found("update refill set open = not open", "I9", "a refill of order 2");
}

#[test]
fn an_open_order_whose_guard_was_taken_away_is_found() {
    found("update orders set guard = null where id = 10", "I9", "nothing that guards it");
}

#[test]
fn a_row_for_another_customer_than_its_orders_is_found() {
    for table in ["attempt", "refill", "cancel"] {
        found(&format!("update {table} set customer = 2"), "I21", "another customer");
    }
    found("update entry set customer = 2 where cause_kind <> 3", "I21", "an entry of order 1");
}

#[test]
fn streams_of_two_nodes_are_checked_each_for_itself() {
    two(|one, other| {
        let (customer, service, _) = busy(one);
        let place = |panel: &mut Panel<'_, InPostgres>, n| {
            let order = panel.place(customer, service, draft(&link(n), 100));
            panel.accept(order, &format!("of both {order}"));
        };
        for n in 0..3 {
            place(one, 100 + n);
            place(other, 200 + n);
        }
        let views = one.subject.reads();
        let mut all = 0;
        assert_eq!(views.audit(&mut |_, orders| all = orders), Ok(Vec::new()));
        let counts = views.counts().expect("counts");
        assert_eq!((all, counts.orders), (18, 18), "the sum of both");
        let (batches, entries) = (
            one.subject.number("select count(*) from batch"),
            one.subject.number("select count(*) from entry"),
        );
        assert_eq!((counts.batches, counts.entries), (batches, entries));
        let deleted = one.subject.by_hand("delete from entry where node = 2 and number = 2");
        assert_eq!(deleted, 1);
        let said: Vec<String> =
            views.audit(&mut |_, _| ()).expect("audits").iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|line| line.starts_with("I4: batch 2/")), "{said:#?}");
        assert!(!said.iter().any(|line| line.starts_with("I4: batch 1/")), "{said:#?}");
    });
}

/// With scans and sorts forbidden where there is another way, one that is left has no index.
#[test]
fn no_hot_question_scans_a_table() {
    let Some(mut subject) = InPostgres::new() else { return };
    let mut panel = Panel::open(&mut subject);
    busy(&mut panel);
    let hand = ByHand::at(panel.subject);
    hand.run("analyze; set enable_seqscan to off; set enable_sort to off; set plan_cache_mode to force_generic_plan");
    for sql in hot_questions() {
        let count = hand.parameters(sql);
        let nothing = vec!["null"; count].join(", ");
        hand.run(&format!("prepare asked as {sql}"));
        let plan: Vec<String> =
            (hand.rows(&format!("explain execute asked({nothing})")).iter()).map(|row| row.get(0)).collect();
        hand.run("deallocate asked");
        // A page comes in the order of its index.
        let is_page = sql.contains(" limit ");
        let is_bad = |line: &String| line.contains("Seq Scan") || (is_page && line.contains("Sort"));
        let is_bad = plan.iter().any(is_bad);
        assert!(!is_bad, "{sql}: {plan:#?}");
    }
}

#[test]
fn a_lost_connection_is_made_again_with_the_next_question() {
    let Some(mut subject) = InPostgres::new() else { return };
    let name = subject.options.schema.clone();
    let mut panel = Panel::open(&mut subject);
    let (customer, service, orders) = busy(&mut panel);
    let (views, hand) = (panel.subject.reads(), ByHand::at(panel.subject));
    for _ in 0..3 {
        assert!(views.file(orders[0]).expect("reads").is_some());
        let ended = hand.number(&format!(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = '{name}' and pid <> pg_backend_pid()"
        ));
        assert!(ended > 0);
        assert_eq!(views.audit(&mut |_, _| ()), Ok(Vec::new()));
    }
    let order = panel.place(customer, service, draft("after", 100));
    assert!(views.orders(customer, &[order]).expect("reads")[0].is_some());
}

#[test]
fn a_question_that_panicked_leaves_no_old_snapshot_behind() {
    let Some(mut subject) = InPostgres::new() else { return };
    let mut panel = Panel::open(&mut subject);
    let (customer, service, _) = busy(&mut panel);
    let views = panel.subject.reads();
    let broken =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| views.audit(&mut |_, _| panic!("planned"))));
    assert!(broken.is_err());
    let order = panel.place(customer, service, draft("after", 100));
    assert!(views.orders(customer, &[order]).expect("reads")[0].is_some());
}

#[test]
fn a_question_to_a_server_that_is_gone_fails_and_says_so() {
    if cluster::shared().is_none() {
        return;
    }
    let gone = cluster::Cluster::start(&[]).expect("starts");
    let options = Options::new(&gone.address(), "first").expect("an address");
    let mut subject = InPostgres { options, reads: None, neighbours: None };
    let panel = Panel::open(&mut subject);
    let views = panel.subject.reads();
    assert_eq!(views.orders(CustomerId(1), &[OrderId(1)]), Ok(vec![None]));
    drop(gone);
    let failure = views.orders(CustomerId(1), &[OrderId(1)]).expect_err("gone");
    assert_eq!(failure.kind, StoreErrorKind::Away, "{failure}");
}
