//! The same provider in thirteen dialects: the same orders end the same way, down to the last micro-unit.

use std::time::Duration;

use panelworks_provider_sim::Dialect;
use panelworks_tests::{Simulator, charge_is_right, until};
use serde_json::Value;

use crate::crowd::{Crowd, SHAKY};

const ORDERS: usize = 10;
const LIMIT: Duration = Duration::from_mins(1);

/// What money follows from.
fn essence(status: &Value) -> (Value, Value, Value) {
    (status["status"].clone(), status["remains"].clone(), status["charge"].clone())
}

/// Shows B5.
#[tokio::test]
async fn every_dialect_delivers_the_same() {
    let providers = Dialect::ALL.map(|dialect| {
        let mut options = Simulator::options();
        options.provider.dialect = dialect;
        (format!("{dialect:?}"), options)
    });
    let crowd = Crowd::gather(SHAKY, providers.into()).await;
    let mut everybodys = Vec::new();
    for member in &crowd.members {
        let mut orders = Vec::new();
        for _ in 0..ORDERS {
            let order = crowd.order(member, 100).await;
            // One after another: an order's fate hangs on its id at the provider.
            until("it to be taken", LIMIT, async || {
                let state = crowd.attempt(order);
                if state.starts_with("accepted") { Ok(()) } else { Err(format!("{}: {state}", member.name)) }
            })
            .await;
            orders.push(order);
        }
        everybodys.push(orders);
    }
    let mut ends: Vec<Vec<_>> = Vec::new();
    for (member, orders) in crowd.members.iter().zip(&everybodys) {
        let mut own = Vec::new();
        for order in orders {
            let end = crowd.anna().ended(*order, LIMIT).await;
            charge_is_right(&end, member.full_charge(100), 100);
            own.push(essence(&end));
        }
        ends.push(own);
        member.simulator.witness().await.bought_nothing_twice();
    }
    for (member, own) in crowd.members.iter().zip(&ends) {
        assert_eq!(*own, ends[0], "{} against {}", member.name, crowd.members[0].name);
    }
    let words: std::collections::BTreeSet<_> = ends[0].iter().filter_map(|end| end.0.as_str()).collect();
    assert!(words.len() > 1, "only {words:?}: the dialects were not tried much");
    crowd.world.panel.books_balance();
}
