//! Double entry: an entry moves one amount of one currency from one account to another, for one cause.
//!
//! Rules: `domain.md`, The ledger. An entry has two legs and a positive amount, so it balances by
//! construction. Entries are only appended; a correction is a new entry. Balances are stored for customers
//! only; every other account is the sum of its postings.

use serde::{Deserialize, Serialize};

use crate::ids::{AttemptId, CustomerId, OrderId, ProviderAccountId, TransferId};
use crate::money::{Amount, Currency};

/// Who money can belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LedgerAccount {
    Customer(CustomerId),
    /// Debited for orders that have not ended.
    InFlight,
    Revenue,
    /// Money that came in by hand or through a gateway.
    Clearing,
    /// Given without money coming in: goodwill, corrections in the customer's favour.
    RefundExpense,
    /// The owner's own money, that provider balances are filled from.
    Owner,
    /// Our balance at a provider, as our books have it.
    Prepaid(ProviderAccountId),
    Cost(ProviderAccountId),
    /// Possibly spent upstream on attempts whose fate the operator ended.
    Disputed(ProviderAccountId),
}

impl LedgerAccount {
    /// Whose account it is; None for the panel's own.
    pub const fn customer(self) -> Option<CustomerId> {
        match self {
            Self::Customer(id) => Some(id),
            Self::InFlight
            | Self::Revenue
            | Self::Clearing
            | Self::RefundExpense
            | Self::Owner
            | Self::Prepaid(_)
            | Self::Cost(_)
            | Self::Disputed(_) => None,
        }
    }
}

/// Why an entry exists; (cause, sequence) is unique in the whole ledger (invariants.md I5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// The life of an order: charged, earned, refunded, returned, corrected.
    Order(OrderId),
    /// What an attempt cost upstream.
    Attempt(AttemptId),
    /// A deposit, adjustment or top-up somebody entered.
    Transfer(TransferId),
}

/// One movement. `from` and `to` differ, `amount` is above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Dense within the node's stream, from 1.
    pub number: u64,
    pub cause: Cause,
    /// Place among the entries of the same cause, from 0.
    pub sequence: u32,
    pub from: LedgerAccount,
    pub to: LedgerAccount,
    pub amount: Amount,
    pub currency: Currency,
}

impl Entry {
    /// The bytes that the hash chain covers: every field, in a fixed layout.
    pub fn chained_bytes(&self) -> [u8; 49] {
        let mut bytes = [0_u8; 49];
        let (cause_kind, cause_id, cause_part) = cause_code(self.cause);
        let (from_kind, from_id) = account_code(self.from);
        let (to_kind, to_id) = account_code(self.to);
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        put(&self.number.to_be_bytes());
        put(&[cause_kind]);
        put(&cause_id.to_be_bytes());
        put(&cause_part.to_be_bytes());
        put(&self.sequence.to_be_bytes());
        put(&[from_kind]);
        put(&from_id.to_be_bytes());
        put(&[to_kind]);
        put(&to_id.to_be_bytes());
        put(&self.amount.0.to_be_bytes());
        put(self.currency.as_str().as_bytes());
        bytes
    }
}

/// Kind, id and part of a cause as stores keep them. Codes are for ever.
pub const fn cause_code(cause: Cause) -> (u8, u32, u32) {
    match cause {
        Cause::Order(id) => (1, id.0, 0),
        Cause::Attempt(id) => (2, id.order.0, id.number as u32),
        Cause::Transfer(id) => (3, id.0, 0),
    }
}

/// The cause behind a code; None for one this program does not know.
pub fn cause_of(kind: u8, id: u32, part: u32) -> Option<Cause> {
    match kind {
        1 => Some(Cause::Order(OrderId(id))),
        2 => Some(Cause::Attempt(AttemptId { order: OrderId(id), number: u16::try_from(part).ok()? })),
        3 => Some(Cause::Transfer(TransferId(id))),
        _ => None,
    }
}

/// Kind and id of an account as stores keep them; 0 where there is no id. Codes are for ever.
pub const fn account_code(account: LedgerAccount) -> (u8, u32) {
    match account {
        LedgerAccount::Customer(id) => (1, id.0),
        LedgerAccount::InFlight => (2, 0),
        LedgerAccount::Revenue => (3, 0),
        LedgerAccount::Clearing => (4, 0),
        LedgerAccount::RefundExpense => (5, 0),
        LedgerAccount::Owner => (6, 0),
        LedgerAccount::Prepaid(id) => (7, id.0),
        LedgerAccount::Cost(id) => (8, id.0),
        LedgerAccount::Disputed(id) => (9, id.0),
    }
}

/// The account behind a code; None for one this program does not know.
pub const fn account_of(kind: u8, id: u32) -> Option<LedgerAccount> {
    Some(match kind {
        1 => LedgerAccount::Customer(CustomerId(id)),
        2 => LedgerAccount::InFlight,
        3 => LedgerAccount::Revenue,
        4 => LedgerAccount::Clearing,
        5 => LedgerAccount::RefundExpense,
        6 => LedgerAccount::Owner,
        7 => LedgerAccount::Prepaid(ProviderAccountId(id)),
        8 => LedgerAccount::Cost(ProviderAccountId(id)),
        9 => LedgerAccount::Disputed(ProviderAccountId(id)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_what_they_stand_for() {
        for kind in 1..=9 {
            let account = account_of(kind, 7).expect("known");
            assert_eq!(account_code(account).0, kind);
        }
        for kind in 1..=3 {
            let cause = cause_of(kind, 7, 2).expect("known");
            assert_eq!(cause_code(cause).0, kind);
        }
        assert_eq!(account_of(0, 0), None);
        assert_eq!(cause_of(9, 0, 0), None);
    }

    /// Shows I4.
    #[test]
    fn every_field_of_an_entry_is_in_the_chain() {
        let entry = Entry {
            number: 1,
            cause: Cause::Order(OrderId(5)),
            sequence: 0,
            from: LedgerAccount::Customer(CustomerId(2)),
            to: LedgerAccount::InFlight,
            amount: Amount(10),
            currency: Currency::USD,
        };
        let changed = [
            Entry { number: 2, ..entry },
            Entry { cause: Cause::Transfer(TransferId(5)), ..entry },
            Entry { sequence: 1, ..entry },
            Entry { from: LedgerAccount::Owner, ..entry },
            Entry { to: LedgerAccount::Revenue, ..entry },
            Entry { amount: Amount(11), ..entry },
            Entry { currency: Currency::new("EUR").expect("a code"), ..entry },
        ];
        for other in changed {
            assert_ne!(entry.chained_bytes(), other.chained_bytes());
        }
    }
}
