"""Whose requests are answered at all: those that name this server, and that no other website made a browser send."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.requests import Request

from animato.apps.web.calls import Refused
from animato.apps.web.hosts import plain

FOREIGN = "This server has another name: use the address that animato printed when it started, or start it with --name and this one."


def check_host(request: Request, names: frozenset[str]) -> None:
    """Raises Refused unless the request names this server: a foreign name may have been led here by whoever owns it (DNS rebinding)."""
    given = request.headers.getlist("host")
    host = re.fullmatch(r"\[?([^\[\]/@]+?)\]?(?::\d{1,5})?", given[0]) if len(given) == 1 else None
    address = (request.scope.get("server") or ("",))[0]
    if host is None or plain(host[1]) not in names | {plain(address)}:
        raise Refused(400, FOREIGN)


def check_origin(request: Request) -> None:
    """Raises Refused for what another website makes a browser ask. A link to the page may stand anywhere; programs send no such headers."""
    headers = request.headers
    origin = headers.get("origin")
    foreign = origin is not None and not _same(origin, headers["host"])
    sent_by = headers.get("sec-fetch-site", "none")
    followed = request.method == "GET" and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if foreign or (sent_by not in ("none", "same-origin") and not followed):
        raise Refused(403, "Only animato's own page may ask for this.")


def _same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:  # no address at all
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
