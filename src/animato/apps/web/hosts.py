"""The names of the server: by which a browser may call it."""

from __future__ import annotations

import socket
from ipaddress import ip_address

EVERYWHERE = ("0.0.0.0", "::")


def own_names(host: str) -> frozenset[str]:
    """The names of a server that listens on `host`. Its addresses need not be known: each connection tells the one it came to."""
    names = {"127.0.0.1", "localhost", "::1", host}
    if host in EVERYWHERE:
        name = socket.gethostname()
        names = {*names, name, f"{name.split('.')[0]}.local", socket.getfqdn()}
    return frozenset(plain(one) for one in names if one not in EVERYWHERE)


def plain(host: str) -> str:
    """A host as it is compared: small letters, an address in its shortest form, IPv4 without its coat of IPv6."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.lower()
    return str(getattr(address, "ipv4_mapped", None) or address)
