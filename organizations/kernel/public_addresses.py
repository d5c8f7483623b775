"""Which network addresses our servers may call on behalf of a customer: public ones only."""

import ipaddress

# Reachable as if public, but not: metadata services, and addresses that carry an IPv4 address.
_REFUSED_NETWORKS = [
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
        "fec0::/10",
        "::/96",
        "::ffff:0:0/96",
    )
]


def is_public(address: str) -> bool:
    """Return whether an address may be called: no private, local, multicast or reserved one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not parsed.is_global or parsed.is_multicast or parsed.is_reserved:
        return False
    return not any(
        parsed.version == network.version and parsed in network for network in _REFUSED_NETWORKS
    )
