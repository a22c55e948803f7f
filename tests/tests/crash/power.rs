//! An answer leaves after its commit, and a commit is on the disk: the system calls of one isolated add in order
//! (`invariants.md` A2, `architecture.md` Principles 4).

use std::time::Duration;

use panelworks_tests::{Folder, Panel, has, link, skipped, until};

/// A line of the trace that says what of a call has come to an end.
fn is_finished_sync(line: &str) -> bool {
    (line.contains("fdatasync(") || line.contains("fsync(") || line.contains("sync resumed>"))
        && line.ends_with("= 0")
}

/// Shows A2, I12.
#[tokio::test]
async fn an_add_is_on_the_disk_before_its_answer_leaves() {
    if !has(&["strace", "-o", "/dev/null", "true"]) {
        return skipped("an add is on the disk before its answer leaves", "strace is missing or not allowed");
    }
    let folder = Folder::new("trace");
    let trace = folder.file("trace").display().to_string();
    let through = [
        "strace",
        "-f",
        "-qq",
        "-s",
        "600",
        "-e",
        "trace=fsync,fdatasync,read,readv,recvfrom,write,writev,sendto,sendmsg,pwrite64",
        "-o",
        &trace,
    ];
    let panel = Panel::demo_in(&[], None, &through).await;
    let customer = panel.customer(0);
    let service = panel.service("Default");
    // Nothing else goes on: nobody delivers it, and no other order is there.
    panel.ask(&["service", "set", &service.to_string(), "--manual"]);
    for _ in 0..5 {
        let where_to = link("isolated").replace("https://", "");
        let order = customer.order(service, &where_to, 100).await;
        let asked = where_to.replace('/', "%2F");
        let answered = format!("\\\"order\\\":{order}}}");
        let between = until("the answer in the trace", Duration::from_secs(20), async || {
            let lines = std::fs::read_to_string(&trace).unwrap_or_default();
            let lines: Vec<&str> = lines.lines().collect();
            let asked = lines.iter().position(|line| line.contains(&asked));
            let answered = lines.iter().position(|line| line.contains(&answered));
            match (asked, answered) {
                (Some(asked), Some(answered)) if asked < answered => {
                    Ok(lines[asked..answered].iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
                }
                other => Err(format!("{other:?} of {} lines", lines.len())),
            }
        })
        .await;
        assert!(
            between.iter().any(|line| is_finished_sync(line)),
            "no sync before the answer:\n{}",
            between.join("\n")
        );
    }
}
