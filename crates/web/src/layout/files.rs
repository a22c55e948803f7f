//! The static files of all pages: the style sheet and the icon, compiled in.
//!
//! In comes a path, out go bytes with everything a response needs to know about them. The style sheet's address holds
//! a fingerprint of its content: browsers keep it for a year, and a new version has a new address.

const STYLESHEET: &[u8] = include_bytes!("panelworks.css");
const ICON: &[u8] = include_bytes!("panelworks.svg");
const STYLESHEET_FINGERPRINT: u64 = fingerprint(STYLESHEET);

/// How long a browser may keep a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// The address names the content; it never changes.
    Forever,
    /// The address stays when the content changes: ask again after an hour.
    Hour,
}

impl Cache {
    /// The value of `Cache-Control`.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Forever => "public, max-age=31536000, immutable",
            Self::Hour => "public, max-age=3600",
        }
    }
}

/// One file as it is answered.
#[derive(Debug, Clone, Copy)]
pub struct StaticFile {
    pub content_type: &'static str,
    pub bytes: &'static [u8],
    pub cache: Cache,
    /// Set for files to be saved: the name for `Content-Disposition: attachment; filename="…"`. Plain ASCII without
    /// quotes.
    pub save_as: Option<&'static str>,
}

/// The file at a path below `/assets/`, if there is one.
pub fn file(path: &str) -> Option<StaticFile> {
    let shown = |content_type, bytes, cache| Some(StaticFile { content_type, bytes, cache, save_as: None });
    match path {
        "/assets/panelworks.svg" => shown("image/svg+xml", ICON, Cache::Hour),
        "/assets/panelworks.css" => shown("text/css; charset=utf-8", STYLESHEET, Cache::Hour),
        fingerprinted if fingerprinted == stylesheet_path() => {
            shown("text/css; charset=utf-8", STYLESHEET, Cache::Forever)
        }
        _ => None,
    }
}

/// The style sheet's address with its fingerprint.
pub(super) fn stylesheet_path() -> String {
    format!("/assets/panelworks-{STYLESHEET_FINGERPRINT:016x}.css")
}

/// FNV-1a, 64 bits: enough to tell two versions of a file apart; nothing is protected by it.
const fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_fnv_1a() {
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn only_the_fingerprinted_address_is_kept_for_ever() {
        assert_eq!(file(&stylesheet_path()).map(|file| file.cache), Some(Cache::Forever));
        assert_eq!(file("/assets/panelworks.css").map(|file| file.cache), Some(Cache::Hour));
        assert!(file("/assets/panelworks-0000000000000000.css").is_none());
        assert!(file("/assets/../Cargo.toml").is_none());
    }
}
