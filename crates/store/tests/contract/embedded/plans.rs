//! Every statement that runs while customers wait finds its rows by an index: no scan.

use panelworks_store::contract::Panel;
use panelworks_store::sqlite::hot_statements;

use super::{busy, by_hand};
use crate::subjects::InSqlite;

#[test]
fn no_hot_statement_scans_a_table() {
    let mut subject = InSqlite::new();
    let mut panel = Panel::open(&mut subject);
    busy(&mut panel);
    let hand = by_hand(panel.subject);
    let statements = hot_statements();
    assert!(statements.len() > 25, "they are all in the list");
    for sql in statements {
        let mut plan =
            hand.prepare(&format!("explain query plan {sql}")).unwrap_or_else(|why| panic!("{sql}: {why}"));
        let bound = plan.parameter_count();
        for place in 1..=bound {
            plan.raw_bind_parameter(place, 1).expect("bound");
        }
        let mut rows = plan.raw_query();
        while let Some(row) = rows.next().expect("explained") {
            let step: String = row.get(3).expect("a text");
            // A scan of a partial index in its own order is what `indexed by` asked for.
            let scans =
                step.starts_with("SCAN") && !step.contains("open_orders") && !step.contains("CONSTANT ROW");
            assert!(!scans && !step.contains("TEMP B-TREE"), "{sql}: {step}");
        }
    }
}
