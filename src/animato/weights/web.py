"""Asking the web for files: by https alone but for hubs that the user names, with an end to waiting, redirects and bodies.

Every way in which a source does not do what it should ends in a RefusedError, whose message is the end of a sentence about the source.
"""

from __future__ import annotations

import http.client
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import IO
from urllib.parse import urljoin, urlsplit

from animato.weights.places import Hubs

REDIRECTS = 6
MOVED = (301, 302, 303, 307, 308)
CHUNK = 1 << 20
_CARRIED = ("x-linked-size", "x-linked-etag", "x-repo-commit")  # said of the file by who sends the asker on


class RefusedError(Exception):
    """A source will not do; the message says why, and `state` what that makes of it, in a word or two."""

    state = "no good"


class GoneError(RefusedError):
    """A source, or what is wanted of it, is not there any more."""

    state = "gone"


class GatedError(RefusedError):
    """A source gives its files to some people only."""

    state = "gated"


class OtherFileError(RefusedError):
    """A source has another file under the name that is wanted."""

    state = "another file"


class BrokenError(RefusedError):
    """A connection did not last; another one may go on from there."""

    state = "not reached"


class StalledError(BrokenError):
    """A connection did not bring a byte for too long."""


class StatusError(RefusedError):
    """The answer was an error. code: what the Hugging Face hub says of it."""

    state = "not reached"

    def __init__(self, status: int, reason: str, code: str) -> None:
        super().__init__(f"it could not be reached: it answers {status} {reason}".rstrip())
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What a source answers. headers: names in small letters, with what was said of the file on the way."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: IO[bytes]

    def chunks(self) -> Iterator[bytes]:
        """The body, as it comes. Raises BrokenError where it stalls or breaks off."""
        with _broken():
            while chunk := self.body.read1(CHUNK):  # type: ignore[attr-defined]
                yield chunk


@contextmanager
def asked(url: str, hubs: Hubs, method: str = "GET", headers: Mapping[str, str] | None = None) -> Iterator[Answer]:
    """The good answer (200, 206) of a source, open until the block ends. Raises RefusedError."""
    carried = dict[str, str]()
    for _ in range(REDIRECTS):
        check_address(url, hubs)
        with _broken():
            response = _opener(url).open(_request(url, hubs, method, headers or {}), timeout=hubs.stall)
        with response:
            found = {name.lower(): value for name, value in response.headers.items()}
            if response.status in MOVED and found.get("location"):
                carried = {name: found[name] for name in _CARRIED if name in found} | carried
                url = _joined(url, found["location"])
                continue
            if response.status not in (200, 206):
                raise StatusError(response.status, response.reason[:80], found.get("x-error-code", ""))
            yield Answer(url, response.status, found | carried, response)
            return
    raise RefusedError(f"it sends whoever asks on and on, last to {urlsplit(url).netloc}")


def check_address(url: str, hubs: Hubs) -> None:
    """Raises RefusedError for what is neither https nor one of the hubs that the user named with http."""
    origin = _origin(url)
    if origin[0] != "https" and origin not in [_origin(hub) for hub in (hubs.hugging_face, hubs.modelscope, hubs.github)]:
        raise RefusedError(f"it leads to {url[:80]}, and only https is followed")


def is_page(answer: Answer) -> bool:
    """Whether an answer is a web page, as of a hotel's or a hub's log-in, where a file is due."""
    return answer.headers.get("content-type", "").lower().startswith(("text/html", "application/xhtml"))


def _request(url: str, hubs: Hubs, method: str, headers: Mapping[str, str]) -> urllib.request.Request:
    own = {"User-Agent": "animato", "Accept-Encoding": "identity"}
    if hubs.token and _origin(url) == _origin(hubs.hugging_face):
        own["Authorization"] = f"Bearer {hubs.token}"
    return urllib.request.Request(url, headers={**own, **headers}, method=method)


def _opener(url: str) -> urllib.request.OpenerDirector:
    """http or https, and the proxies of the environment; no files, no ftp, nothing followed unseen."""
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler())
    opener.add_handler(urllib.request.HTTPHandler())
    if urlsplit(url).scheme == "https":
        opener.add_handler(urllib.request.HTTPSHandler(context=_certificates()))
    return opener


def _certificates() -> ssl.SSLContext:
    """Those of the system, and those that come with certifi, where it is: some Pythons have none."""
    context = ssl.create_default_context()
    if find_spec("certifi"):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise RefusedError(f"it leads to {location[:80]}, which is no address") from error


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises RefusedError for what is no address."""
    try:
        parts = urlsplit(url)
        if not parts.hostname:
            raise ValueError
        return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise RefusedError(f"it leads to {url[:80]}, which is no address") from error


@contextmanager
def _broken() -> Iterator[None]:
    """Turns what a connection raises into BrokenError. Nothing that writes to a disk may stand inside."""
    try:
        yield
    except TimeoutError as error:
        raise StalledError("it sent nothing for too long") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = getattr(error, "reason", None) or error
        why = str(cause).strip().split("\n")[0][:200].rstrip(".") or type(error).__name__
        raise BrokenError(f"it could not be reached: {why}") from error
