"""Temporal attention against temporal Mamba in UniAnimate's preview models: python benchmarks/temporal_preview.py [--people 2].

Procedural people whom training has not seen, at 24 frames a second and 128 x 128 pixels, for 16, 64 and 256 frames: each clip in one window
and, where it is longer than one, in the windows of the preview models. Both models began with the same values and learned for as many steps
from the same samples, in clips of 6 frames. Every line has a process of its own, so that its memory can be measured.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from long_video import FOLDERS, Actor, alone

from animato.evaluation.frames import change_error, compare
from animato.evaluation.report import Cell, Table
from animato.evaluation.steadiness import Background, Flicker
from animato.sampling.plan import Windows
from animato.sampling.settings import Settings
from animato.systems.known import ATTENTION, MAMBA
from animato.systems.previews.uni_animate import SETTINGS

LENGTHS = (16, 64, 256)
COLUMNS = ("frames", "windows", "temporal", "PSNR", "person", "changes", "background", "flicker", "CPU s", "MiB")
PERSON = 128  # of 255, of the mask


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=2)
    options.add_argument("--frames", type=int, nargs="+", default=LENGTHS)
    for kind, folder in FOLDERS.items():
        options.add_argument(f"--{kind}", type=Path, default=folder, help="other networks, as a training run leaves them")
    given = options.parse_args()
    folders: dict[str, Path] = {ATTENTION: given.attention, MAMBA: given.mamba}
    rows = list[tuple[Cell, ...]]()
    for length in given.frames:
        actors = [Actor.of(seed, length) for seed in range(given.people)]
        rows.append((str(length), "", "(truth)", *measured(actors, [actor.frames for actor in actors]), np.nan, np.nan))
        for name, settings in ways(length).items():
            for kind, folder in folders.items():
                performed = alone(folder, settings, given.people, length)
                needed = performed.seconds, float(round(performed.memory / 2**20))
                rows.append((str(length), name, kind, *measured(actors, performed.clips), *needed))
    print(Table(f"UniAnimate's preview models, people: {given.people}", COLUMNS, tuple(rows)).markdown())


def ways(length: int) -> dict[str, Settings]:
    whole = {"one": replace(SETTINGS, window=Windows(length, 0))}
    assert isinstance(SETTINGS.window, Windows)
    return whole if length <= SETTINGS.window.size else whole | {f"{SETTINGS.window.size}/{SETTINGS.window.overlap}": SETTINGS}


def measured(actors: list[Actor], clips: list[np.ndarray]) -> list[float]:
    """Means over people: PSNR whole and inside the person, error of changes, and how unsteady background and person are (0..255)."""
    rows = []
    for actor, made in zip(actors, clips, strict=True):
        likeness, background, flicker = compare(made[1:], actor.frames[1:], actor.masks[1:]), Background(), Flicker()
        for frame, mask in zip(made, actor.masks, strict=True):
            background.see(frame, mask > 0)
            flicker.see(frame, mask >= PERSON)
        rows.append((likeness.psnr, likeness.person, change_error(made, actor.frames), background.value, flicker.value))
    return [float(value) for value in np.mean(rows, axis=0)]


if __name__ == "__main__":
    main()
