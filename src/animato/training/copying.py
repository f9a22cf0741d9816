"""Steps of preview models: a copy head that learns to fetch, and a network that repairs what was fetched. The same for every system."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from animato.models.copy_head import Copied, CopyHead, clean
from animato.training.batch import Batch
from animato.training.chance import LAST_TIME, Draw, draw_late
from animato.training.loss import weighted_error
from animato.training.objective import BegunClean, Clean, Fetch
from animato.training.step import Denoising, Step, one_noise


class FetchStep(Step):
    """A copy head that learns alone. There is neither noise nor chance in it."""

    def __init__(self, networks: nn.Module, objective: Fetch) -> None:
        super().__init__(networks)
        self.objective = objective

    def forward(self, batch: Batch, draw: tuple[()] = ()) -> dict[str, Tensor]:
        """The error of what it chose, and of all that it fetched."""
        copied = exactly(self.networks.copy_head, batch)
        weight = 1 + self.objective.person * batch.mask
        error, fetched = (weighted_error(x, batch.latents, weight) for x in (copied.base, copied.fetched))
        return {"loss": error + self.objective.base * fetched, "error": error, "fetched": fetched}

    def chance(self, latents: Tensor, generators: Sequence[torch.Generator]) -> tuple[()]:
        return ()

    def generate(self, batch: Batch, generator: torch.Generator) -> Tensor:  # B F C h w
        """What it chose."""
        return exactly(self.networks.copy_head, batch).base


class CleanStep(Denoising):
    """x0 over what a copy head chose. A system says how its network predicts."""

    objective: Clean | BegunClean

    @abstractmethod
    def predict(self, x: Tensor, batch: Batch, draw: Any, copied: Copied) -> Tensor:  # B F C h w
        """The network's answer to noisy frames."""

    def forward(self, batch: Batch, draw: Any) -> dict[str, Tensor]:
        """The error of the frames made, and that of the copy beneath them."""
        copied = exactly(self.networks.copy_head, batch)
        made = self.made(batch, draw, copied)
        error = weighted_error(made, batch.latents, 1 + self.objective.person * batch.mask)
        base = weighted_error(copied.base, batch.latents, torch.ones_like(batch.mask))
        return {"loss": error + self.objective.base * base, "error": error, "base": base}

    def made(self, batch: Batch, draw: Any, copied: Copied) -> Tensor:  # B F C h w
        """x0 of the noisy frames."""
        x, a, s = self.noisy(batch.latents, draw)
        return clean(self.predict(x, batch, draw, copied), x, copied.base, a, s)

    def chance(self, latents: Tensor, generators: Sequence[torch.Generator]) -> Any:
        return draw_late(self.objective, latents, generators)

    def generate(self, batch: Batch, generator: torch.Generator) -> Tensor:  # B F C h w
        """In one step from noise."""
        noise = one_noise(batch.latents, generator)
        draw = self.from_noise(torch.full((len(noise),), LAST_TIME, device=noise.device), noise)
        return self.made(batch, draw, exactly(self.networks.copy_head, batch))

    def from_noise(self, t: Tensor, noise: Tensor) -> Any:  # B, B F C h w
        """A draw of which nothing is left to chance."""
        return Draw(t, noise)


def exactly(head: CopyHead, batch: Batch) -> Copied:
    """In float32 whatever the precision of the rest: bfloat16 cannot tell the distances of neighbouring positions apart."""
    with torch.autocast(batch.reference.device.type, enabled=False):
        return head(batch.wanted, batch.given, batch.reference)
