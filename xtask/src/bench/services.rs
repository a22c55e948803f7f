//! P4: the list of 5,000 services against nginx serving the same bytes from a file, plain and compressed.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Bench;
use super::load::{Answer, Target, alone, closed, connect};
use super::plan::{FEW, ROUNDS};
use super::request::{Pool, Work};
use super::sheet::{Goal, Sheet, Spread, per_second};
use super::tested::Tested;
use crate::tools::succeeds;

const SERVICES: u32 = 5_000;
const KEY: &str = "00000000000000000000000000000000";
/// Between two looks at whether nginx answers, and how many there are.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 200;

/// See the module's head. Without nginx nothing is measured, and that is said.
pub(crate) fn against_a_file(bench: &Bench, sheet: &mut Sheet) -> Result<()> {
    if !succeeds(&["nginx", "-v"]) {
        println!("P4 is left out: there is no nginx here");
        return Ok(());
    }
    let books = bench.scratch.fresh("services");
    bench.programs.fill(&books, 0, 1, SERVICES)?;
    let mut panel = Tested::start(bench, &books, None)?;
    let folder = bench.scratch.fresh("nginx");
    std::fs::create_dir_all(&folder)?;
    for (encoding, file) in [("identity", "services.json"), ("gzip", "services.json.gz")] {
        std::fs::write(folder.join(file), ask(panel.server.address, &ours(encoding))?)?;
    }
    let nginx = Nginx::start(&folder)?;
    for (encoding, file) in [("identity", "services.json"), ("gzip", "services.json.gz")] {
        let bytes = std::fs::read(folder.join(file))?;
        let work = |request: Vec<u8>| Pool::of(request, &bytes[..bytes.len().min(10)], bytes.len());
        let (mut rates, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let theirs = nginx.load(bench, &work(get(encoding)))?;
            let loaded = panel.load(FEW, &work(ours(encoding)))?;
            rates.push(loaded.rate);
            ratios.push(loaded.rate / theirs);
        }
        let note = format!("{}, {} bytes each", per_second(Spread::of(rates).median()), bytes.len());
        sheet.add(format!("P4 services {encoding}"), Spread::of(ratios), Goal::AtLeast(0.9), note);
    }
    panel.finish()
}

fn ours(encoding: &str) -> Vec<u8> {
    let form = format!("key={KEY}&action=services");
    format!(
        "POST /api/v2 HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-encoding: {encoding}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

fn get(encoding: &str) -> Vec<u8> {
    format!("GET /services.json HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-encoding: {encoding}\r\n\r\n")
        .into_bytes()
}

fn ask(address: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    alone(async {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = connect(address).await?;
        stream.write_all(request).await?;
        let mut answer = Answer::default();
        answer.read(&mut stream).await?;
        if !answer.is_ok() {
            bail!("void: services was refused");
        }
        Ok(answer.body().to_vec())
    })
}

/// An nginx of our own, in the foreground; ends with this value.
struct Nginx {
    child: Child,
    address: SocketAddr,
}

impl Nginx {
    fn start(folder: &Path) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let config = folder.join("nginx.conf");
        std::fs::write(&config, configuration(folder, address))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let nginx = Self { child: command.spawn().context("can't start nginx")?, address };
        for _ in 0..LOOKS {
            if ask(address, &get("identity")).is_ok() {
                return Ok(nginx);
            }
            std::thread::sleep(LOOK);
        }
        bail!("nginx does not answer")
    }

    fn load(&self, bench: &Bench, work: &Work) -> Result<f64> {
        let (warm_up, window) = (bench.plan.warm_up, bench.plan.window);
        // Its processor time is that of its workers, and not asked for here.
        let target =
            Target { address: self.address, process: self.child.id(), connections: FEW, warm_up, window };
        Ok(closed(target, work)?.rate)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it, on the signal only.
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// As its manual would have it for files: sendfile, keep-alive without end, files kept open, no log.
fn configuration(folder: &Path, address: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off; user root; worker_processes auto; pid {folder}/pid; error_log {folder}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n\
         open_file_cache max=16; gzip_static on; default_type application/json;\n\
         client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;\n\
         uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n\
         server {{ listen {address}; root {folder}; }} }}\n"
    )
}
