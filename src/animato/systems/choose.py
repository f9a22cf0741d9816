"""From a name to something that performs: the puppet, or a diffusion system with the best weights there are and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from animato.core.errors import InputError
from animato.sampling.settings import Settings
from animato.systems.load import TORCH, load
from animato.systems.puppet import Puppet
from animato.systems.tuned import Tuned
from animato.weights.about import is_own
from animato.weights.files import ANIMATE_ANYONE

CHOICES = ("puppet", ANIMATE_ANYONE.system)
PREVIEW_NOTE = (
    "This is the preview model of Animate Anyone: trained on drawn people, 64 x 64 pixels sharp. "
    "Official weights: animato fetch animate-anyone, or --weights FOLDER."
)


def choose(
    system: str = "auto", quality: str = "good", weights: str | Path | None = None, changes: Mapping[str, Any] | None = None
) -> Puppet | Tuned:
    """A system that is ready to perform.

    system   puppet, animate-anyone, or auto: the best one whose official weights are on this machine, and otherwise the puppet
    quality  the puppet's: good or fast
    weights  a folder of weights; without it the fetched ones are taken, and if there are none, the preview model
    changes  fields of sampling.settings.Settings that are to differ from the weights' own defaults
    Raises InputError for an unknown name, quality or setting, MissingModelError for weights that are not what they should be.
    """
    name = _best(weights) if system == "auto" else system
    if name != ANIMATE_ANYONE.system:
        if changes:
            raise InputError(f"The puppet has no {', '.join(changes)}: give such settings with --system {ANIMATE_ANYONE.system}.")
        return load(name, quality, weights)
    published = _changed(Settings(), changes)  # checked before weights are read
    if weights is not None or fetched():
        return Tuned(load(name, weights=weights), published)
    from animato.systems import preview  # torch is imported only when it is needed

    return Tuned(preview.preview(), _changed(preview.SETTINGS, changes), (PREVIEW_NOTE,))


def installed() -> tuple[str, ...]:
    """The systems whose packages are on this machine; each runs, with its preview model if with no other."""
    return CHOICES if all(find_spec(name) for name in TORCH) else CHOICES[:1]


def fetched() -> bool:
    """Whether the official weights of Animate Anyone, or a conversion of them, are where `animato fetch` puts them."""
    folder = ANIMATE_ANYONE.folder
    return folder.is_dir() and (is_own(folder) or not ANIMATE_ANYONE.missing(folder))


def _best(weights: str | Path | None) -> str:
    return ANIMATE_ANYONE.system if weights is not None or fetched() else "puppet"


def _changed(settings: Settings, changes: Mapping[str, Any] | None) -> Settings:
    return replace(settings, **dict(changes or {}))
