//! P6: adds against the usual panel script's way: nginx, php-fpm and the same PostgreSQL (`bench/peer`).
//!
//! In: a server of PostgreSQL with the books of both. Out: how many times as many orders we take, and what share of the
//! processor time per order, that of web server, script and database together. Both are audited: ours by `check`, the
//! script's by its own sums.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Bench;
use super::database::Database;
use super::load::{Loaded, Target, closed};
use super::plan::{CUSTOMERS, FEW, ROUNDS, SMALL_BOOKS};
use super::request::Adds;
use super::server::cpu;
use super::sheet::{Goal, Sheet, Spread, per_second};
use super::tested::Tested;
use crate::root;
use crate::tools::succeeds;

/// How long nginx and php-fpm may take to start.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// What its customers paid is what its orders cost, and each order has one transaction.
const CHECKED: &str = "select (select count(*) from peer.orders) = (select count(distinct order_id) from peer.transactions) \
     and (select sum(charge) from peer.orders) = (select sum(1000000 - balance) from peer.users), \
     (select count(*) from peer.orders)";

/// A load, and the processor time of all who took part in answering.
struct Cost {
    loaded: Loaded,
    cpu_us: f64,
}

/// See the module's head. Without nginx and php-fpm nothing is measured, and that is said.
pub(crate) fn against_the_usual_script(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    let Some(fpm) = php_fpm().filter(|_| succeeds(&["nginx", "-v"])) else {
        println!("P6 is left out: there is no nginx or no php-fpm with pdo_pgsql here");
        return Ok(());
    };
    let Some(database) = Database::start(bench, "P6", None)? else { return Ok(()) };
    let tables = std::fs::read_to_string(root().join("bench/peer/schema.sql"))?;
    database.ask(&tables)?;
    let script = Script::start(bench, &fpm, &database)?;
    let books = database.filled(bench, SMALL_BOOKS, CUSTOMERS)?;
    let mut panel = Tested::start(bench, &books, None)?;
    let work = Adds::of(CUSTOMERS, false);
    let (mut rates, mut shares, mut both) = (Vec::new(), Vec::new(), Vec::new());
    let mut orders = 0;
    for _ in 0..ROUNDS {
        let roots = [script.nginx.id(), script.fpm.id(), database.process()];
        let target = Target {
            address: script.address,
            process: script.fpm.id(),
            ..Target::new(&panel.server, FEW, &bench.plan)
        };
        let theirs = with_cpu(&roots, || closed(target, &work))?;
        orders += theirs.loaded.acknowledged;
        let ours = with_cpu(&[panel.server.id(), database.process()], || panel.load(FEW, &work))?;
        rates.push(ours.loaded.rate / theirs.loaded.rate);
        shares.push(ours.cpu_us / theirs.cpu_us);
        both.push([ours.loaded.rate, theirs.loaded.rate, ours.cpu_us, theirs.cpu_us]);
    }
    panel.finish()?;
    let counted = database.ask(CHECKED)?;
    let stored = counted.strip_prefix("t|").and_then(|stored| stored.parse::<u64>().ok());
    if stored.is_none_or(|stored| stored < orders) {
        bail!("void: the script's own books don't add up ({counted}, {orders} were acknowledged)");
    }
    let median = |place: usize| Spread::of(both.iter().map(|all| all[place])).median();
    let note = format!("{} of {}", per_second(median(0)), per_second(median(1)));
    sheet.add("P6 rate", Spread::of(rates), Goal::AtLeast(10.0), note);
    let note = format!("{:.0} of {:.0} µs, database included", median(2), median(3));
    sheet.add("P6 cpu", Spread::of(shares), Goal::AtMost(0.1), note);
    Ok(())
}

/// Processor time of these processes and all below them, per answer.
fn with_cpu(roots: &[u32], load: impl FnOnce() -> Result<Loaded>) -> Result<Cost> {
    let before = spent(roots)?;
    let loaded = load()?;
    let spent = spent(roots)?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "answers are counted in millions")]
    let answers = loaded.acknowledged as f64;
    Ok(Cost { loaded, cpu_us: spent.as_secs_f64() * 1e6 / answers })
}

fn spent(roots: &[u32]) -> Result<Duration> {
    let mut all = roots.to_vec();
    let mut next = 0;
    while let Some(parent) = all.get(next).copied() {
        let path = format!("/proc/{parent}/task/{parent}/children");
        let children = std::fs::read_to_string(&path).with_context(|| format!("can't read {path}"))?;
        all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        next += 1;
    }
    // One that has just ended is missed, and was short.
    Ok(all.into_iter().filter_map(|process| cpu(process).ok()).sum())
}

/// nginx before php-fpm; both end with this value.
struct Script {
    nginx: Child,
    fpm: Child,
    address: std::net::SocketAddr,
}

impl Script {
    fn start(bench: &Bench, fpm: &Path, database: &Database) -> Result<Self> {
        let folder = bench.scratch.fresh("peer");
        std::fs::create_dir_all(&folder)?;
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let configured = |name: &str| -> Result<PathBuf> {
            let text = std::fs::read_to_string(root().join("bench/peer").join(name))?;
            let filled = text
                .replace("@FOLDER@", &folder.to_string_lossy())
                .replace("@PEER@", &root().join("bench/peer").to_string_lossy())
                .replace("@PORT@", &address.port().to_string())
                .replace("@DSN@", &database.dsn()?);
            let path = folder.join(name);
            std::fs::write(&path, filled)?;
            Ok(path)
        };
        let quiet = |mut command: Command| {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
        };
        let mut command = Command::new(fpm);
        command
            .args(["-d", "opcache.enable=1", "-d", "opcache.validate_timestamps=0", "-R", "-F", "-y"])
            .arg(configured("php-fpm.conf")?);
        let fpm = quiet(command).context("can't start php-fpm")?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&folder).arg("-c").arg(configured("nginx.conf")?);
        let nginx = quiet(command).context("can't start nginx")?;
        let script = Self { nginx, fpm, address };
        let began = Instant::now();
        while !folder.join("php.sock").exists() || std::net::TcpStream::connect(address).is_err() {
            if began.elapsed() > PATIENCE {
                bail!("nginx and php-fpm did not start; see {}", folder.display());
            }
            std::thread::sleep(LOOK);
        }
        Ok(script)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        for child in [&mut self.nginx, &mut self.fpm] {
            // Their workers end with them, on the signal only.
            let _ = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

/// Debian's carries its version in its name.
fn php_fpm() -> Option<PathBuf> {
    if !succeeds(&["php", "-r", "exit(extension_loaded('pdo_pgsql') ? 0 : 1);"]) {
        return None;
    }
    let output = Command::new("sh")
        .args(["-c", "command -v php-fpm || ls /usr/sbin/php-fpm* | sort -V | tail -1"])
        .output()
        .ok()?;
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!path.is_empty()).then(|| path.into())
}
