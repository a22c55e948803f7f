//! Two nodes restarted one after another under load: whoever asks the other node when one refuses the connection meets
//! no failure (`invariants.md` E10).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use panelworks_tests::{Panel, link, raw, until};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::{LIMIT, Nodes, is_left_out, settled};

const CLIENTS: usize = 4;
const ROUNDS: usize = 2;
/// Orders between two restarts.
const BETWEEN: usize = 40;

/// Where the nodes are now: a balancer's list.
#[derive(Clone)]
struct Balancer {
    nodes: Arc<RwLock<[SocketAddr; 2]>>,
    taken: Arc<AtomicUsize>,
}

impl Balancer {
    fn node(&self, place: usize) -> SocketAddr {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner)[place % 2]
    }

    fn is_at(&self, place: usize, address: SocketAddr) {
        self.nodes.write().unwrap_or_else(PoisonError::into_inner)[place] = address;
    }

    /// Orders until told to stop; every connection that is not refused must be answered. The orders.
    async fn order(self, key: String, service: u64, first: usize, stop: watch::Receiver<bool>) -> Vec<u64> {
        let mut orders = Vec::new();
        let mut place = first;
        while !*stop.borrow() {
            let body = form_urlencoded::Serializer::new(String::new())
                .append_pair("key", &key)
                .append_pair("action", "add")
                .append_pair("service", &service.to_string())
                .append_pair("link", &link("rolling"))
                .append_pair("quantity", "100")
                .finish();
            let request = raw::post("application/x-www-form-urlencoded", body.as_bytes());
            let answer = loop {
                place += 1;
                let Ok(mut stream) = TcpStream::connect(self.node(place)).await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                stream.write_all(&request).await.expect("a connection that was taken takes a request");
                break raw::rest(&mut stream).await;
            };
            let said: Value = serde_json::from_str(raw::body(&answer))
                .unwrap_or_else(|error| panic!("{error}: {answer:?} from node {}", place % 2));
            orders.push(said["order"].as_u64().unwrap_or_else(|| panic!("refused: {said}")));
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
        orders
    }

    /// Waits until so many more orders were taken.
    async fn serves(&self) {
        let before = self.taken.load(Ordering::Relaxed);
        until("orders meanwhile", LIMIT, async || {
            let taken = self.taken.load(Ordering::Relaxed) - before;
            if taken >= BETWEEN { Ok(()) } else { Err(taken) }
        })
        .await;
    }
}

async fn restart(panel: &mut Panel, balancer: &Balancer, place: usize) {
    let begun = Instant::now();
    let ended = panel.stop().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.said);
    balancer.serves().await;
    panel.start().await;
    balancer.is_at(place, panel.address());
    eprintln!("node {place} was restarted within {:?}", begun.elapsed());
    balancer.serves().await;
}

/// Shows E10.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_are_restarted_one_after_another_and_no_call_fails() {
    if is_left_out("a rolling restart") {
        return;
    }
    let mut nodes = Nodes::start(2, &[]).await;
    let (service, key) = (nodes.service().await, nodes.world.key("anna").to_owned());
    let addresses = [nodes.panel(0).address(), nodes.panel(1).address()];
    let balancer = Balancer { nodes: Arc::new(RwLock::new(addresses)), taken: Arc::default() };
    let (stop, stopped) = watch::channel(false);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|first| tokio::spawn(balancer.clone().order(key.clone(), service, first, stopped.clone())))
        .collect();
    balancer.serves().await;
    for _ in 0..ROUNDS {
        restart(&mut nodes.world.panel, &balancer, 0).await;
        restart(&mut nodes.others[0], &balancer, 1).await;
    }
    stop.send_replace(true);
    let mut orders = Vec::new();
    for client in clients {
        orders.extend(client.await.expect("no call failed"));
    }
    eprintln!("{} orders through {} restarts", orders.len(), 2 * ROUNDS);
    let ended = settled(nodes.panel(0), &nodes.anna(0), &orders).await;
    assert_eq!(ended, orders.len(), "every attempt was finished by the node that began it");
    nodes.provider.witness().await.bought_nothing_twice();
    nodes.panel(1).books_balance();
}
