//! Passwords: how they are hashed and verified, a few at a time and off the threads that serve.
//!
//! In: a [`Passphrase`] that somebody entered. Out: its hash, if it may be chosen ([`Passphrase::choose`]); or whether
//! it is the one behind a hash. A name that nobody has costs as much as one that somebody has. At most
//! [`limits::HASHES_AT_ONCE`] are computed at once, each on a thread that may block: a flood of log-ins takes neither
//! the memory nor the processor from orders. Nothing here shows a passphrase. Rules: invariants.md C7, C15, 7.12.

mod choice;

use std::fmt;
use std::sync::Arc;

use argon2::password_hash::PasswordVerifier as _;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
use panelworks_core::operator::PasswordHash;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::limits;
pub use choice::{BadPassphrase, Chosen};

/// What stands for the salt where there is nobody to log in: its hash is thrown away.
const NOBODYS_SALT: [u8; 16] = *b"nobody's at home";

/// A password as somebody entered it. Shown by nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passphrase(String);

impl Passphrase {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// Why there is no hash, or no answer: nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct NotHashed(String);

/// See the module's head. Cheap to clone; clones share the places.
#[derive(Debug, Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(limits::HASHES_AT_ONCE)) }
    }
}

impl Passwords {
    /// Argon2id under a salt of its own, with the parameters of [`limits`].
    pub async fn hash(&self, chosen: Chosen) -> Result<PasswordHash, NotHashed> {
        self.compute(move || hash(chosen.passphrase())).await?
    }

    /// Whether the passphrase is the one behind the hash. With None, for a name that nobody has, it computes as much
    /// and says no.
    pub async fn verify(&self, entered: Passphrase, known: Option<PasswordHash>) -> Result<bool, NotHashed> {
        self.compute(move || verify(&entered, known.as_ref())).await?
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotHashed> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(not_hashed)?;
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(not_hashed)
    }
}

fn hash(passphrase: &Passphrase) -> Result<PasswordHash, NotHashed> {
    let phc = argon2()?.hash_password(passphrase.0.as_bytes()).map_err(not_hashed)?.to_string();
    PasswordHash::new(&phc).ok_or_else(|| NotHashed("the hash does not look like one".to_owned()))
}

fn verify(entered: &Passphrase, known: Option<&PasswordHash>) -> Result<bool, NotHashed> {
    let Some(known) = known else {
        argon2()?.hash_password_with_salt(entered.0.as_bytes(), &NOBODYS_SALT).map_err(not_hashed)?;
        return Ok(false);
    };
    match argon2()?.verify_password(entered.0.as_bytes(), known.expose()) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(not_hashed(error)),
    }
}

fn argon2() -> Result<Argon2<'static>, NotHashed> {
    let params = Params::new(limits::HASH_MEMORY_KIB, limits::HASH_PASSES, limits::HASH_LANES, None);
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params.map_err(not_hashed)?))
}

fn not_hashed(why: impl fmt::Display) -> NotHashed {
    NotHashed(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(text: &str) -> Chosen {
        Passphrase::new(text).choose(&[]).expect("may be chosen")
    }

    #[tokio::test]
    async fn only_the_passphrase_itself_is_the_one_behind_its_hash() {
        let passwords = Passwords::default();
        let hash = passwords.hash(chosen("eleven blue hörses")).await.expect("hashed");
        let verify = async |text: &str| passwords.verify(Passphrase::new(text), Some(hash.clone())).await;
        assert_eq!(verify("eleven blue hörses").await, Ok(true));
        for other in ["eleven blue horses", "Eleven blue hörses", "eleven blue hörses ", ""] {
            assert_eq!(verify(other).await, Ok(false), "{other:?}");
        }
    }

    /// Shows C15.
    #[tokio::test]
    async fn a_hash_has_the_parameters_of_the_limits_and_a_salt_of_its_own() {
        let passwords = Passwords::default();
        let first = passwords.hash(chosen("eleven blue horses")).await.expect("hashed");
        let second = passwords.hash(chosen("eleven blue horses")).await.expect("hashed");
        assert!(first.expose().starts_with("$argon2id$v=19$m=19456,t=3,p=1$"), "{}", first.expose());
        assert_ne!(first, second);
    }

    /// Shows C15.
    #[tokio::test]
    async fn a_name_that_nobody_has_is_answered_no() {
        let verified = Passwords::default().verify(Passphrase::new("eleven blue horses"), None).await;
        assert_eq!(verified, Ok(false));
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_read_opens_nothing() {
        let broken = PasswordHash::new("$argon2id$v=19$broken").expect("looks like one");
        let verified = Passwords::default().verify(Passphrase::new("eleven blue horses"), Some(broken)).await;
        assert!(verified.is_err());
    }

    /// Shows C15.
    #[tokio::test]
    async fn no_more_are_computed_at_once_than_there_are_places() {
        let passwords = Passwords::default();
        let all: Vec<_> = (0..limits::HASHES_AT_ONCE)
            .map(|_| Arc::clone(&passwords.places).try_acquire_owned().expect("free"))
            .collect();
        let mut waiting = Box::pin(passwords.verify(Passphrase::new("eleven blue horses"), None));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending(), "it has no place");
        drop(all);
        assert_eq!(waiting.await, Ok(false));
    }

    #[test]
    fn debug_shows_no_passphrase() {
        let passphrase = Passphrase::new("eleven blue horses");
        assert_eq!(
            format!("{passphrase:?} {:?}", chosen("eleven blue horses")),
            "Passphrase(…) Chosen(Passphrase(…))"
        );
    }
}
