//! The three programs that are measured with, as release builds, and the calls that need no server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::server::configure;
use crate::cargo::{cargo, succeed};
use crate::root;

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The program itself.
    pub(crate) panelworks: PathBuf,
    /// `crates/web/examples/empty_handler.rs`.
    pub(crate) empty_handler: PathBuf,
    /// `crates/store/examples/bench_books`.
    books: PathBuf,
}

/// Only these three: a release build of all test programs would take minutes more.
const BUILD: [&str; 14] = [
    "build",
    "--release",
    "-p",
    "panelworks",
    "-p",
    "panelworks-store",
    "-p",
    "panelworks-web",
    "--bin",
    "panelworks",
    "--example",
    "bench_books",
    "--example",
    "empty_handler",
];

impl Programs {
    pub(crate) fn build() -> Result<Self> {
        succeed(&mut cargo(&BUILD))?;
        Self::as_built()
    }

    /// What an earlier build left.
    pub(crate) fn as_built() -> Result<Self> {
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let release = target.join("release");
        let found = |path: PathBuf| {
            if path.is_file() { Ok(path) } else { bail!("{} is not built", path.display()) }
        };
        Ok(Self {
            panelworks: found(release.join("panelworks"))?,
            empty_handler: found(release.join("examples/empty_handler"))?,
            books: found(release.join("examples/bench_books"))?,
        })
    }

    /// Fills an empty folder with orders of `customers`, nearly all of them ended.
    pub(crate) fn fill(&self, folder: &Path, orders: u32, customers: u32, services: u32) -> Result<()> {
        let numbers = [orders, customers, services].map(|number| number.to_string());
        self.books(&["fill", &path(folder), &numbers[0], &numbers[1], &numbers[2]])?;
        // The filled provider account has no key that could be opened; the panel wants a key file all the same.
        let key = format!("panelworks-secret-key-1:{}\n", "07".repeat(32));
        std::fs::write(folder.join("secret.key"), key).context("can't write the key file")
    }

    /// Adds orders that are all under way at accounts 2, 3, … and were accepted in even steps over the `past`.
    pub(crate) fn open(
        &self,
        folder: &Path,
        orders: u32,
        customers: u32,
        accounts: u32,
        past: Duration,
    ) -> Result<()> {
        let numbers = [u64::from(orders), u64::from(customers), u64::from(accounts), past.as_secs()];
        let [orders, customers, accounts, seconds] = numbers.map(|number| number.to_string());
        self.books(&["open", &path(folder), &orders, &customers, &accounts, &seconds]).map(|_| ())
    }

    /// Opens an account at a provider on this machine.
    pub(crate) fn add_provider(&self, folder: &Path, url: &str, connections: u32) -> Result<()> {
        let mut command = Command::new(&self.panelworks);
        command.args(["provider", "add", url, "--allow-local", "--key", "bench"]).arg("--connections");
        command.arg(connections.to_string()).arg("--config").arg(configure(folder)?);
        succeed(command.stdin(Stdio::null()).stdout(Stdio::null()))
    }

    /// Bytes of the books of this many orders after their whole lives.
    pub(crate) fn live(&self, folder: &Path, orders: u32) -> Result<u64> {
        Ok(self.books(&["live", &path(folder), &orders.to_string()])?.parse()?)
    }

    /// Look-ups of 100 rows per second in one thread.
    pub(crate) fn look_up(&self, folder: &Path, orders: u32, customers: u32, time: Duration) -> Result<f64> {
        let numbers = [orders.to_string(), customers.to_string(), time.as_secs_f64().to_string()];
        let [orders, customers, seconds] = &numbers;
        Ok(self.books(&["look-up", &path(folder), orders, customers, seconds])?.parse()?)
    }

    /// Orders that are stored.
    pub(crate) fn count(&self, folder: &Path) -> Result<u64> {
        Ok(self.books(&["count", &path(folder)])?.parse()?)
    }

    /// Every invariant of the books (`panelworks check`).
    pub(crate) fn check(&self, folder: &Path) -> Result<()> {
        let mut command = Command::new(&self.panelworks);
        command.arg("check").arg("--config").arg(configure(folder)?).arg("--json").stdin(Stdio::null());
        let output = command.output().context("can't run panelworks check")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            bail!("panelworks check says of {}: {said}", folder.display());
        }
        Ok(())
    }

    /// A server of PostgreSQL with these settings, which runs until its input ends; it prints its address.
    pub(crate) fn database(&self, settings: &[&str]) -> Command {
        let mut command = Command::new(&self.books);
        command.arg("database").args(settings);
        command
    }

    fn books(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.books);
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output().context("can't run bench_books")?;
        if !output.status.success() {
            bail!("bench_books {} failed", arguments.join(" "));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

fn path(folder: &Path) -> String {
    folder.to_string_lossy().into_owned()
}
