//! Load in an open loop: requests are due at fixed times, whether earlier ones were answered or not.
//!
//! A wait counts from the time a request was due, not from when it could be sent: a server that stands still for a
//! moment pays for everything that should have happened meanwhile. A thread of its own wakes for the times, at about
//! a tenth of a millisecond, the same for every server.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Mutex, mpsc};

use super::load::{Answer, Tally, alone, connect};
use super::request::Work;

/// What a load at a fixed rate has shown.
#[derive(Debug, Clone)]
pub(crate) struct Waited {
    pub(crate) acknowledged: u64,
    /// In microseconds, in order.
    waits: Vec<u32>,
}

impl Waited {
    /// The wait that `part` of a thousand requests were answered within, in microseconds.
    pub(crate) fn within(&self, part: usize) -> f64 {
        let place = (self.waits.len() * part / 1_000).min(self.waits.len().saturating_sub(1));
        f64::from(self.waits.get(place).copied().unwrap_or(0))
    }
}

/// Sends `rate` requests per second over at most so many connections.
pub(crate) fn open(
    address: SocketAddr,
    connections: usize,
    rate: f64,
    time: Duration,
    work: &Work,
) -> Result<Waited> {
    let (sender, times) = mpsc::unbounded_channel();
    let waits = Rc::new(RefCell::new(Vec::new()));
    let tally = Rc::new(Tally::default());
    alone(async {
        let times = Rc::new(Mutex::new(times));
        let work = Rc::new(RefCell::new(work.fresh()));
        let mut streams = Vec::new();
        for _ in 0..connections {
            streams.push(connect(address).await?);
        }
        let ticking = std::thread::spawn(move || tick(&sender, rate, time));
        let mut tasks = Vec::new();
        for mut stream in streams {
            let (times, work) = (Rc::clone(&times), Rc::clone(&work));
            let (waits, tally) = (Rc::clone(&waits), Rc::clone(&tally));
            tasks.push(tokio::task::spawn_local(async move {
                let (mut request, mut answer) = (Vec::new(), Answer::default());
                while let Some(due) = next(&times).await {
                    work.borrow_mut().next(&mut request);
                    stream.write_all(&request).await?;
                    answer.read(&mut stream).await?;
                    let wait = u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX);
                    waits.borrow_mut().push(wait);
                    tally.note(answer.is_ok() && work.borrow().is_right(answer.body()), &answer);
                }
                io::Result::Ok(())
            }));
        }
        for task in tasks {
            task.await?.context("a connection broke")?;
        }
        if ticking.join().is_err() {
            bail!("void: the times were not kept");
        }
        tally.is_valid()
    })?;
    let mut waits = waits.take();
    waits.sort_unstable();
    Ok(Waited { acknowledged: tally.right.get(), waits })
}

async fn next(times: &Mutex<mpsc::UnboundedReceiver<Instant>>) -> Option<Instant> {
    times.lock().await.recv().await
}

/// Says each time when it has come.
fn tick(times: &mpsc::UnboundedSender<Instant>, rate: f64, time: Duration) {
    let began = Instant::now();
    let mut due = Duration::ZERO;
    let mut sent = 0_u32;
    while due < time {
        let early = due.saturating_sub(began.elapsed());
        if !early.is_zero() {
            std::thread::sleep(early);
        }
        if times.send(began + due).is_err() {
            return;
        }
        sent += 1;
        due = Duration::from_secs_f64(f64::from(sent) / rate);
    }
}
