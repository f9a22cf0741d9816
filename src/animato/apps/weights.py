"""animato fetch SYSTEM and animato convert: official weights onto this machine, and into the project's own form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from animato.apps.console import Bars, say
from animato.apps.fetchable import BESIDE, official
from animato.apps.outputs import make_ready, tidy
from animato.core.apart import check_trees_apart
from animato.core.errors import InputError, Interrupted, MissingModelError
from animato.core.lock import release
from animato.core.packages import check_installed
from animato.systems.known import Card, card, with_weights
from animato.weights.about import about, is_own
from animato.weights.fetch import clean
from animato.weights.fetch import fetch as run
from animato.weights.files import Official, Piece, in_words


def fetch(what: str, to: Path | None) -> None:
    """Official files into a folder (default: the cache), told beforehand; nothing if they are there."""
    wanted = official(what)
    folder = to or wanted.folder
    tidy([folder])
    release(folder)
    if is_own(folder) or not wanted.missing(folder):
        clean(wanted, folder)
        say(f"The weights of {wanted.system} are in {folder}.{_use(wanted, to)}")
        return
    if wanted not in BESIDE:
        check_installed("animato fetch")
    if wanted.caution:
        say(wanted.caution)
    try:
        with Bars() as bars:
            run(wanted, folder, say, progress=bars)
    except KeyboardInterrupt:
        raise Interrupted(f"Stopped. What has come is in {folder}; the same command goes on from there.") from None
    say(f"The weights of {wanted.system} are now in {folder}.{_use(wanted, to)}")


def _use(wanted: Official, to: Path | None) -> str:
    return f" Use them: {wanted.use}" if wanted.use and to is None else ""


def convert(folder: Path, out: Path, system: str, half: bool, base: bool) -> None:
    """Official weights into the project's own form, checked key by key; or, of a base, what training begins with."""
    systems = [one.name for one in with_weights()]
    if system not in systems:
        raise InputError(f"There are no weights of a system called '{system}': choose {', '.join(systems)}.")
    check_installed("animato convert")
    make_ready([], out)
    check_trees_apart(folder, out)
    write = _converter(card(system), base)
    import torch
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # it would draw its own over this one
    with Bars() as bars:
        write(folder, out, torch.float16 if half else torch.float32, bars)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    what = f"what training of {system} begins with" if base else f"the weights of {system}"
    say(f"{out}: {what}, every key accounted for, {in_words(size)}")


def _converter(chosen: Card, base: bool) -> Callable[..., None]:
    """What writes a system's weights, or the base of its training, in the project's form. Raises InputError where there is no base."""
    assert chosen.doors is not None, "a system with official weights has doors"
    doors = chosen.doors()
    if not base:
        return doors.convert
    if doors.convert_base is None:
        raise InputError(
            f"Nothing is written with --base for {chosen.name}: its training goes on from its official weights, converted whole."
        )
    return doors.convert_base


def found() -> Iterator[str]:
    """Lines for each system with weights: where they are looked for, what is there and what is missing."""
    for one in (one.official for one in with_weights() if one.official):
        head = f"Weights of {one.system} in {one.folder}"
        if is_own(one.folder):
            yield f"{head}: converted ({_source(one.folder)})"
            continue
        there = [path.relative_to(one.folder).as_posix() for piece in one.pieces if (path := one.path(piece, one.folder))]
        missing = one.missing(one.folder)
        yield f"{head}: {'none' if not there else 'some' if missing else 'all that is needed'}"
        yield from (f"  {line}" for line in _found_and_missing(one, there, missing))


def beside() -> Iterator[str]:
    """A line for each network that is used beside the systems: where it is, or how to get it."""
    for one in BESIDE:
        lacking = one.missing(one.folder)
        size = in_words(sum(piece.size for piece in one.pieces))
        yield f"  {one.system:<26} {f'not fetched (optional, {size}: animato fetch {one.system})' if lacking else f'in {one.folder}'}"


def _found_and_missing(one: Official, there: list[str], missing: dict[Piece, str]) -> Iterator[str]:
    if there:
        yield f"found: {', '.join(there)}"
    if missing:
        yield f"missing: {', '.join(missing.values())}"
        yield f"get what is missing: animato fetch {one.system}"


def _source(folder: Path) -> str:
    try:
        return about(folder).source
    except MissingModelError as error:
        return str(error)
