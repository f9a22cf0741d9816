"""Long video clip after clip: each begins with the last frame of the one before it. For networks with an input for a first frame.

What drifts adds up from clip to clip. `anchored` pulls the colours of the frame that is handed on back to the reference's.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from animato.sampling.plan import Plan, Window

Make = Callable[[Window, Tensor | None], Tensor]
"""Frames of a link, and how the first of them looks (None: the clip begins here) -> the link's latents, f C H W."""

FLAT = 1e-4  # standard deviation below which a channel has no contrast to be stretched


def chain(links: Plan, make: Make, hand_on: Callable[[Tensor], Tensor]) -> Tensor:  # F C H W
    """The latents of a whole clip. Of the frame that two links share the first one's stays.

    hand_on  latents of the frame that a link ends with, 1 C H W -> what the next link is conditioned on
    """
    parts: list[Tensor] = []
    for link in links:
        made = make(link, hand_on(parts[-1][-1:]) if parts else None)
        parts.append(made[1:] if parts else made)
    return torch.cat(parts)


def anchored(frame: Tensor, reference: Tensor, weight: float) -> Tensor:  # ... H W in [0, 1], both with as many channels
    """A frame whose mean and contrast, of each channel by itself, have come nearer to the reference's: by a fraction of the way.

    0 changes nothing. Colour transfer by first and second moments (Reinhard et al. 2001), in RGB.
    """
    if weight == 0:
        return frame
    mean, wanted = (pixels.mean((-2, -1), keepdim=True) for pixels in (frame, reference))
    spread, wide = (pixels.std((-2, -1), correction=0, keepdim=True) for pixels in (frame, reference))
    contrast = torch.where(spread > FLAT, torch.lerp(spread, wide, weight) / spread.clamp(min=FLAT), 1)
    return ((frame - mean) * contrast + torch.lerp(mean, wanted, weight)).clamp(0, 1)
