//! Everything that stands in a store, as lines: whatever tables and columns there are.
//!
//! What a store keeps for itself alone is left out by name: a new table or column is compared until it is named here.

use rusqlite::types::ValueRef;

use crate::shared::ByHand;
use crate::subjects::{InPostgres, InSqlite};

/// Of one file: the start's own numbers, room for later changes, indexes that outgrew the memory.
const OF_A_FILE: [&str; 8] = [
    "node.epoch",
    "node.place",
    "node.salt",
    "node.order_floor",
    "node.moved_to",
    "orders.room",
    "attempt.room",
    "spill.",
];

/// Of one schema: who writes, which ids he holds, what his neighbours must hear, how often a row was written.
const OF_A_SCHEMA: [&str; 10] = [
    "archive.",
    "batch.news",
    "node.",
    "id_block.",
    "id_sequence.",
    "schema_version.",
    "ledger.moved_to",
    "customer.revision",
    "service.revision",
    "provider.revision",
];

pub(crate) fn of_file(subject: &InSqlite) -> Vec<String> {
    let hand = rusqlite::Connection::open(subject.folder.path().join("panelworks.db")).expect("opens");
    let names =
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite%' order by name";
    let mut lines = Vec::new();
    for table in texts(&hand, names) {
        let columns = texts(&hand, &format!("select name from pragma_table_info('{table}') order by name"));
        let kept = kept(&table, columns, &OF_A_FILE);
        if kept.is_empty() {
            continue;
        }
        let mut rows = hand.prepare(&format!("select {} from {table}", kept.join(", "))).expect("prepares");
        let mut rows = rows.query([]).expect("reads");
        while let Some(row) = rows.next().expect("a row") {
            let cells = kept
                .iter()
                .enumerate()
                .map(|(place, name)| format!("{name}={}", shown(row.get_ref(place).expect("a value"))));
            lines.push(format!("{table}: {}", cells.collect::<Vec<_>>().join(" ")));
        }
    }
    lines.sort_unstable();
    lines
}

fn texts(hand: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = hand.prepare(sql).expect(sql);
    let rows = statement.query_map([], |row| row.get(0)).expect(sql);
    rows.collect::<Result<_, _>>().expect(sql)
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
    }
}

pub(crate) fn of_schema(subject: &InPostgres) -> Vec<String> {
    let hand = ByHand::at(subject);
    let schema = &subject.options.schema;
    let column = |row: &tokio_postgres::Row| row.get::<_, String>(0);
    let tables = format!("select cast(tablename as text) from pg_tables where schemaname = '{schema}'");
    let mut lines = Vec::new();
    for table in hand.rows(&tables).iter().map(column) {
        let columns = format!(
            "select cast(column_name as text) from information_schema.columns \
             where table_schema = '{schema}' and table_name = '{table}' order by column_name"
        );
        let kept = kept(&table, hand.rows(&columns).iter().map(column).collect(), &OF_A_SCHEMA);
        if kept.is_empty() {
            continue;
        }
        let rows = format!("select cast(row({}) as text) from {table}", kept.join(", "));
        lines.extend(hand.rows(&rows).iter().map(|row| format!("{table} {kept:?}: {}", column(row))));
    }
    lines.sort_unstable();
    lines
}

/// What is not the store's own.
fn kept(table: &str, columns: Vec<String>, own: &[&str]) -> Vec<String> {
    let is_own = |column: &str| own.contains(&format!("{table}.{column}").as_str());
    if own.contains(&format!("{table}.").as_str()) {
        return Vec::new();
    }
    columns.into_iter().filter(|column| !is_own(column)).collect()
}

#[track_caller]
pub(crate) fn assert_same(case: &str, before: &[String], after: &[String]) {
    assert!(before.len() > 5, "{case}: {before:#?}");
    let missing: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(missing.is_empty() && new.is_empty(), "{case}: lost {missing:#?}\ncame {new:#?}");
    assert_eq!(before.len(), after.len(), "{case}");
}
