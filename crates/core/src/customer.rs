//! Customers and what decides over their orders: standing, balance, credit limit.
//!
//! Rules: `domain.md`, Money and Who may do what. A customer's currency is fixed when the account is opened.

use serde::{Deserialize, Serialize};

use crate::ids::CustomerId;
use crate::ledger::{Cause, LedgerAccount};
use crate::limits;
use crate::money::{Amount, Currency};
use crate::outcome::{Decision, Done, Refusal};
use crate::time::Timestamp;
use crate::world::{Transfer, World};

/// The row that orders change: kept narrow, because it is the one row of an order that is not appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub customer: CustomerId,
    pub currency: Currency,
    pub balance: Amount,
    /// How far below zero an order may take the balance; zero or more.
    pub credit_limit: Amount,
    pub standing: Standing,
}

impl Account {
    /// Whether an order of `charge` can be paid.
    pub fn can_pay(&self, charge: Amount) -> bool {
        self.balance.minus(charge).is_some_and(|rest| rest.0 >= self.credit_limit.0.saturating_neg())
    }
}

/// What a customer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    Active,
    /// Nothing works.
    Suspended,
    /// After a reversed payment: no new orders, all else works.
    Frozen,
}

/// Everything else about a customer; no order reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    pub id: CustomerId,
    pub name: String,
    pub switches: Switches,
}

/// How answers are shaped for clients that need another dialect (`api-v2.md` §5, §10). All off is the standard.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the account")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// Cancel rows answer `1` and carry no `type` (§10, 9).
    pub cancel_answers_one: bool,
    /// A drip-feed that stopped midway answers `Completed`, not `Partial` (§5).
    pub dripfeed_partial_as_completed: bool,
    /// A paused subscription answers `Paused`, not `Active` (§5).
    pub shows_paused: bool,
    /// `services` carries `desc` and `description` (§3).
    pub descriptions: bool,
    /// Not limited in requests per minute.
    pub unlimited: bool,
}

/// SHA-256 of an API key; the key itself is never stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyHash(pub [u8; 32]);

impl std::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// One API key of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub hash: KeyHash,
    pub customer: CustomerId,
    pub label: String,
    pub revoked: bool,
}

/// Opens an account with a balance of zero, and its first key where one is given.
pub fn open(
    world: &mut World,
    name: &str,
    currency: Currency,
    credit_limit: Amount,
    switches: Switches,
    key: Option<KeyHash>,
) -> Decision {
    let name = name.trim();
    if name.is_empty() || name.chars().any(char::is_control) || credit_limit.0 < 0 {
        return Err(Refusal::OutOfTurn("a customer needs a name, and a credit limit of zero or more").into());
    }
    let id = CustomerId(world.cursors.customer);
    world.cursors.customer += 1;
    let account =
        Account { customer: id, currency, balance: Amount::ZERO, credit_limit, standing: Standing::Active };
    world.accounts.set(id, Some(account));
    world.customers.set(id, Some(Customer { id, name: name.to_owned(), switches }));
    if let Some(hash) = key {
        add_key(world, id, hash, "first", &[])?;
    }
    Ok(Done::CustomerOpened { customer: id })
}

/// Money in (above zero) or out (below), by an operator's hand. Never takes the balance below the credit limit.
pub fn credit(world: &mut World, now: Timestamp, id: CustomerId, amount: Amount, note: &str) -> Decision {
    let account = *world.account(id)?.ok_or(Refusal::UnknownCustomer)?;
    if amount == Amount::ZERO || amount.0 == i64::MIN {
        return Err(Refusal::AmountOutOfRange.into());
    }
    if !amount.is_positive() && !account.can_pay(Amount(-amount.0)) {
        return Err(Refusal::NotEnoughFunds.into());
    }
    if account.balance.plus(amount).is_none_or(|balance| balance.0 > limits::BALANCE_MAX_MICROS) {
        return Err(Refusal::AmountOutOfRange.into());
    }
    let transfer = world.next_transfer().ok_or(Refusal::IdsExhausted)?;
    let (ours, theirs) = (LedgerAccount::Clearing, LedgerAccount::Customer(id));
    let (from, to) = if amount.is_positive() { (ours, theirs) } else { (theirs, ours) };
    world.post(Cause::Transfer(transfer), 0, from, to, Amount(amount.0.abs()), account.currency)?;
    world.add_transfer(Transfer {
        id: transfer,
        to: theirs,
        amount,
        currency: account.currency,
        at: now,
        note: note.to_owned(),
    });
    Ok(Done::Credited { transfer })
}

pub fn set_standing(world: &mut World, id: CustomerId, standing: Standing) -> Decision {
    let account = *world.account(id)?.ok_or(Refusal::UnknownCustomer)?;
    world.accounts.set(id, Some(Account { standing, ..account }));
    Ok(Done::Noted)
}

/// Adds a key; `revoke_others` are the hashes that stop working with the same commit.
pub fn add_key(
    world: &mut World,
    id: CustomerId,
    hash: KeyHash,
    label: &str,
    revoke_others: &[KeyHash],
) -> Decision {
    if world.account(id)?.is_none() {
        return Err(Refusal::UnknownCustomer.into());
    }
    if world.api_key(hash)?.is_some() {
        return Err(Refusal::OutOfTurn("the key exists").into());
    }
    for other in revoke_others {
        let key = world
            .api_key(*other)?
            .filter(|key| key.customer == id)
            .ok_or(Refusal::OutOfTurn("no such key"))?;
        let revoked = ApiKey { revoked: true, ..key.clone() };
        world.api_keys.set(*other, Some(revoked));
    }
    world.api_keys.set(hash, Some(ApiKey { hash, customer: id, label: label.to_owned(), revoked: false }));
    Ok(Done::Noted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::testing::Stage;

    fn credit(stage: &mut Stage, customer: CustomerId, micros: i64) -> Result<Done, Refusal> {
        stage.run(Command::CreditCustomer { customer, amount: Amount(micros), note: "by hand".to_owned() })
    }

    /// Shows E4, I3.
    #[test]
    fn money_goes_in_and_out_by_hand_but_never_below_zero() {
        let mut stage = Stage::default();
        let anna = stage.customer(1_000);
        assert_eq!(credit(&mut stage, anna, -1_001), Err(Refusal::NotEnoughFunds));
        credit(&mut stage, anna, -1_000).expect("taken out");
        assert_eq!(stage.balance(anna), 0);
        assert_eq!(stage.booked(LedgerAccount::Clearing), 0);
    }

    #[test]
    fn nothing_and_what_does_not_fit_is_no_credit() {
        let mut stage = Stage::default();
        let anna = stage.customer(1_000);
        for micros in [0, i64::MIN, i64::MAX, limits::BALANCE_MAX_MICROS - 999] {
            assert_eq!(credit(&mut stage, anna, micros), Err(Refusal::AmountOutOfRange), "{micros}");
        }
        credit(&mut stage, anna, limits::BALANCE_MAX_MICROS - 1_000).expect("to the brim");
    }

    #[test]
    fn an_account_needs_a_name_and_a_limit_of_zero_or_more() {
        let mut stage = Stage::default();
        let mut open = |name: &str, limit| {
            stage.run(Command::OpenCustomer {
                name: name.to_owned(),
                currency: Currency::USD,
                credit_limit: Amount(limit),
                switches: Switches::default(),
                key: None,
            })
        };
        assert!(open("  ", 0).is_err());
        assert!(open("an\nna", 0).is_err());
        assert!(open("anna", -1).is_err());
        assert_eq!(open(" anna ", 0), Ok(Done::CustomerOpened { customer: CustomerId(1) }));
    }

    #[test]
    fn a_new_key_may_revoke_the_customers_others_and_nobody_elses() {
        let mut stage = Stage::default();
        let (anna, ben) = (stage.customer(0), stage.customer(0));
        let hash = |n| KeyHash([n; 32]);
        let mut add = |customer, key, revoke: &[KeyHash]| {
            let (label, revoke_others) = ("api".to_owned(), revoke.to_vec());
            stage.run(Command::AddKey { customer, hash: key, label, revoke_others })
        };
        add(anna, hash(1), &[]).expect("added");
        assert_eq!(add(ben, hash(1), &[]), Err(Refusal::OutOfTurn("the key exists")));
        assert_eq!(add(ben, hash(2), &[hash(1)]), Err(Refusal::OutOfTurn("no such key")));
        assert_eq!(add(CustomerId(9), hash(2), &[]), Err(Refusal::UnknownCustomer));
        add(anna, hash(3), &[hash(1)]).expect("rotated");
        assert!(stage.api_keys[&hash(1)].revoked);
        assert!(!stage.api_keys[&hash(3)].revoked);
    }
}
