//! Answers bent by faults: still JSON of the right kind of call, but with fields that lie, wander or are
//! missing.
//!
//! In: an answer in our own form. Out: the bent tree of values, or nothing where no fault touches it, so that
//! an honest answer keeps its exact bytes. What was done is never changed here. Each form stands in
//! `api-v2.md` §3-§8 as seen in the wild, or in `invariants.md` §9.

use panelworks_wire::{ErrorText, Response, decimal};
use serde_json::{Map, Number, Value, json};

use super::{Answer, Provider};
use crate::draw::Draw;
use crate::fault::{AddFault, BatchFault, Fault, RefillFault, RowFault};

/// Added to the ids of the fault `id-huge`: an id that no signed 64-bit number holds.
pub(super) const HUGE: u64 = 1 << 63;

/// Spellings of each status word that are known to mean the same (`api-v2.md` §5), and one that no table
/// knows.
const SPELLINGS: [(&str, &[&str]); 8] = [
    ("Pending", &["pending", "PENDING", "Awaiting", "Queued"]),
    ("Processing", &["processing", "process", "Sending"]),
    ("In progress", &["In Progress", "inprogress", "in_progress", "In-Progress", "in progress", "En curso"]),
    ("Completed", &["completed", "Complete", "Done"]),
    ("Partial", &["partial", "PARTIAL", "Partially completed"]),
    ("Canceled", &["Cancelled", "canceled", "Refunded"]),
    ("Rejected", &["rejected", "REJECTED"]),
    ("Active", &["active", "Awaiting"]),
];

impl Provider {
    /// The answer as the struck faults bend it; `None` where none of them concerns it.
    pub(super) fn distort(&self, answer: &Answer, struck: &[Fault], draw: &mut Draw) -> Option<Value> {
        if struck.is_empty() {
            return None;
        }
        let honest: Value = serde_json::from_slice(&answer.response.encode()).ok()?;
        let mut bent = honest.clone();
        for fault in struck {
            self.bend(answer, *fault, &mut bent, draw);
        }
        (bent != honest).then_some(bent)
    }

    fn bend(&self, answer: &Answer, fault: Fault, value: &mut Value, draw: &mut Draw) {
        match fault {
            Fault::Add(fault) => {
                if let Response::Order(id) = answer.response {
                    bend_add(id, answer.previous, fault, value);
                }
            }
            Fault::Row(fault) => {
                for (id, row) in order_rows(answer, value) {
                    self.bend_row(row, id, fault, draw);
                }
            }
            Fault::Batch(fault) => {
                if matches!(answer.response, Response::StatusMany(_)) {
                    self.bend_map(fault, value, draw);
                }
            }
            Fault::OddWords => misspell_all(value, draw),
            Fault::Refill(fault) => match value {
                Value::Array(rows) => rows.iter_mut().for_each(|row| bend_refill(fault, row)),
                row => bend_refill(fault, row),
            },
            Fault::ErrorAsObject => {
                if let Response::Error(text) = &answer.response {
                    *value = json!({"error": {"code": 1, "message": text.to_string()}});
                }
            }
            Fault::Accepted(_)
            | Fault::Refused(_)
            | Fault::ConnectionRefused
            | Fault::TooManyRequests { .. }
            | Fault::RefusedWith(_)
            | Fault::CancelIdle => {}
        }
    }

    fn bend_map(&self, fault: BatchFault, value: &mut Value, draw: &mut Draw) {
        let Value::Object(map) = value else { return };
        match fault {
            BatchFault::IdsMissing => {
                let kept = draw.between(0, map.len().saturating_sub(1) as u64);
                let mut place = 0;
                map.retain(|_, _| {
                    place += 1;
                    place <= kept
                });
            }
            BatchFault::IdsExtra => {
                let stranger = self.books.next_order() + draw.between(1_000_000, 2_000_000);
                map.insert(stranger.to_string(), self.made_up_row());
            }
            BatchFault::IdsForeign => {
                let orders = self.books.orders();
                let place = draw.between(0, orders.len().saturating_sub(1) as u64);
                let order = usize::try_from(place).ok().and_then(|place| orders.get(place));
                if let Some(order) = order.filter(|order| !map.contains_key(&order.id.to_string())) {
                    let row = Response::Status(self.status_row(&self.books.view(order))).encode();
                    map.insert(order.id.to_string(), serde_json::from_slice(&row).unwrap_or(Value::Null));
                }
            }
            BatchFault::OneError => *value = json!({"error": ErrorText::TemporarilyUnavailable.to_string()}),
            BatchFault::List => {
                *value = Value::Array(std::mem::take(map).into_iter().map(|(_, row)| row).collect());
            }
        }
    }

    fn made_up_row(&self) -> Value {
        let currency = &self.settings.currency;
        json!({"charge":"9.99","start_count":"1","status":"Canceled","remains":"1000","currency":currency})
    }

    fn bend_row(&self, row: &mut Map<String, Value>, id: Option<u64>, fault: RowFault, draw: &mut Draw) {
        let quantity = id.and_then(|id| self.books.find(id)).map_or(1_000, |order| order.quantity);
        let mut say = |remains: Value| drop(row.insert("remains".to_owned(), remains));
        match fault {
            RowFault::RemainsMissing => drop(row.shift_remove("remains")),
            RowFault::RemainsNull => say(Value::Null),
            RowFault::RemainsEmpty => say("".into()),
            RowFault::RemainsNegative => say(format!("-{}", draw.between(1, 50)).into()),
            RowFault::RemainsAboveQuantity => say((quantity + draw.between(1, 1_000)).to_string().into()),
            RowFault::RemainsDecimal => say(format!("{}.5", draw.between(0, quantity)).into()),
            RowFault::ChargeComma => bend_charge(row, |charge| charge.replace('.', ",")),
            RowFault::ChargeNegative => bend_charge(row, |charge| format!("-{charge}")),
            RowFault::ChargeTenfold => bend_charge(row, |charge| times(charge, 10)),
            RowFault::OtherCurrency => {
                bend_charge(row, |charge| times(charge, 83));
                row.insert("currency".to_owned(), "INR".into());
            }
            RowFault::StatusBackwards => go_back(row, quantity, draw),
            RowFault::PartialWanders => {
                if row.get("status") == Some(&"Partial".into()) {
                    row.insert("remains".to_owned(), draw.between(0, quantity).to_string().into());
                }
            }
        }
    }
}

/// The rows of orders in an answer to `status`, with their ids; rows that are errors are none.
fn order_rows<'a>(answer: &Answer, value: &'a mut Value) -> Vec<(Option<u64>, &'a mut Map<String, Value>)> {
    let Value::Object(map) = value else { return Vec::new() };
    if matches!(answer.response, Response::Status(_)) {
        return vec![(answer.subject, map)];
    }
    if !matches!(answer.response, Response::StatusMany(_)) {
        return Vec::new();
    }
    let rows = map.iter_mut().filter_map(|(id, row)| Some((id.parse().ok(), row.as_object_mut()?)));
    rows.filter(|(_, row)| row.contains_key("charge")).collect()
}

fn bend_add(id: u64, previous: Option<u64>, fault: AddFault, value: &mut Value) {
    match fault {
        AddFault::RepeatedId => value["order"] = previous.unwrap_or(id).into(),
        AddFault::IdAsString => value["order"] = id.to_string().into(),
        AddFault::IdAsFloat => {
            // An id that a float can't hold exactly would become another order's: it is left as it is.
            let exact = u32::try_from(id).ok().and_then(|id| Number::from_f64(id.into()));
            value["order"] = exact.unwrap_or_else(|| id.into()).into();
        }
        AddFault::IdHuge => value["order"] = (HUGE + id).into(),
        AddFault::ErrorBeside => value["error"] = ErrorText::SomethingWentWrong.to_string().into(),
        // These decide what is done, not what is said of it.
        AddFault::NotEnoughFunds | AddFault::DuplicateLink | AddFault::InternalErrorAfter => {}
    }
}

/// Bends the id of a refill that was taken; errors stay.
fn bend_refill(fault: RefillFault, row: &mut Value) {
    let Some(refill) = row.get_mut("refill") else { return };
    let id = refill.as_u64().or_else(|| refill.as_str()?.parse().ok());
    let Some(id) = id else { return };
    match fault {
        RefillFault::Number => *refill = id.into(),
        RefillFault::Text => *refill = id.to_string().into(),
        RefillFault::True => *refill = true.into(),
        RefillFault::Denied => {}
    }
}

/// Every status word of the answer, however deep it lies.
fn misspell_all(value: &mut Value, draw: &mut Draw) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| misspell_all(item, draw)),
        Value::Object(map) => {
            for (name, item) in map.iter_mut() {
                if let (Value::String(word), "status") = (&mut *item, name.as_str()) {
                    misspell(word, draw);
                } else {
                    misspell_all(item, draw);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn misspell(word: &mut String, draw: &mut Draw) {
    if let Some((_, spellings)) = SPELLINGS.iter().find(|(exact, _)| exact == word) {
        let place = usize::try_from(draw.between(0, spellings.len() as u64 - 1)).unwrap_or(0);
        spellings[place].clone_into(word);
    }
}

/// A state left before, with remains to match, as if the provider had read an old copy of its own books.
fn go_back(row: &mut Map<String, Value>, quantity: u64, draw: &mut Draw) {
    let earlier: &[&str] = match row.get("status").and_then(Value::as_str) {
        Some("Completed" | "Partial" | "Canceled") => &["Pending", "Processing", "In progress"],
        Some("In progress") => &["Pending", "Processing"],
        Some("Processing") => &["Pending"],
        _ => return,
    };
    let place = usize::try_from(draw.between(0, earlier.len() as u64 - 1)).unwrap_or(0);
    row.insert("status".to_owned(), earlier[place].into());
    row.insert("remains".to_owned(), draw.between(1, quantity.max(1)).to_string().into());
}

fn bend_charge(row: &mut Map<String, Value>, bend: impl FnOnce(&str) -> String) {
    if let Some(Value::String(charge)) = row.get_mut("charge") {
        *charge = bend(charge);
    }
}

fn times(charge: &str, factor: i128) -> String {
    decimal::parse(charge)
        .map_or_else(|| charge.to_owned(), |micros| decimal::format(micros.saturating_mul(factor)))
}
