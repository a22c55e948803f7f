//! Which addresses a provider may have, so that its URL can't be aimed at our own machines.
//!
//! In: an IP address about to be connected to. Out: may we. The check is made on the very addresses
//! handed to the connector, after the name was looked up, so a name that changes its mind between
//! check and use (DNS rebinding) gains nothing. It never looks names up and never connects itself.
//! The rule is `invariants.md` B18.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an endpoint may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// HTTPS to public addresses on the ports of [`crate::limits::PUBLIC_PORTS`]; what a real provider needs.
    PublicOnly,
    /// Also this machine itself and the operator's own networks (`10.0.0.0/8`, `172.16.0.0/12`,
    /// `192.168.0.0/16`, `fc00::/7`), any port, and plain HTTP: for a provider next door, two panels on one
    /// box, demos and tests. Link-local addresses and the clouds' metadata services stay closed.
    /// With plain HTTP towards another machine the key travels readable: an operator's explicit choice.
    PrivateAllowed,
}

impl Reach {
    /// Whether a connection to `address` is allowed.
    #[must_use]
    pub fn admits(self, address: IpAddr) -> bool {
        match self {
            Reach::PublicOnly => is_public(address),
            Reach::PrivateAllowed => is_public(address) || is_private(address.to_canonical()),
        }
    }
}

/// Whether an address is this machine's or one of a private network's.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || (v6.is_unique_local() && !METADATA_V6.contains(&v6)),
    }
}

/// Whether an address belongs to the public internet: anything else is ours, our network's or nobody's.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !BLOCKED_V4.iter().any(|&(network, bits)| within_v4(v4, network, bits)),
        // Only 2000::/3 is handed out to the public. Loopback, link-local, unique-local, multicast,
        // v4-mapped (::ffff:0:0/96), v4-compatible and NAT64 (64:ff9b::) all lie outside it.
        IpAddr::V6(v6) => {
            within_v6(v6, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
                && !BLOCKED_V6.iter().any(|&(network, bits)| within_v6(v6, network, bits))
        }
    }
}

/// IPv4 networks that are not public, from the registry of special-purpose addresses.
const BLOCKED_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),      // this network; 0.0.0.0 reaches loopback on Linux
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private
    (Ipv4Addr::new(100, 64, 0, 0), 10), // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8), // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's host, seen from its machines
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local, with the clouds' metadata services
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private
    (Ipv4Addr::new(192, 0, 0, 0), 24), // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relays, withdrawn
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3), // multicast, reserved, broadcast
];

/// Metadata services inside `fc00::/7`: what a cloud's machine asks for its credentials.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // Amazon
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
];

/// Networks inside `2000::/3` that are not public, or that carry an IPv4 address we would have to unwrap.
const BLOCKED_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// `bits` is between 1 and 32, so the shift never overflows.
fn within_v4(address: Ipv4Addr, network: Ipv4Addr, bits: u32) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0
}

/// `bits` is between 1 and 128, so the shift never overflows.
fn within_v6(address: Ipv6Addr, network: Ipv6Addr, bits: u32) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (128 - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Shows B18.
    #[test]
    fn public_only_refuses_every_address_that_is_not_the_internets() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.254",
            "127.0.0.1",
            "127.255.0.9",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.254",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!Reach::PublicOnly.admits(address(text)), "{text}");
        }
    }

    /// Shows B18.
    #[test]
    fn public_only_admits_the_neighbours_of_every_blocked_network() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(Reach::PublicOnly.admits(address(text)), "{text}");
        }
    }

    #[test]
    fn private_allowed_opens_our_machine_and_private_networks_and_nothing_else() {
        for text in [
            "1.1.1.1",
            "10.0.0.1",
            "10.255.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "172.16.0.1",
            "172.31.255.254",
            "192.168.0.1",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "2606:4700::1111",
            "fc00::1",
            "fd12:3456::1",
        ] {
            assert!(Reach::PrivateAllowed.admits(address(text)), "{text}");
        }
        for text in [
            "0.0.0.0",
            "100.64.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "169.254.169.254",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:8.8.8.8",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!Reach::PrivateAllowed.admits(address(text)), "{text}");
        }
    }
}
