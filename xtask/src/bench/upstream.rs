//! A provider that knows every order and remembers when it was asked: what panels under measurement are upstream of.
//!
//! In: API v2 over HTTP, `add` and `status` only, from a panel of our own, so nothing but its forms is understood. Out:
//! an answer after the set time, and a record of who came when. One thread serves all ports; it shares the cores with
//! the panel like any other load, and does as little as it can. An order that was forwarded has the number of its link,
//! one that was there before the number that `bench_books` gave it: [`FIRST_ORDER`] and on.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::load::alone;

/// What `bench_books` adds to an order's id for its number at a provider.
pub(crate) const FIRST_ORDER: u64 = 40_000_000;
/// A request's head and body: status questions of 100 ids fit.
const REQUEST_BYTES: usize = 16 * 1024;

/// What has come in.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Of each add the number of its link, in the order in which they came.
    pub(crate) adds: Vec<(u64, Instant)>,
    /// Status questions, whatever they asked.
    pub(crate) questions: u64,
    /// Of each order that was there before, by its number: when it was last asked for, and its longest wait since
    /// [`Upstream::watch`].
    asked: Vec<Option<Watched>>,
    watched_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Watched {
    last: Instant,
    longest: Duration,
}

impl Seen {
    fn ask(&mut self, number: u64, now: Instant) {
        let Some(place) = number.checked_sub(FIRST_ORDER).and_then(|place| usize::try_from(place).ok())
        else {
            return;
        };
        if place >= self.asked.len() {
            return;
        }
        let longest = match (self.asked[place], self.watched_since) {
            (Some(Watched { last, longest }), Some(since)) => longest.max(now - last.max(since)),
            _not_watched_yet => Duration::ZERO,
        };
        self.asked[place] = Some(Watched { last: now, longest });
    }
}

/// A running provider on one or several ports; ends with this value.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) addresses: Vec<SocketAddr>,
    seen: Arc<Mutex<Seen>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Upstream {
    /// As many providers as there are to be ports; each add is answered after so long. Orders 1 to `orders` are there.
    pub(crate) fn start(ports: usize, answers_after: Duration, orders: u32) -> Result<Self> {
        let seen = Seen { asked: vec![None; orders as usize + 1], ..Seen::default() };
        let seen = Arc::new(Mutex::new(seen));
        let listeners = (0..ports)
            .map(|_| {
                let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
                listener.set_nonblocking(true)?;
                Ok(listener)
            })
            .collect::<io::Result<Vec<_>>>()
            .context("no port for a provider")?;
        let addresses = listeners.iter().map(std::net::TcpListener::local_addr).collect::<io::Result<_>>()?;
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn({
            let seen = Arc::clone(&seen);
            move || {
                alone(async {
                    for listener in listeners {
                        let (listener, seen) = (TcpListener::from_std(listener)?, Arc::clone(&seen));
                        tokio::task::spawn_local(accept(listener, Rc::new((seen, answers_after))));
                    }
                    // Whatever ends the wait ends the provider.
                    let _ = ended.await;
                    Ok(())
                })
            }
        });
        Ok(Self { addresses, seen, end: Some(end), thread: Some(thread) })
    }

    /// From here on the longest wait of each order counts.
    pub(crate) fn watch(&self) {
        let mut seen = self.seen();
        seen.watched_since = Some(Instant::now());
        for watched in seen.asked.iter_mut().flatten() {
            watched.longest = Duration::ZERO;
        }
    }

    /// The longest time that order 1, 2, … was not asked for since [`Self::watch`].
    pub(crate) fn longest_waits(&self) -> Vec<Duration> {
        let (seen, now) = (self.seen(), Instant::now());
        let since = seen.watched_since.unwrap_or(now);
        let wait = |watched: &Option<Watched>| match watched {
            Some(Watched { last, longest }) => (*longest).max(now - (*last).max(since)),
            None => now - since,
        };
        seen.asked.iter().skip(1).map(wait).collect()
    }

    /// Orders that were there before and have been asked for.
    pub(crate) fn known(&self) -> usize {
        self.seen().asked.iter().flatten().count()
    }

    pub(crate) fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A provider that panicked has broken the measurement, which says so itself.
            let _ = thread.join();
        }
    }
}

type Served = Rc<(Arc<Mutex<Seen>>, Duration)>;

async fn accept(listener: TcpListener, served: Served) {
    while let Ok((stream, _)) = listener.accept().await {
        let served = Rc::clone(&served);
        tokio::task::spawn_local(async move {
            // A panel that goes away has no more questions.
            let _ = converse(stream, &served).await;
        });
    }
}

async fn converse(mut stream: TcpStream, served: &Served) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut filled) = (vec![0; REQUEST_BYTES], 0);
    loop {
        let (head, end) = loop {
            if let Some((head, end)) = super::load::measure(&buffer[..filled])
                && end <= filled
            {
                break (head, end);
            }
            let read = stream.read(&mut buffer[filled..]).await?;
            if read == 0 {
                return Ok(());
            }
            filled += read;
        };
        let body = answer(&String::from_utf8_lossy(&buffer[head..end]), served).await;
        buffer.copy_within(end..filled, 0);
        filled -= end;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    }
}

/// The form's fields are looked for by name; nothing else is known here.
async fn answer(form: &str, served: &Served) -> String {
    let (seen, after) = (&served.0, served.1);
    let lock = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    let field = |name: &str| form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    match field("action") {
        Some("add") => {
            let number = link_number(field("link").unwrap_or_default());
            lock().adds.push((number, Instant::now()));
            tokio::time::sleep(after).await;
            format!(r#"{{"order":{number}}}"#)
        }
        Some("status") => {
            let asked = field("orders").or_else(|| field("order")).unwrap_or_default().replace("%2C", ",");
            let numbers: Vec<u64> = asked.split(',').filter_map(|number| number.parse().ok()).collect();
            let (mut seen, now) = (lock(), Instant::now());
            seen.questions += 1;
            for number in &numbers {
                seen.ask(*number, now);
            }
            statuses(&numbers, field("orders").is_some())
        }
        _unknown => r#"{"error":"Incorrect request"}"#.to_owned(),
    }
}

/// The digits that `bench_books` and the generator of the load put in their links.
fn link_number(link: &str) -> u64 {
    let digits = |part: &&str| part.len() >= 12 && part.bytes().all(|byte| byte.is_ascii_digit());
    link.split("%2F").find(digits).and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

const STATUS: &str =
    r#"{"charge":"0.05","start_count":"12345","status":"In progress","remains":"60","currency":"USD"}"#;

fn statuses(numbers: &[u64], is_list: bool) -> String {
    if !is_list {
        return STATUS.to_owned();
    }
    let mut body = String::with_capacity(numbers.len() * (STATUS.len() + 16) + 2);
    for (place, number) in numbers.iter().enumerate() {
        // Writing to a text does not fail.
        let _ = write!(body, "{}\"{number}\":{STATUS}", if place == 0 { '{' } else { ',' });
    }
    body.push('}');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_told_by_the_number_in_its_link() {
        assert_eq!(link_number("https%3A%2F%2Fwww.example.com%2Fl%2F001763730000%2F"), 1_763_730_000);
    }

    #[test]
    fn a_wait_counts_from_the_last_question_and_not_from_before_the_watch() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut seen = Seen { asked: vec![None; 2], ..Seen::default() };
        seen.ask(FIRST_ORDER + 1, at(0));
        seen.watched_since = Some(at(10));
        seen.ask(FIRST_ORDER + 1, at(15));
        seen.ask(FIRST_ORDER + 1, at(18));
        assert_eq!(seen.asked[1].map(|watched| watched.longest), Some(Duration::from_secs(5)));
    }
}
