"""A diffusion system with the settings it is to run with, behind the same face as the puppet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.pose.keypoints import PoseSequence
from animato.sampling.settings import Settings
from animato.systems.performance import Performance


class Diffusion(Protocol):
    """What a diffusion system is to this page: AnimateAnyone or its preview model."""

    @property
    def name(self) -> str: ...

    def animate(
        self,
        picture: np.ndarray,
        reference: PoseSequence,
        motion: Any,  # PoseSequence; of some systems also a Clip
        sound: Path | None,
        settings: Settings,
        progress: Progress,
    ) -> Clip: ...


@dataclass(frozen=True, eq=False)
class Tuned:
    """A system, its settings, and what the user should know of its weights."""

    system: Diffusion
    settings: Settings
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.system.name

    def perform(
        self,
        picture: np.ndarray,
        reference: PoseSequence,
        motion: PoseSequence | Clip,
        sound: Path | None = None,
        progress: Progress = silent,
    ) -> Performance:
        """The motion performed by the person of a picture. Arguments and errors as the system's `animate`."""
        clip = self.system.animate(picture, reference, motion, sound, self.settings, progress)
        return Performance(clip, notes=list(self.notes))
