"""Where a gap's pixels are copied from, kept for the next time: the same picture with the same gap is not searched again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from animato.core.arrays import open_arrays
from animato.core.errors import InputError, OutputError
from animato.core.kept import drop_oldest, name_of, pages_of, used
from animato.core.output import explained, put_in_place, temporary_beside
from animato.core.progress import Progress, silent
from animato.puppet.copies import Copies
from animato.puppet.exemplar import SIDE, Plan, carried_out, planned

KINDS = {"labels": np.dtype(np.int16), "copies": np.dtype(np.int32)}
MOST = 10_000  # labels of a plan


def fill_rough(
    picture: np.ndarray, filled: np.ndarray, hole: np.ndarray, gap: np.ndarray, kept: Path | None = None, progress: Progress = silent
) -> np.ndarray:
    """H W 3 float32: the filled picture with the rough part of its hole filled by exemplars.

    picture  H W 3  uint8
    filled   H W 3  float32  the same with the hole filled smoothly
    hole     H W    bool     what must not be copied
    gap      H W    bool     the part of it to fill
    kept     a folder in which the plan is kept, without any colour (core/kept.py); none: it is not
    """
    path = kept / f"{name_of(picture, hole, gap, pages_of(Path(__file__).parent))}.npz" if kept else None
    plan = recalled(path) if path else None
    if plan is None:
        plan = planned(picture, filled, hole, gap, progress)
        if path:
            keep(plan, path)
    return carried_out(plan, filled, gap)


def recalled(path: Path) -> Plan | None:
    """The plan that was kept; None where none was, or it is damaged."""
    if not path.exists():
        return None
    try:
        with open_arrays(path, "plan of a filling") as file:
            arrays = {}
            for name, kind in KINDS.items():
                stored = file.look(name)
                if stored is None or stored.dtype != kind or len(stored.shape) != 2 or max(stored.shape) > max(SIDE, MOST):
                    return None
                arrays[name] = file.read(name, stored)
    except InputError:
        return None
    labels, rows = arrays["labels"], arrays["copies"]
    if rows.shape[1] != 3 or not labels.size or labels.max() < 0 or labels.max() >= len(rows) or labels.min() < -1:
        return None
    used(path)
    return Plan(labels, Copies(rows.astype(int)))


def keep(plan: Plan, path: Path) -> None:
    """Keeps a plan where that is possible; that it is not is no reason to stop."""
    try:
        with explained(path), temporary_beside(path) as temporary:
            with temporary.open("wb") as file:
                np.savez_compressed(file, labels=plan.labels, copies=plan.copies.rows.astype(np.int32))
            put_in_place(temporary, path)
    except OutputError:
        return
    drop_oldest(path.parent)
