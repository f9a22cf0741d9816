"""animato doctor --online: every source of every official file is asked for its list and its heads. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from animato.apps.console import say
from animato.weights.download import Download
from animato.weights.fetch import Asking, check_online
from animato.weights.files import Offer, Official, Source, in_words
from animato.weights.listing import head
from animato.weights.places import Hubs, hubs_of
from animato.weights.web import RefusedError

SECONDS = 15.0  # without any byte, after which a source counts as not reached


def examine_sources(officials: Iterable[Official], hubs: Hubs | None = None) -> int:
    """Prints a line for each file of each source; 0 if each piece that is needed has a good source, else 1.

    Raises MissingModelError where nobody is to be asked (offline), InputError where the environment names no hub.
    """
    check_online("The sources of official files cannot be asked", "leave out --online")
    hubs = hubs or replace(hubs_of(), stall=SECONDS)
    say(f"Asking {hubs.hugging_face}, {hubs.modelscope}, {hubs.github} and others; nothing is downloaded.")
    without = [f"{official.system}: {what}" for official in officials for what in _examine(official, hubs)]
    if without:
        say(f"Not all can be had. No good source for: {'; '.join(without)}.")
        return 1
    say("Each piece has a good source.")
    return 0


def _examine(official: Official, hubs: Hubs) -> Iterator[str]:
    """Prints what the sources of a system say. Pieces that are needed and that none has."""
    asking = Asking(official, hubs)
    say(f"{official.system}:")
    for offer in official.offers:
        if not offer.sources:
            continue
        say(f"  {offer.piece.what}; licence {offer.licence}{'; no other source is known' if len(offer.sources) == 1 else ''}")
        good = [_good(asking, offer, source) for source in offer.sources]
        if offer.piece.needed and not any(good):
            yield offer.piece.what


def _good(asking: Asking, offer: Offer, source: Source) -> bool:
    """Prints what a source says of its files, and whether all of them can be had of it."""
    try:
        found = asking.downloads(offer, source)
    except RefusedError as error:
        say(f"    {source.at}: {error.state}: {error}")
        return False
    card = asking.listing(source.at).licence
    good = [_reachable(one, card, asking.hubs) for one in found]
    return all(good)


def _reachable(one: Download, card: str, hubs: Hubs) -> bool:
    where = f"    {one.source.at}: {one.file.name}"
    try:
        head(one.listed.url, one.file.name, hubs)
    except RefusedError as error:
        say(f"{where}: {error.state}: {error}")
        return False
    known = "known here" if one.file.sha256 else "stated there" if one.listed.sha256 else "not known"
    size = f"{in_words(one.listed.size)} ({one.listed.size} bytes)" if one.listed.size else "size not stated"
    say(f"{where}: reachable, {size}, sha256 {known}, licence on its card: {card or 'none stated'}")
    return True
