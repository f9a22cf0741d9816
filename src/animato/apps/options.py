"""How the words of the command line become values: sizes, people, adjustments. Each says what it expected."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.pose.alignment.adjust import Adjust, Nudge
from animato.pose.estimator.people import LARGEST, Person
from animato.sampling.plan import Chain, End, Windows
from animato.sampling.settings import Settings

UNTYPED = ("shard", "wrappers")  # settings for programs: what processes settle among themselves, and functions
_SIZE = r"(\d{1,6})[xX×](\d{1,6})"
POSE_KINDS = ("skeleton", "densepose")

_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_NUDGE = re.compile(rf"(?P<group>\w+)=(?P<scale>{_NUMBER})(?:,(?P<x>{_NUMBER}),(?P<y>{_NUMBER}))?")


def size_of(text: str | None) -> Size | None:
    """'512x768' -> (512, 768)."""
    if text is None:
        return None
    match = re.fullmatch(_SIZE, text.strip())
    if not match:
        raise InputError(f"--size {text} is not a size: write width x height in pixels, such as 512x768.")
    return int(match[1]), int(match[2])


def person_of(text: str) -> Person:
    """'largest' | '0', '1', ... from left to right | 'x,y', a point on the person in pixels of the first frame."""
    if text == LARGEST:
        return text
    if re.fullmatch(r"\d{1,3}", text):
        return int(text)
    match = re.fullmatch(r"(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)", text)
    if match:
        return float(match[1]), float(match[2])
    raise InputError(f"--person {text} names nobody: write largest, a number from the left (0, 1, ...) or a point such as 320,200.")


def check_pose_kind(kind: str, network: Path | None) -> None:
    """Raises InputError unless `kind` names a kind of pose, and one that a DensePose network can find if there is one."""
    if kind not in POSE_KINDS:
        raise InputError(f"There is no kind of pose '{kind}': choose {' or '.join(POSE_KINDS)}.")
    if network and kind != "densepose":
        raise InputError("--densepose finds body parts: add --kind densepose.")


def adjust_of(words: list[str]) -> Adjust:
    """'arms=1.1' (a scale) and 'head=1,0,-5' (a scale, then an offset in pixels), one for each group of limbs."""
    groups = [field.name for field in fields(Adjust)]
    nudges = {}
    for word in words:
        match = _NUDGE.fullmatch(word.replace(" ", ""))
        if not match or match["group"] not in groups:
            raise InputError(f"--adjust {word} is no adjustment: write GROUP=SCALE or GROUP=SCALE,X,Y; groups are {', '.join(groups)}.")
        nudges[match["group"]] = Nudge(float(match["scale"]), (float(match["x"] or 0), float(match["y"] or 0)))
    return Adjust(**nudges)


def settings_of(words: list[str]) -> dict[str, Any]:
    """'steps=20', 'guidance=3', 'window=24,4,open' -> changes to sampling.settings.Settings."""
    defaults = {field.name: getattr(Settings(), field.name) for field in fields(Settings) if field.name not in UNTYPED}
    changes = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in defaults or not value:
            raise InputError(f"--set {word} sets nothing: write NAME=VALUE; names are {', '.join(defaults)}.")
        special = {"window": _window_of, "canvas": _canvas_of}.get(name)
        changes[name] = special(value) if special else _like(defaults[name], value, word)
    return changes


def _like(default: Any, value: str, word: str) -> Any:
    """The value as the same kind of thing as the default."""
    try:
        return type(default)(value)
    except ValueError:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise InputError(f"--set {word}: '{value}' is not {kind}.") from None


def _canvas_of(value: str) -> Size | None:
    """'768x768', or 'picture' for the result's own size."""
    if value == "picture":
        return None
    match = re.fullmatch(_SIZE, value)
    if not match:
        raise InputError(f"--set canvas={value} is no canvas: write WIDTHxHEIGHT in pixels, such as 768x768, or picture.")
    return int(match[1]), int(match[2])


def _window_of(value: str) -> Windows | Chain:
    """'24,4': frames of a window, frames shared; a third word says how windows end. 'chain,32,0.5': frames of a clip, and its anchor."""
    if match := re.fullmatch(r"(\d{1,4}),(\d{1,4})(?:,(open|closed|last))?", value):
        return Windows(int(match[1]), int(match[2]), end=cast(End, match[3] or "closed"))
    if match := re.fullmatch(rf"chain(?:,(\d{{1,4}}))?(?:,({_NUMBER}))?", value):
        return Chain(int(match[1] or Chain.size), float(match[2] or Chain.anchor))
    raise InputError(
        f"--set window={value} is no window: write SIZE,OVERLAP, such as 24,4, with open, closed or last behind it, or chain,SIZE,ANCHOR."
    )
