"""A recipe is data: a TOML file that says everything about one stage of training, and can be changed on the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from animato.core.errors import InputError
from animato.sampling.schedule import NoiseSchedule

T = TypeVar("T")


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
    copy_head     what a copy head recognises places of the body by, limbs or parts as DensePose cuts it; "" for none
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
class Objective:
    """What is asked of the prediction.

    kind          velocity: as published; clean: x0 over a copy head's patches; fetch: those patches alone, with which a copy head begins;
                  epsilon: the noise, as MagicAnimate is trained
    noise_offset  one more draw for each channel of a clip, so much of it
    snr_gamma     min-SNR weight; 0 for none
    drop          share of batches without reference and token, for guidance; of UniAnimate samples without reference
    drop_first    UniAnimate: share of samples that are not told the first frame
    drop_each     UniAnimate: share of samples that are not told the poses, and, by itself, what CLIP sees
    drop_all      UniAnimate: share of samples that are told nothing at all
    keep_all      UniAnimate: share of the others that are told everything; the shares above are of what then is left
    pure          clean: share of samples that are nothing but noise; times of the others are 1000 sqrt(u)
    person        clean: how much more a pixel of the person counts
    base          clean: weight of the fetched patches' own error
    taus          MagicAnimate's joint training, see `magic_animate.joint`; [] for samples as they come
    same_noise    whether all frames of a sample start from the same noise
    """

    kind: Literal["velocity", "clean", "fetch", "epsilon"] = "velocity"
    noise_offset: float = 0.05
    snr_gamma: float = 5.0
    drop: float = 0.1
    drop_first: float = 0.5
    drop_each: float = 0.5
    drop_all: float = 0.1
    keep_all: float = 0.1
    pure: float = 0.4
    person: float = 3.0
    base: float = 0.5
    same_noise: bool = False
    taus: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Optimizer:
    """AdamW. warmup: steps of a rising rate; decay: the last share of all steps, in which the rate falls to zero."""

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
    ema            decay of the running mean of the weights
    precision      as Accelerate names it: no, fp16, bf16
    checkpointing  whether the denoiser forgets inner values and computes them again, which takes less memory
    learn, freeze  what learns, see `loop.select`
    """

    steps: int = 1000
    batch: int = 1
    accumulate: int = 1
    seed: int = 12580
    ema: float = 0.0
    precision: str = "no"
    checkpointing: bool = False
    checkpoint_every: int = 200
    sample_every: int = 200
    log_every: int = 10
    learn: list[str] = field(default_factory=list)
    freeze: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Recipe:
    """One stage of training, whole."""

    system: Literal["animate-anyone", "muse-pose", "magic-animate", "uni-animate"] = "animate-anyone"
    networks: Networks = Networks()
    objective: Objective = Objective()
    noise: NoiseSchedule = NoiseSchedule()
    optimizer: Optimizer = Optimizer()
    data: Data = Data()
    run: Run = Run()


def read_recipe(path: Path, changes: Iterable[str] = ()) -> Recipe:
    """The recipe of a TOML file, with changes such as "run.steps=100". Raises InputError, which names what is unknown or wrong."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: give the name of a recipe, such as recipes/animate-anyone-preview-image.toml.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not a TOML file: {error}") from error
    for change in changes:
        _change(content, change)
    return build(Recipe, content, str(path))


def build(kind: type[T], content: dict[str, Any], where: str) -> T:
    """A dataclass from a table, checked name by name. Raises InputError."""
    types = get_type_hints(kind)
    defaults = vars(kind())
    unknown = set(content) - set(defaults)
    if unknown:
        raise InputError(f"{where}: '{sorted(unknown)[0]}' is unknown; known are {', '.join(defaults)}.")
    values = {}
    for name, value in content.items():
        place = f"{where}: {name}"
        if is_dataclass(defaults[name]):
            values[name] = build(types[name], _table(value, place), place)
        elif get_origin(types[name]) is Literal and value not in get_args(types[name]):
            raise InputError(f"{place} must be one of {', '.join(get_args(types[name]))}, not {value!r}.")
        else:
            values[name] = _checked(value, defaults[name], place)
    return kind(**values)


def plain(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a table, every value written out."""
    return asdict(recipe)


def _checked(value: Any, default: Any, where: str) -> Any:
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise InputError(f"{where} must be like {default!r}, not {value!r}.")
    return value


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where} must be a table of names and values, not {value!r}.")
    return value


def _change(content: dict[str, Any], change: str) -> None:
    name, sign, text = change.partition("=")
    if not sign or not name:
        raise InputError(f"'{change}' is no change of a recipe: write it as run.steps=100.")
    *tables, last = name.split(".")
    for table in tables:
        content = _table(content.setdefault(table, {}), table)
    try:
        content[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        content[last] = text
