"""A strict match of the keys of a weight file with the keys of a network: both sides accounted for, every mismatch named.

A map is data: parts of keys that are renamed, parts that are left out on purpose and why. Nothing is matched by resemblance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from animato.core.errors import MissingModelError
from animato.weights.numbers import check_numbers, is_whole

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

SHOWN = 3  # keys of each kind that a message names; the others are counted


@dataclass(frozen=True)
class Dropped:
    """Keys with this part are left out: what they hold is known without them. `holds` says whether a tensor is what is known."""

    part: str
    why: str
    holds: Callable[[Tensor], bool]


@dataclass(frozen=True)
class KeyMap:
    """How the keys of a file become those of a network. Parts are looked for in `.key`, so that a leading dot begins a whole name."""

    renames: tuple[tuple[str, str], ...] = ()  # part of a key, what stands there instead; all of them, in this order
    dropped: tuple[Dropped, ...] = ()
    ignored: tuple[tuple[str, str], ...] = ()  # part of a key, why the network has no use for it whatever it holds
    flattened: tuple[str, ...] = ()  # parts of old keys of 1x1 convolutions that are linear layers now: trailing axes of length 1 go

    def rename(self, key: str) -> str:
        key = "." + key
        for old, new in self.renames:
            key = key.replace(old, new)
        return key[1:]

    def reshape(self, key: str, shape: Shape) -> Shape:
        while self.has(self.flattened, key) and len(shape) > 2 and shape[-1] == 1:
            shape = shape[:-1]
        return shape

    def drops(self, key: str) -> bool:
        return self.has((*(rule.part for rule in self.dropped), *(part for part, _ in self.ignored)), key)

    @staticmethod
    def has(parts: tuple[str, ...], key: str) -> bool:
        return any(part in "." + key for part in parts)


IDENTITY = KeyMap()


@dataclass(frozen=True)
class Match:
    """Which key of a file goes to which key of a network, and all that does not fit, as `key [shape]`."""

    sources: dict[str, str] = field(default_factory=dict)  # key of the network -> key of the file
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    misshapen: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)

    def complaint(self) -> str:
        """All that does not fit in one line; empty if everything does."""
        kinds = ((self.missing, "missing"), (self.unknown, "unknown"), (self.misshapen, "of another shape"), (self.twice, "there twice"))
        return "; ".join(f"{len(keys)} {kind}: {_some(keys)}" for keys, kind in kinds if keys)


def match(given: Shapes, wanted: Shapes, keymap: KeyMap = IDENTITY) -> Match:
    """Compares all keys and shapes of a file with those of a network."""
    found = Match()
    for key, shape in given.items():
        if not keymap.drops(key):
            _match_one(key, shape, wanted, keymap, found)
    found.missing.extend(_named(key, shape) for key, shape in wanted.items() if key not in found.sources)
    return found


def _match_one(key: str, shape: Shape, wanted: Shapes, keymap: KeyMap, found: Match) -> None:
    target = keymap.rename(key)
    if target not in wanted:
        found.unknown.append(_named(key, shape))
    elif target in found.sources:
        found.twice.append(f"{key} and {found.sources[target]}")
    else:
        found.sources[target] = key
        if keymap.reshape(key, shape) != wanted[target]:
            found.misshapen.append(f"{_named(key, shape)} instead of {list(wanted[target])}")


def translate(state: Mapping[str, Tensor], wanted: Shapes, keymap: KeyMap, what: str) -> dict[str, Tensor]:
    """The tensors of a file under the network's keys, not copied. `what` names file and network in the message.

    Raises MissingModelError unless every key of both sides is accounted for, and what is dropped holds what it should.
    """
    found = match(shapes(state), wanted, keymap)
    if complaint := found.complaint():
        seems, meant = appearance(state), appearance(wanted)
        mistaken = f" It looks like {seems}." if seems != meant else ""
        raise MissingModelError(f"{what}: {complaint}.{mistaken} Give the right file, or get it again.")
    check_numbers({source: state[source] for source in found.sources.values()}, what)
    for rule in keymap.dropped:
        wrong = [key for key, value in state.items() if rule.part in "." + key and not (is_whole(value) and rule.holds(value))]
        if wrong:
            raise MissingModelError(f"{what}: {_some(wrong)} should hold what is known without it ({rule.why}), but holds something else.")
    return {target: state[source].reshape(wanted[target]) for target, source in found.sources.items()}


def shapes(state: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {key: tuple(value.shape) for key, value in state.items()}


SIGNS = (  # part of a key -> what a file with it is; the first that is found counts
    ("lora", "a LoRA, which is no whole network"),
    ("model.diffusion_model.", "a Stable Diffusion checkpoint in one file; it must be in diffusers' form"),
    (".dwpose_embedding.", "one U-Net with encoders of poses around it"),
    (".input_blocks.", "a network of Stability's own naming"),
    (".controlnet_cond_embedding.", "a ControlNet"),
    (".visual.transformer.", "OpenCLIP, both sides or one"),
    (".text_model.", "a CLIP text encoder"),
    (".vision_model.", "a CLIP image encoder"),
    (".decoder.", "a VAE"),
    (".motion_modules.", "a motion module, or a denoiser with one"),
    (".conv_norm_out.", "a U-Net with an end: SD-1.5's or a denoiser's"),
    (".up_blocks.3.attentions.2.proj_out.", "a U-Net without an end: a ReferenceNet beside a Pose Guider"),
    (".down_blocks.", "a U-Net without an end: a ReferenceNet or an appearance encoder"),
    (".blocks.", "a Pose Guider"),
)


def appearance(keys: Iterable[str]) -> str:
    """What has such keys, for someone who has mistaken one file for another."""
    dotted = [f".{key}" for key in keys]
    return next((what for part, what in SIGNS if any(part in key for key in dotted)), "no part of a system known here")


def _named(key: str, shape: Shape) -> str:
    return f"{key} {list(shape)}"


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return ", ".join(keys[:SHOWN]) + more
