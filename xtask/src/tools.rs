//! What the tests need of the machine besides Rust: looked for, installed where that can be done, else named.
//!
//! In: the machine. Out: a list of what is still missing, in words that say which package brings it. Installed is only
//! with Debian's `apt-get`, by root. Nothing is ever left out quietly: what is missing is either an error (CI) or
//! printed as skipped.

use std::path::Path;
use std::process::{Command, Stdio};

/// One program or library.
#[derive(Debug)]
struct Tool {
    name: &'static str,
    /// Succeeds where the tool is there.
    probe: &'static [&'static str],
    /// Debian's packages.
    packages: &'static [&'static str],
    /// What can't be tested without it.
    used_for: &'static str,
}

/// Debian's programs lie in a folder of their version.
const POSTGRES: &[&str] = &["sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb || initdb --version"];

const TOOLS: [Tool; 10] = [
    Tool { name: "curl", probe: &["curl", "--version"], packages: &["curl"], used_for: "the curl example" },
    Tool {
        name: "PHP with curl",
        probe: &["php", "-r", "exit(extension_loaded('curl') ? 0 : 1);"],
        packages: &["php-cli", "php-curl"],
        used_for: "the PHP client",
    },
    Tool {
        name: "Python with requests",
        // The system's is where its packages are, whichever is first on the path.
        probe: &["sh", "-c", "python3 -c 'import requests' || /usr/bin/python3 -c 'import requests'"],
        packages: &["python3", "python3-requests"],
        used_for: "the Python client",
    },
    Tool {
        name: "Node 18 or newer",
        probe: &["node", "-e", "process.exit(typeof fetch === 'function' ? 0 : 1)"],
        packages: &["nodejs"],
        used_for: "the Node client",
    },
    Tool {
        name: "strace",
        probe: &["strace", "--version"],
        packages: &["strace"],
        used_for: "the proof that an add is on the disk before its answer",
    },
    Tool {
        name: "faketime",
        probe: &["faketime", "--version"],
        packages: &["faketime"],
        used_for: "refills a day later, through two panels",
    },
    Tool {
        name: "setpriv",
        probe: &["setpriv", "--version"],
        packages: &["util-linux"],
        used_for: "panels that end with the test that started them",
    },
    Tool {
        name: "PostgreSQL",
        probe: POSTGRES,
        packages: &["postgresql"],
        used_for: "panels whose books are in PostgreSQL",
    },
    Tool {
        name: "etcd",
        probe: &["etcd", "--version"],
        packages: &["etcd-server"],
        used_for: "a database that fails over",
    },
    Tool {
        name: "Patroni",
        probe: &["patroni", "--version"],
        packages: &["patroni"],
        used_for: "a database that fails over",
    },
];

/// Looks, installs what it may, and looks again. Out: one line for each tool that is missing.
pub(crate) fn find_or_install() -> Vec<String> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| !succeeds(tool.probe)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.packages).copied().collect();
    if is_root() && succeeds(&["apt-get", "--version"]) {
        eprintln!("   installing {}", packages.join(" "));
        install(&packages);
    } else {
        eprintln!("   missing; on Debian: sudo apt-get install {}", packages.join(" "));
    }
    let still = missing.iter().filter(|tool| !succeeds(tool.probe));
    still.map(|tool| format!("{} ({}), for {}", tool.name, tool.packages.join(" "), tool.used_for)).collect()
}

/// Whether panels can be tested on PostgreSQL.
pub(crate) fn has_postgres() -> bool {
    succeeds(POSTGRES)
}

/// What goes wrong here shows in the second look.
fn install(packages: &[&str]) {
    if packages.contains(&"postgresql") {
        no_cluster_of_the_system();
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let mut wanted = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    wanted.extend(packages);
    if !apt(&wanted) && apt(&["update", "--quiet"]) {
        apt(&wanted);
    }
    if packages.contains(&"etcd-server") {
        no_etcd_of_the_system();
    }
}

/// Installed for the tests alone, which start their own; the package's own one starts with the machine.
fn no_etcd_of_the_system() {
    let mut command = Command::new("systemctl");
    command.args(["disable", "--now", "etcd.service"]).stdout(Stdio::null()).stderr(Stdio::null());
    // Where there is no systemd, nothing was started.
    let _ = command.status();
}

/// The tests make their own; the package would make one that starts with the machine.
fn no_cluster_of_the_system() {
    let folder = Path::new("/etc/postgresql-common/createcluster.d");
    // Without it there is one server more, and that is all.
    let _ = std::fs::create_dir_all(folder);
    let _ = std::fs::write(folder.join("panelworks.conf"), "create_main_cluster = false\n");
}

/// True where the command runs and says 0.
pub(crate) fn succeeds(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
