//! Load in a closed loop: each connection sends, waits for its answer, and sends again.
//!
//! In: an address and work. Out: how many answers came within the window, and what they cost the server. One thread,
//! keep-alive, raw TCP: the generator takes as little of the shared cores as it can. A wrong answer ends the run.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use super::plan::Plan;
use super::request::Work;
use super::server::{Server, cpu};

/// Whom to load, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Whose processor time is counted.
    pub(crate) process: u32,
    pub(crate) connections: usize,
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
}

impl Target {
    pub(crate) fn new(server: &Server, connections: usize, plan: &Plan) -> Self {
        let Plan { warm_up, window, .. } = *plan;
        Self { address: server.address, process: server.id(), connections, warm_up, window }
    }
}

/// What a load has shown.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// Right answers, from the first request to the last.
    pub(crate) acknowledged: u64,
    /// Right answers per second within the window.
    pub(crate) rate: f64,
    /// The server's processor time per answer within the window, in microseconds.
    pub(crate) cpu_us: f64,
}

/// What the connections have counted together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) right: Cell<u64>,
    pub(crate) wrong: RefCell<Option<String>>,
    pub(crate) ends: Cell<bool>,
}

impl Tally {
    pub(crate) fn note(&self, is_right: bool, answer: &Answer) {
        if is_right {
            self.right.set(self.right.get() + 1);
        } else {
            self.wrong.replace(Some(answer.text()));
            self.ends.set(true);
        }
    }

    /// An error where an answer was not what it should be: then nothing that was measured counts.
    pub(crate) fn is_valid(&self) -> Result<()> {
        match self.wrong.borrow().as_ref() {
            None => Ok(()),
            Some(answer) => bail!("void: a request was answered with {answer}"),
        }
    }
}

/// Loads the server for the whole window.
pub(crate) fn closed(target: Target, work: &Work) -> Result<Loaded> {
    closed_together(&[target], work)
}

/// Loads several servers for the whole window of the first: what they answer and cost is one sum.
pub(crate) fn closed_together(targets: &[Target], work: &Work) -> Result<Loaded> {
    let Some(Target { warm_up, window, .. }) = targets.first().copied() else { bail!("nothing to load") };
    let spent = || targets.iter().map(|target| cpu(target.process)).sum::<Result<Duration>>();
    alone(async {
        let tally = Rc::new(Tally::default());
        // No two generators send the same links.
        let work = Rc::new(RefCell::new(work.fresh()));
        let connections: Connections =
            targets.iter().flat_map(|target| spawn(*target, &work, &tally)).collect();
        tokio::time::sleep(warm_up).await;
        let (began, right, busy) = (Instant::now(), tally.right.get(), spent()?);
        tokio::time::sleep(window).await;
        let (answers, took) = (tally.right.get() - right, began.elapsed());
        let busy = spent()?.saturating_sub(busy);
        tally.ends.set(true);
        for connection in connections {
            connection.await?.context("a connection broke")?;
        }
        tally.is_valid()?;
        if answers == 0 {
            bail!("void: nothing was answered");
        }
        #[expect(clippy::cast_precision_loss, reason = "answers are counted in millions")]
        let answers = answers as f64;
        Ok(Loaded {
            acknowledged: tally.right.get(),
            rate: answers / took.as_secs_f64(),
            cpu_us: busy.as_secs_f64() * 1e6 / answers,
        })
    })
}

/// Loads the server until it breaks off, as it does when it is killed; gives the right answers.
pub(crate) fn until_it_breaks(target: Target, work: &Work) -> Result<u64> {
    alone(async {
        let tally = Rc::new(Tally::default());
        for connection in spawn(target, &Rc::new(RefCell::new(work.fresh())), &tally) {
            // Broken off is how it shall end.
            let _ = connection.await?;
        }
        tally.is_valid()?;
        Ok(tally.right.get())
    })
}

/// Runs something on one thread.
pub(crate) fn alone<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, future)
}

type Connections = Vec<tokio::task::JoinHandle<io::Result<()>>>;

fn spawn(target: Target, work: &Rc<RefCell<Work>>, tally: &Rc<Tally>) -> Connections {
    let connection = |_| {
        let (work, tally) = (Rc::clone(work), Rc::clone(tally));
        tokio::task::spawn_local(converse(target.address, work, tally))
    };
    (0..target.connections).map(connection).collect()
}

async fn converse(address: SocketAddr, work: Rc<RefCell<Work>>, tally: Rc<Tally>) -> io::Result<()> {
    let mut stream = connect(address).await?;
    let (mut request, mut answer) = (Vec::new(), Answer::default());
    while !tally.ends.get() {
        work.borrow_mut().next(&mut request);
        stream.write_all(&request).await?;
        answer.read(&mut stream).await?;
        tally.note(answer.is_ok() && work.borrow().is_right(answer.body()), &answer);
    }
    Ok(())
}

pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One answer at a time, read whole into a buffer that is used again.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    buffer: Vec<u8>,
    head: usize,
    end: usize,
}

/// What a buffer has room for at first: most answers.
const ANSWER_BYTES: usize = 4 * 1024;

impl Answer {
    pub(crate) async fn read(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let (mut filled, mut whole) = (0, None);
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize((filled * 2).max(ANSWER_BYTES), 0);
            }
            let read = stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            whole = whole.or_else(|| measure(&self.buffer[..filled]));
            if let Some((head, end)) = whole
                && filled >= end
            {
                (self.head, self.end) = (head, end);
                return Ok(());
            }
        }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.buffer.starts_with(b"HTTP/1.1 200 ")
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.buffer[self.head..self.end]
    }

    /// For a person, cut short.
    fn text(&self) -> String {
        let whole = String::from_utf8_lossy(&self.buffer[..self.end]);
        whole.chars().take(500).collect()
    }
}

/// Where the head ends and where the body does, once the head is there.
pub(crate) fn measure(bytes: &[u8]) -> Option<(usize, usize)> {
    const LENGTH: &[u8] = b"content-length:";
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let line = bytes[..head]
        .split(|byte| *byte == b'\n')
        .find(|line| line.get(..LENGTH.len()).is_some_and(|name| name.eq_ignore_ascii_case(LENGTH)));
    let digits = line.and_then(|line| std::str::from_utf8(&line[LENGTH.len()..]).ok());
    let length = digits.and_then(|digits| digits.trim().parse::<usize>().ok()).unwrap_or(0);
    Some((head, head + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_announced_length_is_there() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"order\":17}";
        assert_eq!(measure(&text[..30]), None);
        assert_eq!(measure(text), Some((text.len() - 12, text.len())));
    }
}
