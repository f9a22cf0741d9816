"""Official weights from the Hugging Face hub: sizes and licences are said first, resumed where a download broke off, then compared.

A piece may have several sources. One that is gone, asks for more than it gives, or has another file of the same name costs only its own
files: the next one is tried, and all other pieces are fetched. Nothing is downloaded with ANIMATO_OFFLINE or HF_HUB_OFFLINE set.
HF_ENDPOINT names another hub, HF_TOKEN a user, as everywhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from huggingface_hub import HfApi, ModelInfo, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HTTPError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from animato.core.errors import MissingModelError, OutputError
from animato.core.output import check_filled, explained
from animato.core.progress import Progress, silent
from animato.weights.files import NEARLY, Offer, Official, Remote, Source, in_words

OFFLINE = ("ANIMATO_OFFLINE", "HF_HUB_OFFLINE")
SPARE = 1 << 30  # bytes of disk to be left free

Refused = Mapping[Source, str]  # a source that will not do, and why, as the end of a sentence
NONE: Refused = MappingProxyType({})


@dataclass(frozen=True)
class Download:
    """One file that is to be fetched, as the hub states it: bytes, sha256 (of large files only) and revision."""

    source: Source
    file: Remote
    size: int
    sha256: str | None
    revision: str
    licence: str

    def path(self, root: Path) -> Path:
        return self.source.path(self.file, root)

    def part(self, root: Path) -> Path:
        """What has come of it so far. Two sources of one file go on with the same."""
        path = self.path(root)
        return path.with_name(f"{path.name}.{(self.sha256 or self.revision)[:8]}.part")

    def is_there(self, root: Path) -> bool:
        path = self.path(root)
        return path.is_file() and path.stat().st_size == self.size


@dataclass(frozen=True)
class Plan:
    """What a fetch will do. lost: what no source has."""

    downloads: tuple[Download, ...]
    refused: Refused
    lost: tuple[Offer, ...]


class _RefusedError(Exception):
    """A source will not do; the message says why."""


@dataclass(frozen=True)
class _Hub:
    """A hub whose repositories are asked for their files once each."""

    endpoint: str | None
    answers: dict[tuple[str, str], ModelInfo | str] = field(default_factory=dict)

    def listed(self, offer: Offer, source: Source) -> list[Download]:
        """The files of a source. Raises _RefusedError where it is not there, or has others."""
        info = self._info(source)
        there = {one.rfilename: one for one in info.siblings or []}
        found = list[Download]()
        for file in source.files:
            if file.name not in there:
                raise _RefusedError(f"it no longer has {file.name}")
            lfs = there[file.name].lfs
            one = Download(
                source, file, there[file.name].size or 0, lfs.sha256 if lfs else None, info.sha or source.revision, _licence(offer, info)
            )
            _check_known(one)
            found.append(one)
        return found

    def _info(self, source: Source) -> ModelInfo:
        key = (source.hub, source.revision)
        if key not in self.answers:
            try:
                with _hub_errors(source):
                    api = HfApi(endpoint=self.endpoint)
                    self.answers[key] = api.model_info(source.hub, revision=source.revision, files_metadata=True)
            except _RefusedError as error:
                self.answers[key] = str(error)
        answer = self.answers[key]
        if isinstance(answer, str):
            raise _RefusedError(answer)
        return answer


def make_plan(official: Official, root: Path, endpoint: str | None = None, refused: Refused = NONE) -> Plan:
    """What a folder lacks, and which source is the first to have it.

    refused  sources that are not to be asked again
    Raises MissingModelError where nobody is to be asked (offline).
    """
    _check_online(official, root)
    hub = _Hub(endpoint)
    downloads, lost, refusals = list[Download](), list[Offer](), dict(refused)
    for offer in official.offers:
        found = _first(official, offer, root, hub, refusals) if offer.sources else []
        if found is None:
            lost.append(offer)
        else:
            downloads += found
    return Plan(tuple(downloads), refusals, tuple(lost))


def notice(plan: Plan, root: Path) -> str:
    """What a fetch will download, for the user to read beforehand; and which sources will not do."""
    lines = [f"{in_words(sum(one.size for one in plan.downloads))} will be downloaded into {root}:"]
    lines += [f"  {one.source.hub}: {one.file.name}, {in_words(one.size)}, licence {one.licence}" for one in plan.downloads]
    lines += dict.fromkeys(f"  not from {source.hub}: {why}" for source, why in plan.refused.items())
    return "\n".join(lines)


def fetch(official: Official, root: Path, say: Callable[[str], None], endpoint: str | None = None, progress: Progress = silent) -> None:
    """Fetches what a folder lacks, each piece from the first source that has it. What has come stays, and the rest can be resumed.

    say  takes what will be downloaded, before it is: once, and again where another source has to be tried
    Raises MissingModelError that names all that could not be had, OutputError when the folder cannot take the files.
    """
    plan = make_plan(official, root, endpoint)
    while plan.downloads:
        say(notice(plan, root))
        failed = _fetch(plan.downloads, root, endpoint, progress)
        plan = make_plan(official, root, endpoint, {**plan.refused, **failed}) if failed else Plan((), plan.refused, plan.lost)
    if plan.lost:
        raise MissingModelError(_complaint(official, plan, root))


def _first(official: Official, offer: Offer, root: Path, hub: _Hub, refused: dict[Source, str]) -> list[Download] | None:
    """What to download of the first source that will do, None where none will. Of a piece that is there, only if it is another file."""
    there = None if official.lacks(offer.piece, root) else official.path(offer.piece, root)
    for source in offer.sources:
        if source in refused or (there and there not in [source.path(file, root) for file in source.files]):
            continue
        try:
            return [one for one in hub.listed(offer, source) if not one.is_there(root)]
        except _RefusedError as error:
            refused[source] = str(error)
    return [] if there else None


def _fetch(downloads: Sequence[Download], root: Path, endpoint: str | None, progress: Progress) -> dict[Source, str]:
    """Downloads the files one after the other. What a source owes in vain, and why."""
    _check_space(root, sum(one.size for one in downloads))
    failed = dict[Source, str]()
    for done, one in enumerate(downloads):
        progress("fetching", done, len(downloads))
        if one.source not in failed:
            try:
                with explained(root), _hub_errors(one.source):
                    _download(one, root, endpoint)
            except _RefusedError as error:
                failed[one.source] = str(error)
                if (part := one.part(root)).is_file() and not part.stat().st_size:
                    part.unlink()
    progress("fetching", len(downloads), len(downloads))
    return failed


def _download(one: Download, root: Path, endpoint: str | None) -> None:
    """Appends to what an earlier call has left. `http_get`, because `hf_hub_download` throws that away when it is interrupted."""
    path, part = one.path(root), one.part(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    url = hf_hub_url(one.source.hub, one.file.name, revision=one.revision, endpoint=endpoint)
    usable = part.is_file() and part.stat().st_size <= one.size
    with part.open("ab" if usable else "wb") as file:
        http_get(url, file, resume_size=file.tell(), headers=build_hf_headers(), expected_size=one.size, displayed_filename=one.file.name)
    with part.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if one.sha256 not in (None, sha256):
        part.unlink()
        raise _RefusedError(f"{one.file.name} did not arrive as it was announced, and was thrown away")
    part.replace(path)


def _check_online(official: Official, root: Path) -> None:
    """Offline means that nobody is asked, so this comes before the hub's own library is."""
    for switch in OFFLINE:
        if os.environ.get(switch, "0").upper() not in ("", "0", "NO", "OFF", "FALSE"):
            raise MissingModelError(
                f"The weights of {official.system} cannot be fetched while {switch} is set. Unset it, or put the files into {root}."
            )


def _check_known(one: Download) -> None:
    """Raises _RefusedError for another file of the same name, as far as anything is known of the right one."""
    known = one.file
    if known.sha256 and one.sha256 and known.sha256 != one.sha256:
        raise _RefusedError(f"its {known.name} is another file of that name (sha256 {one.sha256[:8]}, not {known.sha256[:8]})")
    if known.size and abs(one.size - known.size) > max(NEARLY * known.size, 4096):
        raise _RefusedError(f"its {known.name} is another file of that name ({in_words(one.size)}, not {in_words(known.size)})")


def _licence(offer: Offer, info: ModelInfo) -> str:
    """The licence as it is known, and what the repository's card says where that is something else."""
    stated = str((info.card_data.license if info.card_data else None) or "")
    if not stated or _letters(stated) in _letters(offer.licence):
        return offer.licence
    return f"{offer.licence} (this repository's card says {stated})"


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _complaint(official: Official, plan: Plan, root: Path) -> str:
    """Every file that could not be had, by where it belongs, with the sources that were tried and why they would not do."""
    missing = dict[str, list[str]]()
    for offer in plan.lost:
        tried = "; ".join(f"{source.hub}: {plan.refused[source]}" for source in offer.sources)
        first = offer.sources[0]
        missing.setdefault(tried, []).extend(first.path(file, Path()).as_posix() for file in first.files)
    what = ". ".join(f"{', '.join(files)} ({tried})" for tried, files in missing.items())
    return (
        f"Not all weights of {official.system} could be fetched: {what}. Check the network and fetch again, it goes on from there; or put "
        f"into {root} by hand what is missing."
    )


@contextmanager
def _hub_errors(source: Source) -> Iterator[None]:
    """Turns what the hub's library raises into _RefusedError; what is wrong with the disk passes."""
    try:
        yield
    except GatedRepoError as error:
        raise _RefusedError("its terms must be accepted first, on its page; then log in with `hf auth login`") from error
    except RepositoryNotFoundError as error:
        raise _RefusedError("the hub shows no such repository") from error
    except RevisionNotFoundError as error:
        raise _RefusedError(f"it no longer has revision {source.revision[:8]}") from error
    except (HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError | TimeoutError):
            raise
        why = str(error).strip().split("\n")[0][:200].rstrip(".") or type(error).__name__
        raise _RefusedError(f"it could not be reached: {why}") from error


def _check_space(root: Path, size: int) -> None:
    check_filled(root)
    with explained(root):
        root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root).free
    if free < size + SPARE:
        raise OutputError(
            f"{in_words(size)} do not fit onto the disk of {root}, where {in_words(free)} are free: free some, or choose another."
        )
