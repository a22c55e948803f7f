//! What a provider's status row said, as the core's observation (`api-v2.md` §5; invariants.md B5, B10).

use panelworks_core::money::Currency;
use panelworks_core::provider::{Observation, SeenCharge, SeenRemains, SeenStatus};
use panelworks_wire::lenient::{self, SeenMoney, SeenWord};

use super::classify::printable;

/// `pinned`: the account's currency; a charge in another one is never booked.
pub fn observation(seen: &lenient::SeenStatus, pinned: Currency) -> Observation {
    Observation {
        status: status(&seen.status),
        charge: charge(&seen.charge, seen.currency.as_deref(), pinned),
        start_count: seen.start_count,
        remains: remains(&seen.remains),
        posts: seen.posts,
        orders: seen.orders.clone(),
    }
}

fn status(word: &SeenWord) -> Option<SeenStatus> {
    Some(match word {
        SeenWord::Missing => return None,
        SeenWord::Pending => SeenStatus::Pending,
        SeenWord::Processing => SeenStatus::Processing,
        // Paused on a plain order is a pause of the provider's own making: it is still running (§5).
        SeenWord::InProgress | SeenWord::Active | SeenWord::Paused => SeenStatus::InProgress,
        SeenWord::Completed => SeenStatus::Completed,
        SeenWord::Partial => SeenStatus::Partial,
        SeenWord::Canceled => SeenStatus::Canceled,
        SeenWord::Expired => SeenStatus::Expired,
        SeenWord::Failed(text) => SeenStatus::Failed(printable(text)),
        SeenWord::Unknown(text) => SeenStatus::Unknown(printable(text)),
    })
}

fn charge(money: &SeenMoney, currency: Option<&str>, pinned: Currency) -> SeenCharge {
    let stranger = currency.and_then(Currency::new).is_some_and(|said| said != pinned);
    match money {
        SeenMoney::Missing => SeenCharge::Missing,
        SeenMoney::Invalid(_) => SeenCharge::Unusable,
        SeenMoney::Micros(_) if stranger => SeenCharge::Unusable,
        SeenMoney::Micros(micros) => i64::try_from(*micros).map_or(SeenCharge::Unusable, SeenCharge::Micros),
    }
}

fn remains(seen: &lenient::SeenRemains) -> SeenRemains {
    match seen {
        lenient::SeenRemains::Missing => SeenRemains::Missing,
        lenient::SeenRemains::Invalid(_) => SeenRemains::Invalid,
        lenient::SeenRemains::Is(n) => {
            SeenRemains::Is(i64::try_from(*n).unwrap_or(if *n < 0 { i64::MIN } else { i64::MAX }))
        }
    }
}
