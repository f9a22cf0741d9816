"""Procedural people: a contact sheet of people x motions to look at, the time of a frame, and how well the embedded estimator finds them.

python benchmarks/people.py [--people 6] [--motions walk dance ...] [--size 256] [--seed 0] [--turn 30] [--sheet people.png] [--estimate]
Times are process times, so run it with one thread (OMP_NUM_THREADS=1). With --estimate the pose models must have been fetched.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from animato.core.errors import InputError
from animato.core.picture import write_picture
from animato.evaluation.pose import LIMBS, correct
from animato.evaluation.report import Table
from animato.people.motions import MOTIONS, Style
from animato.people.people import Person, clip, random_view, render
from animato.pose.estimator.estimate import estimate_picture
from animato.pose.keypoints import PoseSequence

SIDES = (64, 128, 256)


def sheet(seeds: range, motions: list[str], side: int, turn: float | None) -> tuple[np.ndarray, list[tuple[np.ndarray, PoseSequence]]]:
    """One row a person, one column a motion: the sheet, and every picture with its pose."""
    shown = [[clip(seed, motion, 1, (side, side), turn=turn) for motion in motions] for seed in seeds]
    picture = np.concatenate([np.concatenate([frames[0] for frames, _ in row], axis=1) for row in shown])
    return picture, [(frames[0], poses) for row in shown for frames, poses in row]


def times(frames: int = 24) -> Table:
    """Milliseconds that a frame takes by size and antialiasing, a new person and a new room not counted."""
    person = Person.random(1)
    joints = person.pose(MOTIONS["walk"](np.arange(frames) / 24, Style()))
    rows = []
    for side in SIDES:
        view = random_view(np.random.default_rng(0), person.stature, (side, side))
        spent = []
        for antialias in (1, 2):
            render(person, joints, 0, view, antialias)
            start = time.process_time()
            for frame in range(frames):
                render(person, joints, frame, view, antialias)
            spent.append((time.process_time() - start) / frames * 1000)
        rows.append((f"{side} px", *spent))
    return Table("Process time of a frame, ms", ("size", "1 sample", "2 x 2 samples"), tuple(rows))


def agreement(pictures: list[tuple[np.ndarray, PoseSequence]]) -> Table:
    """How many the embedded estimator finds, and the share of seen joints that it puts within a tenth and a fifth of a torso."""
    found = [(pose, truth) for picture, truth in pictures if (pose := _estimated(picture)) is not None]
    rows: list[tuple[str | float, ...]] = [("found", len(found) / len(pictures), float("nan"))]
    results = [[correct(pose, truth, alpha, truth.score[:, 0] == 1) for alpha in (0.1, 0.2)] for pose, truth in found]
    rows.append(("all joints", *(float(np.nanmean([pair[k].fraction for pair in results])) for k in (0, 1))))
    for joint in LIMBS:
        rows.append((joint.name.lower(), *(float(np.nanmean([pair[k].by_joint[joint] for pair in results])) for k in (0, 1))))
    return Table(f"Embedded estimator on {len(pictures)} pictures", ("", "PCK@.1T", "PCK@.2T"), tuple(rows))


def _estimated(picture: np.ndarray) -> PoseSequence | None:
    try:
        return estimate_picture(picture, hands=False, face=False)
    except InputError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--motions", nargs="+", default=list(MOTIONS), choices=list(MOTIONS))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--turn", type=float)
    parser.add_argument("--sheet", type=Path, default=Path("out/people.png"))
    parser.add_argument("--estimate", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    picture, pictures = sheet(range(options.seed, options.seed + options.people), options.motions, options.size, options.turn)
    print(f"Look at {write_picture(picture, options.sheet)}")
    print(times().text())
    if options.estimate:
        print(agreement(pictures).text())


if __name__ == "__main__":
    main()
