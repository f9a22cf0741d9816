"""A picture taken apart: one texture per layer with its hidden pixels filled in, and the background without the person."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from animato.pose.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Layer:
    """One part of the person.

    name      one of skeleton.LAYERS
    texture   H W 4  uint8, straight alpha, as large as the picture; colours go on beyond the alpha so that no filter meets an edge
    back      H W 4  the same seen from behind (no face), or None where it makes no difference
    radius    half thickness in pixels of each bone of skeleton.BONES[name], in that order
    frozen    the part keeps the picture's shape and follows the torso: its joints cannot be trusted or lie outside the picture
    covered   H W  uint8, how much of a limb lies under something else in the picture and shows only once it has moved; None: nothing
    """

    name: str
    texture: np.ndarray
    radius: tuple[float, ...]
    back: np.ndarray | None = None
    frozen: bool = False
    covered: np.ndarray | None = None

    @property
    def shown(self) -> np.ndarray:
        """H W bool: where the picture itself shows it."""
        alpha = self.texture[..., 3]
        return alpha > 127 if self.covered is None else (alpha > 127) & (self.covered < 128)


@dataclass(frozen=True, eq=False)
class Parts:
    """Everything about the picture that moving it needs.

    layers      only those that exist in the picture (an arm outside it has none), keyed by name
    background  H W 3  uint8, the person and their hole filled
    skeleton    the picture's own joints, one frame
    torso       T in pixels (body.torso_length)
    garment     how far down the thighs a skirt or shorts reach that move with the torso: 0 = none, 1 = the knee
    skirt       the garment is one sheet over both legs
    floor       y in pixels of the ground under the feet, or None if the feet are not in the picture
    notes       sentences for the user on what was doubtful
    """

    layers: dict[str, Layer]
    background: np.ndarray
    skeleton: Skeleton
    torso: float
    garment: float = 0.0
    skirt: bool = False
    floor: float | None = None
    notes: list[str] = field(default_factory=list)
