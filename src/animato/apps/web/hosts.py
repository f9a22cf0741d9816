"""The names of the server: by which a browser may call it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import ip_address

from animato.core.errors import InputError

EVERYWHERE = ("0.0.0.0", "::")


def own_names(host: str, more: Iterable[str] = ()) -> frozenset[str]:
    """The names of a server that listens on `host`, and others that its operator gives it. Raises InputError for what is no name.

    Its addresses need not be known: each connection tells the one it came to.
    """
    names = {"127.0.0.1", "localhost", "::1", host}
    if host in EVERYWHERE:
        name = socket.gethostname()
        names = {*names, name, f"{name.split('.')[0]}.local", socket.getfqdn()}
    return frozenset(plain(one) for one in (*names, *map(_checked, more)) if one not in EVERYWHERE)


def _checked(name: str) -> str:
    bare = name.strip().strip("[]")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}", bare) or bare in EVERYWHERE:
        raise InputError(f"--name {name} is no name of a server: give one without http:// and port, such as example.org or 192.0.2.1.")
    return bare


def plain(host: str) -> str:
    """A host as it is compared: small letters, an address in its shortest form, IPv4 without its coat of IPv6."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.lower()
    return str(getattr(address, "ipv4_mapped", None) or address)
