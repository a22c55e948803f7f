//! Cargo as the tasks call it.
//!
//! Every call is for the whole workspace, even where one program is wanted: cargo then picks the same features of
//! third-party crates each time, and nothing is compiled twice. The one exception by design is the simulation, whose
//! planted bugs are compiled into a `core` of its own and never into the program that the other tests drive.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::root;

/// Compiles the planted bugs in.
pub(crate) const PLANTED: [&str; 2] = ["--features", "panelworks-engine/planted"];

/// Cargo, at the root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    command
}

/// Runs a command that says by itself what is wrong.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    let status = command.status().with_context(|| format!("can't run {shown}"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// A test program that was built.
#[derive(Debug)]
pub(crate) struct TestProgram {
    /// Its package.
    pub(crate) package: String,
    /// Its target: the crate's name for unit tests, the file's for others.
    pub(crate) target: String,
    pub(crate) executable: PathBuf,
    /// Where cargo would run it.
    pub(crate) folder: PathBuf,
}

/// Everything one build of the workspace made.
#[derive(Debug, Default)]
pub(crate) struct Built {
    pub(crate) tests: Vec<TestProgram>,
    /// The program itself.
    pub(crate) panelworks: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Profile {
    test: bool,
}

/// Builds all targets at once: programs, libraries and tests share what they can.
pub(crate) fn build() -> Result<Built> {
    let mut command =
        cargo(&["build", "--workspace", "--all-targets", "--message-format=json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).stdin(Stdio::null()).output().context("can't run cargo")?;
    if !output.status.success() {
        bail!("the build failed");
    }
    let mut built = Built::default();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Message>(line) else {
            continue;
        };
        if message.reason == "compiler-artifact" {
            built.add(message);
        }
    }
    Ok(built)
}

impl Built {
    fn add(&mut self, message: Message) {
        let (Some(executable), Some(target), Some(profile), Some(manifest)) =
            (message.executable, message.target, message.profile, message.manifest_path)
        else {
            return;
        };
        let folder = manifest.parent().map(PathBuf::from).unwrap_or_default();
        if profile.test {
            let package = package_of(&folder);
            self.tests.push(TestProgram { package, target: target.name, executable, folder });
        } else if target.name == "panelworks" {
            self.panelworks = Some(executable);
        }
    }
}

/// Packages are named after their folders; the tests from outside live in `tests`.
fn package_of(folder: &std::path::Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
