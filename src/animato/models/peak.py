"""A pass through a denoiser, described so that the network can say how much memory it takes at its peak."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pass:
    """Some windows of a clip that go through a denoiser at once.

    windows       how many
    frames        of a window
    positions     of a frame of latents: its height times its width
    halves        how many of the two halves of guidance run in the same pass
    kept          frames of the whole clip whose condition lies on the same device; 0 where it lies elsewhere
    conditioning  what a frame's condition holds, in values as wide as the network's first level for each position; drawn skeletons 1
    """

    windows: int
    frames: int
    positions: int
    halves: int
    kept: int = 0
    conditioning: float = 1
