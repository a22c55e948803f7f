//! Backups made while orders flow: each is whole, and has every order that was acknowledged before it was asked for
//! (`invariants.md` E6).

use std::time::Duration;

use panelworks_tests::{Folder, Load, Panel, run, run_json, until};

const BACKUPS: usize = 20;
const CUSTOMERS: usize = 4;

/// Shows E6.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_backups_under_load_have_all_that_was_acknowledged_before_them() {
    let mut panel = Panel::demo(&[]).await;
    let load = Load::start("copies", CUSTOMERS, panel.service("Default"));
    load.is_at(Some(panel.customer(0)));
    let folder = Folder::new("copies");
    let mut copies = Vec::new();
    for number in 0..BACKUPS {
        let before = load.acknowledged();
        until("more orders", Duration::from_secs(20), async || {
            let now = load.acknowledged();
            if now > before + 20 { Ok(()) } else { Err(now) }
        })
        .await;
        let acknowledged = load.orders();
        let copy = folder.file(&format!("copy-{number}.db")).display().to_string();
        let output = panel.command(&["backup", &copy]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        copies.push((copy, acknowledged));
    }
    load.stop().await;
    panel.stop().await;
    for (number, (copy, acknowledged)) in copies.iter().enumerate() {
        let data = folder.file(&format!("data-{number}")).display().to_string();
        // A restore audits what it restores.
        let output = run(&["restore", copy, "--data-dir", &data]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let places = [0, acknowledged.len() / 2, acknowledged.len() - 1];
        for order in places.map(|place| acknowledged[place]) {
            let shown = run_json(&["order", "show", &order.to_string(), "--json", "--data-dir", &data]);
            assert_eq!(shown["quantity"], 100, "backup {number}: {shown}");
        }
    }
}
