//! A panel one can talk to: one method per action, each with its own answer type.
//!
//! In: ids as the panel gave them out, an order's fields by their wire names. Out: what the panel said,
//! read with all of `wire`'s tolerance, or a [`CallError`]. It never repeats a writing call whose fate is
//! open, never takes a row for an id that was not asked, and holds no state but its connections. Shapes
//! and fallbacks: `api-v2.md` §3-§8 and §10 (4, 6), the CLIENT columns.

use std::collections::HashSet;
use std::time::Duration;

use form_urlencoded::Serializer;
use panelworks_wire::ErrorClass;
use panelworks_wire::ask::{ClientAdd, ClientCall};
use panelworks_wire::error::classify;
use panelworks_wire::lenient::{
    self, AddAnswer, BalanceAnswer, BatchAnswer, CancelRowAnswer, CancelStatusRowAnswer, RefillAnswer,
    RefillRowAnswer, RefillStatusRowAnswer, RowAnswer, SeenService, ServicesAnswer, StatusAnswer, Unreadable,
    UnreadableService,
};

use crate::call_error::{Asking, CallError, is_trusted};
use crate::endpoint::Endpoint;
use crate::exchange::{Exchanged, Failure};
use crate::limits;
use crate::transport::Transport;

/// A provider's API v2 as one account sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Panel {
    endpoint: Endpoint,
    transport: Transport,
}

/// A panel's catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// In the panel's order.
    pub services: Vec<SeenService>,
    /// Rows that are no services, with the reason.
    pub unreadable: Vec<UnreadableService>,
}

/// The account's money at a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// Micro-units of the currency; may be negative.
    pub micros: i128,
    /// A code or a symbol, as said; `None` when not said.
    pub currency: Option<String>,
}

/// What was said about ids that were asked, in the order asked. An id that isn't here was not answered:
/// nothing is known about it.
pub type Rows<T> = Vec<(String, T)>;

impl Panel {
    /// A panel at an endpoint, over connections that other panels may share.
    pub fn new(endpoint: Endpoint, transport: Transport) -> Panel {
        Panel { endpoint, transport }
    }

    /// The whole catalogue, with prices in the account's currency.
    pub async fn services(&self) -> Result<Catalogue, CallError> {
        let answer = self.ask(&ClientCall::Services).await?;
        let body = answer.body.clone();
        // Megabytes of JSON: not on a thread that serves connections.
        match tokio::task::spawn_blocking(move || lenient::services(&body)).await {
            Ok(ServicesAnswer::List { rows, unreadable }) => Ok(Catalogue { services: rows, unreadable }),
            Ok(ServicesAnswer::Refused { text }) => Err(CallError::refused(text, &answer, Asking::Reads)),
            Ok(ServicesAnswer::Unreadable { why }) => Err(CallError::unreadable(why, &answer)),
            Err(_stopped) => Err(CallError::unclear(&answer, "the catalogue's reader was stopped")),
        }
    }

    /// What is left of the account's money.
    pub async fn balance(&self) -> Result<Balance, CallError> {
        let answer = self.ask(&ClientCall::Balance).await?;
        match lenient::balance(&answer.body) {
            BalanceAnswer::Is { micros, currency } => Ok(Balance { micros, currency }),
            BalanceAnswer::Refused { text } => Err(CallError::refused(text, &answer, Asking::Reads)),
            BalanceAnswer::Unreadable { why } => Err(CallError::unreadable(why, &answer)),
        }
    }

    /// Places an order; the panel's id of it. Spends money: after [`CallError::Unclear`] the order may exist,
    /// and calling again may place a second one.
    pub async fn add(&self, add: ClientAdd) -> Result<String, CallError> {
        let answer = self.ask(&ClientCall::Add(add)).await?;
        match lenient::add(&answer.body) {
            AddAnswer::Accepted { order } if is_trusted(answer.status) => Ok(order),
            AddAnswer::Accepted { order } => {
                Err(CallError::unclear(&answer, &format!("the answer names order {order}")))
            }
            AddAnswer::Refused { text } => Err(CallError::refused(text, &answer, Asking::Writes)),
            AddAnswer::Both { order, text } => {
                Err(CallError::unclear(&answer, &format!("the answer names order {order} and says {text:?}")))
            }
            AddAnswer::Unreadable { why } => Err(CallError::unreadable(why, &answer)),
        }
    }

    /// The states of any number of orders, a hundred per call. One failed call fails the whole; nothing
    /// was changed, ask again. A panel that knows no lists is asked for each order by itself.
    pub async fn status(&self, orders: &[String]) -> Result<Rows<RowAnswer>, CallError> {
        let mut rows = Vec::with_capacity(orders.len());
        for asked in distinct(orders).chunks(limits::IDS) {
            let (answer, said) = self.status_call(asked).await?;
            if asked.len() > 1 && wants_single_ids(&said) {
                for order in asked.chunks(1) {
                    let (answer, said) = self.status_call(order).await?;
                    rows.extend(rows_of(said, &answer, Asking::Reads)?);
                }
            } else {
                rows.extend(rows_of(said, &answer, Asking::Reads)?);
            }
        }
        Ok(rows)
    }

    /// Asks for refills of at most [`limits::IDS`] orders. A panel that knows only the list form is asked
    /// again in that form.
    pub async fn refill(&self, orders: &[String]) -> Result<Rows<RefillRowAnswer>, CallError> {
        let Some(asked) = one_call(orders)? else { return Ok(Vec::new()) };
        let answer = self.ask(&ClientCall::Refill(asked.clone())).await?;
        let said = lenient::refill(&answer.body, &asked);
        if asked.len() > 1 || !wants_list_form(&said) {
            return rows_of(said, &answer, Asking::Writes);
        }
        let list_form = [("action".to_owned(), "refill".to_owned()), ("orders".to_owned(), asked[0].clone())];
        let answer = self.call(&list_form).await?;
        rows_of(lenient::refill(&answer.body, &asked), &answer, Asking::Writes)
    }

    /// The states of any number of refills, by refill id; as [`Panel::status`].
    pub async fn refill_status(&self, refills: &[String]) -> Result<Rows<RefillStatusRowAnswer>, CallError> {
        let mut rows = Vec::with_capacity(refills.len());
        for asked in distinct(refills).chunks(limits::IDS) {
            let answer = self.ask(&ClientCall::RefillStatus(asked.to_vec())).await?;
            rows.extend(rows_of(lenient::refill_status(&answer.body, asked), &answer, Asking::Reads)?);
        }
        Ok(rows)
    }

    /// Asks to cancel at most [`limits::IDS`] orders. `Taken` means the request was taken, not that the
    /// order is cancelled: only its status tells.
    pub async fn cancel(&self, orders: &[String]) -> Result<Rows<CancelRowAnswer>, CallError> {
        let Some(asked) = one_call(orders)? else { return Ok(Vec::new()) };
        let answer = self.ask(&ClientCall::Cancel(asked.clone())).await?;
        rows_of(lenient::cancel(&answer.body, &asked), &answer, Asking::Writes)
    }

    /// The states of any number of cancel requests, by the ids that `cancel` gave; as [`Panel::status`].
    pub async fn cancel_status(&self, cancels: &[String]) -> Result<Rows<CancelStatusRowAnswer>, CallError> {
        let mut rows = Vec::with_capacity(cancels.len());
        for asked in distinct(cancels).chunks(limits::IDS) {
            let answer = self.ask(&ClientCall::CancelStatus(asked.to_vec())).await?;
            rows.extend(rows_of(lenient::cancel_status(&answer.body, asked), &answer, Asking::Reads)?);
        }
        Ok(rows)
    }

    /// Any call with any parameters, `action` among them; the key is added. The answer is not read.
    pub async fn call(&self, parameters: &[(String, String)]) -> Result<Exchanged, Failure> {
        let action = parameters.iter().rfind(|(name, _)| name == "action").map_or("", |(_, value)| value);
        let form = Serializer::new(String::new())
            .append_pair("key", self.endpoint.key().expose())
            .extend_pairs(parameters)
            .finish();
        self.exchange(action, form, &[]).await
    }

    async fn ask(&self, call: &ClientCall) -> Result<Exchanged, CallError> {
        let header = call.idempotency_key().map(|key| ("Idempotency-Key", key));
        let form = call.to_form(self.endpoint.key().expose());
        Ok(self.exchange(call.action(), form, header.as_slice()).await?)
    }

    async fn exchange(
        &self,
        action: &str,
        form: String,
        headers: &[(&str, &str)],
    ) -> Result<Exchanged, Failure> {
        let (deadline, cap) = bounds(action);
        self.transport.exchange(&self.endpoint, form, headers, deadline, cap).await
    }

    async fn status_call(&self, asked: &[String]) -> Result<(Exchanged, StatusAnswer), CallError> {
        let answer = self.ask(&ClientCall::Status(asked.to_vec())).await?;
        let said = lenient::status(&answer.body, asked);
        Ok((answer, said))
    }
}

/// The deadline and the body's cap of an action; an unknown one may be a writing one.
fn bounds(action: &str) -> (Duration, usize) {
    match action {
        "services" => (limits::CATALOGUE_DEADLINE, limits::CATALOGUE_BYTES),
        "balance" | "status" | "refill_status" | "cancel_status" => {
            (limits::READ_DEADLINE, limits::ANSWER_BYTES)
        }
        _ => (limits::WRITE_DEADLINE, limits::ANSWER_BYTES),
    }
}

/// Each id once, in the order given.
fn distinct(ids: &[String]) -> Vec<String> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.iter().filter(|id| seen.insert(id.as_str())).cloned().collect()
}

/// The ids of one writing call; `None` when there is nothing to ask. Writing calls are not split: of a call
/// that fails in its middle one could not say what was done.
fn one_call(ids: &[String]) -> Result<Option<Vec<String>>, CallError> {
    let ids = distinct(ids);
    if ids.len() > limits::IDS {
        return Err(CallError::NotSent { why: format!("more than {} ids in one call", limits::IDS) });
    }
    Ok((!ids.is_empty()).then_some(ids))
}

fn rows_of<T>(said: BatchAnswer<T>, answer: &Exchanged, asking: Asking) -> Result<Rows<T>, CallError> {
    match said {
        BatchAnswer::Rows(rows) => Ok(rows),
        BatchAnswer::Whole { error } => Err(CallError::refused(error, answer, asking)),
        BatchAnswer::Unreadable { why } => Err(CallError::unreadable(why, answer)),
    }
}

/// `api-v2.md` §10, 4: a panel that does not understand `orders` is asked with `order`.
fn wants_single_ids(said: &StatusAnswer) -> bool {
    match said {
        BatchAnswer::Rows(_) => false,
        BatchAnswer::Whole { error } => is_about_the_question(error),
        BatchAnswer::Unreadable { why } => *why == Unreadable::Shape,
    }
}

/// `api-v2.md` §10, 6: a panel that does not understand `order` is asked with `orders`. The refusal is
/// definite, so nothing can happen twice.
fn wants_list_form(said: &RefillAnswer) -> bool {
    let misunderstood = |text: &str| {
        classify(text) == ErrorClass::Gone || text.trim().eq_ignore_ascii_case("Incorrect request")
    };
    match said {
        BatchAnswer::Rows(rows) => rows.iter().any(|(_, row)| match row {
            RefillRowAnswer::Refused { text } => misunderstood(text),
            RefillRowAnswer::Taken { .. } => false,
        }),
        BatchAnswer::Whole { error } => misunderstood(error),
        BatchAnswer::Unreadable { .. } => false,
    }
}

/// Whether asking in another form may help: not when the panel is busy or keeps us out.
fn is_about_the_question(error: &str) -> bool {
    match classify(error) {
        ErrorClass::Service | ErrorClass::Input { .. } | ErrorClass::Gone | ErrorClass::Unrecognised => true,
        ErrorClass::Funds
        | ErrorClass::Auth
        | ErrorClass::Duplicate
        | ErrorClass::Limit
        | ErrorClass::Temporary { .. } => false,
    }
}
