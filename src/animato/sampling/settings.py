"""The options of a diffusion system, checked when they are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from animato.core.errors import InputError
from animato.core.shapes import Size
from animato.sampling.plan import Chain, Windows
from animato.sampling.shard import WHOLE, Shard

Memory = Literal["auto", "high", "low", "least"]
DType = Literal["auto", "float32", "float16", "bfloat16"]
Reference = Literal["reference", "first-frame", "both"]

Wrapper = Callable[[Any], Any]  # of sampling/run.Predict; said so loosely because plans and options need no torch

SIDES = (64, 4096)  # px, of a canvas
MEMORY: tuple[Memory, ...] = ("auto", "high", "low", "least")
REFERENCES: tuple[Reference, ...] = ("reference", "first-frame", "both")
DTYPES: tuple[DType, ...] = ("auto", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Settings:
    """How a clip is sampled. The defaults are those of the published Animate Anyone scripts.

    steps          denoising steps; more are slower and finer
    guidance       how strongly the reference is insisted upon; 1 or less: no guidance, in half the time
    seed           of the noise; the same seed gives the same clip (docs/same_results.md says to which digit)
    scheduler      name of a diffusers scheduler, with or without "Scheduler"
    noise_period   after how many frames the noise of a clip begins again, which steadies what stands still; 0: never
    window         how a clip longer than a window is cut up: into windows, or into a chain of clips
    batch          windows that the network sees at once; changes speed and memory, and no more than a last digit of the clip
    canvas         width and height in which the networks work, whatever the shape of the result; None: those of the result
    interpolation  k > 1: k - 1 frames are put between the latents of neighbouring frames, and the clip has k times the frame rate
    dtype          of the networks; auto: float32 on a CPU, float16 elsewhere. Between steps latents are float32
    device         cpu, cuda, cuda:1, mps; auto: where the networks are, if not on the CPU, else the best there is
    memory         high: both halves of guidance together; low: one after the other; least: as low, and on a GPU with one layer of a
                   U-Net there at a time, which is slow; auto: the first of these that fits
    reference      reference: the picture shows who it is; first-frame: it is what the clip begins with; both
    shard          which windows of every step this process takes; set where several processes work together
    wrappers       what goes around the model call of every step, x, t -> prediction (sampling/run.Predict), such as a cache: each is
                   called with the call and gives another; anew for every clip
    """

    steps: int = 30
    guidance: float = 3.5
    seed: int = 42
    scheduler: str = "DDIM"
    window: Windows | Chain = field(default_factory=Windows)
    batch: int = 1
    canvas: Size | None = None
    interpolation: int = 1
    dtype: DType = "auto"
    device: str = "auto"
    memory: Memory = "auto"
    shard: Shard = WHOLE
    noise_period: int = 0
    reference: Reference = "reference"
    wrappers: tuple[Wrapper, ...] = ()

    def __post_init__(self) -> None:
        whole = {"steps": (1, 1000), "seed": (0, 2**63), "batch": (1, 1000), "interpolation": (1, 100), "noise_period": (0, 2**20)}
        for name, (least, most) in whole.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} {getattr(self, name)} is out of range: choose a whole number from {least} to {most}.")
        if self.canvas is not None and not all(SIDES[0] <= side <= SIDES[1] for side in self.canvas):
            raise InputError(f"A canvas of {self.canvas[0]}x{self.canvas[1]} is no use: choose sides from {SIDES[0]} to {SIDES[1]} pixels.")
        for name, known in {"dtype": DTYPES, "memory": MEMORY, "reference": REFERENCES}.items():
            if getattr(self, name) not in known:
                raise InputError(f"There is no {name} '{getattr(self, name)}': choose {', '.join(known)}.")
        if not 0 <= self.guidance <= 100:
            raise InputError(f"guidance {self.guidance} is out of range: choose a number from 0 to 100.")
