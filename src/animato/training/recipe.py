"""A recipe is data: a TOML file that says everything about one stage of training, and can be changed on the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from animato.core.errors import InputError
from animato.core.reading import read_text
from animato.sampling.schedule import NoiseSchedule
from animato.training.objective import Objective, Velocity, read_objective
from animato.training.tables import build, table

MOST_RECIPE = 20_000  # bytes; the longest that is shipped has 2000, and tomllib takes minutes for a name of 100,000 parts
MOST_DEPTH = 8  # tables and lists within each other


@dataclass(frozen=True)
class Networks:
    """What is trained. Sizes are those of UNet and PoseGuider; with `start` the networks of that folder are taken, and new parts added.

    start         a folder with one folder per network, as the loop writes them; "" for new networks
    guider_start  a ControlNet in diffusers' form, from which a new Pose Guider takes all but its last layer; "" for random values
    motion_start  AnimateDiff's motion module, whose values new temporal modules take; "" for random values
    unet          options of the U-Net, shared by denoiser and ReferenceNet, or of UniAnimate's
    temporal      options of the temporal module; {} for a denoiser of single frames. Of UniAnimate its kind alone
    guider        channels of the Pose Guider, or of the stem of MagicAnimate's ControlNet
    dropout       of UniAnimate's ResNets and temporal convolutions; 0.1 as published
    copy_start    UniAnimate: a folder with a copy head that has learned to fetch, from which a new one begins; "" for random values
    copy_head     what a copy head recognises points of the body by, limbs or parts as DensePose cuts it; "" for none
    vae           a folder of an AutoencoderKL; "" for patches
    clip          a folder of CLIP's vision tower; "" for the mean colour
    """

    start: str = ""
    guider_start: str = ""
    motion_start: str = ""
    copy_start: str = ""
    dropout: float = 0.0
    unet: dict[str, Any] = field(default_factory=dict)
    temporal: dict[str, Any] = field(default_factory=dict)
    guider: list[int] = field(default_factory=lambda: [16, 32, 96, 256])
    copy_head: Literal["", "limbs", "parts"] = ""
    vae: str = ""
    clip: str = ""


@dataclass(frozen=True)
class Optimizer:
    """AdamW. warmup: steps of a rising rate; decay: the last fraction of all steps, in which the rate falls to zero."""

    lr: float = 1e-5
    betas: list[float] = field(default_factory=lambda: [0.9, 0.999])
    weight_decay: float = 1e-2
    eps: float = 1e-8
    clip: float = 1.0
    warmup: int = 1
    decay: float = 0.0


@dataclass(frozen=True)
class Data:
    """What is learned from: a JSON index of videos, or procedural people.

    index     the JSON file; "" for procedural people
    size      width and height
    frames    driven frames of a sample
    lengths   UniAnimate: a batch has one of these numbers of frames, all as likely: the first of each sample; [] for all of them
    together  whether they follow each other, `rate` apart
    margin    frames that lie at least between reference and target of a sample of one frame
    fast      frames a second above which `rate` counts twice; 0: never
    cut       whole, or published: a random crop that keeps `scale` of the area, and cuts heads and feet of portrait videos; or squash:
              whole, its aspect given up, as MusePose's canvas is
    people, length, fps  of procedural people: how many, frames of each, frames a second
    """

    index: str = ""
    size: list[int] = field(default_factory=lambda: [768, 768])
    frames: int = 1
    lengths: list[int] = field(default_factory=list)
    together: bool = False
    rate: int = 4
    margin: int = 30
    fast: float = 0.0
    cut: Literal["whole", "published", "squash"] = "whole"
    scale: list[float] = field(default_factory=lambda: [0.9, 1.0])
    people: int = 2400
    length: int = 12
    fps: float = 6.0


@dataclass(frozen=True)
class Run:
    """How long and how often.

    batch          samples a process; accumulate: batches a step
    ema            decay of the moving average of the weights
    precision      as Accelerate names it: no, fp16, bf16
    keep           how many of the newest checkpoints stay
    checkpointing  whether the denoiser forgets inner values and computes them again, which takes less memory
    learn, freeze  what learns, see `loop.select`
    """

    steps: int = 1000
    batch: int = 1
    accumulate: int = 1
    seed: int = 12580
    ema: float = 0.0
    precision: Literal["no", "fp16", "bf16"] = "no"
    checkpointing: bool = False
    checkpoint_every: int = 200
    keep: int = 2
    sample_every: int = 200
    log_every: int = 10
    learn: list[str] = field(default_factory=list)
    freeze: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recipe:
    """One stage of training, whole. system: a name that the table of systems knows; "" for the first one that recipes were for."""

    system: str = ""
    networks: Networks = Networks()
    objective: Objective = Velocity()
    noise: NoiseSchedule = NoiseSchedule()
    optimizer: Optimizer = Optimizer()
    data: Data = Data()
    run: Run = Run()


def read_recipe(path: Path, changes: Iterable[str] = ()) -> Recipe:
    """The recipe of a TOML file, with changes such as "run.steps=100". Raises InputError, which names what is unknown or wrong."""
    text = read_text(path, MOST_RECIPE)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not a TOML file: {str(error).splitlines()[0][:200]}.") from error
    except ValueError as error:  # Python turns no more than 4300 digits into a number
        raise InputError(f"{path} is no recipe: one of its numbers is too long.") from error
    except RecursionError as error:
        raise InputError(f"{path} is nested too deeply to be a recipe: give one such as those of the folder recipes/.") from error
    _check_depth(content, path)
    for change in changes:
        _change(content, change)
    return build_recipe(content, str(path))


def build_recipe(content: dict[str, Any], where: str) -> Recipe:
    """A recipe from its table. Raises InputError, which names what is unknown or wrong."""
    return build(Recipe, content, where, {"objective": read_objective})


def plain(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a table, every value written out."""
    return asdict(recipe) | {"objective": {"kind": recipe.objective.kind} | asdict(recipe.objective)}


def _change(content: dict[str, Any], change: str) -> None:
    name, sign, text = change.partition("=")
    if not sign or not name:
        raise InputError(f"'{change}' is no change of a recipe: write it as run.steps=100.")
    *tables, last = name.split(".")
    for part in tables:
        content = table(content.setdefault(part, {}), part)
    content[last] = _value(text)


def _value(text: str) -> Any:
    """What TOML makes of what stands behind a change's sign; a word as it is."""
    if len(text) > MOST_RECIPE:
        raise InputError(f"The value {text[:20]}... of a change is longer than a whole recipe may be.")
    try:
        content = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return content["value"] if len(content) == 1 and _depth(content) < MOST_DEPTH else text


def _check_depth(content: dict[str, Any], path: Path) -> None:
    if _depth(content) > MOST_DEPTH:
        raise InputError(f"{path} is nested too deeply to be a recipe: give one such as those of the folder recipes/.")


def _depth(value: Any) -> int:
    """How many tables and lists lie within each other at the deepest place; counted level by level, however deep it is."""
    level = [value]
    depth = 0
    while level := [inner for outer in level if isinstance(outer, dict | list) for inner in _within(outer)]:
        depth += 1
    return depth


def _within(outer: dict[str, Any] | list[Any]) -> list[Any]:
    return list(outer.values()) if isinstance(outer, dict) else outer
