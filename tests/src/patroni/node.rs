//! One node: Patroni, the PostgreSQL that it starts, and what both say.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{Manner, free_port, processes};
use crate::Folder;
use crate::cluster::{PASSWORD, as_server_user, give_to_server, program};

/// An answer of Patroni on this machine; a frozen one gives none.
const ANSWER_LIMIT: Duration = Duration::from_millis(700);
/// All processes of a node get a signal within this.
const SIGNAL_LIMIT: Duration = Duration::from_secs(10);
/// Lines of a log that are shown when a test has failed.
const LINES_SHOWN: usize = 25;

#[derive(Debug)]
pub(super) enum Life {
    Away,
    Running(Child),
    Frozen(Child),
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) port: u16,
    rest: u16,
    /// Everything of this node works in it.
    home: PathBuf,
    log: PathBuf,
    life: Life,
}

/// A member of the cluster, as a node sees it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) role: String,
    pub(super) state: String,
}

impl Node {
    pub(super) fn new(folder: &Folder, number: usize, etcd: &str, manner: Manner) -> Self {
        let name = format!("node{number}");
        let home = folder.file(&name);
        std::fs::create_dir(&home).expect("the folder is ours");
        give_to_server(&home);
        let log = folder.file(&format!("{name}.log"));
        let node = Self { name, port: free_port(), rest: free_port(), home, log, life: Life::Away };
        std::fs::write(node.home.join("patroni.yml"), node.settings(etcd, manner)).expect("a file of ours");
        node
    }

    fn settings(&self, etcd: &str, manner: Manner) -> String {
        let Self { name, port, rest, home, .. } = self;
        let Manner { synchronous, ttl } = manner;
        // Patroni's rule: loop_wait + 2 * retry_timeout <= ttl.
        let (wait, retry) = ((ttl / 5).max(1), (ttl * 2 / 5).max(1));
        let binaries = program("postgres").parent().map(Path::to_owned).unwrap_or_default();
        let (home, binaries) = (home.display(), binaries.display());
        format!(
            "scope: panelworks
name: {name}
restapi: {{listen: '127.0.0.1:{rest}', connect_address: '127.0.0.1:{rest}'}}
{etcd}
bootstrap:
  dcs:
    ttl: {ttl}
    loop_wait: {wait}
    retry_timeout: {retry}
    synchronous_mode: {synchronous}
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters: {{max_connections: 60, shared_buffers: 32MB, max_wal_size: 256MB}}
  initdb: [{{encoding: UTF8}}, {{locale: C}}, data-checksums, no-sync]
postgresql:
  listen: 127.0.0.1:{port}
  connect_address: 127.0.0.1:{port}
  data_dir: {home}/data
  bin_dir: '{binaries}'
  pgpass: {home}/pgpass
  basebackup: [{{checkpoint: fast}}, no-sync]
  authentication:
    superuser: {{username: postgres, password: '{PASSWORD}'}}
    replication: {{username: replicator, password: '{PASSWORD}'}}
  parameters: {{unix_socket_directories: '{home}'}}
  pg_hba:
  - local all all trust
  - host all all 127.0.0.1/32 scram-sha-256
  - host replication all 127.0.0.1/32 scram-sha-256
watchdog: {{mode: 'off'}}
"
        )
    }

    pub(super) fn start(&mut self) {
        assert!(matches!(self.life, Life::Away), "{} runs already", self.name);
        let log = std::fs::File::options().create(true).append(true).open(&self.log).expect("a file of ours");
        let mut command = as_server_user(Path::new("patroni"));
        command.arg(self.home.join("patroni.yml")).current_dir(&self.home);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.life = Life::Running(command.spawn().expect("Patroni runs"));
    }

    pub(super) fn kill(&mut self) {
        let (Life::Running(mut patroni) | Life::Frozen(mut patroni)) =
            std::mem::replace(&mut self.life, Life::Away)
        else {
            panic!("{} is away already", self.name)
        };
        let began = Instant::now();
        loop {
            let left = processes::of(&self.home);
            if left.is_empty() {
                break;
            }
            assert!(began.elapsed() < SIGNAL_LIMIT, "{} can't be killed: {left:?}", self.name);
            processes::signal_all(&left, Signal::KILL);
        }
        patroni.wait().expect("a child of ours");
    }

    pub(super) fn freeze(&mut self) {
        let Life::Running(patroni) = std::mem::replace(&mut self.life, Life::Away) else {
            panic!("{} does not run", self.name)
        };
        self.signal_all(Signal::STOP);
        self.life = Life::Frozen(patroni);
    }

    pub(super) fn thaw(&mut self) {
        let Life::Frozen(patroni) = std::mem::replace(&mut self.life, Life::Away) else {
            panic!("{} is not frozen", self.name)
        };
        self.signal_all(Signal::CONT);
        self.life = Life::Running(patroni);
    }

    /// A second time for what was born meanwhile.
    fn signal_all(&self, signal: Signal) {
        for _ in 0..2 {
            processes::signal_all(&processes::of(&self.home), signal);
        }
    }

    /// Whether it holds the leader's key and takes writes.
    pub(super) fn leads(&self) -> bool {
        self.ask("/primary")
            .is_some_and(|answer| answer.lines().next().is_some_and(|line| line.contains(" 200 ")))
    }

    /// All members; none when it does not answer.
    pub(super) fn cluster(&self) -> Vec<Seen> {
        let answer = self.ask("/cluster").unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let said: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let text =
            |member: &serde_json::Value, name: &str| member[name].as_str().unwrap_or_default().to_owned();
        let members = said["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        members.iter().map(|one| Seen { role: text(one, "role"), state: text(one, "state") }).collect()
    }

    fn ask(&self, path: &str) -> Option<String> {
        if !matches!(self.life, Life::Running(_)) {
            return None;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.rest));
        let mut stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT).ok()?;
        stream.set_read_timeout(Some(ANSWER_LIMIT)).ok()?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    pub(super) fn sql(&self, database: &str, statement: &str) -> String {
        String::from_utf8_lossy(&self.psql(database, statement).stdout).trim().to_owned()
    }

    pub(super) fn psql(&self, database: &str, statement: &str) -> Output {
        let mut command = Command::new(program("psql"));
        command.args(["-X", "-q", "-A", "-t", "-U", "postgres", "-d", database, "-c", statement]);
        command.arg("-h").arg(&self.home).arg("-p").arg(self.port.to_string()).env("PGCONNECT_TIMEOUT", "3");
        command.stdin(Stdio::null()).output().expect("psql runs")
    }

    pub(super) fn show_log(&self) {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        eprintln!("── the last words of {}", self.name);
        lines[lines.len().saturating_sub(LINES_SHOWN)..].iter().for_each(|line| eprintln!("   {line}"));
    }
}

impl Drop for Node {
    /// The whole folder is cleared up; here only its own child is waited for.
    fn drop(&mut self) {
        if let Life::Running(patroni) | Life::Frozen(patroni) = &mut self.life {
            let _ = patroni.wait();
        }
    }
}
