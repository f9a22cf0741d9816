"""Who is who on the web page: a browser is told apart by a word that it alone knows, and its pages are known to Gradio by that, too."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from starlette.requests import Request

from animato.apps.web.calls import Refused

UNKNOWN = "This page was not loaded from here, or its cookie is gone: load it again, and let it keep cookies."


@dataclass(frozen=True)
class Visitors:
    """The cookie that tells visitors apart: a random word of 256 bits. `port` is in its name, since a machine's servers share cookies."""

    port: int

    @property
    def _name(self) -> str:
        return f"animato-{self.port}"

    def of(self, request: Request) -> str | None:
        """Whose request this is, None if it brings no cookie. What is returned is no secret: nobody can tell the cookie from it."""
        word = request.cookies.get(self._name, "")
        return hashlib.sha256(word.encode()).hexdigest()[:32] if re.fullmatch(r"[\w-]{43}", word, re.ASCII) else None

    def welcome(self) -> str:
        """The header that gives a browser its cookie.

        Scripts cannot read it, and requests that another website makes do not bring it. Links that are followed do (Lax): a second tab that
        is opened by one would otherwise get another cookie, and the first tab would lose what it has.
        """
        return f"{self._name}={secrets.token_urlsafe(32)}; Path=/; HttpOnly; SameSite=Lax"


def known(visitor: str | None) -> str:
    """Raises Refused for a request without a cookie."""
    if visitor is None:
        raise Refused(403, UNKNOWN)
    return visitor
