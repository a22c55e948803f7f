//! An order as an operator sees it: where it stands, why it waits, every attempt and every amount.

use jiff::Timestamp as Instant;
use panelworks_core::order::attempt::{Attempt, AttemptState, Recall};
use panelworks_core::order::{Hold, HoldReason, OrderFile, OrderKind, Part};
use panelworks_core::provider::SeenRemains;
use panelworks_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::answer::Shown;
use super::table::{Align, Table};

/// See the module's head.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrderSheet {
    pub order: u32,
    pub customer: u32,
    pub service: u32,
    pub status: String,
    pub link: Option<String>,
    pub quantity: u64,
    pub remains: u64,
    pub start_count: Option<i64>,
    pub currency: String,
    pub rate: Shown,
    pub charge: Shown,
    pub refunded: Shown,
    pub net_charge: Shown,
    pub accepted_at: String,
    pub ended_at: Option<String>,
    pub held: Option<Held>,
    pub kind: OrderKind,
    pub part: Part,
    pub attempts: Vec<AttemptRow>,
    pub refills: Vec<RequestRow>,
    pub cancels: Vec<RequestRow>,
}

/// Why an order does not move, in words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Held {
    pub why: String,
    pub since: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptRow {
    pub attempt: u16,
    pub provider: u32,
    pub service: String,
    pub state: String,
    pub provider_order: Option<String>,
    pub expected_cost: Shown,
    pub booked_cost: Shown,
    pub planned_at: String,
}

/// A refill or a cancel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestRow {
    pub id: u32,
    pub state: String,
}

/// One held order in a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldRow {
    pub order: u32,
    pub customer: u32,
    pub service: u32,
    pub since: String,
    pub why: String,
    /// The attempt that a decision would be about.
    pub attempt: Option<u16>,
}

impl OrderSheet {
    pub fn of(file: &OrderFile) -> Self {
        let order = &file.order;
        Self {
            order: order.id.0,
            customer: order.customer.0,
            service: order.service.0,
            status: format!("{:?}", order.status),
            link: order.link.clone(),
            quantity: order.quantity,
            remains: order.remains,
            start_count: order.start_count,
            currency: order.currency.to_string(),
            rate: Shown(panelworks_core::money::Amount(order.rate.micros()).to_string()),
            charge: order.charge.into(),
            refunded: order.sums.refunded.into(),
            net_charge: order.net_charge().into(),
            accepted_at: instant(order.accepted_at),
            ended_at: order.ended_at.map(instant),
            held: order.hold.as_ref().map(held),
            kind: order.kind.clone(),
            part: order.part.clone(),
            attempts: file.attempts.iter().map(attempt).collect(),
            refills: file
                .refills
                .iter()
                .map(|refill| RequestRow { id: refill.id.0, state: format!("{:?}", refill.state) })
                .collect(),
            cancels: file
                .cancels
                .iter()
                .map(|cancel| RequestRow { id: cancel.id.0, state: format!("{:?}", cancel.state) })
                .collect(),
        }
    }

    pub fn text(&self) -> String {
        let mut lines = vec![
            format!("Order {}: {}", self.order, self.status),
            format!("Customer {}, service {}, accepted {}", self.customer, self.service, self.accepted_at),
            format!("Link: {}", printable(self.link.as_deref().unwrap_or("none"))),
            format!(
                "Quantity {}, remains {}, start count {}",
                self.quantity,
                self.remains,
                self.start_count.map_or_else(|| "unknown".to_owned(), |count| count.to_string())
            ),
            format!(
                "Charge {} {}, refunded {}, net {} (rate {})",
                self.charge.0, self.currency, self.refunded.0, self.net_charge.0, self.rate.0
            ),
        ];
        lines.extend(
            self.held.iter().map(|held| format!("Held since {}: {}", held.since, printable(&held.why))),
        );
        if !self.attempts.is_empty() {
            lines.extend([String::new(), attempts(&self.attempts)]);
        }
        for (name, rows) in [("Refill", &self.refills), ("Cancel", &self.cancels)] {
            lines.extend(rows.iter().map(|row| format!("{name} {}: {}", row.id, printable(&row.state))));
        }
        lines.join("\n")
    }
}

fn attempts(rows: &[AttemptRow]) -> String {
    let mut table = Table::new(&[
        ("attempt", Align::Right),
        ("provider", Align::Right),
        ("service", Align::Left),
        ("planned", Align::Left),
        ("cost", Align::Right),
        ("their order", Align::Left),
        ("state", Align::Left),
    ]);
    for row in rows {
        table.row(vec![
            row.attempt.to_string(),
            row.provider.to_string(),
            row.service.clone(),
            row.planned_at.clone(),
            row.booked_cost.0.clone(),
            row.provider_order.clone().unwrap_or_default(),
            row.state.clone(),
        ]);
    }
    table.text()
}

impl HeldRow {
    /// None for an order that isn't held.
    pub fn of(file: &OrderFile) -> Option<Self> {
        let held = held(file.order.hold.as_ref()?);
        Some(Self {
            order: file.order.id.0,
            customer: file.order.customer.0,
            service: file.order.service.0,
            since: held.since,
            why: held.why,
            attempt: file.attempts.last().map(|attempt| attempt.number),
        })
    }

    pub fn table(rows: &[Self]) -> String {
        if rows.is_empty() {
            return "No order is held.".to_owned();
        }
        let mut table = Table::new(&[
            ("order", Align::Right),
            ("customer", Align::Right),
            ("service", Align::Right),
            ("held since", Align::Left),
            ("why", Align::Left),
        ]);
        for row in rows {
            table.row(vec![
                row.order.to_string(),
                row.customer.to_string(),
                row.service.to_string(),
                row.since.clone(),
                row.why.clone(),
            ]);
        }
        format!(
            "{}\nDecide with panelworks order resolve; what is delivered by hand moves with panelworks order report.",
            table.text()
        )
    }
}

/// Why an order is held, for an operator.
pub fn held(hold: &Hold) -> Held {
    let why = match &hold.reason {
        HoldReason::Manual => "the service has no provider: it is delivered by hand".to_owned(),
        HoldReason::NotSent { why } => format!("it could not be sent: {why}"),
        HoldReason::Refused { class, text } => format!("the provider refused ({class:?}): {text}"),
        HoldReason::UnknownOutcome { why } => {
            format!("it was sent, and nobody knows whether it was taken: {why}")
        }
        HoldReason::PartialWithoutRemains { remains } => {
            let said = match remains {
                SeenRemains::Missing => "nothing".to_owned(),
                SeenRemains::Invalid => "no number".to_owned(),
                SeenRemains::Is(number) => number.to_string(),
            };
            format!("the provider says Partial, and {said} for what remains")
        }
        HoldReason::PartialPackage => {
            "a package came back Partial: enter the delivered share with --delivered".to_owned()
        }
        HoldReason::Failed { text } => format!("the provider says it failed: {text}"),
        HoldReason::PriceAboveCharge { expected_cost, charge } => {
            format!("it would cost {expected_cost}, and was sold for {charge}")
        }
    };
    Held { why, since: instant(hold.since) }
}

fn attempt(attempt: &Attempt) -> AttemptRow {
    AttemptRow {
        attempt: attempt.number,
        provider: attempt.account.0,
        service: attempt.service.clone(),
        state: state(&attempt.state) + recalled(attempt.recall),
        provider_order: attempt.state.provider_order().map(ToString::to_string),
        expected_cost: attempt.expected_cost.into(),
        booked_cost: attempt.booked_cost.into(),
        planned_at: instant(attempt.planned_at),
    }
}

const fn recalled(recall: Option<Recall>) -> &'static str {
    match recall {
        Some(Recall::Asking { .. }) => "; a cancel is being asked there",
        Some(Recall::Followed) => "; followed until it has ended there",
        None => "",
    }
}

fn state(state: &AttemptState) -> String {
    match state {
        AttemptState::Planned { due } => format!("planned for {}", instant(*due)),
        AttemptState::Sending { since } => format!("sending since {}", instant(*since)),
        AttemptState::Accepted { .. } => "accepted".to_owned(),
        AttemptState::Rejected { class, text } => format!("rejected ({class:?}): {text}"),
        AttemptState::NotSent { why } => format!("not sent: {why}"),
        AttemptState::Unknown { since, why } => format!("unknown since {}: {why}", instant(*since)),
        AttemptState::Adopted { .. } => "adopted".to_owned(),
        AttemptState::Absent { .. } => "absent: nothing was made".to_owned(),
        AttemptState::WrittenOff { .. } => "written off".to_owned(),
        AttemptState::FoundLate { .. } => "found late: its cost is disputed".to_owned(),
        AttemptState::Voided => "voided before it was sent".to_owned(),
    }
}

/// RFC 3339 in UTC, to the second.
pub fn instant(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1000);
    Instant::from_second(seconds).map_or_else(|_| format!("{} ms", at.0), |instant| instant.to_string())
}

/// What customers and providers wrote, without what could move the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc_and_never_fail() {
        assert_eq!(instant(Timestamp(1_795_248_000_999)), "2026-11-21T08:00:00Z");
        assert_eq!(instant(Timestamp(i64::MAX)), format!("{} ms", i64::MAX));
    }

    #[test]
    fn every_hold_is_told_in_words() {
        let why = |reason| held(&Hold { reason, since: Timestamp(0) }).why;
        assert!(why(HoldReason::Manual).contains("by hand"));
        assert!(why(HoldReason::NotSent { why: "refused".into() }).contains("could not be sent: refused"));
        assert!(
            why(HoldReason::PartialWithoutRemains { remains: SeenRemains::Is(-3) })
                .contains("-3 for what remains")
        );
    }
}
