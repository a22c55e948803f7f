//! `action=add` (`api-v2.md` §4): an order, answered after its commit.
//!
//! In: the parameters, each absent, bad or a value. Out: `{"order":…}`, or the first refusal in the order of §4. All
//! checks are the core's, the idempotency key's first of all; only what concerns the door alone is said here.

use panelworks_core::command::Command;
use panelworks_core::money::Amount;
use panelworks_core::outcome::Done;
use panelworks_wire::request::{Add, Field};
use panelworks_wire::{ErrorText, Response, decimal};

use super::{draft, refusal};
use crate::known::Caller;
use crate::panel::Panel;

pub(super) async fn add(panel: &Panel, caller: &Caller, add: Add) -> Response {
    if let Some(notice) = panel.ordering_off() {
        return Response::Error(notice);
    }
    // A limit that can't be read must not be taken for no limit.
    let Ok(max_charge) = max_charge(&add.max_charge) else {
        return Response::Error(ErrorText::Incorrect("max_charge"));
    };
    let command = Command::PlaceOrder {
        customer: caller.customer,
        service: draft::service(add.service),
        mark: draft::mark(&add),
        max_charge,
        draft: draft::draft(add),
    };
    match panel.order(caller.customer, command).outcome().await {
        Ok(Ok(Done::Placed { order, replayed: _ })) => Response::Order(u64::from(order.0)),
        Ok(Ok(done)) => {
            tracing::error!(?done, "an order was answered with something else");
            Response::Error(ErrorText::SomethingWentWrong)
        }
        Ok(Err(refused)) => Response::Error(refusal::refused(&refused)),
        Err(undecided) => Response::Error(refusal::undecided(&undecided)),
    }
}

struct Unreadable;

/// An amount beyond what any charge can be is as good as none.
fn max_charge(field: &Field<String>) -> Result<Option<Amount>, Unreadable> {
    match field {
        Field::Absent => Ok(None),
        Field::Bad => Err(Unreadable),
        Field::Is(text) => {
            let micros = decimal::parse_strict(text).ok_or(Unreadable)?;
            Ok(i64::try_from(micros).ok().map(Amount))
        }
    }
}
