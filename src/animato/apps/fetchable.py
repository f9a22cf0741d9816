"""The table of what `animato fetch` gets: the pose models, each system's official weights, and networks that are used beside them."""

from __future__ import annotations

from pathlib import Path

from animato.core.errors import InputError, MissingModelError
from animato.pose.estimator.dwpose_files import FETCHED
from animato.systems.known import with_weights
from animato.weights.files import Network, Official
from animato.weights.official import densepose

POSE = "pose"
WORDS = {  # of --densepose: which networks they may mean, the usual one first
    FETCHED: (densepose.SMALL.system, densepose.LARGE.system),
    "r50": (densepose.SMALL.system,),
    "r101": (densepose.LARGE.system,),
}
_SYSTEMS = tuple(card.official for card in with_weights() if card.official)
BESIDE = (*(other for one in _SYSTEMS for other in one.beside), densepose.SMALL, densepose.LARGE)


def officials() -> dict[str, Official]:
    """What is fetched by weights' own ways, by the name that is typed: all but the pose models, which come in a wheel."""
    return {one.system: one for one in (*_SYSTEMS, *BESIDE)}


def names() -> list[str]:
    """All that may be typed behind `animato fetch`."""
    return [POSE, *officials()]


def official(name: str) -> Official:
    """Official files by their name. Raises InputError."""
    known = officials()
    if name not in known:
        raise InputError(f"There are no weights called '{name}': choose {', '.join(names())}.")
    return known[name]


def densepose_file(given: Path) -> Path:
    """The file that --densepose means: itself; or, of one of WORDS or a published name where there is no such file, one that was fetched.

    Raises MissingModelError where a word means a file that was not fetched.
    """
    word = str(given)
    networks = [(one, form) for one in (densepose.SMALL, densepose.LARGE) for form in one.pieces[0].forms if isinstance(form, Network)]
    meant = [(one, form) for one, form in networks if one.system in WORDS.get(word, ()) or form.name == word]
    if given.exists() or not meant:
        return given
    found = (path for one, form in meant if (path := form.find(one.folder)))
    if path := next(found, None):
        return path
    raise MissingModelError(f"The DensePose of `--densepose {word}` is not on this machine. Run `animato fetch {meant[0][0].system}`.")
