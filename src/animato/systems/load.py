"""Which systems there are, and which of them can run on this machine."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from animato.core.errors import InputError, MissingModelError
from animato.systems.puppet import Puppet
from animato.weights.files import ANIMATE_ANYONE

if TYPE_CHECKING:  # torch is imported only when a system that needs it is asked for
    from animato.systems.animate_anyone import AnimateAnyone

SYSTEMS = ("puppet",)  # those that the command line and the web page offer
PUPPETS = {"good": Puppet("good"), "fast": Puppet("fast")}
TORCH = ("torch", "diffusers", "transformers", "safetensors")


@overload
def load(system: Literal["auto", "puppet"] = "auto", quality: str = "good") -> Puppet: ...
@overload
def load(system: Literal["animate-anyone"], *, weights: str | Path | None = None) -> AnimateAnyone: ...
@overload
def load(system: str, quality: str = "good", weights: str | Path | None = None) -> Any: ...
def load(system: str = "auto", quality: str = "good", weights: str | Path | None = None) -> Any:
    """A system by name. `auto` takes the best one that can run here: the puppet, which needs no weights.

    quality  the puppet's: good or fast
    weights  the folder with the other systems' official files or converted weights; by default where `animato fetch` puts them
    Raises InputError for an unknown name or quality, MissingModelError where weights are missing or are not what they should be.
    """
    names = ("auto", *SYSTEMS, ANIMATE_ANYONE.system)
    if system not in names:
        raise InputError(f"There is no system '{system}': choose {', '.join(names)}.")
    if quality not in PUPPETS:
        raise InputError(f"There is no quality '{quality}': choose {' or '.join(PUPPETS)}.")
    if system == ANIMATE_ANYONE.system:
        return _animate_anyone(ANIMATE_ANYONE.folder if weights is None else Path(weights))
    if weights is not None:
        raise InputError(f"The puppet has no weights: name the system that {weights} belongs to.")
    return PUPPETS[quality]


def _animate_anyone(folder: Path) -> AnimateAnyone:
    missing = [name for name in TORCH if find_spec(name) is None]
    if missing:
        raise MissingModelError(
            f'{ANIMATE_ANYONE.system} needs {", ".join(missing)}, not installed here. Run: pip install "animato[diffusion]"'
        )
    from animato.systems.animate_anyone import AnimateAnyone
    from animato.weights.animate_anyone import read

    networks = read(folder, dtype=None)  # a system brings them to its device and precision itself
    return AnimateAnyone(**networks._asdict())
