//! More calls than may wait, over real sockets, while the books stand still: the rest is refused in clear words,
//! nothing of it is taken, and when the books move again everybody is answered (invariants.md A7).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use panelworks_core::customer::Switches;
use panelworks_web::limits::CALLS_UNDER_WAY;
use panelworks_web::serve::{Bounds, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::shop::{Shop, error};

/// No customer may have more than an eighth of the queue.
const CUSTOMERS: usize = 10;
const CALLS: usize = CALLS_UNDER_WAY + 308;
const LIMIT: Duration = Duration::from_mins(1);
/// For both ends of every connection, the clients' buffers and the queue: measured at 130 MiB.
const MEMORY_MIB: u64 = 320;

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") / 1024
}

/// Both ends of all connections lie in this process.
fn has_room_for(connections: usize) -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("on Linux");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("a line");
    let soft = line.split_whitespace().next().and_then(|word| word.parse::<usize>().ok());
    soft.is_none_or(|soft| soft > 2 * connections + 200)
}

/// Everything until the server hangs up.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(LIMIT, stream.read_to_end(&mut bytes)).await.expect("answered in time").expect("no reset");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    text.rsplit("\r\n").next().unwrap_or_default().to_owned()
}

/// Shows A7.
#[tokio::test]
async fn calls_beyond_the_bound_are_refused_and_those_that_wait_are_answered_when_the_books_move() {
    if !has_room_for(CALLS) {
        eprintln!("skipped: this needs {} open files, see ulimit -n", 2 * CALLS + 200);
        return;
    }
    let shop = Shop::open().await;
    let mut keys = Vec::new();
    for _ in 0..CUSTOMERS {
        keys.push(shop.customer(Switches { unlimited: true, ..Switches::default() }).await);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let bounds = Bounds { connections: 2 * CALLS, ..Bounds::default() };
    tokio::spawn(serve(
        listener,
        Arc::clone(&shop.panel),
        shop.router.clone(),
        bounds,
        std::future::pending(),
    ));
    let call = |n: usize| {
        let body = format!("key={}&action=add&service=1&link=waits-{n}&quantity=100", keys[n % CUSTOMERS]);
        let head = format!("POST /api/v2 HTTP/1.1\r\nhost: panel\r\ncontent-length: {}", body.len());
        format!("{head}\r\nconnection: close\r\n\r\n{body}")
    };
    let before = resident_mib();

    // Held on a thread of its own, for a guard must not be held where others are awaited.
    let (gate, (closed, is_closed)) = (Arc::clone(&shop.gate), std::sync::mpsc::channel());
    let (open, may_open) = std::sync::mpsc::channel::<()>();
    let holder = std::thread::spawn(move || {
        let _held = gate.write();
        closed.send(()).expect("the test waits");
        may_open.recv().expect("the test says so");
    });
    is_closed.recv().expect("held");
    let mut waiting = Vec::new();
    for n in 0..CALLS {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(call(n).as_bytes()).await.expect("sent");
        waiting.push(stream);
    }
    // Those beyond the bound are answered while the others wait.
    let mut refused = 0;
    let deadline = tokio::time::Instant::now() + LIMIT;
    let mut first = [0; 1];
    while refused < CALLS - CALLS_UNDER_WAY {
        assert!(tokio::time::Instant::now() < deadline, "only {refused} were refused");
        let mut still = Vec::new();
        for mut stream in waiting {
            match timeout(Duration::ZERO, stream.peek(&mut first)).await {
                Ok(_) => {
                    assert_eq!(answer(&mut stream).await, error("Service temporarily unavailable"));
                    refused += 1;
                }
                Err(_nothing_yet) => still.push(stream),
            }
        }
        waiting = still;
        tokio::task::yield_now().await;
    }
    assert_eq!((refused, waiting.len()), (CALLS - CALLS_UNDER_WAY, CALLS_UNDER_WAY));
    let grown = resident_mib().saturating_sub(before);
    assert!(grown < MEMORY_MIB, "{grown} MiB for {CALLS_UNDER_WAY} waiting calls");

    open.send(()).expect("it is held");
    holder.join().expect("no panic");
    let mut orders = BTreeSet::new();
    for mut stream in waiting {
        let said = answer(&mut stream).await;
        let order = said.strip_prefix("{\"order\":").and_then(|rest| rest.strip_suffix('}'));
        orders.insert(
            order.and_then(|id| id.parse::<u32>().ok()).unwrap_or_else(|| panic!("no order: {said}")),
        );
    }
    // Each its own, without gaps: of the refused nothing was taken, not even a number.
    assert_eq!(orders.len(), CALLS_UNDER_WAY);
    assert_eq!(orders.last().copied().map(|last| last as usize), Some(CALLS_UNDER_WAY));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(call(CALLS).as_bytes()).await.expect("sent");
    assert_eq!(answer(&mut stream).await, format!("{{\"order\":{}}}", CALLS_UNDER_WAY + 1));
}
