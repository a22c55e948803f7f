//! A PostgreSQL server for tests: one per test process, made from the binaries of this machine.
//!
//! In: `initdb` and `postgres` on the PATH or where Debian puts them. Out: an address, and schema names that no other
//! test uses. The server and its folder go with the process, however that ends: a shell waits at the end of a pipe
//! that only this process holds. Where there is no PostgreSQL the tests are skipped aloud; in CI that is a failure.

use std::fs;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// See the module's head.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    schemas: AtomicU32,
    supervisor: Child,
    /// Its end is the signal to stop.
    alive: Option<ChildStdin>,
}

/// How long a server may take to start on a busy machine.
const START_WITHIN: Duration = Duration::from_mins(1);

/// The server of this process, started by the first who asks. None: there is no PostgreSQL here, which was said.
pub fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&[]).map_err(|why| skipped("PostgreSQL", &why)).ok()).as_ref()
}

impl Cluster {
    /// A server with settings of its own (`name=value`), or why there can be none.
    pub fn start(settings: &[&str]) -> Result<Self, String> {
        let binaries = binaries().ok_or("initdb and postgres are not installed")?;
        let folder = folder().map_err(|why| format!("a folder: {why}"))?;
        let data = folder.join("data");
        let made = as_server_user(&binaries.join("initdb"))
            .args(["--no-sync", "-A", "trust", "-U", "panelworks", "-E", "UTF8", "--locale=C", "-D"])
            .arg(&data)
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .map_err(|why| format!("initdb: {why}"))?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let port = free_port().map_err(|why| format!("a port: {why}"))?;
        let mut supervisor =
            supervise(&binaries, &folder, port, settings).map_err(|why| format!("sh: {why}"))?;
        let alive = supervisor.stdin.take();
        let cluster = Self { folder, port, schemas: AtomicU32::new(0), supervisor, alive };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Where its database is, for a superuser without a password.
    pub fn address(&self) -> String {
        format!("postgres://panelworks@127.0.0.1:{}/postgres", self.port)
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The name of a schema that nobody else in this process uses. It is not made.
    pub fn schema(&self) -> String {
        format!("test_{}", self.schemas.fetch_add(1, Ordering::Relaxed))
    }

    /// What the server wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The server's main process, to be stopped, continued or killed by a test of its own.
    pub fn process(&self) -> Option<u32> {
        self.ready_file()?.lines().next()?.trim().parse().ok()
    }

    fn ready_file(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < START_WITHIN {
            if self
                .ready_file()
                .is_some_and(|file| file.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(format!("the server was not ready in time: {}", self.log()))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.alive = None;
        let _ = self.supervisor.wait();
    }
}

/// Leaves tests out, saying so where `cargo xtask test` collects it. In CI that is a failure.
pub fn skipped(what: &str, why: &str) {
    assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{what} can't be skipped in CI: {why}");
    // Past the test harness, which would keep it to itself.
    let _ = writeln!(io::stderr(), "SKIPPED {what}: {why}");
    if let Some(file) = std::env::var_os("TEST_SKIPPED") {
        let file = fs::OpenOptions::new().create(true).append(true).open(file);
        let _ = file.and_then(|mut file| writeln!(file, "{what}: {why}"));
    }
}

/// The folder with both programs; of several versions the newest.
fn binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .collect();
    versions.sort_unstable_by(|one, other| other.cmp(one));
    places.extend(versions.into_iter().map(|(_, path)| path));
    places.into_iter().find(|place| place.join("initdb").is_file() && place.join("postgres").is_file())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The server refuses to run as root.
fn as_server_user(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn folder() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("panelworks-pg-{}-{count}", std::process::id()));
    let made =
        as_server_user(Path::new("mkdir")).args(["-m", "700"]).arg(&folder).current_dir("/").status()?;
    if !made.success() {
        return Err(io::Error::other(format!("{} could not be made", folder.display())));
    }
    Ok(folder)
}

/// Free a moment ago; the server says so when it is not any more.
fn free_port() -> io::Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
}

/// Runs the server until its own standard input ends, then ends it at once and takes the folder away.
const SUPERVISOR: &str = "trap '' INT HUP TERM; folder=$1; server=$2; shift 2; \
     \"$server\" \"$@\" </dev/null >\"$folder/log\" 2>&1 & pid=$!; \
     cat >/dev/null; kill -CONT $pid; kill -QUIT $pid; wait $pid; rm -rf \"$folder\"";

fn supervise(binaries: &Path, folder: &Path, port: u16, settings: &[&str]) -> io::Result<Child> {
    let mut command = as_server_user(Path::new("sh"));
    command.args(["-c", SUPERVISOR, "sh"]).arg(folder).arg(binaries.join("postgres"));
    command.arg("-D").arg(folder.join("data"));
    let port = format!("port={port}");
    let sockets = format!("unix_socket_directories={}", folder.display());
    let own = [
        "listen_addresses=127.0.0.1",
        &port,
        &sockets,
        "max_connections=300",
        "shared_buffers=32MB",
        // Tests that make two nodes embrace should not wait a second for it.
        "deadlock_timeout=100ms",
        "log_min_messages=error",
    ];
    for setting in own.iter().chain(settings) {
        command.args(["-c", setting]);
    }
    command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn()
}
