"""Which systems there are, and which of them can run on this machine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from animato.core.errors import InputError, MissingModelError
from animato.systems.puppet import Puppet
from animato.weights.files import Official
from animato.weights.official import animate_anyone, magic_animate, muse_pose, uni_animate

if TYPE_CHECKING:  # torch is imported only when a system that needs it is asked for
    from animato.systems.animate_anyone import AnimateAnyone
    from animato.systems.magic_animate import MagicAnimate
    from animato.systems.muse_pose import MusePose
    from animato.systems.uni_animate import UniAnimate

SYSTEMS = ("puppet",)  # those that the command line and the web page offer
PUPPETS = {"good": Puppet("good"), "fast": Puppet("fast")}
WITH_WEIGHTS = (animate_anyone.OFFICIAL, muse_pose.OFFICIAL, magic_animate.OFFICIAL, uni_animate.OFFICIAL)
TORCH = ("torch", "diffusers", "transformers", "accelerate", "safetensors")


@overload
def load(system: Literal["auto", "puppet"] = "auto", quality: str = "good") -> Puppet: ...
@overload
def load(system: Literal["animate-anyone"], *, weights: str | Path | None = None) -> AnimateAnyone: ...
@overload
def load(system: Literal["muse-pose"], *, weights: str | Path | None = None) -> MusePose: ...
@overload
def load(system: Literal["magic-animate"], *, weights: str | Path | None = None) -> MagicAnimate: ...
@overload
def load(system: Literal["uni-animate"], *, weights: str | Path | None = None) -> UniAnimate: ...
@overload
def load(system: str, quality: str = "good", weights: str | Path | None = None) -> Any: ...
def load(system: str = "auto", quality: str = "good", weights: str | Path | None = None) -> Any:
    """A system by name. `auto` takes the best one that can run here: the puppet, which needs no weights.

    quality  the puppet's: good or fast
    weights  the folder with the other systems' official files or converted weights; by default where `animato fetch` puts them
    Raises InputError for an unknown name or quality, MissingModelError where weights are missing or are not what they should be.
    """
    names = ("auto", *SYSTEMS, *(official.system for official in WITH_WEIGHTS))
    if system not in names:
        raise InputError(f"There is no system '{system}': choose {', '.join(names)}.")
    if quality not in PUPPETS:
        raise InputError(f"There is no quality '{quality}': choose {' or '.join(PUPPETS)}.")
    if system == animate_anyone.OFFICIAL.system:
        return _animate_anyone(_folder(animate_anyone.OFFICIAL, weights))
    if system == muse_pose.OFFICIAL.system:
        return _muse_pose(_folder(muse_pose.OFFICIAL, weights))
    if system == magic_animate.OFFICIAL.system:
        return _magic_animate(_folder(magic_animate.OFFICIAL, weights))
    if system == uni_animate.OFFICIAL.system:
        return _uni_animate(_folder(uni_animate.OFFICIAL, weights))
    if weights is not None:
        raise InputError(f"The puppet has no weights: name the system that {weights} belongs to.")
    return PUPPETS[quality]


def _folder(official: Official, weights: str | Path | None) -> Path:
    """Where a system's weights are looked for, once its packages are known to be there. Raises MissingModelError."""
    missing = [name for name in TORCH if find_spec(name) is None]
    if missing:
        raise MissingModelError(f'{official.system} needs {", ".join(missing)}, not installed here. Run: pip install "animato[diffusion]"')
    return official.folder if weights is None else Path(weights)


def _animate_anyone(folder: Path) -> AnimateAnyone:
    from animato.systems.animate_anyone import AnimateAnyone
    from animato.weights.animate_anyone import read
    from animato.weights.own import trained_noise

    networks = read(folder, dtype=None)  # a system brings its networks to its device and precision itself
    return AnimateAnyone(**networks._asdict(), noise=trained_noise(folder, AnimateAnyone.noise))


def _muse_pose(folder: Path) -> MusePose:
    from animato.systems.muse_pose import MusePose
    from animato.weights.muse_pose import read
    from animato.weights.own import trained_noise

    networks = read(folder, dtype=None)
    return MusePose(**networks._asdict(), noise=trained_noise(folder, MusePose.noise))


def _magic_animate(folder: Path) -> MagicAnimate:
    from animato.systems.magic_animate import NOISE, MagicAnimate
    from animato.weights.magic_animate import read
    from animato.weights.own import trained_noise

    return MagicAnimate(**read(folder, dtype=None)._asdict(), noise=trained_noise(folder, NOISE))


def _uni_animate(folder: Path) -> UniAnimate:
    from animato.sampling.ddim import NOISE
    from animato.systems.uni_animate import UniAnimate
    from animato.weights.own import trained_noise
    from animato.weights.uni_animate import read

    return UniAnimate(**read(folder, dtype=None)._asdict(), noise=trained_noise(folder, NOISE))
