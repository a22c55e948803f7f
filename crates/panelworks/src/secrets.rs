//! Secrets at rest: the key that seals providers' keys, and how keys for customers are made.
//!
//! Providers' API keys lie in the books as XChaCha20-Poly1305 under a key in a file outside of them, so that a
//! stolen database spends no money. The account's URL is bound to each sealed key as associated data: a row moved
//! to another account can't be opened. Customers' keys are never stored, only their SHA-256. Nothing here shows a
//! secret in `Debug` or in an error. Rules: invariants.md C31, C7; `domain.md`, Attempts 8.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use panelworks_client::Secret;
use sha2::{Digest, Sha256};

/// First byte of everything sealed: the way it was sealed.
const FORMAT: u8 = 1;
/// Bytes of a key's name inside what it sealed.
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;
/// Begins the key file, so that another file is not taken for one.
const FILE_PREFIX: &str = "panelworks-secret-key-1:";

/// Why a secret can't be had.
#[derive(Debug)]
pub enum SecretError {
    /// The file can't be read or written.
    File { path: PathBuf, doing: &'static str, why: std::io::Error },
    /// There are sealed keys, and the file that opens them is not there.
    Missing { path: PathBuf },
    /// The file is not a key file.
    Malformed { path: PathBuf },
    /// The operating system gave no random bytes.
    NoRandomness(getrandom::Error),
    /// Sealed by another key.
    OtherKey,
    /// Changed after it was sealed, or moved from another account.
    Broken,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, doing, why } => write!(f, "can't {doing} {}: {why}", path.display()),
            Self::Missing { path } => write!(
                f,
                "{} is missing, and the books hold providers' keys that only it can open; put it back from \
                 your backup, or open the providers' accounts anew",
                path.display()
            ),
            Self::Malformed { path } => write!(
                f,
                "{} is not a key file: it holds one line, {FILE_PREFIX} and 64 hexadecimal digits",
                path.display()
            ),
            Self::NoRandomness(why) => write!(f, "the operating system gave no random bytes: {why}"),
            Self::OtherKey => f.write_str("this was sealed with another secret key file"),
            Self::Broken => f.write_str("this sealed key was changed, or belongs to another account"),
        }
    }
}

impl std::error::Error for SecretError {}

/// The key over all providers' keys.
#[derive(Clone)]
pub struct SecretKey {
    cipher: XChaCha20Poly1305,
    id: [u8; KEY_ID_BYTES],
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl SecretKey {
    /// Reads the key file, or makes one (readable by its owner only) where there is nothing sealed yet.
    pub fn load(path: &Path, may_create: bool) -> Result<Self, SecretError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).ok_or_else(|| SecretError::Malformed { path: path.to_owned() }),
            Err(error) if error.kind() == ErrorKind::NotFound && may_create => Self::create(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(SecretError::Missing { path: path.to_owned() })
            }
            Err(why) => Err(SecretError::File { path: path.to_owned(), doing: "read", why }),
        }
    }

    fn create(path: &Path) -> Result<Self, SecretError> {
        let bytes: [u8; KEY_BYTES] = random()?;
        let text = format!("{FILE_PREFIX}{}\n", hex(&bytes));
        write_private(path, text.as_bytes(), Existing::Refuse).map_err(|why| SecretError::File {
            path: path.to_owned(),
            doing: "write",
            why,
        })?;
        Ok(Self::of(&bytes))
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix(FILE_PREFIX)?;
        Some(Self::of(&unhex::<KEY_BYTES>(digits)?))
    }

    fn of(bytes: &[u8; KEY_BYTES]) -> Self {
        let name = Sha256::digest(bytes);
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&name[..KEY_ID_BYTES]);
        Self { cipher: XChaCha20Poly1305::new(&(*bytes).into()), id }
    }

    /// Before the tokens of our attempts, so that those of two panels at one provider account never meet.
    pub fn token_prefix(&self) -> String {
        format!("pw{}-", hex(&self.id))
    }

    /// Seals a provider's key for the account at `url`.
    pub fn seal(&self, key: &Secret, url: &str) -> Result<Vec<u8>, SecretError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let bound = bound_to(url);
        let payload = Payload { msg: key.expose().as_bytes(), aad: &bound };
        // Sealing fails only for texts of many gigabytes.
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SecretError::Broken)?;
        Ok([&[FORMAT], self.id.as_slice(), nonce.as_slice(), sealed.as_slice()].concat())
    }

    /// Opens what [`Self::seal`] sealed for the same `url`.
    pub fn open(&self, sealed: &[u8], url: &str) -> Result<Secret, SecretError> {
        let (format, rest) = sealed.split_first().ok_or(SecretError::Broken)?;
        let (id, rest) = rest.split_first_chunk::<KEY_ID_BYTES>().ok_or(SecretError::Broken)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SecretError::Broken)?;
        if *format != FORMAT {
            return Err(SecretError::Broken);
        }
        if *id != self.id {
            return Err(SecretError::OtherKey);
        }
        let bound = bound_to(url);
        let payload = Payload { msg: text, aad: &bound };
        let opened = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SecretError::Broken)?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| SecretError::Broken)
    }
}

fn bound_to(url: &str) -> Vec<u8> {
    [b"panelworks provider key\0".as_slice(), url.as_bytes()].concat()
}

/// A new API key for a customer: 128 random bits as 32 lower-case hexadecimal digits.
pub fn new_api_key() -> Result<Secret, SecretError> {
    Ok(Secret::new(hex(&random::<16>()?)))
}

/// A new password: 100 random bits as five groups of letters and digits that are not taken for one another.
pub fn new_passphrase() -> Result<Secret, SecretError> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = random::<20>()?.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(Secret::new(groups.join("-")))
}

fn random<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(SecretError::NoRandomness)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// What to do when the file is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Replace,
}

/// Writes a file that only its owner can read, whole or not at all, and durably.
pub fn write_private(path: &Path, bytes: &[u8], existing: Existing) -> std::io::Result<()> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        match existing {
            Existing::Replace => fs::rename(&beside, path),
            // Unlike a rename, a link never takes an existing file's place.
            Existing::Refuse => fs::hard_link(&beside, path).and_then(|()| fs::remove_file(&beside)),
        }?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    })();
    if written.is_err() {
        // What is left of a failed try; that it may not be there is fine.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Whether others than its owner can read the file.
pub fn is_exposed(path: &Path) -> std::io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    const URL: &str = "https://provider.example/api/v2";

    /// Shows C31.
    #[test]
    fn a_sealed_key_opens_for_its_own_account_only() {
        let folder = Folder::new();
        let secret = SecretKey::load(&folder.path("secret.key"), true).expect("made");
        let sealed = secret.seal(&Secret::new("provider's key"), URL).expect("sealed");
        assert_eq!(secret.open(&sealed, URL).expect("opens").expose(), "provider's key");
        assert!(matches!(secret.open(&sealed, "https://other.example/"), Err(SecretError::Broken)));
    }

    /// Shows C31.
    #[test]
    fn any_changed_byte_is_noticed() {
        let folder = Folder::new();
        let secret = SecretKey::load(&folder.path("secret.key"), true).expect("made");
        let sealed = secret.seal(&Secret::new("k"), URL).expect("sealed");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(secret.open(&changed, URL).is_err(), "byte {place}");
            assert!(secret.open(&sealed[..place], URL).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn the_same_key_sealed_twice_differs() {
        let folder = Folder::new();
        let secret = SecretKey::load(&folder.path("secret.key"), true).expect("made");
        let sealed = || secret.seal(&Secret::new("k"), URL).expect("sealed");
        assert_ne!(sealed(), sealed());
        assert!(!sealed().windows(1).any(|w| w == b"k" && sealed() == sealed()));
    }

    #[test]
    fn another_key_file_is_told_apart_from_a_changed_row() {
        let folder = Folder::new();
        let one = SecretKey::load(&folder.path("one.key"), true).expect("made");
        let two = SecretKey::load(&folder.path("two.key"), true).expect("made");
        let sealed = one.seal(&Secret::new("k"), URL).expect("sealed");
        assert!(matches!(two.open(&sealed, URL), Err(SecretError::OtherKey)));
    }

    /// Shows C31.
    #[test]
    fn a_key_file_is_made_once_for_its_owner_alone_and_read_back() {
        let folder = Folder::new();
        let path = folder.path("secret.key");
        assert!(matches!(SecretKey::load(&path, false), Err(SecretError::Missing { .. })));
        let made = SecretKey::load(&path, true).expect("made");
        assert!(!is_exposed(&path).expect("there"));
        let sealed = made.seal(&Secret::new("k"), URL).expect("sealed");
        let read = SecretKey::load(&path, true).expect("read");
        assert_eq!(read.open(&sealed, URL).expect("opens").expose(), "k");
        assert_eq!(fs::read_dir(folder.root()).expect("a folder").count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_and_kept() {
        let folder = Folder::new();
        let path = folder.path("secret.key");
        for text in ["", "hello", "panelworks-secret-key-1:00", &format!("{FILE_PREFIX}{}", "zz".repeat(32))]
        {
            fs::write(&path, text).expect("written");
            assert!(matches!(SecretKey::load(&path, true), Err(SecretError::Malformed { .. })), "{text}");
            assert_eq!(fs::read_to_string(&path).expect("there"), text);
        }
    }

    #[test]
    fn customers_keys_are_thirty_two_hexadecimal_digits_and_never_the_same() {
        let keys: std::collections::HashSet<String> =
            (0..64).map(|_| new_api_key().expect("random").expose().to_owned()).collect();
        assert_eq!(keys.len(), 64);
        for key in keys {
            assert!(key.len() == 32 && key.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{key}");
        }
    }

    #[test]
    fn passwords_made_here_are_long_and_never_the_same() {
        let made: std::collections::HashSet<String> =
            (0..64).map(|_| new_passphrase().expect("random").expose().to_owned()).collect();
        assert_eq!(made.len(), 64);
        for password in made {
            let groups: Vec<&str> = password.split('-').collect();
            assert!(groups.len() == 5 && groups.iter().all(|group| group.len() == 4), "{password}");
            assert!(!password.contains(['0', '1', 'l', 'o']), "{password}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let folder = Folder::new();
        let path = folder.path("secret.key");
        let secret = SecretKey::load(&path, true).expect("made");
        let shown = format!("{secret:?} {secret:#?} {:?}", SecretError::OtherKey);
        let text = fs::read_to_string(&path).expect("there");
        assert!(!text.is_empty() && !shown.contains(text.trim().trim_start_matches(FILE_PREFIX)));
        assert!(shown.contains("SecretKey(…)"));
    }
}
