"""From a name to something that performs: the puppet, or a diffusion system with the best weights there are and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from animato.core.errors import InputError
from animato.sampling.plan import Chain, Windows
from animato.sampling.settings import Settings
from animato.systems.load import TORCH, WITH_WEIGHTS, load
from animato.systems.puppet import Puppet
from animato.systems.tuned import Diffusion, Tuned
from animato.weights.about import about, is_own
from animato.weights.files import Official
from animato.weights.official import animate_anyone, magic_animate, muse_pose, uni_animate

if TYPE_CHECKING:  # torch is imported only for a preview model
    from animato.models.trunk import Kind

DIFFUSION = tuple(one.system for one in WITH_WEIGHTS)  # each has a preview model
CHOICES = ("puppet", *DIFFUSION)
DEMO = ("puppet", *(name for name in DIFFUSION if name != muse_pose.OFFICIAL.system))  # those that differ: MusePose shares a model
COPY_HEAD = "copy_head"  # a network that preview models alone have
TEMPORALS = ATTENTION, MAMBA = "attention", "mamba"
LONG: dict[str, type[Windows | Chain]] = {"windows": Windows, "chain": Chain}


def choose(
    system: str = "auto",
    quality: str = "good",
    weights: str | Path | None = None,
    changes: Mapping[str, Any] | None = None,
    temporal: str = ATTENTION,
    long: str | None = None,
) -> Puppet | Tuned:
    """A system that is ready to perform.

    system   one of CHOICES, or auto: the first one whose official weights are on this machine, and otherwise the puppet
    quality  the puppet's: good or fast
    weights  a folder of weights, also of a preview model; without it the fetched ones are taken, and if there are none, the preview model
    changes  fields of sampling.settings.Settings that are to differ from the weights' own defaults
    temporal which of uni-animate's two preview models: with attention over frames, or with Mamba
    long     windows or chain: how a clip is cut up that is longer than a window; by default as the system's settings say
    Raises InputError for an unknown name, quality or setting, MissingModelError for weights that are not what they should be.
    """
    name = _best(weights) if system == "auto" else system
    _check_words(temporal, long)
    if name not in DIFFUSION:
        given = [*(changes or {}), *(["temporal module"] if temporal != ATTENTION else []), *([f"{long} for long clips"] if long else [])]
        if given:
            raise InputError(f"The puppet has no {', '.join(given)}: give such settings with --system {' or '.join(DIFFUSION)}.")
        return load(name, quality, weights)
    if temporal == MAMBA:
        _check_mamba(name, weights)
    _changed(Settings(), changes, long)  # checked before weights are read
    preview = weights is not None and (Path(weights) / COPY_HEAD).is_dir()
    if not preview and (weights is not None or fetched(name)):
        animator = load(name, weights=weights)
        return _tuned(animator, _changed(animator.published, changes, long))
    if name == uni_animate.OFFICIAL.system:
        return _uni_preview(None if weights is None else Path(weights), changes, temporal, long)
    return _preview(name, None if weights is None else Path(weights), changes, long)


def _check_words(temporal: str, long: str | None) -> None:
    if temporal not in TEMPORALS:
        raise InputError(f"There is no temporal module '{temporal}': choose {' or '.join(TEMPORALS)}.")
    if long is not None and long not in LONG:
        raise InputError(f"Long clips are not made by '{long}': choose {' or '.join(LONG)}.")


def _check_mamba(name: str, weights: str | Path | None) -> None:
    """Raises InputError where nothing is there that a wish for Mamba could choose."""
    if weights is not None:
        raise InputError(f"The weights in {weights} say themselves which temporal module they have: leave --temporal {MAMBA} out.")
    if name != uni_animate.OFFICIAL.system or fetched(name):
        raise InputError(
            f"No weights of {name} with a temporal Mamba are published: its own have attention. A folder that was trained with one can be "
            "named with --weights, and says so itself."
        )


def _uni_preview(folder: Path | None, changes: Mapping[str, Any] | None, temporal: str, long: str | None) -> Tuned:
    """UniAnimate's preview model of a folder, or one of the two that come with animato."""
    from animato.systems import preview_uni

    animator = preview_uni.preview(folder or preview_uni.FOLDERS[cast("Kind", temporal)])
    return _tuned(animator, _changed(preview_uni.SETTINGS, changes, long), preview_uni.note(animator.system.unet.config.temporal))


def _preview(name: str, folder: Path | None, changes: Mapping[str, Any] | None, long: str | None) -> Tuned:
    """The preview model of a folder, or the one that comes with animato. Torch is imported only here, when it is needed."""
    from animato.systems import preview, preview_magic

    settings = _changed(preview.SETTINGS, changes, long)
    if name == magic_animate.OFFICIAL.system:
        return _tuned(preview_magic.preview(folder or preview_magic.FOLDER), settings, preview_magic.note())
    return _tuned(preview.preview(folder or preview.FOLDER, name), settings, preview.note(name))


def _tuned(animator: Diffusion, settings: Settings, *notes: str) -> Tuned:
    """Raises InputError for settings that the system cannot follow, before anyone estimates poses for it."""
    from animato.systems.scene import by_windows

    if animator.name != uni_animate.OFFICIAL.system:
        by_windows(settings)
    return Tuned(animator, settings, notes)


def installed() -> tuple[str, ...]:
    """The systems whose packages are on this machine; each runs, with its preview model if with no other."""
    return CHOICES if all(find_spec(name) for name in TORCH) else CHOICES[:1]


def fetched(system: str) -> bool:
    """Whether a system's official weights, or a conversion of them, are where `animato fetch` puts them."""
    return any(_is_there(official) for official in WITH_WEIGHTS if official.system == system)


def _is_there(official: Official) -> bool:
    folder = official.folder
    return folder.is_dir() and (is_own(folder) or not official.missing(folder))


def _best(weights: str | Path | None) -> str:
    """The system that a folder's weights are of, as far as it says so, or the first one whose weights have been fetched."""
    if weights is None:
        return next((name for name in DIFFUSION if fetched(name)), "puppet")
    return about(Path(weights)).system if is_own(Path(weights)) else animate_anyone.OFFICIAL.system


def _changed(settings: Settings, changes: Mapping[str, Any] | None, long: str | None = None) -> Settings:
    """The settings with the changes, and with windows or a chain of the system's own size. Raises InputError where these disagree."""
    settings = replace(settings, **dict(changes or {}))
    if long is None or isinstance(settings.window, LONG[long]):
        return settings
    if changes and "window" in changes:
        raise InputError(f"--long {long} and the window that is set contradict each other: give one of them.")
    size = settings.window.size
    return replace(settings, window=Chain(size) if long == "chain" else Windows(size, size // 4))
