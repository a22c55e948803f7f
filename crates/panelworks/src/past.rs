//! The demo's past: thirty days lived through before the panel opens, by the same core, engine and provider.
//!
//! In: books that hold a catalogue, two customers and a provider; the provider's own books; now. Out: the same
//! books thirty days richer: orders of every end, refills, cancels, deposits, price changes. A simulated clock
//! runs through it in seconds. Nothing is left open, so that from the opening on only the customers' own calls
//! move their balances. Never: a row written past the rules, a real request.

mod days;

use std::time::Duration;

use panelworks_client::{Exchanged, Failure, Phase};
use panelworks_core::catalogue::Service;
use panelworks_core::ids::{CustomerId, NodeId, ProviderAccountId};
use panelworks_core::provider::ProviderAccount;
use panelworks_core::time::{Span, Timestamp};
use panelworks_engine::drive::simulated::{Net, Simulated};
use panelworks_engine::{Calls, Pace};
use panelworks_provider_sim::{KeptProvider, Reaction};
use panelworks_store::ports::{Books, Queue, Share};
use panelworks_wire::request::Incoming;

/// How long the past is.
pub const DAYS: i64 = 30;
/// Days at the end in which nothing new is ordered, so that everything has ended by the opening.
const QUIET_DAYS: i64 = 2;

/// What the past begins with.
#[derive(Debug)]
pub struct Beginning {
    pub providers: Vec<ProviderAccount>,
    pub services: Vec<Service>,
    /// The first one's orders are many, and of services with refill.
    pub customers: [CustomerId; 2],
    /// The key of our account at the provider.
    pub provider_key: String,
    pub opening: Timestamp,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lived {
    pub orders: u64,
    pub commands: u64,
}

/// The past could not be lived through.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    #[error("the books refused on day {day}: {why}")]
    Refused { day: i64, why: String },
    #[error("{0} orders of the past are still open at the opening")]
    StillOpen(usize),
}

/// The instant the past begins, for a panel that opens at `opening`.
pub const fn beginning(opening: Timestamp) -> Timestamp {
    Timestamp(opening.0 - Span::days(DAYS).0)
}

/// Lives through the days until `opening`. `progress` hears of each day that is over.
pub fn live_through<B: Books + Queue>(
    books: B,
    node: NodeId,
    epoch: u32,
    begin: &Beginning,
    provider: &mut KeptProvider,
    mut progress: impl FnMut(i64),
) -> Result<(B, Lived), PastError> {
    let start = beginning(begin.opening);
    // Real panels ask every few minutes; a simulated month needs no more.
    let pace =
        Pace { poll_first: Span::minutes(20), chore_poll: Span::hours(1), token_prefix: "past-".to_owned() };
    let mut panel =
        Simulated::new(books, node, epoch, start, pace, panelworks_core::planted::Planted::default());
    panel
        .know(begin.providers.clone(), begin.services.iter().map(|service| (service.id, service.hold_limit)));
    let mut net = Upstream { provider, key: &begin.provider_key };
    let mut days = days::Days::new(begin);
    for day in 0..DAYS {
        let morning = start.after(Span::days(day));
        for planned in days.plan(day, morning, day < DAYS - QUIET_DAYS) {
            panel.run_until(planned.at, &mut net);
            for reply in panel.submit(&[planned.command], &mut net) {
                days.hear(day, planned.asked, &reply)?;
            }
        }
        panel.run_until(morning.after(Span::days(1)), &mut net);
        progress(day + 1);
    }
    let open = panel
        .books()
        .open_files(&Share::Own, panelworks_core::ids::OrderId(0), 1_000)
        .map_err(|error| PastError::Refused { day: DAYS, why: error.to_string() })?;
    if !open.is_empty() {
        return Err(PastError::StillOpen(open.len()));
    }
    let lived = Lived { orders: days.placed(), commands: panel.counts().1 };
    Ok((panel.into_books(), lived))
}

/// The provider, called without a network: as fast as it thinks.
struct Upstream<'a> {
    provider: &'a mut KeptProvider,
    key: &'a str,
}

impl Net for Upstream<'_> {
    fn exchange(
        &mut self,
        now: Timestamp,
        _account: ProviderAccountId,
        form: &str,
        _kind: Calls,
    ) -> (Span, Result<Exchanged, Failure>) {
        // The driver knows no keys and puts a word in their place.
        let form = form.replacen("key=key", &format!("key={}", self.key), 1);
        let incoming = Incoming {
            query: None,
            content_type: Some("application/x-www-form-urlencoded"),
            authorization: None,
            x_api_key: None,
            idempotency_key: None,
            body: form.as_bytes(),
        };
        let sent = |why: &str| Err(Failure { phase: Phase::Sent, why: why.to_owned() });
        let answer = match self.provider.react(now.0, &incoming) {
            Ok(Reaction::Reply(reply)) => Ok(Exchanged {
                status: reply.status,
                retry_after: reply.retry_after_s.map(|s| Duration::from_secs(u64::from(s))),
                body: reply.body.into(),
            }),
            Ok(Reaction::Hang | Reaction::Closed | Reaction::Half(_)) => sent("the provider broke off"),
            Ok(Reaction::RefusedConnection) => {
                Err(Failure { phase: Phase::NotSent, why: "refused".to_owned() })
            }
            Err(error) => sent(&error.to_string()),
        };
        (Span(300), answer)
    }
}
