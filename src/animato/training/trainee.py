"""A system in training, as the loop drives it: what is the same for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import send_to_device
from torch import Tensor, nn

from animato.data.index import Videos, read_index
from animato.data.mixture import People
from animato.data.sample import Sample, Source
from animato.encoders.codec import FrameCodec
from animato.training.batch import Batch, Encoders, row_generator
from animato.training.check import Requirements
from animato.training.networks import Trained
from animato.training.recipe import Data, Recipe
from animato.training.step import Step
from animato.weights import own
from animato.weights.about import About

GRID_ROWS = 4
GRID_SEED = 2**31  # samples to look at are none that training draws
LOOK_STEPS = 10  # of sampling, for a quick look

Use = Callable[[Sample], Sample]


def as_drawn(rng: np.random.Generator) -> Use:
    """Samples of a batch as their source gives them."""
    return lambda sample: sample


@dataclass(eq=False)
class Trainee:
    """Networks, and how they learn.

    over  the step that trains networks like these; samples are made by it from their moving average, too
    use   what all samples of a batch are used for, by the first sample's generator
    """

    recipe: Recipe
    needs: Requirements
    networks: Trained
    over: Callable[[Any], Step]
    encoders: Encoders
    source: Source
    use: Callable[[np.random.Generator], Use] = as_drawn
    step: Step = field(init=False)

    def __post_init__(self) -> None:
        self.step = self.over(self.networks)

    def batch(self, number: int, rows: range) -> tuple[Any, ...]:
        """What the step of this number is called with: its samples, and its chance."""
        pairs = [row_generator(self.recipe.run.seed, number, row) for row in rows]
        generators = [generator for _, generator in pairs]
        batch = self.encoders.batch(self.samples([rng for rng, _ in pairs]), generators)
        draw = self.step.chance(batch.latents, generators)
        device = device_of(self.networks)
        return batch.to(device), send_to_device(draw, device)

    def samples(self, rngs: list[np.random.Generator]) -> list[Sample]:
        """Those of a batch, which have as many frames each."""
        use = self.use(rngs[0])
        return [use(self.source.draw(rng)) for rng in rngs]

    @torch.no_grad()
    def grid(self, networks: nn.Module) -> np.ndarray:
        """Rows of reference | skeleton, truth and result of the first and the last frame: H W 3 uint8."""
        step = self.over(networks)
        rows = []
        for row in range(GRID_ROWS):
            rng, generator = row_generator(GRID_SEED, 0, row)
            batch = self.encoders.batch([self.source.draw(rng)], [generator])
            made = step.generate(batch.to(device_of(networks)), generator).cpu()
            rows.append(self._row(batch, made))
        return np.concatenate(rows)

    def _row(self, batch: Batch, made: Tensor) -> np.ndarray:  # H W 3 uint8
        codec = FrameCodec(self.encoders.vae)
        reference, truth, result = (codec.decode(x[0]) for x in (batch.reference, batch.latents, made))
        skeletons = nn.functional.interpolate(batch.skeletons[0], reference.shape[-2:], mode="area")
        shown = [reference[0], *(part[i] for i in (0, len(truth) - 1) for part in (skeletons, truth, result))]
        return np.concatenate([_picture(one) for one in shown], axis=1)

    @property
    def fixed(self) -> dict[str, Any]:
        """The networks that do not learn; patches and mean colours, which have no tensors, are none."""
        encoders = {"vae": self.encoders.vae, "image_encoder": self.encoders.clip}
        return {name: network for name, network in encoders.items() if network.state_dict()}

    def keep(self, folder: Path) -> None:
        """Writes the networks that do not learn, if there are any."""
        if self.fixed:
            own.save(folder, self.fixed.items(), self._about)

    def save(self, networks: Trained, folder: Path, kept: Path) -> None:
        """All networks in the project's form, with those of `keep`."""
        own.save(folder, [*networks.named(), *((name, kept / name) for name in self.fixed)], self._about)

    @property
    def _about(self) -> About:
        options = {"noise": asdict(self.recipe.noise), "size": self.recipe.data.size}
        return About(self.recipe.system, "a training run of this project", options)


def make_source(data: Data) -> Source:
    """Raises InputError for an index that cannot be read."""
    size = (data.size[0], data.size[1])
    if not data.index:
        return People(data.people, data.length, data.fps, size, data.frames, together=data.together)
    entries = tuple(read_index(Path(data.index)))
    return Videos(entries, size, data.frames, data.rate, data.cut, (data.scale[0], data.scale[1]), data.margin, data.fast)


def device_of(networks: nn.Module) -> torch.device:
    return next(networks.parameters()).device


def _picture(pixels: Tensor) -> np.ndarray:  # 3 H W in [0, 1] -> H W 3 uint8
    return (pixels * 255).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
