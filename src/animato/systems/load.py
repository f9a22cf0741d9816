"""From a name to something that performs: the puppet, or a diffusion system with the best weights there are and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from animato.core.errors import InputError, MissingModelError
from animato.core.packages import check_installed, missing
from animato.sampling.plan import Chain, Windows
from animato.sampling.settings import Settings
from animato.systems import known
from animato.systems.known import ATTENTION, CHAIN, MAMBA, WINDOWS, Card, card
from animato.systems.performance import Animator, System
from animato.systems.tuned import Tuned
from animato.weights.about import about, is_own

AUTO = "auto"
COPY_HEAD = "copy_head"  # a network that preview models alone have
TEMPORALS = (ATTENTION, MAMBA)
LONG: dict[str, type[Windows | Chain]] = {WINDOWS: Windows, CHAIN: Chain}


def load(
    system: str = AUTO,
    quality: str = "",
    weights: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    temporal: str = ATTENTION,
    long: str | None = None,
    force: bool = False,
) -> Animator:
    """A system that is ready to perform: what `animate`, the command line and the web page take by name.

    system   a name of systems/known.py, or auto: the first one whose official weights are on this machine, and otherwise the puppet
    quality  the puppet's: good or fast
    weights  a folder of weights, also of a preview model; without it the fetched ones are taken, and if there are none, the preview model
    settings fields of `animato.Settings` that are to differ from the weights' own defaults, such as {"steps": 20, "seed": 3}
    temporal which of a system's preview models, where there are several: with attention over frames, or with Mamba
    long     windows or chain: how a clip is cut up that is longer than a window; by default as the system's settings say
    force    the puppet's: take a picture from the side all the same; of another system a note says that it changes nothing
    Raises InputError for an unknown name, quality or setting, MissingModelError for weights or packages that are not what they should be.
    """
    if system not in (AUTO, *known.names()):
        raise InputError(f"There is no system '{system}': choose {', '.join((AUTO, *known.names()))}.")
    chosen = best(weights) if system == AUTO else card(system)
    _check_words(temporal, long)
    if chosen.make:
        _check_unsampled(chosen, settings, temporal, long, weights)
        return chosen.make(_quality(chosen, quality), force) if chosen.qualities else chosen.make()
    _changed(Settings(), settings, long)  # checked before weights are read
    _check_temporal(chosen, temporal, weights)
    check_installed(chosen.name)
    sampling = _sampling(chosen, None if weights is None else Path(weights), settings, temporal, long)
    return _forced(sampling, chosen.title) if force else sampling


def installed() -> tuple[str, ...]:
    """The systems whose packages are on this machine; each runs, with its preview model if with no other."""
    return tuple(one.name for one in known.KNOWN if one.make or not missing())


def best(weights: str | Path | None = None) -> Card:
    """The system that a folder's weights are of, as far as it says so, or the first one whose weights have been fetched."""
    if weights is None:
        return next((one for one in known.with_weights() if one.fetched), known.KNOWN[0])
    return card(about(Path(weights)).system) if is_own(Path(weights)) else known.with_weights()[0]


def _sampling(chosen: Card, weights: Path | None, settings: Mapping[str, Any] | None, temporal: str, long: str | None) -> Tuned:
    """The page with official or converted weights, or the preview model. Torch is imported only here, when it is needed."""
    if chosen.doors is None or chosen.official is None:
        raise MissingModelError(f"{chosen.title} has no weights and cannot be run: choose {', '.join(installed())}.")
    doors = chosen.doors()
    preview = weights is not None and (weights / COPY_HEAD).is_dir()
    if not preview and (weights is not None or chosen.fetched):
        return _tuned(doors.page(weights or chosen.official.folder), settings, long)
    animator = doors.preview(weights or chosen.previews[temporal])
    return _tuned(animator, settings, long, _note(chosen, animator.temporal))


def _tuned(animator: System, settings: Mapping[str, Any] | None, long: str | None, *notes: str) -> Tuned:
    """Raises InputError for settings that the system cannot follow, before anyone estimates poses for it."""
    changed = _changed(animator.published, settings, long)
    animator.check(changed)
    return Tuned(animator, changed, notes)


def _forced(animator: Tuned, title: str) -> Tuned:
    """With a note on a wish that it cannot follow."""
    return replace(animator, notes=(*animator.notes, f"{title} refuses no picture from the side: --force changes nothing."))


def _note(chosen: Card, temporal: str) -> str:
    """What the user of a preview model should know."""
    usual = next(iter(chosen.previews))
    title = f"{chosen.preview_of}, which {chosen.title} shares" if chosen.preview_of else chosen.title
    if temporal != usual:
        title = f"{title} with temporal {temporal.capitalize()}"
    official = f"Official weights: animato fetch {chosen.name}, or --weights FOLDER."
    if temporal != usual:
        official = "Nobody published weights of this kind."
    return f"This is the preview model of {title}: trained on drawn people, it sees 128 x 128 pixels. {official}"


def _check_words(temporal: str, long: str | None) -> None:
    if temporal not in TEMPORALS:
        raise InputError(f"There is no temporal module '{temporal}': choose {' or '.join(TEMPORALS)}.")
    if long is not None and long not in LONG:
        raise InputError(f"Long clips are not made by '{long}': choose {' or '.join(LONG)}.")


def _check_unsampled(chosen: Card, settings: Mapping[str, Any] | None, temporal: str, long: str | None, weights: str | Path | None) -> None:
    """Raises InputError for what means nothing to a system that samples nothing."""
    given = [*(settings or {})]
    if temporal != ATTENTION:
        given.append("temporal module")
    if long:
        given.append(f"{long} for long clips")
    others = " or ".join(one.name for one in known.with_weights())
    if given:
        raise InputError(f"The {chosen.name} has no {', '.join(given)}: give such settings with --system {others}.")
    if weights is not None:
        raise InputError(f"The {chosen.name} has no weights: name the system that {weights} belongs to.")


def _quality(chosen: Card, quality: str) -> str:
    if quality and quality not in chosen.qualities:
        raise InputError(f"There is no quality '{quality}': choose {' or '.join(chosen.qualities)}.")
    return quality or chosen.qualities[0]


def _check_temporal(chosen: Card, temporal: str, weights: str | Path | None) -> None:
    """Raises InputError where nothing is there that a wish for another temporal module than the usual one could choose."""
    if temporal == ATTENTION:
        return
    if weights is not None:
        raise InputError(f"The weights in {weights} say themselves which temporal module they have: leave --temporal {temporal} out.")
    if temporal not in chosen.previews or chosen.fetched:
        raise InputError(
            f"No weights of {chosen.name} with a temporal {temporal.capitalize()} are published: its own have attention. A folder that was "
            "trained with one can be named with --weights, and says so itself."
        )


def _changed(settings: Settings, changes: Mapping[str, Any] | None, long: str | None = None) -> Settings:
    """The settings with the changes, and with windows or a chain of the system's own size. Raises InputError where these disagree."""
    unknown = [name for name in changes or {} if name not in Settings.__dataclass_fields__]
    if unknown:
        raise InputError(f"There is no setting '{unknown[0]}': choose {', '.join(Settings.__dataclass_fields__)}.")
    settings = replace(settings, **dict(changes or {}))
    if long is None or isinstance(settings.window, LONG[long]):
        return settings
    if changes and "window" in changes:
        raise InputError(f"--long {long} and the window that is set contradict each other: give one of them.")
    size = settings.window.size
    return replace(settings, window=Chain(size) if long == CHAIN else Windows(size, size // 4))
