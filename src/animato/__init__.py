"""animato: one picture of a character and a driving video become a video in which that character performs that motion."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from animato.api import Alignment, Estimation, Excerpt, Prepared, align, animate, observe, perform, prepare
    from animato.character import Character
    from animato.comparison import Comparison, compare
    from animato.core.errors import AnimatoError, InputError, MissingModelError, OutputError
    from animato.core.media import Clip, open_clip, write_clip
    from animato.core.picture import read_picture
    from animato.pose.alignment.align import Adjust
    from animato.pose.estimator.estimate import estimate_picture, estimate_video
    from animato.pose.io import load_poses, save_poses
    from animato.pose.keypoints import PoseSequence
    from animato.sampling.settings import Settings
    from animato.systems.load import load
    from animato.systems.puppet import Puppet
    from animato.systems.scene import Scene

_HOME = {
    "animato.api": ("Alignment", "Estimation", "Excerpt", "Prepared", "align", "animate", "observe", "perform", "prepare"),
    "animato.character": ("Character",),
    "animato.comparison": ("Comparison", "compare"),
    "animato.core.errors": ("AnimatoError", "InputError", "MissingModelError", "OutputError"),
    "animato.core.media": ("Clip", "open_clip", "write_clip"),
    "animato.core.picture": ("read_picture",),
    "animato.pose.alignment.align": ("Adjust",),
    "animato.pose.estimator.estimate": ("estimate_picture", "estimate_video"),
    "animato.pose.io": ("load_poses", "save_poses"),
    "animato.pose.keypoints": ("PoseSequence",),
    "animato.sampling.settings": ("Settings",),
    "animato.systems.load": ("load",),
    "animato.systems.puppet": ("Puppet",),
    "animato.systems.scene": ("Scene",),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}
__all__ = [*_WHERE, "__version__"]


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used, so that `import animato` is instant."""
    if name not in _WHERE:
        raise AttributeError(f"animato has no {name!r}; it has {', '.join(sorted(_WHERE))}")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
