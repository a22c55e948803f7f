//! Requests made in advance, so that sending one costs the generator next to nothing.
//!
//! An `add` is one text of fixed length in which a few digits are written anew each time: whose key, which link,
//! which idempotency key. Requests of other actions are drawn from a pool. Customers and their keys are those of
//! `bench_books`.

use std::time::{SystemTime, UNIX_EPOCH};

const KEY_DIGITS: usize = 32;
const LINK_DIGITS: usize = 12;

/// What is sent over and over.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Adds(Adds),
    Pool(Pool),
}

impl Work {
    /// The same work with links that no load before it has sent.
    pub(crate) fn fresh(&self) -> Self {
        match self {
            Self::Adds(adds) => Self::Adds(Adds { number: microseconds(), ..adds.clone() }),
            Self::Pool(pool) => Self::Pool(pool.clone()),
        }
    }

    /// Writes the next request over what `out` held.
    pub(crate) fn next(&mut self, out: &mut Vec<u8>) {
        out.clear();
        match self {
            Self::Adds(adds) => out.extend_from_slice(adds.next()),
            Self::Pool(pool) => out.extend_from_slice(pool.next()),
        }
    }

    /// Whether an answer is what it should be.
    pub(crate) fn is_right(&self, body: &[u8]) -> bool {
        match self {
            Self::Adds(_) => {
                let id = body.strip_prefix(br#"{"order":"#).and_then(|rest| rest.strip_suffix(b"}"));
                id.is_some_and(|id| !id.is_empty() && id.iter().all(u8::is_ascii_digit))
            }
            Self::Pool(pool) => body.starts_with(&pool.answers_begin) && body.len() >= pool.answers_at_least,
        }
    }
}

/// Adds of many customers, each with a link of its own.
#[derive(Debug, Clone)]
pub(crate) struct Adds {
    text: Vec<u8>,
    key_at: usize,
    link_at: usize,
    mark_at: Option<usize>,
    number: u64,
    customers: u32,
}

impl Adds {
    /// `customers` take turns without order; with `marked` each request carries an idempotency key.
    pub(crate) fn of(customers: u32, marked: bool) -> Work {
        let key = "0".repeat(KEY_DIGITS);
        let link = "0".repeat(LINK_DIGITS);
        let body = format!(
            "key={key}&action=add&service=1&link=https%3A%2F%2Fwww.example.com%2Fl%2F{link}%2F&quantity=100"
        );
        let mark = if marked { format!("idempotency-key: {key}\r\n") } else { String::new() };
        let head = post(&mark, body.len());
        let at = |text: &str, name: &str| text.find(name).map_or(0, |at| at + name.len());
        let mark_at = marked.then(|| at(&head, "idempotency-key: "));
        let (key_at, link_at) = (head.len() + at(&body, "key="), head.len() + at(&body, "%2Fl%2F"));
        let number = microseconds();
        Work::Adds(Self {
            text: [head, body].concat().into_bytes(),
            key_at,
            link_at,
            mark_at,
            number,
            customers,
        })
    }

    fn next(&mut self) -> &[u8] {
        self.number += 1;
        let customer = (self.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % u64::from(self.customers);
        write_digits(&mut self.text[self.key_at..self.key_at + KEY_DIGITS], customer);
        write_digits(&mut self.text[self.link_at..self.link_at + LINK_DIGITS], self.number);
        if let Some(at) = self.mark_at {
            write_digits(&mut self.text[at..at + KEY_DIGITS], self.number);
        }
        &self.text
    }
}

/// Since 1970: links counted from here are new, because no generator sends a million of them in a second.
fn microseconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(0)
}

/// The number's last digits, with zeros in front.
fn write_digits(into: &mut [u8], mut number: u64) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Requests that may be sent again.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    requests: Vec<Vec<u8>>,
    next: usize,
    answers_begin: Vec<u8>,
    answers_at_least: usize,
}

/// Different questions of [`Pool::statuses`]: enough to touch most pages of the books.
const STATUSES: usize = 4_096;
/// Ids of one question.
const IDS: u32 = 100;
/// Bytes that an order's status takes at the least.
const STATUS_BYTES: usize = 60;

impl Pool {
    /// The one request, whose answer has at least so many bytes.
    pub(crate) fn of(request: Vec<u8>, answers_begin: &[u8], answers_at_least: usize) -> Work {
        let answers_begin = answers_begin.to_vec();
        Work::Pool(Self { requests: vec![request], next: 0, answers_begin, answers_at_least })
    }

    /// `status` of 100 orders of one customer, spread over the first `orders` of the books: at least 100 each.
    pub(crate) fn statuses(orders: u32, customers: u32) -> Work {
        let mut drawn = 1_u64;
        let mut below = |end: u32| {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(drawn >> 33).unwrap_or(0) % end.max(1)
        };
        let each = orders / customers;
        let mut question = || {
            let (customer, first) = (below(customers), below(each));
            let id = |n: u32| ((first + n * (each / IDS)) % each * customers + customer + 1).to_string();
            let ids = (0..IDS).map(id).collect::<Vec<_>>().join(",");
            call(&format!("key={customer:0KEY_DIGITS$}&action=status&orders={ids}"))
        };
        let requests = (0..STATUSES).map(|_| question()).collect();
        let answers_at_least = STATUS_BYTES * IDS as usize;
        Work::Pool(Self { requests, next: 0, answers_begin: br#"{""#.to_vec(), answers_at_least })
    }

    fn next(&mut self) -> &[u8] {
        self.next = (self.next + 1) % self.requests.len();
        &self.requests[self.next]
    }
}

/// A call of API v2 as a form.
pub(crate) fn call(form: &str) -> Vec<u8> {
    [post("", form.len()), form.to_owned()].concat().into_bytes()
}

/// A call of the first customer.
pub(crate) fn first_customer(form: &str) -> Vec<u8> {
    call(&format!("key={}&{form}", "0".repeat(KEY_DIGITS)))
}

fn post(header: &str, length: usize) -> String {
    format!(
        "POST /api/v2 HTTP/1.1\r\nhost: 127.0.0.1\r\n{header}content-type: application/x-www-form-urlencoded\r\n\
         content-length: {length}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(work: &mut Work) -> String {
        let mut out = Vec::new();
        work.next(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn no_two_adds_have_the_same_link_or_idempotency_key() {
        let mut work = Adds::of(10, true);
        let (one, two) = (next(&mut work), next(&mut work));
        let part = |text: &str, from: &str| text.split_once(from).expect(from).1[..LINK_DIGITS].to_owned();
        assert_ne!(part(&one, "%2Fl%2F"), part(&two, "%2Fl%2F"));
        let mark =
            |text: &str| text.split_once("idempotency-key: ").expect("a mark").1[..KEY_DIGITS].to_owned();
        assert_ne!(mark(&one), mark(&two));
        assert_eq!(one.len(), two.len());
    }

    #[test]
    fn the_length_that_is_announced_is_the_bodys() {
        let text = next(&mut Adds::of(10, false));
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
    }

    #[test]
    fn only_an_order_is_a_right_answer_to_an_add() {
        let work = Adds::of(1, false);
        assert!(work.is_right(br#"{"order":17}"#));
        assert!(!work.is_right(br#"{"error":"Not enough funds on balance"}"#));
        assert!(!work.is_right(br#"{"order":}"#));
    }
}
