//! The program under test, and its commands that end by themselves.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// `panelworks`: what `TEST_PROGRAM` names (`cargo xtask test` sets it), else what cargo builds now.
pub fn panelworks() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var_os("TEST_PROGRAM").map_or_else(build, PathBuf::from))
}

/// Cargo knows whether the program is older than its sources.
fn build() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace).args(["build", "--quiet", "--package", "panelworks"]);
    let status = command.status().expect("cargo runs");
    assert!(status.success(), "panelworks can't be built");
    // Beside the folder `deps` that this test runs from.
    let own = std::env::current_exe().expect("a test program knows where it is");
    let profile = own.ancestors().nth(2).expect("test programs lie in target/PROFILE/deps");
    profile.join("panelworks")
}

/// The words of a command, as given.
pub fn arguments<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

/// Takes away the settings of whoever runs the tests.
pub(crate) fn unconfigured(command: &mut Command) {
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| name.to_string_lossy().starts_with("PANELWORKS_")) {
        command.env_remove(name);
    }
}

/// Runs a command to its end.
pub fn run(words: &[&str]) -> Output {
    run_in(&[], words)
}

/// Runs a command in these surroundings to its end.
pub fn run_in(variables: &[(String, String)], words: &[&str]) -> Output {
    let mut command = Command::new(panelworks());
    unconfigured(&mut command);
    command.args(words).envs(variables.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
    command.output().expect("panelworks runs")
}

/// Runs a command that must succeed and print JSON.
pub fn run_json(words: &[&str]) -> Value {
    run_json_in(&[], words)
}

/// Runs a command in these surroundings that must succeed and print JSON.
pub fn run_json_in(variables: &[(String, String)], words: &[&str]) -> Value {
    let output = run_in(variables, words);
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "panelworks {}: {}\n{said}{complained}", words.join(" "), output.status);
    serde_json::from_str(&said)
        .unwrap_or_else(|error| panic!("panelworks {}: {error}\n{said}", words.join(" ")))
}
