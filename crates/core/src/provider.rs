//! Providers, and what one of them was seen to say about an order.
//!
//! Rules: `domain.md`, Attempts 8 and 9; invariants.md B5, B6, E3. A changed URL or key makes a new account;
//! attempts stay with the account they were made at.

use serde::{Deserialize, Serialize};

use crate::ids::ProviderAccountId;
use crate::ledger::{Cause, LedgerAccount};
use crate::money::{Amount, Currency};
use crate::outcome::{Decision, Done, Refusal};
use crate::time::Timestamp;
use crate::world::{Transfer, World};

/// One URL and key at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderAccount {
    pub id: ProviderAccountId,
    pub name: String,
    pub url: String,
    /// The API key, encrypted under a key that lies outside the database.
    pub sealed_key: Vec<u8>,
    /// Pinned: costs in another currency are reported, never booked (invariants.md B10).
    pub currency: Currency,
    pub enabled: bool,
    /// Loopback and private addresses are allowed for it.
    pub private_address: bool,
    /// Requests in flight at once (invariants.md B14).
    pub connections: u16,
    /// Hours for which it answers an `add` with the same idempotency key as it answered the first; None: it is not
    /// known to honour them (`domain.md`, Attempts 6).
    #[serde(default)]
    pub keys_kept_hours: Option<u16>,
}

/// What a provider's status answer said, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observation {
    pub status: Option<SeenStatus>,
    pub charge: SeenCharge,
    pub start_count: Option<i64>,
    pub remains: SeenRemains,
    /// Subscriptions: posts handled so far.
    pub posts: Option<u64>,
    /// Drip-feeds and subscriptions: the provider's ids of the orders made so far.
    pub orders: Vec<String>,
}

/// A status word as its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeenStatus {
    Pending,
    Processing,
    InProgress,
    Completed,
    Partial,
    Canceled,
    Expired,
    /// `Fail`, `Error`, `Rejected`: held for a person.
    Failed(String),
    /// A word nobody knows: nothing changes, it is only recorded.
    Unknown(String),
}

/// What was reported as the cost of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SeenCharge {
    #[default]
    Missing,
    /// No number, or in another currency than the account's.
    Unusable,
    /// Micro-units, rounded up; possibly absurd.
    Micros(i64),
}

/// What was reported as not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SeenRemains {
    #[default]
    Missing,
    /// No integer.
    Invalid,
    /// Possibly negative or above the quantity.
    Is(i64),
}

impl SeenRemains {
    /// The number, if it lies in what can be true of `quantity`.
    pub fn within(self, quantity: u64) -> Option<u64> {
        match self {
            Self::Is(n) => u64::try_from(n).ok().filter(|n| *n <= quantity),
            Self::Missing | Self::Invalid => None,
        }
    }

    /// The number as it may be shown: clamped (`api-v2.md` §5, remains). Money never follows it.
    pub fn shown(self, quantity: u64) -> Option<u64> {
        match self {
            Self::Is(n) => Some(u64::try_from(n).unwrap_or(0).min(quantity)),
            Self::Missing | Self::Invalid => None,
        }
    }
}

/// Why a provider refused, read from its text (`domain.md`, Attempts 3; `api-v2.md` §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RejectionClass {
    /// Our balance there is empty.
    Funds,
    /// Our key or address is refused.
    Auth,
    /// The provider's service is gone or off.
    Service,
    /// The order itself; another provider may take it where only min, max or the type is meant.
    Input {
        reroutable: bool,
    },
    /// It says an order on this link is running.
    Duplicate,
    Limit,
    Temporary,
    /// No row knows the text: never re-routed, re-sent or refunded alone.
    Unrecognised,
}

/// Opens an account (id 0) or changes one. Its URL, key and currency are for ever: a change of those is a new
/// account, so that attempts stay with the one they were made at.
pub fn put(world: &mut World, account: &ProviderAccount) -> Decision {
    let id = if account.id.0 == 0 {
        let id = ProviderAccountId(world.cursors.provider);
        world.cursors.provider += 1;
        id
    } else {
        let before = world.provider(account.id)?.ok_or(Refusal::UnknownProvider)?;
        let same_account = before.url == account.url
            && before.sealed_key == account.sealed_key
            && before.currency == account.currency;
        if !same_account {
            return Err(Refusal::OutOfTurn(
                "a provider's URL, key and currency don't change: open a new account",
            )
            .into());
        }
        account.id
    };
    world.providers.set(id, Some(ProviderAccount { id, ..account.clone() }));
    Ok(Done::ProviderPut { account: id })
}

/// A top-up at the provider, as the operator enters it: above zero in, below zero out.
pub fn fund(
    world: &mut World,
    now: Timestamp,
    id: ProviderAccountId,
    amount: Amount,
    note: &str,
) -> Decision {
    let currency = world.provider(id)?.ok_or(Refusal::UnknownProvider)?.currency;
    if amount == Amount::ZERO || amount.0 == i64::MIN {
        return Err(Refusal::AmountOutOfRange.into());
    }
    let transfer = world.next_transfer().ok_or(Refusal::IdsExhausted)?;
    let (owner, prepaid) = (LedgerAccount::Owner, LedgerAccount::Prepaid(id));
    let (from, to) = if amount.is_positive() { (owner, prepaid) } else { (prepaid, owner) };
    world.post(Cause::Transfer(transfer), 0, from, to, Amount(amount.0.abs()), currency)?;
    world.add_transfer(Transfer {
        id: transfer,
        to: prepaid,
        amount,
        currency,
        at: now,
        note: note.to_owned(),
    });
    Ok(Done::Credited { transfer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::testing::Stage;

    /// Shows E3.
    #[test]
    fn another_key_or_address_is_another_account() {
        let mut stage = Stage::default();
        let id = stage.provider();
        let known = stage.providers[&id].clone();
        let mut put =
            |account: ProviderAccount| stage.run(Command::PutProvider { account: Box::new(account) });
        assert!(put(ProviderAccount { sealed_key: vec![9], ..known.clone() }).is_err());
        assert!(put(ProviderAccount { url: "https://other.example".to_owned(), ..known.clone() }).is_err());
        assert!(
            put(ProviderAccount { currency: Currency::new("EUR").expect("a code"), ..known.clone() })
                .is_err()
        );
        assert_eq!(
            put(ProviderAccount { connections: 2, ..known.clone() }),
            Ok(Done::ProviderPut { account: id })
        );
        let unknown = ProviderAccount { id: ProviderAccountId(7), ..known };
        assert_eq!(put(unknown), Err(Refusal::UnknownProvider));
    }

    #[test]
    fn a_top_up_moves_the_owners_money_to_the_provider_and_back() {
        let mut stage = Stage::default();
        let account = stage.provider();
        let mut fund = |micros| {
            stage.run(Command::FundProvider { account, amount: Amount(micros), note: String::new() })
        };
        fund(500).expect("in");
        fund(-200).expect("out");
        assert_eq!(fund(0), Err(Refusal::AmountOutOfRange));
        assert_eq!(stage.booked(LedgerAccount::Prepaid(account)), 300);
        assert_eq!(stage.booked(LedgerAccount::Owner), -300);
    }

    #[test]
    fn what_is_left_counts_only_within_the_quantity_and_is_shown_clamped() {
        for (seen, within, shown) in [
            (SeenRemains::Is(0), Some(0), Some(0)),
            (SeenRemains::Is(10), Some(10), Some(10)),
            (SeenRemains::Is(11), None, Some(10)),
            (SeenRemains::Is(-1), None, Some(0)),
            (SeenRemains::Is(i64::MIN), None, Some(0)),
            (SeenRemains::Missing, None, None),
            (SeenRemains::Invalid, None, None),
        ] {
            assert_eq!((seen.within(10), seen.shown(10)), (within, shown), "{seen:?}");
        }
    }
}
