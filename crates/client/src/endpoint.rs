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
    /// A scheme other than https (or http, where private addresses are allowed).
    #[error("the URL must begin with https://")]
    NotHttps,
    /// A user name or password stands before the host; such URLs are mostly tricks.
    #[error("the URL must not contain a user name or password")]
    Credentials,
    /// A port outside [`limits::PUBLIC_PORTS`].
    #[error("port {0} is not one that HTTPS providers use")]
    Port(u16),
    /// An address that the endpoint's [`Reach`] does not admit.
    #[error("the address {0} is not one this provider may have")]
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
        ("https", _) | ("http", Reach::PrivateAllowed) => Ok(()),
        (_, Reach::PublicOnly | Reach::PrivateAllowed) => Err(EndpointError::NotHttps),
    }
}

fn check_port(url: &Url, reach: Reach) -> Result<(), EndpointError> {
    match (url.port_or_known_default(), reach) {
        (Some(port), Reach::PublicOnly) if !limits::PUBLIC_PORTS.contains(&port) => {
            Err(EndpointError::Port(port))
        }
        (Some(_) | None, Reach::PublicOnly | Reach::PrivateAllowed) => Ok(()),
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

    fn allowing_private(url: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::new(url, Secret::new("k3y"), Reach::PrivateAllowed)
    }

    /// Forms in which a URL can name something else than it seems to: the address that each one means.
    /// `private`: of this machine or a private network, which an operator may allow for a provider.
    #[rustfmt::skip]
    const FORMS: [(&str, bool); 46] = [
        ("https://127.0.0.1/api/v2", true),
        ("https://127.0.0.1:8443/", true),
        ("https://127.1/", true),
        ("https://127.0.1/", true),
        ("https://2130706433/", true),
        ("https://0x7f000001/", true),
        ("https://0x7f.1/", true),
        ("https://0177.0.0.1/", true),
        ("https://017700000001/", true),
        ("https://127.0.0.1./", true),
        ("https:127.0.0.1/", true),
        ("https:\\\\127.0.0.1\\", true),
        ("https://①②⑦.0.0.1/", true),
        ("https://127。0。0。1/", true),
        ("https://%31%32%37.0.0.1/", true),
        ("https://[::1]/", true),
        ("https://[0:0:0:0:0:0:0:1]/", true),
        ("https://[::ffff:127.0.0.1]/", true),
        ("https://[::ffff:7f00:1]/", true),
        ("https://[::ffff:192.168.0.1]/", true),
        ("https://10.1.2.3/", true),
        ("https://167838211/", true),
        ("https://012.1.2.3/", true),
        ("https://172.20.0.1/", true),
        ("https://192.168.0.1/", true),
        ("https://192.168.1/", true),
        ("https://[fc00::1]/", true),
        ("https://[fd00::1]/", true),
        ("https://0/", false),
        ("https://0.0.0.0/", false),
        ("https://[::]/", false),
        ("https://[::127.0.0.1]/", false),
        ("https://[64:ff9b::7f00:1]/", false),
        ("https://[64:ff9b::10.0.0.1]/", false),
        ("https://[2002:7f00:1::]/", false),
        ("https://[fe80::1]/", false),
        ("https://[ff02::1]/", false),
        ("https://[fd00:ec2::254]/latest/meta-data", false),
        ("https://169.254.169.254/latest/meta-data", false),
        ("https://2852039166/latest/meta-data", false),
        ("https://[::ffff:a9fe:a9fe]/", false),
        ("https://168.63.129.16/", false),
        ("https://100.64.0.1/", false),
        ("https://100.100.100.200/latest/meta-data", false),
        ("https://224.0.0.1/", false),
        ("https://255.255.255.255/", false),
    ];

    /// Shows B18.
    #[test]
    fn no_spelling_of_an_address_passes_for_one_that_the_endpoint_may_have() {
        for (url, private) in FORMS {
            assert!(matches!(public(url), Err(EndpointError::Address(_))), "{url}: {:?}", public(url));
            let allowed = allowing_private(url);
            let as_told =
                if private { allowed.is_ok() } else { matches!(allowed, Err(EndpointError::Address(_))) };
            assert!(as_told, "{url}: {allowed:?}");
        }
    }

    /// Shows B18.
    #[test]
    fn a_user_name_before_the_host_is_refused_wherever_it_leads() {
        for open in [public, allowing_private] {
            for url in [
                "https://good.example@127.0.0.1/",
                "https://good.example:443@10.0.0.1/",
                "https://good.example%2f@192.168.0.1/",
                "https://a:b@good.example/",
            ] {
                assert_eq!(open(url), Err(EndpointError::Credentials), "{url}");
            }
            assert!(matches!(open("https://@169.254.169.254/"), Err(EndpointError::Address(_))));
            // Browsers end the host at the backslash, and so must we.
            let host = open("https://good.example\\@127.0.0.1/").map(|endpoint| endpoint.host().to_owned());
            assert_eq!(host, Ok("good.example".to_owned()));
        }
    }

    /// Shows B18.
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
    fn private_addresses_other_ports_and_plain_http_need_to_be_allowed() {
        for url in ["http://127.0.0.1:8080/api/v2", "http://[::1]:8080/", "http://10.0.0.7:3000/api/v2"] {
            assert_eq!(public(url), Err(EndpointError::NotHttps));
            assert!(allowing_private(url).is_ok(), "{url}");
        }
        assert!(matches!(allowing_private("http://169.254.169.254/"), Err(EndpointError::Address(_))));
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
