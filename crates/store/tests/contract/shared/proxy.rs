//! A wire between a panel and its database that can be cut, and that can swallow answers.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Forwards connections to a port of this machine until it is told otherwise.
pub(super) struct Proxy {
    pub(super) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// New connections are closed at once.
    is_down: AtomicBool,
    /// What the server answers is thrown away.
    swallows: AtomicBool,
    /// Each so many commits one way to or from the server breaks; 0: none.
    breaks_every: AtomicUsize,
    commits: AtomicUsize,
    /// After which commit a question was lost last.
    last: AtomicUsize,
    broken: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        // Ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.is_down.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                forward(&shared, &client, &server);
            }
        });
        Self { port, state }
    }

    /// Closes every connection, and those to come.
    pub(super) fn go_down(&self) {
        self.state.is_down.store(true, Ordering::SeqCst);
        self.cut();
    }

    pub(super) fn come_back(&self) {
        self.state.is_down.store(false, Ordering::SeqCst);
    }

    pub(super) fn swallow_answers(&self, yes: bool) {
        self.state.swallows.store(yes, Ordering::SeqCst);
    }

    /// From now on each so many commits one is cut off: in turn before the server hears of it, and after it was made.
    pub(super) fn break_commits(&self, every: usize) {
        self.state.breaks_every.store(every, Ordering::SeqCst);
    }

    /// Commits that were cut off.
    pub(super) fn broken(&self) -> usize {
        self.state.broken()
    }

    pub(super) fn cut(&self) {
        for stream in self.state.open.lock().expect("no panic").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl State {
    /// Whether these bytes never arrive, nor any after them.
    fn breaks(&self, bytes: &[u8], answers: bool) -> bool {
        /// How a server's answer to a commit ends.
        const COMMITTED: &[u8] = b"COMMIT\0";
        let every = self.breaks_every.load(Ordering::SeqCst);
        if every == 0 {
            return false;
        }
        let is_commit = answers && bytes.windows(COMMITTED.len()).any(|part| part == COMMITTED);
        let commits =
            self.commits.fetch_add(usize::from(is_commit), Ordering::SeqCst) + usize::from(is_commit);
        let lost_answer = is_commit && commits.is_multiple_of(every);
        // Half a turn later it is a question that is lost, once.
        let half = commits % every == every / 2;
        let lost_question = !answers && half && self.last.swap(commits, Ordering::SeqCst) != commits;
        let breaks = lost_answer || lost_question;
        self.broken.fetch_add(usize::from(breaks), Ordering::SeqCst);
        breaks
    }

    fn broken(&self) -> usize {
        self.broken.load(Ordering::SeqCst)
    }
}

fn forward(state: &Arc<State>, client: &TcpStream, server: &TcpStream) {
    for (from, to, answers) in [(client, server, false), (server, client, true)] {
        let (mut from, mut to) = (from.try_clone().expect("cloned"), to.try_clone().expect("cloned"));
        state.open.lock().expect("no panic").push(from.try_clone().expect("cloned"));
        let state = Arc::clone(state);
        std::thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                if answers && state.swallows.load(Ordering::SeqCst) {
                    continue;
                }
                if state.breaks(&bytes[..count], answers) {
                    break;
                }
                if to.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}
