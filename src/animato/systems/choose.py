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
from animato.weights.about import about, is_own
from animato.weights.files import ANIMATE_ANYONE, MAGIC_ANIMATE, MUSE_POSE, OFFICIAL, Official

DIFFUSION = (ANIMATE_ANYONE.system, MUSE_POSE.system, MAGIC_ANIMATE.system)  # each has a preview model
CHOICES = ("puppet", *DIFFUSION)
DEMO = ("puppet", ANIMATE_ANYONE.system, MAGIC_ANIMATE.system)  # those that differ as they come: MusePose shares a preview model
COPY_HEAD = "copy_head"  # a network that preview models alone have


def choose(
    system: str = "auto", quality: str = "good", weights: str | Path | None = None, changes: Mapping[str, Any] | None = None
) -> Puppet | Tuned:
    """A system that is ready to perform.

    system   one of CHOICES, or auto: the first one whose official weights are on this machine, and otherwise the puppet
    quality  the puppet's: good or fast
    weights  a folder of weights, also of a preview model; without it the fetched ones are taken, and if there are none, the preview model
    changes  fields of sampling.settings.Settings that are to differ from the weights' own defaults
    Raises InputError for an unknown name, quality or setting, MissingModelError for weights that are not what they should be.
    """
    name = _best(weights) if system == "auto" else system
    if name not in DIFFUSION:
        if changes:
            raise InputError(f"The puppet has no {', '.join(changes)}: give such settings with --system {' or '.join(DIFFUSION)}.")
        return load(name, quality, weights)
    _changed(Settings(), changes)  # checked before weights are read
    preview = weights is not None and (Path(weights) / COPY_HEAD).is_dir()
    if not preview and (weights is not None or fetched(name)):
        animator = load(name, weights=weights)
        return Tuned(animator, _changed(animator.published, changes))
    return _preview(name, None if weights is None else Path(weights), changes)


def _preview(name: str, folder: Path | None, changes: Mapping[str, Any] | None) -> Tuned:
    """The preview model of a folder, or the one that comes with animato. Torch is imported only here, when it is needed."""
    from animato.systems import preview, preview_magic

    settings = _changed(preview.SETTINGS, changes)
    if name == MAGIC_ANIMATE.system:
        return Tuned(preview_magic.preview(folder or preview_magic.FOLDER), settings, (preview_magic.note(),))
    return Tuned(preview.preview(folder or preview.FOLDER, name), settings, (preview.note(name),))


def installed() -> tuple[str, ...]:
    """The systems whose packages are on this machine; each runs, with its preview model if with no other."""
    return CHOICES if all(find_spec(name) for name in TORCH) else CHOICES[:1]


def fetched(system: str) -> bool:
    """Whether a system's official weights, or a conversion of them, are where `animato fetch` puts them."""
    return any(_is_there(official) for official in OFFICIAL if official.system == system)


def _is_there(official: Official) -> bool:
    folder = official.folder
    return folder.is_dir() and (is_own(folder) or not official.missing(folder))


def _best(weights: str | Path | None) -> str:
    """The system that a folder's weights are of, as far as it says so, or the first one whose weights have been fetched."""
    if weights is None:
        return next((name for name in DIFFUSION if fetched(name)), "puppet")
    return about(Path(weights)).system if is_own(Path(weights)) else ANIMATE_ANYONE.system


def _changed(settings: Settings, changes: Mapping[str, Any] | None) -> Settings:
    return replace(settings, **dict(changes or {}))
