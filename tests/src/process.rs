//! A process of `panelworks` that runs until it is stopped: in a process group of its own, and gone with its test.
//!
//! In: the words of its command line. Out: a handle that stops it politely, kills it, and kills it when dropped. Where
//! `setpriv` is there the kernel kills it too when the test's thread ends, however that ends.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::program::unconfigured;
use crate::{has, panelworks, until};

/// See the module's head.
#[derive(Debug)]
pub struct Process {
    child: Child,
    output: PathBuf,
}

/// How a process ended by itself.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// All that it printed.
    pub said: String,
}

impl Process {
    /// Starts `panelworks` with these words; what it prints goes into the file `output`, after what is there.
    /// `through` is a command that runs it, such as `strace -f`.
    pub fn start(
        through: &[String],
        words: &[String],
        variables: &[(String, String)],
        output: &Path,
    ) -> Self {
        let file = File::options().create(true).append(true).open(output).expect("the folder is writable");
        let mut line: Vec<String> = Vec::new();
        if has(&["setpriv", "--pdeathsig", "KILL", "true"]) {
            line.extend(["setpriv", "--pdeathsig", "KILL"].map(str::to_owned));
        }
        line.extend(through.iter().cloned());
        line.push(panelworks().display().to_string());
        line.extend(words.iter().cloned());
        let mut command = Command::new(&line[0]);
        unconfigured(&mut command);
        command.args(&line[1..]).envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a second handle")).stderr(file);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().expect("the program runs");
        Self { child, output: output.to_owned() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it has printed so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Nothing while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of ours")
    }

    /// Sends SIGTERM and goes on; [`Process::wait`] waits for the end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGSTOP: it does nothing, and all that it holds stays as it is.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Goes on after [`Process::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGKILL, and then it is gone.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            self.signal(Signal::KILL);
            self.child.wait().expect("a child of ours");
        }
    }

    /// Waits until it has ended by itself.
    pub async fn wait(&mut self, limit: Duration) -> Ended {
        let status = until("the end of panelworks", limit, async || self.ended().ok_or("it runs")).await;
        Ended { status, said: self.said() }
    }

    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("an id of a process");
        // It may have ended a moment ago.
        let _ = kill_process_group(group, signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            eprintln!("── the last words of process {} ({})", self.child.id(), self.output.display());
            lines[lines.len().saturating_sub(30)..].iter().for_each(|line| eprintln!("   {line}"));
        }
    }
}
