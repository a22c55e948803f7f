//! A provider's API URL with its key and how far it may reach, parsed once and right from then on.
//!
//! In: what an operator typed. Out: an [`Endpoint`] that `transport` can talk to, or a typed reason
//! that says what would be right. Literal addresses are judged here (the connector takes them
//! without asking a resolver); names are judged in `resolve`, after they were looked up. The key and
//! the URL's query never show in `Debug` or in an error. The rule is `invariants.md` B18.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::limits;
use crate::reach::Reach;
use crate::secret::Secret;

/// Where a provider's API v2 is, and as whom we talk to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    key: Secret,
    reach: Reach,
}

/// Why a URL and key can't be a provider's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The text is no absolute URL with a host.
    #[error("not a URL; it should look like https://provider.example/api/v2")]
    NotAUrl,
    /// A scheme other than https (or http, where loopback is allowed).
    #[error("the URL must begin with https://")]
    NotHttps,
    /// A user name or password stands before the host; such URLs are mostly tricks.
    #[error("the URL must not contain a user name or password")]
    Credentials,
    /// A port outside [`limits::PUBLIC_PORTS`].
    #[error("port {0} is not one that HTTPS providers use")]
    Port(u16),
    /// An address of our own machine or network, or of nobody's.
    #[error("the address {0} is not on the public internet")]
    Address(IpAddr),
    /// No key.
    #[error("the API key is empty")]
    NoKey,
}

impl Endpoint {
    /// Parses a provider's URL as browsers do: decimal, octal and shortened addresses are recognised
    /// for what they are. A fragment is dropped.
    pub fn new(url: &str, key: Secret, reach: Reach) -> Result<Endpoint, EndpointError> {
        let mut url = Url::parse(url.trim()).map_err(|_| EndpointError::NotAUrl)?;
        if !url.has_host() {
            return Err(EndpointError::NotAUrl);
        }
        check_scheme(&url, reach)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        if let Some(address) = literal_address(&url)
            && !reach.admits(address)
        {
            return Err(EndpointError::Address(address));
        }
        check_port(&url, reach)?;
        if key.expose().is_empty() {
            return Err(EndpointError::NoKey);
        }
        url.set_fragment(None);
        Ok(Endpoint { url, key, reach })
    }

    /// The key, for the encoder of a call.
    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// Which addresses this endpoint may have.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The host's name or address, for logs and health pages.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The whole URL; its query may hold what only the provider should see.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }
}

fn check_scheme(url: &Url, reach: Reach) -> Result<(), EndpointError> {
    match (url.scheme(), reach) {
        ("https", _) | ("http", Reach::LoopbackAllowed) => Ok(()),
        (_, Reach::PublicOnly | Reach::LoopbackAllowed) => Err(EndpointError::NotHttps),
    }
}

fn check_port(url: &Url, reach: Reach) -> Result<(), EndpointError> {
    match (url.port_or_known_default(), reach) {
        (Some(port), Reach::PublicOnly) if !limits::PUBLIC_PORTS.contains(&port) => {
            Err(EndpointError::Port(port))
        }
        (Some(_) | None, Reach::PublicOnly | Reach::LoopbackAllowed) => Ok(()),
    }
}

/// The address a URL names directly; the parser has already turned `2130706433` and `0x7f.1` into one.
fn literal_address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.url.clone();
        shown.set_query(self.url.query().map(|_| "…"));
        f.debug_struct("Endpoint")
            .field("url", &shown.as_str())
            .field("key", &self.key)
            .field("reach", &self.reach)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(url: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::new(url, Secret::new("k3y"), Reach::PublicOnly)
    }

    #[test]
    fn no_spelling_of_a_private_address_passes_for_a_public_endpoint() {
        for url in [
            "https://127.0.0.1/api/v2",
            "https://127.0.0.1:8443/",
            "https://127.1/",
            "https://127.0.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://017700000001/",
            "https://127.0.0.1./",
            "https://0/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://10.1.2.3/",
            "https://172.20.0.1/",
            "https://192.168.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https:127.0.0.1/",
            "https:\\\\127.0.0.1\\",
            "https://①②⑦.0.0.1/",
            "https://127。0。0。1/",
            "https://%31%32%37.0.0.1/",
        ] {
            assert!(matches!(public(url), Err(EndpointError::Address(_))), "{url}: {:?}", public(url));
        }
    }

    #[test]
    fn a_public_endpoint_is_https_on_an_https_port_without_credentials() {
        assert_eq!(public("http://provider.example/api/v2"), Err(EndpointError::NotHttps));
        assert_eq!(public("ftp://provider.example/"), Err(EndpointError::NotHttps));
        assert_eq!(public("file:///etc/passwd"), Err(EndpointError::NotAUrl));
        assert_eq!(public("gopher://127.0.0.1/"), Err(EndpointError::NotHttps));
        assert_eq!(public("https://good.example@127.0.0.1/"), Err(EndpointError::Credentials));
        assert_eq!(public("https://user:pass@provider.example/"), Err(EndpointError::Credentials));
        assert_eq!(public("https://provider.example:25/"), Err(EndpointError::Port(25)));
        assert_eq!(public("https://provider.example:6379/"), Err(EndpointError::Port(6379)));
        assert_eq!(public("provider.example/api/v2"), Err(EndpointError::NotAUrl));
        assert_eq!(public("https://"), Err(EndpointError::NotAUrl));
        assert_eq!(public("https://256.1.1.1/"), Err(EndpointError::NotAUrl));
    }

    #[test]
    fn a_real_providers_url_is_taken_as_it_is() {
        for url in [
            "https://provider.example/api/v2",
            " https://provider.example:8443/api/v2/ ",
            "https://1.1.1.1/api",
        ] {
            assert!(public(url).is_ok(), "{url}");
        }
        assert_eq!(
            public("https://Provider.Example/api/v2#top").map(|e| e.url().to_string()),
            Ok("https://provider.example/api/v2".to_owned())
        );
    }

    #[test]
    fn loopback_and_plain_http_need_to_be_allowed() {
        let open = |url| Endpoint::new(url, Secret::new("k"), Reach::LoopbackAllowed);
        assert!(open("http://127.0.0.1:8080/api/v2").is_ok());
        assert!(open("http://[::1]:8080/api/v2").is_ok());
        assert!(matches!(open("http://169.254.169.254/"), Err(EndpointError::Address(_))));
        assert!(matches!(open("http://10.0.0.1/"), Err(EndpointError::Address(_))));
    }

    #[test]
    fn a_key_is_demanded_and_its_white_space_dropped() {
        let with = |key| Endpoint::new("https://provider.example/", Secret::new(key), Reach::PublicOnly);
        assert_eq!(with(" \n"), Err(EndpointError::NoKey));
        assert_eq!(with(" abc\n").map(|e| e.key().expose().to_owned()), Ok("abc".to_owned()));
    }

    #[test]
    fn debug_shows_neither_the_key_nor_the_query() {
        let endpoint = Endpoint::new(
            "https://provider.example/api?token=hidden-query",
            Secret::new("hidden-key"),
            Reach::PublicOnly,
        )
        .expect("valid");
        let shown = format!("{endpoint:?} {endpoint:#?} {:?}", endpoint.key());
        assert!(shown.contains("provider.example"), "{shown}");
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
