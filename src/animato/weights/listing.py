"""What a source says of its files before any of them is downloaded: size, sha256, address, and the licence on its card.

A repository is asked for its list, and where that does not answer, for the head of each file. Nothing of a file itself comes.
Addresses: those of huggingface_hub's `model_info`, of modelscope's `HubApi.get_model_files`, and of GitHub's REST interface.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from animato.weights.places import GitHub, Hubs, HuggingFace, ModelScope, Place, Web
from animato.weights.web import Answer, GatedError, GoneError, RefusedError, StatusError, asked, is_page

LONGEST = 20_000_000  # bytes of a list
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Listed:
    """A file, as its source states it. size: 0 where it does not. tag: changes when the file does; as sha256, empty where nobody says."""

    url: str
    size: int = 0
    sha256: str = ""
    tag: str = ""


@dataclass(frozen=True)
class Listing:
    """The files of a place by name, why others are not to be had, and the licence on the card of the repository."""

    files: Mapping[str, Listed]
    lacking: Mapping[str, RefusedError] = field(default_factory=dict)
    licence: str = ""

    def of(self, name: str) -> Listed:
        """Raises RefusedError where the place has no such file."""
        if name not in self.files:
            raise self.lacking.get(name) or GoneError(f"it no longer has {name}")
        return self.files[name]


def listing(place: Place, names: Iterable[str], hubs: Hubs) -> Listing:
    """What a place says of the files of these names. Raises RefusedError where it cannot be asked."""
    wanted = tuple(names)
    match place:
        case HuggingFace():
            return _of_hugging_face(place, wanted, hubs)
        case ModelScope():
            return _of_modelscope(place, wanted, hubs)
        case GitHub():
            return _of_github(place, hubs)
        case Web():
            return _of_heads({name: f"{place.address}/{quote(name)}" for name in wanted}, hubs)


def head(url: str, name: str, hubs: Hubs) -> Listed:
    """What is said of a file without sending it. Raises RefusedError."""
    try:
        with asked(url, hubs, "HEAD") as answer:
            return _said(url, name, answer)
    except StatusError as error:
        if error.status not in (403, 405, 501) or error.code:
            raise explain(error, name) from error
    try:  # some addresses are good for getting alone
        with asked(url, hubs, headers={"Range": "bytes=0-0"}) as answer:
            return _said(url, name, answer)
    except StatusError as error:
        raise explain(error, name) from error


def explain(error: StatusError, name: str = "", revision: str = "") -> RefusedError:
    """An answer that is an error, in words; about a file if that has a name, or else about a whole place."""
    status, code = error.status, error.code
    if code == "GatedRepo":
        return GatedError("its terms must be accepted first, on its page; then log in with `hf auth login`")
    if name and status in (401, 403) and code != "RepoNotFound":
        return GatedError(f"it gives {name} to nobody whom it does not know (it answers {status})")
    if code == "RevisionNotFound":
        return GoneError(f"it no longer has revision {revision[:8]}")
    if code == "EntryNotFound" or (name and status in (404, 410) and code != "RepoNotFound"):
        return GoneError(f"it no longer has {name}")
    if status in (401, 404, 410):
        return GoneError("the hub shows no such repository")
    if status == 403:
        return GatedError("it tells nobody whom it does not know (it answers 403)")
    if status == 416:
        return RefusedError(f"it has less of {name} than it announced")
    return RefusedError("it was asked too often, and wants to be left alone for a while") if status == 429 else error


def _of_hugging_face(place: HuggingFace, names: tuple[str, ...], hubs: Hubs) -> Listing:
    base = f"{hubs.hugging_face}/{quote(place.repository)}/resolve"
    revision = quote(place.revision, safe="")
    try:
        said = _json(f"{hubs.hugging_face}/api/models/{quote(place.repository)}/revision/{revision}?blobs=true", place.revision, hubs)
    except _UnhelpfulError:
        return _of_heads({name: f"{base}/{revision}/{quote(name)}" for name in names}, hubs)
    if not isinstance(said, dict):
        raise RefusedError("what it says of its files cannot be read")
    commit = _text(said, "sha")
    base = f"{base}/{commit if _COMMIT.fullmatch(commit) else revision}"
    files = {}
    for one in _dicts(said.get("siblings")):
        name, blob = _text(one, "rfilename"), _text(one, "blobId")
        tag = f'"{blob}"' if _COMMIT.fullmatch(blob) else ""
        files[name] = Listed(f"{base}/{quote(name)}", _size(one, "size"), _sha256(_text(_dict(one, "lfs"), "sha256")), tag)
    return Listing(files, licence=_text(_dict(said, "cardData"), "license"))


def _of_modelscope(place: ModelScope, names: tuple[str, ...], hubs: Hubs) -> Listing:
    base = f"{hubs.modelscope}/models/{quote(place.repository)}/resolve/{quote(place.revision, safe='')}"
    addresses = {name: f"{base}/{quote(name)}" for name in names}
    asking = urlencode({"Revision": place.revision, "Recursive": "true"})
    try:
        said = _json(f"{hubs.modelscope}/api/v1/models/{quote(place.repository)}/repo/files?{asking}", place.revision, hubs)
    except _UnhelpfulError:
        return _of_heads(addresses, hubs)
    data = said.get("Data") if isinstance(said, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("Files"), list):
        return _of_heads(addresses, hubs)
    files = {
        _text(one, "Path"): Listed(addresses[_text(one, "Path")], _size(one, "Size"), _sha256(_text(one, "Sha256")))
        for one in _dicts(data["Files"])
        if _text(one, "Path") in addresses and one.get("Type") != "tree"
    }
    return Listing(files)


def _of_github(place: GitHub, hubs: Hubs) -> Listing:
    try:
        said = _json(f"{hubs.github}/repos/{place.repository}/releases?per_page=100", "", hubs)
    except _UnhelpfulError as error:
        raise RefusedError("its list of releases cannot be read") from error
    files = dict[str, Listed]()
    for asset in [asset for release in _dicts(said) for asset in _dicts(release.get("assets"))]:
        sha256 = _sha256(_text(asset, "digest").removeprefix("sha256:"))
        one = Listed(_text(asset, "browser_download_url"), _size(asset, "size"), sha256, _text(asset, "updated_at"))
        files.setdefault(_text(asset, "name"), one)
    return Listing(files)


def _of_heads(addresses: Mapping[str, str], hubs: Hubs) -> Listing:
    files, lacking = dict[str, Listed](), dict[str, RefusedError]()
    for name, url in addresses.items():
        try:
            files[name] = head(url, name, hubs)
        except RefusedError as error:
            lacking[name] = error
    return Listing(files, lacking)


class _UnhelpfulError(Exception):
    """A list did not come, or is none. The files may be there for all that."""


def _json(url: str, revision: str, hubs: Hubs) -> Any:
    """A list, as JSON. Raises RefusedError where the repository is not there, _UnhelpfulError for any other answer that is no list."""
    try:
        with asked(url, hubs) as answer:
            content = b""
            for chunk in answer.chunks():
                content += chunk
                if len(content) > LONGEST:
                    raise RefusedError("its list of files has no end")
        said = json.loads(content)
    except StatusError as error:
        if error.status in (401, 403, 404, 410, 429) or error.code:
            raise explain(error, revision=revision) from error
        raise _UnhelpfulError from error
    except (ValueError, RecursionError) as error:
        raise _UnhelpfulError from error
    if not isinstance(said, dict | list):
        raise _UnhelpfulError
    return said


def _said(url: str, name: str, answer: Answer) -> Listed:
    """What the head of an answer says of the file."""
    if is_page(answer) and "x-linked-size" not in answer.headers:
        raise RefusedError(f"it shows a web page in place of {name}, such as for a log-in")
    said = answer.headers
    length = said.get("content-range", "").rpartition("/")[2] if answer.status == 206 else said.get("content-length", "")
    tag = said.get("x-linked-etag") or said.get("etag", "")
    known = "x-linked-etag" in said  # an entity tag of another hub is something else than a sha256, even if it looks like one
    sha256 = _sha256(tag.removeprefix("W/").strip('"')) if known else ""
    return Listed(url, _number(said.get("x-linked-size") or length), sha256, "" if tag.startswith("W/") else tag)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _dict(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ", ".join(map(str, found)) if isinstance(found, list) else ""


def _size(value: Mapping[str, Any], name: str) -> int:
    found = value.get(name)
    return found if isinstance(found, int) and 0 <= found < 1 << 50 else 0


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"\d{1,15}", text.strip()) else 0


def _sha256(text: str) -> str:
    return text.lower() if _SHA256.fullmatch(text.lower()) else ""
