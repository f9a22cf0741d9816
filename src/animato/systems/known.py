"""The table of systems and of what carries their papers' names: all that the rest of the project knows of any of them by name."""

from __future__ import annotations

from animato.core.errors import InputError
from animato.pose.alignment import musepose, unianimate
from animato.pose.alignment.align import NONE, ROBUST, Method, published

ALIGNMENTS: dict[str, Method] = {
    method.name: method for method in (ROBUST, published(musepose.NAME, musepose.align), published(unianimate.NAME, unianimate.align), NONE)
}


def alignment(name: str) -> Method:
    """The method of alignment of that name. Raises InputError unless there is one."""
    if name not in ALIGNMENTS:
        raise InputError(f"There is no alignment '{name}': choose {', '.join(ALIGNMENTS)}.")
    return ALIGNMENTS[name]
