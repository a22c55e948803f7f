//! The servers under load, each a process of its own, and what the kernel says about them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::database;
use super::programs::Programs;

/// How long a server may take to answer for the first time, or to end.
const PATIENCE: Duration = Duration::from_mins(2);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(1);
/// The kernel's clock ticks of process times, per second: the same on every Linux.
const TICKS_PER_SECOND: u64 = 100;

/// A running server; ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From its start to the first answer it was asked for.
    pub(crate) took: Duration,
}

/// How a panel is started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel<'a> {
    pub(crate) books: &'a Path,
    /// A library loaded before all others, which makes syncs slower.
    pub(crate) preload: Option<&'a Path>,
    /// The request whose first answer ends the start.
    pub(crate) first: &'a [u8],
}

impl Server {
    /// The empty handler of the same stack.
    pub(crate) fn empty(programs: &Programs) -> Result<Self> {
        let began = Instant::now();
        let mut command = Command::new(&programs.empty_handler);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("can't start the empty handler")?;
        let mut line = String::new();
        let said = child.stdout.take().context("the empty handler has no output")?;
        BufReader::new(said).read_line(&mut line)?;
        let address = line.trim().parse().context("the empty handler did not say its address")?;
        Ok(Self { child, address, took: began.elapsed() })
    }

    /// `panelworks serve` as an operator would run it, logging at info to a file.
    pub(crate) fn panel(programs: &Programs, panel: Panel<'_>) -> Result<Self> {
        let config = configure(panel.books)?;
        let mut command = Command::new(&programs.panelworks);
        command.arg("serve").arg("--config").arg(config);
        if let Some(library) = panel.preload {
            command.env("LD_PRELOAD", library);
        }
        Self::start(command, panel.first)
    }

    /// The demo, in an empty folder.
    pub(crate) fn demo(programs: &Programs, folder: &Path, first: &[u8]) -> Result<Self> {
        let mut command = Command::new(&programs.panelworks);
        command.arg("--data-dir").arg(folder);
        Self::start(command, first)
    }

    fn start(mut command: Command, first: &[u8]) -> Result<Self> {
        let address = free_address()?;
        command.arg("--port").arg(address.port().to_string());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PANELWORKS_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let began = Instant::now();
        let child = command.spawn().context("can't start panelworks")?;
        let mut server = Self { child, address, took: Duration::ZERO };
        while !is_answered(address, first) {
            if let Some(status) = server.child.try_wait()? {
                bail!("panelworks ended at its start: {status}");
            }
            if began.elapsed() > PATIENCE {
                bail!("panelworks does not answer");
            }
            std::thread::sleep(LOOK);
        }
        server.took = began.elapsed();
        Ok(server)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Anonymous and shared memory now, in bytes.
    pub(crate) fn memory(&self) -> Result<u64> {
        memory(self.id())
    }

    /// Asks it to end, and waits until it has finished what it had accepted.
    pub(crate) fn stop(mut self) -> Result<()> {
        let sent = Command::new("kill").arg("-TERM").arg(self.id().to_string()).status();
        if !sent.is_ok_and(|status| status.success()) {
            bail!("can't stop process {}", self.id());
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("process {} ended with {status}", self.id()),
                None => std::thread::sleep(LOOK),
            }
        }
        bail!("process {} does not end", self.id())
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing to do where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of all threads of a process so far, in user and kernel.
pub(crate) fn cpu(process: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after_name = stat.rsplit_once(')').context("a strange /proc/…/stat")?.1;
    let mut times = after_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let (Some(Ok(user)), Some(Ok(kernel))) = (times.next(), times.next()) else {
        bail!("a strange /proc/…/stat");
    };
    Ok(Duration::from_millis((user + kernel) * 1_000 / TICKS_PER_SECOND))
}

/// See [`Server::memory`].
pub(crate) fn memory(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").parse::<u64>()
    };
    Ok((of("RssAnon:")? + of("RssShmem:")?) * 1024)
}

/// A configuration beside the books: nothing but what a bench needs, at the defaults otherwise.
pub(crate) fn configure(books: &Path) -> Result<PathBuf> {
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    let log = path(books.with_extension("log"));
    let text = format!(
        "[panel]\ndata_dir = {:?}\n\n[log]\nlevel = \"info\"\nfile = {log:?}\n{}",
        path(books.to_owned()),
        database::settings(books)
    );
    let config = books.with_extension("toml");
    std::fs::write(&config, text).with_context(|| format!("can't write {}", config.display()))?;
    Ok(config)
}

/// A port that is free now; the server is told to take it, so that nobody has to ask it for its address.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

/// Whether the request gets an answer, and no refusal.
fn is_answered(address: SocketAddr, request: &[u8]) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(request)?;
        let (mut answer, mut some) = (Vec::new(), [0; 1024]);
        while !answer.windows(4).any(|four| four == b"\r\n\r\n") || !answer.ends_with(b"}") {
            match stream.read(&mut some)? {
                0 => break,
                read => answer.extend_from_slice(&some[..read]),
            }
        }
        std::io::Result::Ok(answer)
    };
    ask().is_ok_and(|answer| {
        answer.starts_with(b"HTTP/1.1 200 ") && !answer.windows(7).any(|seven| seven == b"\"error\"")
    })
}
