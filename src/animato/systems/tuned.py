"""A diffusion system with the settings it is to run with, behind the same face as the puppet."""

from __future__ import annotations

from dataclasses import dataclass

from animato.core.progress import Progress, silent
from animato.sampling.settings import Settings
from animato.systems.performance import Performance, System
from animato.systems.scene import Scene


@dataclass(frozen=True, eq=False)
class Tuned:
    """A system, its settings, and what the user should know of its weights."""

    system: System
    settings: Settings
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.system.name

    @property
    def follows(self) -> tuple[type, ...]:
        return self.system.follows

    def perform(self, scene: Scene, progress: Progress = silent) -> Performance:
        """The motion performed by the person of a picture. Raises InputError as the system's `animate`."""
        clip = self.system.animate(scene, self.settings, progress)
        return Performance(clip, list(self.notes))
