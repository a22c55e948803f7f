//! Who is calling, as an address: the connection's peer, or what a trusted proxy says (invariants.md C27).
//!
//! `X-Forwarded-For` counts only when the peer is one of the configured proxies; it is read from the right, past
//! further trusted proxies, to the first address that isn't one. Anybody else's header is ignored.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::HeaderMap;

use crate::limits;

/// The other end of the connection; the server puts it into each request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Addresses of one network, such as `10.0.0.0/8` or a single `127.0.0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: u128,
    mask: u128,
    shown: (IpAddr, u8),
}

/// Not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address and no network such as 10.0.0.0/8")]
pub struct NoNetwork(String);

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.first
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let wrong = || NoNetwork(text.to_owned());
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u8>().map_err(|_| wrong())?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(widest);
        if length > widest {
            return Err(wrong());
        }
        // IPv4 lies in the last 32 bits of its mapped IPv6 form.
        let mask = u128::MAX.checked_shl(u32::from(widest - length)).unwrap_or(0);
        Ok(Self { first: bits(address) & mask, mask, shown: (address, length) })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shown.0, self.shown.1)
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The caller's address.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer.to_canonical();
    if !is_trusted(nearest) {
        return nearest;
    }
    let lines = headers.get_all("x-forwarded-for").into_iter().rev();
    let hops = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.rsplit(','));
    for hop in hops.take(limits::FORWARDED_HOPS) {
        // What can't be read, or is no address, ends what can be believed.
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
        if !is_trusted(nearest) {
            break;
        }
    }
    nearest
}

/// Whether the call was made on this machine itself: a loopback peer that forwards for nobody. A proxy nobody told us
/// about speaks for strangers, and a trusted one does so anyway.
pub fn is_local(peer: IpAddr, headers: &HeaderMap) -> bool {
    let forwards = headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded");
    peer.to_canonical().is_loopback() && !forwards
}

/// What counts as one caller: an IPv4 address, or the /64 that one IPv6 customer has.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().expect("a network")).collect()
    }

    fn forwarded(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn a_strangers_forwarded_header_is_ignored() {
        let headers = forwarded(&["203.0.113.9"]);
        assert_eq!(client(at("198.51.100.1"), &headers, &[]), at("198.51.100.1"));
        assert_eq!(client(at("198.51.100.1"), &headers, &networks(&["127.0.0.1"])), at("198.51.100.1"));
    }

    /// Shows C27.
    #[test]
    fn behind_trusted_proxies_the_first_untrusted_address_from_the_right_counts() {
        let trusted = networks(&["127.0.0.1", "10.0.0.0/8", "::1"]);
        let peer = at("127.0.0.1");
        assert_eq!(
            client(peer, &forwarded(&["1.2.3.4, 203.0.113.9, 10.1.1.1"]), &trusted),
            at("203.0.113.9")
        );
        assert_eq!(client(peer, &forwarded(&["1.2.3.4", "203.0.113.9"]), &trusted), at("203.0.113.9"));
        assert_eq!(client(at("::1"), &forwarded(&["2001:db8::7"]), &trusted), at("2001:db8::7"));
        assert_eq!(client(peer, &forwarded(&["203.0.113.9, what"]), &trusted), peer);
        assert_eq!(client(peer, &HeaderMap::new(), &trusted), peer);
        assert_eq!(client(at("::ffff:127.0.0.1"), &forwarded(&["203.0.113.9"]), &trusted), at("203.0.113.9"));
    }

    #[test]
    fn only_this_machine_itself_is_local() {
        assert!(is_local(at("127.0.0.1"), &HeaderMap::new()));
        assert!(is_local(at("::1"), &HeaderMap::new()));
        assert!(is_local(at("::ffff:127.0.0.1"), &HeaderMap::new()));
        assert!(!is_local(at("198.51.100.1"), &HeaderMap::new()));
        assert!(!is_local(at("127.0.0.1"), &forwarded(&["203.0.113.9"])), "a proxy nobody named");
    }

    #[test]
    fn networks_are_read_and_told_apart() {
        let [ten, one, six] = networks(&["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"])[..] else {
            panic!("three")
        };
        assert!(ten.contains(at("10.255.0.1")) && !ten.contains(at("11.0.0.1")));
        assert!(one.contains(at("192.0.2.7")) && !one.contains(at("192.0.2.8")));
        assert!(six.contains(at("2001:db8:1::1")) && !six.contains(at("2001:db9::1")));
        assert!("0.0.0.0/0".parse::<Network>().expect("all of IPv4").contains(at("8.8.8.8")));
        assert_eq!(ten.to_string(), "10.0.0.0/8");
        for wrong in ["", "10.0.0.0/33", "::1/129", "host", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
