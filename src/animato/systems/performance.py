"""What comes of a scene, whichever system performed it: the clip, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field

from animato.core.media import Clip


@dataclass(frozen=True, eq=False)
class Performance:
    """A motion performed by a picture.

    clip        the result, made when it is iterated
    turned      frames in which the body is turned more than 60 degrees from the picture, which a flat picture cannot show well (puppet)
    held        frames in which a limb kept its last pose because the motion does not show it (puppet)
    self_drive  dB, PSNR of the picture driven by its own pose (puppet); None where it was not measured
    notes       sentences for the user
    """

    clip: Clip
    turned: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    self_drive: float | None = None
    notes: list[str] = field(default_factory=list)
