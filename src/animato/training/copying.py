"""What training asks of a copy head, and of a network that repairs what was copied. Shared by the preview models."""

from __future__ import annotations

import torch
from torch import Tensor

from animato.models.copy_head import Copied, CopyHead
from animato.training.batch import Batch
from animato.training.loss import weighted_error
from animato.training.stage import Objective


def exactly(head: CopyHead, batch: Batch) -> Copied:
    """In float32 whatever the precision of the rest: bfloat16 cannot tell the distances of neighbouring places apart."""
    with torch.autocast(batch.reference.device.type, enabled=False):
        return head(batch.wanted, batch.given, batch.reference)


def fetching_error(objective: Objective, batch: Batch, copied: Copied) -> dict[str, Tensor]:
    """Of a copy head that learns alone: the error of what it chose, and of all that it fetched."""
    weight = 1 + objective.person * batch.mask
    error, fetched = (weighted_error(x, batch.latents, weight) for x in (copied.base, copied.fetched))
    return {"loss": error + objective.base * fetched, "error": error, "fetched": fetched}


def error_over_copy(objective: Objective, batch: Batch, copied: Copied, made: Tensor) -> dict[str, Tensor]:
    """The error of the frames made, and that of the copy beneath them."""
    error = weighted_error(made, batch.latents, 1 + objective.person * batch.mask)
    base = weighted_error(copied.base, batch.latents, torch.ones_like(batch.mask))
    return {"loss": error + objective.base * base, "error": error, "base": base}
