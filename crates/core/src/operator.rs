//! Operators: who may look after the panel, and what decides over their access.
//!
//! In: a username, the hash of a password or of an admin API key; both are made outside of the core, which never
//! sees a secret in clear. Out: the [`Staff`] with one operator more or another. Operators are few and a decision
//! over one reads the others (a username belongs to one, an active owner remains), so they are read all at once.
//! They are never removed: what one did stays his. Rules: invariants.md C6, C15.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::customer::KeyHash;
use crate::ids::OperatorId;
use crate::limits;
use crate::outcome::{Decision, Done, Refusal};
use crate::time::Timestamp;
use crate::world::World;

/// Somebody who may look after the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    pub id: OperatorId,
    pub username: Username,
    pub password: PasswordHash,
    /// Of the key to the admin API; most operators need none.
    pub admin_key: Option<KeyHash>,
    pub role: Role,
    pub standing: OperatorStanding,
    pub opened_at: Timestamp,
    pub password_changed_at: Timestamp,
    /// A session that did not begin after this is over: every new password and every suspension ends all sessions.
    pub sessions_since: Timestamp,
}

impl Operator {
    fn is_active_owner(&self) -> bool {
        self.role == Role::Owner && self.standing == OperatorStanding::Active
    }
}

/// What an operator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything; looks after the other operators too.
    Owner,
    /// The daily work.
    Staff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorStanding {
    Active,
    /// Neither password nor key opens anything.
    Suspended,
}

/// The name an operator logs in with: [`limits::USERNAME_CHARS`] of a-z, 0-9, dot, hyphen and underscore, the first a
/// letter or a digit. Capital letters are taken as small ones, so that no two names look alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

/// Why a text is no username, in words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a username has {} to {} characters of a-z, 0-9, '.', '-' and '_', and begins with a letter or a digit",
    limits::USERNAME_CHARS.start(),
    limits::USERNAME_CHARS.end()
)]
pub struct NoUsername;

impl Username {
    pub fn parse(text: &str) -> Result<Self, NoUsername> {
        let name = text.trim().to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = limits::USERNAME_CHARS.contains(&name.len())
            && name.bytes().next().is_some_and(plain)
            && name.bytes().all(|byte| plain(byte) || b"._-".contains(&byte));
        fits.then_some(Self(name)).ok_or(NoUsername)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Username {
    type Error = NoUsername;

    fn try_from(text: String) -> Result<Self, NoUsername> {
        Self::parse(&text)
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A password as Argon2id in the PHC string format, with its salt and parameters. Shown by nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// None for anything else, so that a password in clear is never taken for its hash.
    pub fn new(phc: &str) -> Option<Self> {
        let fits = phc.starts_with("$argon2id$") && phc.len() <= limits::PASSWORD_HASH_BYTES;
        fits.then(|| Self(phc.to_owned()))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// All operators, by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Staff(BTreeMap<OperatorId, Operator>);

impl FromIterator<Operator> for Staff {
    fn from_iter<I: IntoIterator<Item = Operator>>(operators: I) -> Self {
        Self(operators.into_iter().map(|operator| (operator.id, operator)).collect())
    }
}

impl Staff {
    pub fn get(&self, id: OperatorId) -> Option<&Operator> {
        self.0.get(&id)
    }

    /// In the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Operator> {
        self.0.values()
    }

    /// Those that are new or otherwise than `before`.
    pub fn into_changed_since(self, before: Option<&Self>) -> impl Iterator<Item = Operator> {
        self.0.into_values().filter(move |now| before.and_then(|before| before.get(now.id)) != Some(now))
    }

    fn put(&mut self, operator: Operator) {
        self.0.insert(operator.id, operator);
    }

    fn next_id(&self) -> Option<OperatorId> {
        let last = self.0.last_key_value().map_or(0, |(id, _)| id.0);
        (self.0.len() < limits::OPERATORS_MAX).then(|| OperatorId(last + 1))
    }

    fn has_key(&self, key: KeyHash) -> bool {
        self.iter().any(|operator| operator.admin_key == Some(key))
    }
}

/// An operator to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOperator {
    pub username: Username,
    pub password: PasswordHash,
    /// None: an owner as long as the panel has none who is active, then staff.
    pub role: Option<Role>,
    pub admin_key: Option<KeyHash>,
}

/// Opens an operator.
pub fn open(world: &mut World, now: Timestamp, new: &NewOperator) -> Decision {
    let mut staff = world.staff()?;
    if staff.iter().any(|operator| operator.username == new.username) {
        return Err(Refusal::UsernameTaken.into());
    }
    refuse_known_key(&staff, new.admin_key)?;
    let id = staff.next_id().ok_or(Refusal::IdsExhausted)?;
    let is_owned = staff.iter().any(Operator::is_active_owner);
    let role = new.role.unwrap_or(if is_owned { Role::Staff } else { Role::Owner });
    staff.put(Operator {
        id,
        username: new.username.clone(),
        password: new.password.clone(),
        admin_key: new.admin_key,
        role,
        standing: OperatorStanding::Active,
        opened_at: now,
        password_changed_at: now,
        sessions_since: now,
    });
    set(world, staff)?;
    Ok(Done::OperatorOpened { operator: id, role })
}

/// A new password, and the end of every session.
pub fn set_password(world: &mut World, now: Timestamp, id: OperatorId, password: &PasswordHash) -> Decision {
    change(world, id, |operator| {
        operator.password = password.clone();
        operator.password_changed_at = now;
        operator.sessions_since = now;
    })
}

/// A suspension ends every session. The last active owner can't be suspended.
pub fn set_standing(
    world: &mut World,
    now: Timestamp,
    id: OperatorId,
    standing: OperatorStanding,
) -> Decision {
    change(world, id, |operator| {
        operator.standing = standing;
        match standing {
            OperatorStanding::Active => {}
            OperatorStanding::Suspended => operator.sessions_since = now,
        }
    })
}

/// Another admin key, or none; the one before stops working with the same commit.
pub fn set_key(world: &mut World, id: OperatorId, key: Option<KeyHash>) -> Decision {
    refuse_known_key(&world.staff()?, key)?;
    change(world, id, |operator| operator.admin_key = key)
}

fn change(world: &mut World, id: OperatorId, change: impl FnOnce(&mut Operator)) -> Decision {
    let mut staff = world.staff()?;
    let mut operator = staff.get(id).ok_or(Refusal::UnknownOperator)?.clone();
    change(&mut operator);
    staff.put(operator);
    set(world, staff)?;
    Ok(Done::Noted)
}

fn refuse_known_key(staff: &Staff, key: Option<KeyHash>) -> Result<(), Refusal> {
    if key.is_some_and(|key| staff.has_key(key)) { Err(Refusal::OutOfTurn("the key exists")) } else { Ok(()) }
}

/// Whatever was changed, somebody remains who may look after the operators.
fn set(world: &mut World, staff: Staff) -> Result<(), Refusal> {
    if !staff.iter().any(Operator::is_active_owner) {
        return Err(Refusal::NoOwnerLeft);
    }
    world.staff.set((), Some(staff));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::testing::{Stage, password_hash};
    use crate::time::Span;

    fn new(name: &str) -> NewOperator {
        let username = Username::parse(name).expect("a username");
        NewOperator { username, password: password_hash("first"), role: None, admin_key: None }
    }

    fn opened(stage: &mut Stage, new: NewOperator) -> Result<(OperatorId, Role), Refusal> {
        match stage.run(Command::OpenOperator(Box::new(new)))? {
            Done::OperatorOpened { operator, role } => Ok((operator, role)),
            other => panic!("{other:?}"),
        }
    }

    fn standing(
        stage: &mut Stage,
        operator: OperatorId,
        standing: OperatorStanding,
    ) -> Result<Done, Refusal> {
        stage.run(Command::SetOperatorStanding { operator, standing })
    }

    #[test]
    fn usernames_are_short_plain_words_and_capital_letters_make_no_other() {
        assert_eq!(Username::parse(" Anna.B-2_ ").map(String::from), Ok("anna.b-2_".to_owned()));
        let longest = "x".repeat(32);
        assert!(Username::parse(&longest).is_ok());
        for wrong in ["", "ab", "änna", "an na", ".anna", "-anna", "_anna", "anna\n\u{0}", &(longest + "x")]
        {
            assert_eq!(Username::parse(wrong), Err(NoUsername), "{wrong:?}");
        }
        assert!(NoUsername.to_string().starts_with("a username has 3 to 32 characters"));
    }

    #[test]
    fn a_password_in_clear_is_no_hash_and_a_hash_is_never_shown() {
        assert_eq!(PasswordHash::new("correct horse battery staple"), None);
        assert_eq!(PasswordHash::new(&format!("$argon2id${}", "x".repeat(1_000))), None);
        assert_eq!(format!("{:?}", password_hash("first")), "PasswordHash(…)");
    }

    #[test]
    fn the_first_operator_is_an_owner_and_the_next_ones_are_staff() {
        let mut stage = Stage::default();
        let staff = NewOperator { role: Some(Role::Staff), ..new("anna") };
        assert_eq!(opened(&mut stage, staff), Err(Refusal::NoOwnerLeft));
        assert_eq!(opened(&mut stage, new("anna")), Ok((OperatorId(1), Role::Owner)));
        assert_eq!(opened(&mut stage, new("ben")), Ok((OperatorId(2), Role::Staff)));
        let owner = NewOperator { role: Some(Role::Owner), ..new("cleo") };
        assert_eq!(opened(&mut stage, owner), Ok((OperatorId(3), Role::Owner)));
    }

    #[test]
    fn a_username_belongs_to_one_operator() {
        let mut stage = Stage::default();
        opened(&mut stage, new("anna")).expect("opened");
        assert_eq!(opened(&mut stage, new("ANNA")), Err(Refusal::UsernameTaken));
        let open = |name| Command::OpenOperator(Box::new(new(name)));
        let outcomes = stage.run_batch(&[open("ben"), open("ben")]);
        assert!(outcomes[0].is_ok());
        assert_eq!(outcomes[1], Err(Refusal::UsernameTaken), "in one batch too");
    }

    #[test]
    fn the_last_active_owner_cannot_be_suspended() {
        let mut stage = Stage::default();
        let (anna, _) = opened(&mut stage, new("anna")).expect("opened");
        let (ben, _) = opened(&mut stage, new("ben")).expect("opened");
        assert_eq!(standing(&mut stage, anna, OperatorStanding::Suspended), Err(Refusal::NoOwnerLeft));
        standing(&mut stage, ben, OperatorStanding::Suspended).expect("staff can be");
        let cleo = NewOperator { role: Some(Role::Owner), ..new("cleo") };
        let (cleo, _) = opened(&mut stage, cleo).expect("opened");
        standing(&mut stage, anna, OperatorStanding::Suspended).expect("there is another");
        assert_eq!(standing(&mut stage, cleo, OperatorStanding::Suspended), Err(Refusal::NoOwnerLeft));
        standing(&mut stage, anna, OperatorStanding::Active).expect("resumed");
        assert_eq!(
            standing(&mut stage, OperatorId(9), OperatorStanding::Active),
            Err(Refusal::UnknownOperator)
        );
    }

    /// Shows C14.
    #[test]
    fn a_new_password_and_a_suspension_end_every_session() {
        let mut stage = Stage::default();
        opened(&mut stage, new("anna")).expect("opened");
        let (ben, _) = opened(&mut stage, new("ben")).expect("opened");
        let began = stage.now;
        stage.now = began.after(Span(1));
        let password = password_hash("second");
        stage.run(Command::SetOperatorPassword { operator: ben, password: password.clone() }).expect("set");
        let row = stage.staff.get(ben).expect("there").clone();
        assert_eq!((row.password, row.password_changed_at), (password, stage.now));
        assert_eq!((row.sessions_since, row.opened_at), (stage.now, began));
        stage.now = began.after(Span(2));
        standing(&mut stage, ben, OperatorStanding::Suspended).expect("suspended");
        stage.now = began.after(Span(3));
        standing(&mut stage, ben, OperatorStanding::Active).expect("resumed");
        let row = stage.staff.get(ben).expect("there");
        assert_eq!(row.sessions_since, began.after(Span(2)), "and none comes back");
        assert_eq!(row.password_changed_at, began.after(Span(1)));
    }

    #[test]
    fn an_admin_key_is_one_operators_until_it_is_another_or_none() {
        let mut stage = Stage::default();
        let hash = |n| KeyHash([n; 32]);
        let (anna, _) =
            opened(&mut stage, NewOperator { admin_key: Some(hash(1)), ..new("anna") }).expect("opened");
        let (ben, _) = opened(&mut stage, new("ben")).expect("opened");
        let mut key = |operator, key| stage.run(Command::SetOperatorKey { operator, key });
        assert_eq!(key(ben, Some(hash(1))), Err(Refusal::OutOfTurn("the key exists")));
        key(anna, Some(hash(2))).expect("rotated");
        key(ben, Some(hash(1))).expect("free again");
        key(anna, None).expect("taken away");
        assert_eq!(key(OperatorId(9), None), Err(Refusal::UnknownOperator));
        assert_eq!(stage.staff.get(anna).expect("there").admin_key, None);
    }
}
