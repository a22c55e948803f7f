//! The laws of the books over everything in a schema: rows read by hand, files by the adapter, the chain of each node.

use std::collections::BTreeMap;

use panelworks_core::audit::{Audit, Violation};
use panelworks_core::customer::{Account, Standing};
use panelworks_core::ids::{BatchId, CustomerId, NodeId, OrderId};
use panelworks_core::ledger::{Cause, Entry, account_of, cause_of};
use panelworks_core::money::{Amount, Currency};
use panelworks_core::time::Timestamp;
use panelworks_core::world::{Key, Need, World};
use panelworks_store::chain;
use panelworks_store::ports::Books as _;
use panelworks_store::postgres::PostgresBooks;
use tokio_postgres::Row;

use super::ByHand;
use crate::subjects::InPostgres;

fn number<T: TryFrom<i64>>(row: &Row, column: &str) -> T {
    T::try_from(row.get::<_, i64>(column)).ok().expect("fits")
}

/// Every law, over all nodes' streams together.
pub(crate) fn audit(subject: &InPostgres, _books: &PostgresBooks) -> Vec<Violation> {
    let hand = ByHand::at(subject);
    let streams = entries(&hand);
    let mut audit = Audit::default();
    let mut by_order: BTreeMap<OrderId, Vec<Entry>> = BTreeMap::new();
    let all = streams.values().flatten();
    for (place, entry) in all.enumerate() {
        // One stream for the laws of sums; each node's own numbers are the chain's matter.
        audit.entry(&Entry { number: place as u64 + 1, ..*entry });
        match entry.cause {
            Cause::Order(order) => by_order.entry(order).or_default().push(*entry),
            Cause::Attempt(attempt) => by_order.entry(attempt.order).or_default().push(*entry),
            Cause::Transfer(_) => {}
        }
    }
    for row in hand.rows("select cast(customer as bigint), currency, balance, credit_limit, cast(standing as bigint) from account") {
        audit.account(&Account {
            customer: CustomerId(number(&row, "customer")),
            currency: Currency::new(row.get("currency")).expect("a code"),
            balance: Amount(row.get("balance")),
            credit_limit: Amount(row.get("credit_limit")),
            standing: [Standing::Active, Standing::Suspended, Standing::Frozen][number::<usize>(&row, "standing") - 1],
        });
    }
    let ids = hand.rows(
        "select cast(id as bigint) from (select id from orders union all select id from archived_orders) as places order by id",
    );
    let need = ids.iter().fold(Need::default(), |mut need, row| {
        need.join(Need::of(Key::Order(OrderId(number(row, "id")))));
        need
    });
    let files = read(subject, &need);
    for row in &ids {
        let id = OrderId(number(row, "id"));
        let file = files.order(id).expect("loaded").expect("there");
        audit.order(file, by_order.get(&id).map_or(&[], Vec::as_slice));
    }
    let mut found = audit.finish();
    found.extend(chains(&hand, &streams));
    found.extend(prepaid(&hand));
    found
}

/// Through a node of its own, because the subject's books may be in use.
fn read(subject: &InPostgres, need: &Need) -> World {
    let mut auditor = subject.beside("auditor");
    let mut opened = panelworks_store::contract::Subject::open(&mut auditor, None);
    let batch = BatchId { node: opened.node, epoch: opened.epoch, sequence: 1 };
    opened.books.begin(batch, Timestamp(0)).expect("begins");
    let mut world = World::new(opened.books.cursors());
    opened.books.load(need, &mut world).expect("loads");
    opened.books.rollback();
    world
}

/// By node, in order of their numbers.
fn entries(hand: &ByHand) -> BTreeMap<u16, Vec<Entry>> {
    let mut streams: BTreeMap<u16, Vec<Entry>> = BTreeMap::new();
    let rows = hand.rows(
        "select cast(node as bigint), number, cast(cause_kind as bigint), cast(cause_id as bigint), \
         cast(cause_part as bigint), cast(sequence as bigint), cast(from_kind as bigint), cast(from_id as bigint), \
         cast(to_kind as bigint), cast(to_id as bigint), amount, currency from entry order by node, number",
    );
    for row in rows {
        let account = |kind, id| account_of(number(&row, kind), number(&row, id)).expect("known");
        streams.entry(number(&row, "node")).or_default().push(Entry {
            number: number(&row, "number"),
            cause: cause_of(number(&row, "cause_kind"), number(&row, "cause_id"), number(&row, "cause_part"))
                .expect("known"),
            sequence: number(&row, "sequence"),
            from: account("from_kind", "from_id"),
            to: account("to_kind", "to_id"),
            amount: Amount(row.get("amount")),
            currency: Currency::new(row.get("currency")).expect("a code"),
        });
    }
    streams
}

/// Each node's places and entries are dense, its links fit, and its orders are counted.
fn chains(hand: &ByHand, streams: &BTreeMap<u16, Vec<Entry>>) -> Vec<Violation> {
    let broken = |what: String| Violation { law: "I4", what };
    let mut found = Vec::new();
    let mut ends: BTreeMap<u16, (chain::Link, u64, u64, i64)> = BTreeMap::new();
    let rows = hand.rows(
        "select cast(node as bigint), cast(epoch as bigint), sequence, at, place, last_entry, orders, \
         cast(link as text) from batch order by node, batch.epoch, sequence",
    );
    for row in rows {
        let node: u16 = number(&row, "node");
        let id =
            BatchId { node: NodeId(node), epoch: number(&row, "epoch"), sequence: number(&row, "sequence") };
        let (link, place, ended, _) = ends.get(&node).copied().unwrap_or((chain::GENESIS, 0, 0, 0));
        let (own_place, last): (u64, u64) = (number(&row, "place"), number(&row, "last_entry"));
        let own: Vec<Entry> = streams
            .get(&node)
            .into_iter()
            .flatten()
            .filter(|entry| entry.number > ended && entry.number <= last)
            .copied()
            .collect();
        let expected = chain::link(&link, id, Timestamp(row.get("at")), &own);
        let written: String = row.get("link");
        let shown = format!("{:032x}", u128::from_be_bytes(expected));
        if written.replace('-', "") != shown || own_place != place + 1 || own.len() as u64 != last - ended {
            found.push(broken(format!("{id:?} does not fit its place")));
        }
        ends.insert(node, (expected, own_place, last, row.get("orders")));
    }
    for (node, stream) in streams {
        let last = ends.get(node).map_or(0, |(_, _, last, _)| *last);
        if stream.len() as u64 != last {
            found.push(broken(format!("node {node} has {} entries, its batches {last}", stream.len())));
        }
    }
    for (node, (_, _, _, orders)) in ends {
        let counted = ["orders", "archived_orders"]
            .map(|table| hand.number(&format!("select count(*) from {table} where node = {node}")));
        let counted: i64 = counted.iter().sum();
        if counted != orders {
            found.push(broken(format!("node {node} has {counted} orders, its last batch says {orders}")));
        }
    }
    found
}

/// What is folded is the sum of what was posted, by node and account.
fn prepaid(hand: &ByHand) -> Vec<Violation> {
    let differing = hand.rows(
        "select account, node from prepaid where amount <> ( \
           select coalesce(sum(case when to_kind = 7 and to_id = account then amount else 0 end \
             - case when from_kind = 7 and from_id = account then amount else 0 end), 0) \
           from entry where entry.node = prepaid.node)",
    );
    differing
        .iter()
        .map(|row| Violation { law: "I2", what: format!("account {}", row.get::<_, i32>(0)) })
        .collect()
}
