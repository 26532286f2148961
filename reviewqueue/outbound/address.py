"""Which addresses a webhook may go to: public ones, and those the operator named. Resolved once, then pinned."""

import ipaddress
import socket
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Prefixes that hold an IPv4 address: NAT64 (RFC 6052), 6to4 (RFC 3056), IPv4-compatible.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
# Not for hosts, although the standard library calls them global.
_NEVER = [ipaddress.ip_network(net) for net in ("192.88.99.0/24", "192.0.0.0/24", "fec0::/10", "64:ff9b:1::/48")]


class Forbidden(Exception):
    """The URL leads where no webhook may go; the message says why."""


def resolve(url: str, private_hosts: frozenset[str]) -> str:
    """The one address to connect to for `url`. Raises Forbidden, or OSError where the name does not resolve.

    All addresses of the name are looked at, and one bad one refuses it (a name that resolves to both is an attack).
    """
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise Forbidden("The URL is not http or https.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if parts.hostname in {host.lower() for host in private_hosts}:
        return addresses[0]
    if parts.scheme != "https":
        raise Forbidden("Only https leaves this network; name private hosts in WEBHOOK_PRIVATE_HOSTS.")
    for address in addresses:
        if not is_public(ipaddress.ip_address(address.split("%")[0])):
            raise Forbidden("The address is not public; name private hosts in WEBHOOK_PRIVATE_HOSTS.")
    return addresses[0]


def is_public(address: Address) -> bool:
    """Plain global unicast, also of an IPv4 address wrapped in an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
    if any(address in net for net in _NEVER if net.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address in _NAT64 or address in _COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
