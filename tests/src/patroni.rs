//! A Patroni cluster for tests: three PostgreSQL nodes and etcd on loopback, in a temporary folder, gone with the tests.
//!
//! In: Debian's packages `patroni`, `etcd-server`, `postgresql`. Out: an address that names all three servers, and nodes
//! that can be killed, frozen and brought back. A node is a machine here: whatever runs in its folder (Patroni,
//! PostgreSQL and all its children) is hit at the same moment. That is also how nothing stays behind: a shell that waits
//! for the end of this process kills whatever runs in the cluster's folder, by the folder, and removes it. Nothing runs
//! as root (PostgreSQL refuses). Settings: `docs/operating.md`, Patroni; where it was first tried: `invariants.md` 7.1,
//! 7.10, 7.13.

mod node;
mod processes;

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::{Folder, has, until};

use self::node::{Node, Seen};
use crate::cluster::{PASSWORD, PASSWORD_IN_URL, as_server_user, give_to_server, has_postgres};

/// From nothing to three nodes that follow each other.
const START_LIMIT: Duration = Duration::from_mins(2);
/// Until the cluster has another primary, and until a node that was away follows it. Patroni gives an old primary that
/// does not stop by itself a minute.
const MOVE_LIMIT: Duration = Duration::from_mins(2);
const NODES: usize = 3;

/// Whether a commit waits for a standby (`synchronous_mode`), and how soon a silent primary is given up.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub synchronous: bool,
    /// Seconds; `loop_wait` and `retry_timeout` follow from it by Patroni's rule.
    pub ttl: u64,
}

/// See the module's head.
#[derive(Debug)]
pub struct Patroni {
    _folder: Folder,
    nodes: Vec<Node>,
    manner: Manner,
    etcd: Child,
    /// Waits for the end of its input, which comes with the end of this process too.
    clearing_up: Child,
}

/// What this machine lacks for it.
pub fn lacks_patroni() -> Option<&'static str> {
    if !has_postgres() {
        Some("PostgreSQL's programs are missing")
    } else if !has(&["etcd", "--version"]) {
        Some("etcd is missing (package etcd-server)")
    } else if !has(&["patroni", "--version"]) {
        Some("Patroni is missing (package patroni)")
    } else {
        None
    }
}

impl Patroni {
    /// Starts three nodes and waits until they are a cluster, with a role and a database for panels.
    pub async fn start(manner: Manner) -> Self {
        let folder = Folder::new("patroni");
        give_to_server(folder.path());
        let clearing_up = clear_up_later(folder.path());
        let (client, peer) = (free_port(), free_port());
        let (dialect, etcd) = (etcd_dialect(client), start_etcd(&folder, client, peer));
        let nodes = (1..=NODES).map(|number| Node::new(&folder, number, &dialect, manner)).collect();
        let mut cluster = Self { _folder: folder, nodes, manner, etcd, clearing_up };
        for place in 0..NODES {
            cluster.bring_up(place);
        }
        cluster.is_whole(START_LIMIT).await;
        cluster.sql("postgres", &format!("create role panel login password '{PASSWORD}'"));
        cluster.sql("postgres", "create database panel owner panel");
        cluster
    }

    /// Where a panel keeps its books: the variables of its process. The primary is among the hosts, whichever it is.
    pub fn variables(&self) -> Vec<(String, String)> {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let url = format!(
            "postgres://panel:{PASSWORD_IN_URL}@{}/panel?target_session_attrs=read-write",
            hosts.join(",")
        );
        vec![("PANELWORKS_DATABASE_URL".to_owned(), url)]
    }

    /// The node that leads by its own word and by etcd's; nothing while there is none.
    pub fn primary(&self) -> Option<usize> {
        self.nodes.iter().position(Node::leads)
    }

    /// SIGKILL to everything on this node, as if its machine had gone.
    pub fn kill(&mut self, place: usize) {
        self.nodes[place].kill();
    }

    /// Starts what [`Patroni::kill`] ended, on its port and its data.
    pub fn bring_up(&mut self, place: usize) {
        self.nodes[place].start();
    }

    /// SIGSTOP to everything on this node: it accepts connections and answers nothing.
    pub fn freeze(&mut self, place: usize) {
        self.nodes[place].freeze();
    }

    /// Goes on after [`Patroni::freeze`], not knowing that time has passed.
    pub fn thaw(&mut self, place: usize) {
        self.nodes[place].thaw();
    }

    /// Holds all replication back: what the primary commits from now on stays on it.
    pub fn hold_replication_back(&self, primary: usize) -> usize {
        let rows = self.nodes[primary].sql("postgres", "select pid from pg_stat_replication");
        let senders: Vec<i32> = rows.lines().filter_map(|row| row.trim().parse().ok()).collect();
        processes::signal_all(&senders, Signal::STOP);
        senders.len()
    }

    /// Waits until a node other than this one leads.
    pub async fn moved_from(&self, old: usize) -> usize {
        until("another primary", MOVE_LIMIT, async || {
            let led = self.nodes.iter().enumerate().find(|(place, node)| *place != old && node.leads());
            led.map(|(place, _)| place).ok_or_else(|| self.described())
        })
        .await
    }

    /// Waits until all nodes run and follow one primary, and, where commits wait for a standby, until one is named.
    /// Takes seconds after a node came back: it is rewound and catches up.
    pub async fn is_whole_again(&self) {
        self.is_whole(MOVE_LIMIT).await;
    }

    async fn is_whole(&self, limit: Duration) {
        until("a cluster of three nodes", limit, async || {
            let Some(primary) = self.primary() else { return Err(self.described()) };
            let seen = self.nodes[primary].cluster();
            if self.follow(primary, &seen) { Ok(()) } else { Err(self.described()) }
        })
        .await;
    }

    fn follow(&self, primary: usize, seen: &[Seen]) -> bool {
        const STREAMING: &str = "select count(*) from pg_stat_replication where state = 'streaming' and application_name like 'node%'";
        let led = seen.iter().filter(|member| member.role == "leader").count();
        let synchronous = seen.iter().filter(|member| member.role == "sync_standby").count();
        let run =
            seen.iter().filter(|member| matches!(member.state.as_str(), "running" | "streaming")).count();
        let is_named = led == 1 && run == NODES && (synchronous > 0 || !self.manner.synchronous);
        is_named && self.nodes[primary].sql("postgres", STREAMING) == (NODES - 1).to_string()
    }

    /// Runs a statement on the present primary, as the administrator.
    #[track_caller]
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let primary = self.primary().unwrap_or_else(|| panic!("there is no primary: {}", self.described()));
        let output = self.nodes[primary].psql(database, statement);
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Raised by every promotion.
    pub fn timeline(&self) -> u32 {
        let text = self.sql("postgres", "select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)");
        u32::from_str_radix(&text, 16).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// What each node says of the cluster.
    fn described(&self) -> String {
        let say = |node: &Node| format!("{}: {:?}", node.name, node.cluster());
        self.nodes.iter().map(say).collect::<Vec<_>>().join("; ")
    }
}

impl Drop for Patroni {
    fn drop(&mut self) {
        let mut input = self.clearing_up.stdin.take();
        if std::thread::panicking() {
            self.nodes.iter().for_each(Node::show_log);
            // Logs and data stay for a look, as the folder says.
            let _ = input.as_mut().map(|input| input.write_all(b"keep\n"));
        }
        drop(input);
        let _ = self.clearing_up.wait();
        let _ = self.etcd.wait();
    }
}

/// How Patroni is told to speak to etcd. Before 3.0.3 it did not look in version 3 of that language whether the leader's
/// key was still its own before writing it: a frozen primary that thawed took the lead back from the one promoted
/// meanwhile, and what that one had acknowledged was rewound (patroni/patroni, pull request 2689).
fn etcd_dialect(port: u16) -> String {
    let name = if patroni_version() < (3, 0, 3) { "etcd" } else { "etcd3" };
    format!("{name}: {{host: '127.0.0.1:{port}'}}")
}

/// As it says: `patroni 3.0.2`.
fn patroni_version() -> (u32, u32, u32) {
    let said = Command::new("patroni").arg("--version").output().expect("Patroni is there").stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let version = said.split_whitespace().last().unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

fn start_etcd(folder: &Folder, client: u16, peer: u16) -> Child {
    let home = folder.file("etcd");
    std::fs::create_dir(&home).expect("the folder is ours");
    give_to_server(&home);
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let mut command = as_server_user(Path::new("etcd"));
    command.current_dir(&home).arg("--data-dir").arg(home.join("data"));
    command.args(["--name", "one", "--initial-cluster", &format!("one={}", url(peer))]);
    command.args(["--listen-client-urls", &url(client), "--advertise-client-urls", &url(client)]);
    command.args(["--listen-peer-urls", &url(peer), "--initial-advertise-peer-urls", &url(peer)]);
    if patroni_version() < (3, 0, 3) {
        command.arg("--enable-v2=true");
    }
    let log = std::fs::File::create(folder.file("etcd.log")).expect("a file of ours");
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
    command.spawn().expect("etcd runs")
}

/// Below the ports that the kernel gives to outgoing connections: a node that is away finds its own port free again.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 15_000;
    const COUNT: u32 = 15_000;
    loop {
        let draw = std::process::id().wrapping_mul(97) + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + draw % COUNT).expect("below 30,000");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A shell that waits for the end of this process, then ends whatever has its working directory in the folder.
fn clear_up_later(folder: &Path) -> Child {
    const SCRIPT: &str = "trap '' INT TERM HUP; read -r wish; \
        for again in 1 2 3 4 5 6 7 8 9 10; do left=; for one in /proc/[0-9]*; do \
        case \"$(readlink $one/cwd 2>/dev/null)\" in \"$0\"|\"$0\"/*) left=1; kill -KILL ${one##*/};; esac; done; \
        [ -z \"$left\" ] && break; sleep 0.1; done 2>/dev/null; [ \"$wish\" = keep ] || rm -rf \"$0\"";
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT]).arg(folder).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().expect("sh is everywhere")
}
