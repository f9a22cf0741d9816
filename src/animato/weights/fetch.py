"""Official weights onto this machine: sizes and licences are said first, what broke off is gone on with, what came is compared.

A piece may have several sources. One that is gone, asks for more than it gives, stalls, or has another file of the same name costs only its
own files: the next one is tried, and all other pieces are fetched. Nobody is asked with ANIMATO_OFFLINE or HF_HUB_OFFLINE set.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from animato.core.errors import MissingModelError, OutputError
from animato.core.lock import locked
from animato.core.output import check_filled, explained
from animato.core.progress import Progress, silent
from animato.weights.download import Download, download, stale
from animato.weights.files import Offer, Official, Remote, Source, in_words
from animato.weights.listing import Listing, listing
from animato.weights.places import Hubs, Place, hubs_of
from animato.weights.web import OtherFileError, RefusedError

OFFLINE = ("ANIMATO_OFFLINE", "HF_HUB_OFFLINE")
SPARE = 1 << 30  # bytes of disk to be left free

Refused = Mapping[Source, str]  # a source that will not do, and why, as the end of a sentence
NONE: Refused = MappingProxyType({})


@dataclass(frozen=True)
class Plan:
    """What a fetch will do. lost: what no source has. alone: downloads of which no other source is known."""

    downloads: tuple[Download, ...]
    refused: Refused
    lost: tuple[Offer, ...]
    alone: tuple[Download, ...] = ()


@dataclass(frozen=True)
class Asking:
    """Places that are asked for the files of a system once each, whatever comes of it."""

    official: Official
    hubs: Hubs
    answers: dict[Place, Listing | RefusedError] = field(default_factory=dict)

    def downloads(self, offer: Offer, source: Source) -> list[Download]:
        """The files of a source. Raises RefusedError where it is not there, or has others."""
        said = self.listing(source.at)
        found = [Download(source, file, said.of(file.name), licence(offer, said)) for file in source.files]
        for one in found:
            _check_known(self.official, offer, one)
        return found

    def listing(self, place: Place) -> Listing:
        """What a place says of all its files that are wanted. Raises RefusedError."""
        if place not in self.answers:
            sources = [source for offer in self.official.offers for source in offer.sources if source.at == place]
            try:
                self.answers[place] = listing(place, dict.fromkeys(file.name for one in sources for file in one.files), self.hubs)
            except RefusedError as error:
                self.answers[place] = error
        answer = self.answers[place]
        if isinstance(answer, RefusedError):
            raise answer
        return answer


def make_plan(official: Official, root: Path, hubs: Hubs | None = None, refused: Refused = NONE) -> Plan:
    """What a folder lacks, and which source is the first to have it.

    refused  sources that are not to be asked again
    Raises MissingModelError where nobody is to be asked (offline), InputError where the environment names no hub.
    """
    check_online(f"The weights of {official.system} cannot be fetched", f"put the files into {root}")
    asking = Asking(official, hubs or hubs_of())
    downloads, lost, alone, refusals = list[Download](), list[Offer](), list[Download](), dict(refused)
    for offer in official.offers:
        found = _first(asking, offer, root, refusals) if offer.sources else []
        if found is None:
            lost.append(offer)
            continue
        downloads += found
        alone += found if len(offer.sources) == 1 else []
    return Plan(tuple(downloads), refusals, tuple(lost), tuple(alone))


def notice(plan: Plan, root: Path) -> str:
    """What a fetch will download, for the user to read beforehand; and which sources will not do."""
    lines = [f"{in_words(sum(one.size for one in plan.downloads))} will be downloaded into {root}:"]
    lines += [_line(one, one in plan.alone, root) for one in plan.downloads]
    lines += dict.fromkeys(f"  not from {source.at}: {why}" for source, why in plan.refused.items())
    return "\n".join(lines)


def fetch(official: Official, root: Path, say: Callable[[str], None], hubs: Hubs | None = None, progress: Progress = silent) -> None:
    """Fetches what a folder lacks, each piece from the first source that has it. What has come stays, and the rest can be resumed.

    say  takes what will be downloaded, before it is: once, and again where another source has to be tried
    Raises MissingModelError that names all that could not be had; OutputError when the folder cannot take the files, or another fetch is
    at work there.
    """
    check_filled(root)
    hubs = hubs or hubs_of()
    plan = make_plan(official, root, hubs)
    if plan.downloads:
        _check_space(root, plan.downloads)
        with locked(root, "fetch"):
            plan = _fetch_all(official, root, plan, say, hubs, progress)
    clean(official, root)
    if plan.lost:
        raise MissingModelError(_complaint(official, plan, root))


def clean(official: Official, root: Path) -> None:
    """Removes the parts of what is in its place: those of sources that were given up, and of older runs. Raises OutputError."""
    offers = [offer for offer in official.offers if not official.lacks(offer.piece, root)]
    paths = {source.path(file, root) for offer in offers for source in offer.sources for file in source.files}
    if parts := [part for path in paths for part in stale(path)]:
        with locked(root, "fetch"), explained(root):
            for part in parts:
                part.unlink(missing_ok=True)


def check_online(what: str, instead: str) -> None:
    """Offline means that nobody is asked. Raises MissingModelError."""
    for switch in OFFLINE:
        if os.environ.get(switch, "0").upper() not in ("", "0", "NO", "OFF", "FALSE"):
            raise MissingModelError(f"{what} while {switch} is set. Unset it, or {instead}.")


def licence(offer: Offer, said: Listing) -> str:
    """The licence as it is known, and what the repository's card says where that is something else."""
    if not said.licence or _letters(said.licence) in _letters(offer.licence):
        return offer.licence
    return f"{offer.licence} (this repository's card says {said.licence})"


def _fetch_all(official: Official, root: Path, plan: Plan, say: Callable[[str], None], hubs: Hubs, progress: Progress) -> Plan:
    """Fetches until all has come, or no source is left. What could not be had stands in the plan that is left."""
    while plan.downloads:
        say(notice(plan, root))
        _check_space(root, plan.downloads)
        failed = _fetch(plan.downloads, root, hubs, progress)
        plan = make_plan(official, root, hubs, {**plan.refused, **failed}) if failed else Plan((), plan.refused, plan.lost)
    return plan


def _first(asking: Asking, offer: Offer, root: Path, refused: dict[Source, str]) -> list[Download] | None:
    """What to download of the first source that will do, None where none will. Of a piece that is there, only if it is another file."""
    official = asking.official
    there = None if official.lacks(offer.piece, root) else official.path(offer.piece, root)
    for source in offer.sources:
        if source in refused or (there and there not in [source.path(file, root) for file in source.files]):
            continue
        try:
            return [one for one in asking.downloads(offer, source) if not one.is_there(root)]
        except RefusedError as error:
            refused[source] = str(error)
    return [] if there else None


def _fetch(downloads: Sequence[Download], root: Path, hubs: Hubs, progress: Progress) -> dict[Source, str]:
    """Downloads the files one after the other. What a source owes in vain, and why."""
    failed = dict[Source, str]()
    total = sum(one.size for one in downloads)
    done = {"fetching": sum(one.has_come(root) for one in downloads), "checking": 0}

    def tell(what: str, more: int) -> None:
        done[what] += more
        progress(what, done[what], total)

    tell("fetching", 0)
    for one in downloads:
        if one.source not in failed and not one.is_there(root):  # another fetch may have brought it meanwhile
            try:
                with explained(root):
                    download(one, root, hubs, tell)
            except RefusedError as error:
                failed[one.source] = str(error)
                if (part := one.part(root)).is_file() and not part.stat().st_size:
                    part.unlink()
    return failed


def _check_known(official: Official, offer: Offer, one: Download) -> None:
    """Raises RefusedError for another file of the same name, as far as anything is known of the right one."""
    known, listed = one.file, one.listed
    if lookalike := next((other for other in official.lookalikes if other.piece == offer.piece and other.is_of(listed.size)), None):
        raise OtherFileError(f"its {known.name} is {lookalike.what}")
    if known.sha256 and listed.sha256 and known.sha256 != listed.sha256:
        raise OtherFileError(f"its {known.name} is another file of that name (sha256 {listed.sha256[:8]}, not {known.sha256[:8]})")
    if listed.size and not known.fits(listed.size):
        raise OtherFileError(f"its {known.name} is another file of that name ({in_words(listed.size)}, not {_about(known)})")


def _about(known: Remote) -> str:
    return in_words(known.size) if known.size else f"{in_words(known.most)} at most"


def _line(one: Download, alone: bool, root: Path) -> str:
    """One download, in words."""
    path = one.path(root)
    more = [f"{in_words(come)} of it are here" for come in (one.has_come(root),) if come]
    more += [f"in place of the {in_words(path.stat().st_size)} there"] if path.is_file() else []
    more += [] if one.sha256 else ["no sha256 is known"]
    more += ["no other source is known"] if alone else []
    return "; ".join([f"  {one.source.at}: {one.file.name}, {in_words(one.size)}, licence {one.licence}", *more])


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _complaint(official: Official, plan: Plan, root: Path) -> str:
    """Every file that could not be had, by where it belongs, with the sources that were tried and why they would not do."""
    missing = dict[str, list[str]]()
    for offer in plan.lost:
        tried = "; ".join(f"{source.at}: {plan.refused[source]}" for source in offer.sources)
        tried += "" if len(offer.sources) > 1 else "; no other source is known"
        first = offer.sources[0]
        missing.setdefault(tried, []).extend(first.path(file, Path()).as_posix() for file in first.files)
    what = ". ".join(f"{', '.join(files)} ({tried})" for tried, files in missing.items())
    return (
        f"Not all weights of {official.system} could be fetched: {what}. Check the network and fetch again, it goes on from there; or put "
        f"into {root} by hand what is missing."
    )


def _check_space(root: Path, downloads: Sequence[Download]) -> None:
    size = sum(one.size - one.has_come(root) for one in downloads)
    check_filled(root)
    with explained(root):
        root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root).free
    if free < size + SPARE:
        raise OutputError(
            f"{in_words(size)} do not fit onto the disk of {root}, where {in_words(free)} are free: free some, or choose another."
        )
