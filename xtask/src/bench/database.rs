//! A PostgreSQL server for the benchmark, and books that lie in it.
//!
//! In: settings, and a library to be loaded before all others. Out: an address; folders of panels that name the
//! server and a schema of their own in a file, which `bench_books` and the panel's configuration both follow. The
//! server ends with this value. Its data lie in the machine's folder for temporary files.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::Bench;

/// In a panel's folder whose books are in a database: its address and schema, a line each.
const NAMES_A_DATABASE: &str = "database";

/// What an operator would set on a machine of this size; all of it is durable.
const SETTINGS: [&str; 5] = [
    "shared_buffers=512MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "deadlock_timeout=1s",
    "autovacuum_naptime=10min",
];

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Database {
    child: Child,
    pub(crate) address: String,
}

impl Database {
    /// None, and a word about it, where there is no PostgreSQL.
    pub(crate) fn start(bench: &Bench, goal: &str, preload: Option<&Path>) -> Result<Option<Self>> {
        if !crate::tools::has_postgres() {
            println!("{goal} is left out: there is no PostgreSQL here");
            return Ok(None);
        }
        let mut command = bench.programs.database(&SETTINGS);
        if let Some(library) = preload {
            command.env("LD_PRELOAD", library);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("can't start PostgreSQL")?;
        let said = child.stdout.take().context("PostgreSQL has no output")?;
        let mut address = String::new();
        BufReader::new(said).read_line(&mut address)?;
        if address.trim().is_empty() {
            bail!("PostgreSQL did not start");
        }
        Ok(Some(Self { child, address: address.trim().to_owned() }))
    }

    /// Books with so many orders and one service, in a schema of their own; the caller's alone.
    pub(crate) fn filled(&self, bench: &Bench, orders: u32, customers: u32) -> Result<PathBuf> {
        let folder = bench.scratch.fresh("database");
        std::fs::create_dir_all(&folder)?;
        let schema =
            folder.file_name().context("a folder without a name")?.to_string_lossy().replace('-', "_");
        std::fs::write(folder.join(NAMES_A_DATABASE), format!("{}\n{schema}\n", self.address))?;
        bench.programs.fill(&folder, orders, customers, 1)?;
        Ok(folder)
    }

    /// Another panel's folder for books that are there.
    pub(crate) fn shared(bench: &Bench, books: &Path) -> Result<PathBuf> {
        let folder = bench.scratch.fresh("database");
        std::fs::create_dir_all(&folder)?;
        for file in [NAMES_A_DATABASE, "secret.key"] {
            std::fs::copy(books.join(file), folder.join(file))?;
        }
        Ok(folder)
    }

    /// The process below which all of the server's are.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// As PHP's PDO names it.
    pub(crate) fn dsn(&self) -> Result<String> {
        let rest = self.address.rsplit_once('@').context("a strange address")?.1;
        let (place, name) = rest.split_once('/').context("a strange address")?;
        let (host, port) = place.split_once(':').context("a strange address")?;
        Ok(format!("pgsql:host={host};port={port};dbname={name}"))
    }

    /// Runs SQL as the server's owner; gives what it prints.
    pub(crate) fn ask(&self, sql: &str) -> Result<String> {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", &self.address, "-c", sql]);
        let output = psql.stdin(Stdio::null()).output().context("can't run psql")?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The end of its input is its signal.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What a panel's configuration says of the database that its folder names.
pub(crate) fn settings(books: &Path) -> String {
    let text = std::fs::read_to_string(books.join(NAMES_A_DATABASE)).unwrap_or_default();
    text.trim().split_once('\n').map_or(String::new(), |(address, schema)| {
        format!("\n[database]\nurl = {address:?}\nschema = {schema:?}\n")
    })
}
