"""animato fetch SYSTEM and animato convert: official weights onto this machine, and into the project's own form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from animato.apps.console import Bars, say
from animato.core.errors import InputError, Interrupted, MissingModelError
from animato.systems.load import WITH_WEIGHTS
from animato.weights.about import about, is_own
from animato.weights.files import Official, Piece, in_words
from animato.weights.official import magic_animate as magic
from animato.weights.official import uni_animate as uni

NEEDED = ("torch", "diffusers", "transformers", "huggingface_hub", "safetensors")


def official(name: str, also: tuple[str, ...] = ()) -> Official:
    """The official weights of a system by its name. Raises InputError."""
    found = next((one for one in WITH_WEIGHTS if one.system == name), None)
    if found is None:
        raise InputError(f"There are no weights called '{name}': choose {', '.join([*also, *(one.system for one in WITH_WEIGHTS)])}.")
    return found


def fetch(what: str, to: Path | None) -> None:
    """The official weights of a system into a folder (default: the cache), told beforehand; nothing if they are there."""
    wanted = official(what, ("pose",))
    folder = to or wanted.folder
    if is_own(folder) or not wanted.missing(folder):
        say(f"The weights of {wanted.system} are in {folder}.")
        return
    _check_installed()
    from animato.weights.fetch import fetch as run

    try:
        run(wanted, folder, say)
    except KeyboardInterrupt:
        raise Interrupted(f"Stopped. What has come is in {folder}; the same command goes on from there.") from None
    say(f"The weights of {wanted.system} are now in {folder}.")


def convert(folder: Path, out: Path, system: str, half: bool, base: bool) -> None:
    """Official weights into the project's own form, checked key by key; or, of a base, what training begins with."""
    official(system)
    if base and system == uni.OFFICIAL.system:
        raise InputError(f"Nothing is written with --base for {system}: its training goes on from its official weights, converted whole.")
    _check_installed()
    import torch
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # it would draw its own over this one
    with Bars() as bars:
        _converter(system, base)(folder, out, torch.float16 if half else torch.float32, bars)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    what = f"what training of {system} begins with" if base else f"the weights of {system}"
    say(f"{out}: {what}, every key accounted for, {in_words(size)}")


def _converter(system: str, base: bool) -> Callable[..., None]:
    """What writes a system's weights, or the base of its training, in the project's form."""
    from animato.weights import animate_anyone, magic_animate, muse_pose, uni_animate

    if system == uni.OFFICIAL.system:
        return uni_animate.convert
    if system == magic.OFFICIAL.system:
        return magic_animate.convert_base if base else magic_animate.convert
    if system == muse_pose.OFFICIAL.system:
        return muse_pose.convert_base if base else muse_pose.convert
    return animate_anyone.convert_base if base else animate_anyone.convert


def found() -> Iterator[str]:
    """Lines for each system with weights: where they are looked for, what is there and what is missing."""
    for one in WITH_WEIGHTS:
        head = f"Weights of {one.system} in {one.folder}"
        if is_own(one.folder):
            yield f"{head}: converted ({_source(one.folder)})"
            continue
        there = [path.relative_to(one.folder).as_posix() for piece in one.pieces if (path := one.path(piece, one.folder))]
        missing = one.missing(one.folder)
        yield f"{head}: {'none' if not there else 'some' if missing else 'all that is needed'}"
        yield from (f"  {line}" for line in _found_and_missing(one, there, missing))


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


def _check_installed() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingModelError(f'Weights need {", ".join(missing)}, not installed here. Run: pip install "animato[diffusion]"')
