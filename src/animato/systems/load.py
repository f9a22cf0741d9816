"""Which systems there are, and which of them can run on this machine."""

from __future__ import annotations

from animato.core.errors import InputError
from animato.systems.puppet import Puppet

SYSTEMS = ("puppet",)
PUPPETS = {"good": Puppet("good"), "fast": Puppet("fast")}


def load(system: str = "auto", quality: str = "good") -> Puppet:
    """A system by name. `auto` takes the best one that can run here: the puppet, while it is the only one.

    quality  the puppet's: good or fast
    Raises InputError for an unknown name or quality.
    """
    if system not in ("auto", *SYSTEMS):
        raise InputError(f"There is no system '{system}': choose auto or {', '.join(SYSTEMS)}.")
    if quality not in PUPPETS:
        raise InputError(f"There is no quality '{quality}': choose {' or '.join(PUPPETS)}.")
    return PUPPETS[quality]
