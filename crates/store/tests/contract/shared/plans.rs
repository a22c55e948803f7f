//! No statement that somebody waits for reads a table from end to end.

use panelworks_store::contract::Panel;
use panelworks_store::postgres::hot_statements;

use super::ByHand;
use crate::subjects::InPostgres;

/// As the adapter's writing session has it: a scan is planned only where no index would do.
const STEADY: &str = "set plan_cache_mode to force_generic_plan; set enable_seqscan to off; \
     set enable_hashjoin to off; set enable_mergejoin to off";

#[test]
fn every_hot_statement_finds_its_rows_by_an_index() {
    let Some(mut subject) = InPostgres::new() else { return };
    drop(Panel::open(&mut subject));
    let hand = ByHand::at(&subject);
    hand.run(STEADY);
    for (number, statement) in hot_statements().into_iter().enumerate() {
        hand.run(&format!("prepare hot_{number} as {statement}"));
        let count = hand.number(&format!(
            "select cast(cardinality(parameter_types) as bigint) from pg_prepared_statements where name = 'hot_{number}'"
        ));
        let nulls = vec!["null"; usize::try_from(count).expect("few")].join(", ");
        let given = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
        let plan = hand.rows(&format!("explain execute hot_{number}{given}"));
        let plan: Vec<&str> = plan.iter().map(|row| row.get(0)).collect();
        assert!(!plan.iter().any(|line| line.contains("Seq Scan")), "{statement}\n{}", plan.join("\n"));
    }
}
