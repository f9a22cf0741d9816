"""The same picture and motion through several systems: side by side in one video, and measured in one table."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from animato.api import Motion, Prepared
from animato.core.apart import check_apart
from animato.core.errors import InputError
from animato.core.media import Clip, check_output, write_clip
from animato.core.output import temporary_beside
from animato.core.packages import check_installed
from animato.core.panels import grid, resized
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.evaluation.area import PersonArea
from animato.evaluation.measures import MEASURES, Moment
from animato.evaluation.report import Table, plain
from animato.pose.draw import draw_overlay
from animato.pose.keypoints import PoseSequence
from animato.systems.alone import Report, hand_over, perform_alone
from animato.systems.known import names
from animato.systems.load import installed


@dataclass(frozen=True)
class Measured:
    """One system's row.

    values  name of a measure (evaluation/measures.py) -> what it measured; psnr (dB) and ssim are nan without a truth
    report  time, memory and notes (systems.alone)
    """

    system: str
    values: Mapping[str, float]
    report: Report


COST: dict[str, Callable[[Report], Any]] = {  # columns between the name and the measures
    "time s": lambda report: report.seconds,
    "CPU s": lambda report: report.cpu,
    "memory MiB": lambda report: report.memory >> 20,
}


@dataclass(frozen=True)
class Comparison:
    """What came of `compare`: the grid's file, and a row for each system in the order that was asked for."""

    grid: Path
    frames: int
    size: Size
    rows: tuple[Measured, ...]

    def table(self) -> Table:
        columns = ("system", *COST, *(measure.column for measure in MEASURES))
        rows = tuple((one.system, *(of(one.report) for of in COST.values()), *one.values.values()) for one in self.rows)
        return Table(f"{self.frames} frames of {self.size[0]}x{self.size[1]}", columns, rows)

    def json(self) -> str:
        """An object with frames, size and systems, a list of objects: name, measures, fields of Report; nan and infinity as null."""
        rows = [{"system": one.system, **one.values, **vars(one.report)} for one in self.rows]
        systems = [{name: plain(value) for name, value in row.items()} for row in rows]
        return json.dumps({"frames": self.frames, "size": self.size, "systems": systems}, indent=1) + "\n"


def compare(
    prepared: Prepared, systems: Sequence[str], out: str | Path, truth: Clip | None = None, progress: Progress = silent
) -> Comparison:
    """What `prepare` gives performed by several systems, one after the other, each in a process of its own.

    systems  names of systems/known.py, each with the weights that `animate` would take
    out      the grid: reference, driving video, truth if there is one, then the systems; .mp4 (with sound), .gif, .webp or a folder
    truth    what should come out, as long and as large as the result
    Nothing stands under the name `out` before all of it is finished. Raises InputError, MissingModelError, OutputError.
    """
    check_systems(systems)
    check_output(out)
    check_apart([*prepared.sources, *(truth.sources if truth else ())], [Path(out)])
    scene = prepared.scene
    if not isinstance(scene.motion, PoseSequence):
        raise InputError("A DensePose video shows no poses to compare by: give a video of a person.")
    size = scene.size
    frames = scene.frames
    check_truth(truth, size, frames)
    with temporary_beside(Path(tempfile.gettempdir()) / "compare") as given:
        given.mkdir(mode=0o700)
        hand_over(scene, given)
        made = {}
        for name in systems:
            clip, report = perform_alone(name, given, given / name, _under(name, progress))
            made[name] = _conformed(name, clip, size, frames), report
        rows = [measured(name, clip, report, prepared, truth, _under(name, progress)) for name, (clip, report) in made.items()]
        write_clip(shown(prepared, {name: clip for name, (clip, _) in made.items()}, truth), out, progress)
    return Comparison(Path(out), frames, size, tuple(rows))


def check_systems(systems: Sequence[str]) -> None:
    """Raises InputError for no, unknown or repeated names, MissingModelError for one whose packages are not on this machine."""
    known = ", ".join(names())
    if not systems:
        raise InputError(f"No system is named: choose some of {known}.")
    for name in systems:
        if name not in names():
            raise InputError(f"There is no system '{name}': choose some of {known}.")
        if systems.count(name) > 1:
            raise InputError(f"{name} is named twice: name each system once.")
        if name not in installed():
            check_installed(name)


def check_truth(truth: Clip | None, size: Size, frames: int | None) -> None:
    """Raises InputError where the truth is not as large and as long as the result will be; a length of None is not known yet."""
    if truth is None:
        return
    if truth.size != size:
        raise InputError(f"The truth has {_by(truth.size)} pixels, the result will have {_by(size)}: scale the truth, or give --size.")
    if None not in (truth.length, frames) and truth.length != frames:
        raise InputError(f"The truth has {truth.length} frames, the result will have {frames}: cut one of them, or give --frames.")


def measured(name: str, clip: Clip, report: Report, prepared: Prepared, truth: Clip | None, progress: Progress = silent) -> Measured:
    """Runs through a result once. Raises InputError where the truth ends early."""
    motion = prepared.aligned.pose
    area = PersonArea(prepared.scene.reference, motion)
    meters = [measure.meter(motion) for measure in MEASURES]
    true_frames: Iterator[np.ndarray | None] = iter(truth) if truth else repeat(None)
    for index, frame in enumerate(clip):
        true = next(true_frames, None)
        if truth is not None and true is None:
            raise InputError(f"The truth ends after {index} frames: give one as long as the result.")
        moment = Moment(index, frame, area(index), true)
        for measure, meter in zip(MEASURES, meters, strict=True):
            measure.show(meter, moment)
        progress("measure", index + 1, len(motion))
    values = {measure.name: meter.value for measure, meter in zip(MEASURES, meters, strict=True)}
    return Measured(name, values, report)


def shown(prepared: Prepared, results: dict[str, Clip], truth: Clip | None = None) -> Clip:
    """The grid: the reference, the driving frames, the truth if there is one, the results; with the scene's sound."""
    rate = next(iter(results.values())).fps
    scene = prepared.scene
    first = replace(Clip.still(scene.picture, scene.frames, rate), sound=scene.sound)
    return grid({"reference": first, "driving": _driving(prepared.observed)} | ({"truth": truth} if truth else {}) | results)


def _driving(observed: Motion) -> Clip:
    """The driving frames, or, where the motion came as poses, its skeletons."""
    if observed.clip:
        return observed.clip
    poses = observed.poses
    black = np.zeros((poses.size[1], poses.size[0], 3), np.uint8)
    return Clip(lambda: (draw_overlay(black, poses, index) for index in range(len(poses))), poses.size, Fraction(1), len(poses))


def _conformed(system: str, clip: Clip, size: Size, frames: int) -> Clip:
    """The result in the picture's size, in which systems are compared; their own may differ. Raises InputError for another length."""
    if clip.length != frames:
        raise InputError(f"{system} made {clip.length} frames of {frames}: it cannot be compared frame by frame.")
    return clip if clip.size == size else clip.map(lambda frame: resized(frame, size), size)


def _under(system: str, progress: Progress) -> Progress:
    """Stages under the system's name."""
    return lambda stage, done, total: progress(f"{system}: {stage}", done, total)


def _by(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
