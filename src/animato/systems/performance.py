"""What comes of a scene, whichever system performed it, and what every system is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from animato.core.media import Clip
from animato.core.progress import Progress
from animato.sampling.settings import Settings
from animato.systems.scene import Scene

ON_TARGET = "joints_on_target"  # a figure: share of the joints that arrive, by what a system knows of its own result


@dataclass(frozen=True)
class Figure:
    """Something that a system measured of its own work.

    name      in reports, with the unit
    value     as JSON has it
    sentence  for people; nothing if there is nothing to say
    """

    name: str
    value: Any
    sentence: str = ""


@dataclass(frozen=True, eq=False)
class Performance:
    """A motion performed by a picture.

    clip     the result, made when it is iterated
    notes    sentences for the user
    figures  what this system alone measures
    """

    clip: Clip
    notes: list[str] = field(default_factory=list)
    figures: tuple[Figure, ...] = ()


class Animator(Protocol):
    """A system that is ready to perform: what `load` gives."""

    @property
    def name(self) -> str: ...

    @property
    def follows(self) -> tuple[type, ...]:
        """The driving signals that it takes (systems/scene.Signal)."""

    def perform(self, scene: Scene, progress: Progress) -> Performance: ...


class System(Protocol):
    """A diffusion system, which samples by settings: a page of this folder, or its preview model."""

    follows: ClassVar[tuple[type, ...]]

    @property
    def name(self) -> str: ...

    @property
    def published(self) -> Settings: ...

    def check(self, settings: Settings, frames: int = 1) -> None:
        """Raises InputError for settings that this system cannot follow for a clip of so many frames."""

    def animate(self, scene: Scene, settings: Settings = ..., progress: Progress = ..., callback: Any = ...) -> Clip: ...
