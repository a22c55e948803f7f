//! A PostgreSQL server for tests: a cluster of its own in a temporary folder, on a free port, gone with the tests.
//!
//! In: the system's PostgreSQL programs. Out: addresses of empty schemas, and a server that can be killed, frozen and
//! started again. It never runs as root, because PostgreSQL refuses that: root starts it as the user `postgres`. A
//! shell that waits for the end of this process stops it and removes the folder, however the tests end. It syncs as a
//! real one does.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::is_root;

/// From the start of the server to its first answer.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Between two looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Needs care in a URL, as real passwords do.
pub(crate) const PASSWORD: &str = "pass/word@1";
pub(crate) const PASSWORD_IN_URL: &str = "pass%2Fword%401";

/// See the module's head.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    server: Option<Child>,
    settings: Vec<String>,
    /// Waits for the end of its input, which comes with the end of this process too.
    clearing_up: Child,
}

impl Cluster {
    /// The one that all tests of a program share, each with a schema of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// One for a test alone, with further settings such as `fsync=off`.
    pub fn start(settings: &[&str]) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("panelworks-cluster-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the system's temporary folder is writable");
        let clearing_up = clear_up_later(&folder);
        give_to_server(&folder);
        let password = folder.join("password");
        std::fs::write(&password, PASSWORD).expect("a file of ours");
        give_to_server(&password);
        let initdb = as_server("initdb")
            .args(["--no-sync", "--no-instructions", "--username=postgres", "--encoding=UTF8"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256"])
            .arg(format!("--pwfile={}", password.display()))
            .arg(folder.join("data"))
            .output()
            .expect("initdb runs");
        assert!(initdb.status.success(), "initdb: {}", String::from_utf8_lossy(&initdb.stderr));
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut cluster = Self { folder, port: free_port(), server: None, settings, clearing_up };
        cluster.start_again();
        cluster.sql(&format!("create role panel login password '{PASSWORD}'"));
        cluster.sql("create database panel owner panel");
        cluster
    }

    /// Starts the server that was stopped, on its port and its data.
    pub fn start_again(&mut self) {
        assert!(self.server.is_none(), "it runs already");
        let log =
            std::fs::File::options().create(true).append(true).open(self.log()).expect("a file of ours");
        let mut command = as_server("postgres");
        command.arg("-D").arg(self.folder.join("data"));
        command.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"]);
        command.args(["-c", "shared_buffers=64MB", "-c", "max_wal_size=256MB"]);
        command.arg("-c").arg(format!("port={}", self.port));
        command.arg("-c").arg(format!("unix_socket_directories={}", self.folder.display()));
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.server = Some(command.spawn().expect("postgres runs"));
        let began = Instant::now();
        while !self.psql("postgres", "select 1").status.success() {
            assert!(
                began.elapsed() < START_LIMIT,
                "the server does not answer; see {}",
                self.log().display()
            );
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// SIGQUIT: every process of the server ends at once, without a checkpoint, as after a loss of power whose
    /// writes were synced.
    pub fn stop_at_once(&mut self) {
        let mut server = self.server.take().expect("it runs");
        self.signal("QUIT");
        server.wait().expect("a child of ours");
    }

    /// Stops the server with all its connections in mid-air: they stay open, and nothing is answered.
    pub fn freeze(&self) {
        self.signal_all("STOP");
    }

    /// Goes on after [`Cluster::freeze`].
    pub fn thaw(&self) {
        self.signal_all("CONT");
    }

    /// Where a panel with a schema of its own keeps its books: the variables of its process.
    pub fn variables(&self) -> Vec<(String, String)> {
        vec![
            ("PANELWORKS_DATABASE_URL".to_owned(), self.url()),
            ("PANELWORKS_DATABASE_SCHEMA".to_owned(), fresh_schema()),
        ]
    }

    /// The database by the role that owns it.
    pub fn url(&self) -> String {
        format!("postgres://panel:{PASSWORD_IN_URL}@127.0.0.1:{}/panel", self.port)
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The secret that nothing may show.
    pub const fn password() -> &'static str {
        PASSWORD
    }

    /// Runs a statement in the panels' database, as the administrator.
    #[track_caller]
    pub fn sql(&self, statement: &str) -> String {
        let database = if statement.starts_with("create database") { "postgres" } else { "panel" };
        let database = if statement.starts_with("create role") { "postgres" } else { database };
        let output = self.psql(database, statement);
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn psql(&self, database: &str, statement: &str) -> std::process::Output {
        let mut command = Command::new(program("psql"));
        command.args(["-X", "-q", "-A", "-t", "-U", "postgres", "-d", database, "-c", statement]);
        command.arg("-h").arg(&self.folder).arg("-p").arg(self.port.to_string());
        command.stdin(Stdio::null()).output().expect("psql runs")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn postmaster(&self) -> String {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        file.lines().next().unwrap_or_default().to_owned()
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.postmaster()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the server has gone");
    }

    /// To every process of the server.
    fn signal_all(&self, signal: &str) {
        let postmaster = self.postmaster();
        for entry in std::fs::read_dir("/proc").expect("Linux").filter_map(Result::ok) {
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1));
            let process = entry.file_name().to_string_lossy().into_owned();
            if process == postmaster || parent == Some(postmaster.as_str()) {
                // It may have ended a moment ago.
                let _ = Command::new("kill")
                    .args([&format!("-{signal}"), &process])
                    .stderr(Stdio::null())
                    .status();
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            self.thaw();
            self.signal("QUIT");
            // However it ended, it has.
            let _ = server.wait();
        }
        drop(self.clearing_up.stdin.take());
        let _ = self.clearing_up.wait();
    }
}

/// A name that no other panel of this process has.
fn fresh_schema() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("panel_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

/// Whether this run tests panels whose books are in PostgreSQL (`TEST_STORE=postgres`).
pub fn on_postgres() -> bool {
    std::env::var("TEST_STORE").is_ok_and(|store| store == "postgres")
}

/// Taken by nobody a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener").port()
}

/// Whether this machine can run a server at all.
pub fn has_postgres() -> bool {
    crate::has(&[&program("postgres").display().to_string(), "--version"])
}

/// PostgreSQL's programs lie in a folder of their version; the newest one counts.
pub(crate) fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let number = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    let newest = versions.map(|entry| entry.path()).filter_map(|path| Some((number(&path)?, path))).max();
    newest
        .map(|(_, path)| path.join("bin").join(name))
        .filter(|path| path.exists())
        .unwrap_or_else(|| name.into())
}

/// One of PostgreSQL's programs, as the user who may run it.
fn as_server(name: &str) -> Command {
    as_server_user(&program(name))
}

/// Any program, as that user.
pub(crate) fn as_server_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
    command.current_dir("/");
    command
}

pub(crate) fn give_to_server(path: &Path) {
    if is_root() {
        let given = Command::new("chown").arg("postgres:postgres").arg(path).status();
        assert!(given.is_ok_and(|status| status.success()), "the user postgres is there");
    }
}

/// A shell that waits for the end of this process, then stops the server and removes its folder.
fn clear_up_later(folder: &Path) -> Child {
    const SCRIPT: &str = "trap '' INT TERM HUP; read -r never; pid=$(head -n 1 \"$0/data/postmaster.pid\" 2>/dev/null); \
        [ -n \"$pid\" ] && kill -CONT \"$pid\" && kill -QUIT \"$pid\" && \
        while kill -0 \"$pid\"; do sleep 0.1; done; rm -rf \"$0\"";
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT]).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().expect("sh is everywhere")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_was_stopped_at_once_starts_again_with_its_data_and_is_gone_at_the_end() {
        if !has_postgres() {
            return crate::skipped("a PostgreSQL server of our own", "its programs are missing");
        }
        let mut cluster = Cluster::start(&[]);
        cluster.sql("create table kept as select 7 as number");
        cluster.stop_at_once();
        cluster.start_again();
        assert_eq!(cluster.sql("select number from kept"), "7");
        cluster.freeze();
        cluster.thaw();
        assert_eq!(cluster.sql("show fsync"), "on");
        let folder = cluster.folder.clone();
        drop(cluster);
        assert!(!folder.exists(), "{} is left behind", folder.display());
    }
}
