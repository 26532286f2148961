"""Where a webhook may go. Every odd way to write an address inside leads to a refusal, never to a connection."""

import ipaddress
import socket

import pytest

from reviewqueue.outbound.address import Forbidden, is_public, resolve

NOBODY: frozenset[str] = frozenset()

NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",  # carrier-grade NAT
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",  # the clouds' metadata
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",  # 6to4 relays
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",  # IPv4-compatible
    "::7f00:1",
    "::ffff:127.0.0.1",  # IPv4-mapped
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",  # IPv4-translated
    "64:ff9b::127.0.0.1",  # NAT64
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",  # NAT64 of one's own
    "100::1",  # discarded
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::8.8.8.8"])
def test_an_address_that_is_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_url_with_an_address_that_is_not_public_is_refused(address):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(Forbidden, match="not public"):
        resolve(f"https://{host}/hook", NOBODY)


@pytest.mark.parametrize(
    "host",
    [
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "2130706433",
        "127.1",
        "127.0.1",
        "0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",  # full-width full stops
        "example.com@127.0.0.1",
        "example.com:pass@127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1#@example.com",
        "127.0.0.1?@example.com",
    ],
)
def test_odd_ways_to_write_this_machine_are_refused(host):
    with pytest.raises((Forbidden, OSError, UnicodeError)):  # a resolver that does not know one is as good
        resolve(f"https://{host}/hook", NOBODY)


@pytest.mark.parametrize("host", ["0x7f000001", "2130706433", "127.1", "localhost"])
def test_what_every_resolver_knows_is_refused_as_not_public(host):
    with pytest.raises(Forbidden, match="not public"):
        resolve(f"https://{host}/hook", NOBODY)


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1", "//127.0.0.1", "https://", "127.0.0.1", ""]
)
def test_a_url_that_is_not_http_is_refused(url):
    with pytest.raises(Forbidden, match="not http"):
        resolve(url, frozenset({"127.0.0.1"}))


def test_http_leaves_this_network_for_nowhere():
    with pytest.raises(Forbidden, match="Only https"):
        resolve("http://8.8.8.8/hook", NOBODY)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook", "http://LocalHost/hook", "https://127.0.0.1/hook"])
def test_a_private_host_that_the_operator_named_passes(url):
    assert ipaddress.ip_address(resolve(url, frozenset({"127.0.0.1", "Localhost"}))).is_loopback


@pytest.mark.parametrize("host", ["127.0.0.2", "127.1", "localhost.example", "a127.0.0.1", "user@127.0.0.1@127.0.0.2"])
def test_only_the_very_name_passes(host):
    with pytest.raises((Forbidden, OSError)):
        resolve(f"https://{host}/", frozenset({"127.0.0.1", "localhost"}))


def test_a_public_address_is_the_one_to_connect_to():
    assert resolve("https://8.8.8.8:8443/hook", NOBODY) == "8.8.8.8"
    assert resolve("https://user:pass@[2606:4700:4700::1111]/", NOBODY) == "2606:4700:4700::1111"


def test_a_name_with_one_bad_address_among_good_ones_is_refused(monkeypatch):
    """What a rebinding name server answers; our part starts after it, so only the answer is made up."""
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answer)
    with pytest.raises(Forbidden, match="not public"):
        resolve("https://rebound.example/", NOBODY)


def test_a_bad_port_is_an_error_that_send_expects():
    with pytest.raises(ValueError, match="Port"):
        resolve("https://127.0.0.1:99999/", NOBODY)
