"""How well procedural people are animated, where the truth is known: `python benchmarks/puppet_people.py [--people 32] [--out out]`.

Each person is seen once in an open pose, frontal, and has to be shown in frames of a motion, turned by some angle, in the same room with
the same camera. Rows: the picture copied, the puppet with everything estimated from the pixels (as a user runs it), the puppet with exact
keypoints. Columns: PSNR of the whole frame and inside the person, SSIM, and PCK@.1T of the pose estimated again on the result.
Split by the angle between the shoulders of picture and frame. Seeds from 5000 on are used for nothing else.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from animato.core.errors import InputError
from animato.core.picture import write_picture
from animato.evaluation.accuracy import Accuracy
from animato.evaluation.frames import psnr, ssim
from animato.evaluation.report import Table
from animato.people.motions import MOTIONS, PERIODS, a_pose, random_style
from animato.people.people import Person, random_view, render, sequence
from animato.pose.estimator.estimate import estimate_picture
from animato.pose.keypoints import KEYPOINTS, Point, PoseSequence
from animato.systems.puppet import Puppet
from animato.systems.scene import Scene

SEED, FRAMES, SIZE = 5000, 8, (256, 384)
TURNS = (0, 25, 55, 110)  # degrees added to the motion, person by person
BINS = (("0-20", 0, 20), ("20-45", 20, 45), ("45-90", 45, 90), ("90-180", 90, 181), ("all", 0, 181))
METHODS = ("copy the picture", "puppet", "puppet, exact keypoints")
COLUMNS = ("method", "turn (degrees)", "frames", "PSNR", "PSNR person", "SSIM", "PCK@.1T")


@dataclass(frozen=True, eq=False)
class Subject:
    """A picture with its exact pose, and the frames to be shown with theirs."""

    picture: np.ndarray
    pose: PoseSequence
    truth: np.ndarray
    motion: PoseSequence

    @property
    def angles(self) -> np.ndarray:
        """F degrees between the shoulder lines of picture and frame."""
        return np.abs((heading(self.motion) - heading(self.pose) + 180) % 360 - 180)


def subject(index: int) -> Subject:
    person, rng = Person.random(SEED + index), np.random.default_rng([SEED + index, 7])
    view, style = random_view(rng, person.stature, SIZE), random_style(rng)
    name = list(MOTIONS)[index % len(MOTIONS)]
    posture = MOTIONS[name](np.linspace(0, PERIODS[name], FRAMES, endpoint=False), style)
    posture.turn = posture.turn + TURNS[index % len(TURNS)] * (1 if index % 2 else -1)
    still = render(person, person.pose(a_pose()), 0, view)
    joints = person.pose(posture)
    shown = [render(person, joints, frame, view) for frame in range(FRAMES)]
    return Subject(still.picture, sequence([still], SIZE, 0.0), np.stack([one.picture for one in shown]), sequence(shown, SIZE, 24.0))


def heading(pose: PoseSequence) -> np.ndarray:
    across = pose.points[:, 0, Point.L_SHOULDER] - pose.points[:, 0, Point.R_SHOULDER]
    return np.degrees(np.arctan2(across[:, 2], across[:, 0]))


def estimated(frames: np.ndarray) -> PoseSequence:
    """Each frame estimated by itself: they are too far apart to be tracked."""
    found = []
    for frame in frames:
        try:
            found.append(estimate_picture(frame))
        except InputError:
            found.append(PoseSequence(np.zeros((1, 1, KEYPOINTS, 3)), np.zeros((1, 1, KEYPOINTS)), SIZE))
    return PoseSequence(np.concatenate([one.points for one in found]), np.concatenate([one.score for one in found]), SIZE, 24.0)


def results(one: Subject) -> dict[str, Callable[[], np.ndarray]]:
    puppet = Puppet()
    return {
        METHODS[0]: lambda: np.broadcast_to(one.picture, one.truth.shape),
        METHODS[1]: lambda: np.stack(list(puppet.animate(Scene(one.picture, estimate_picture(one.picture), estimated(one.truth))))),
        METHODS[2]: lambda: np.stack(list(puppet.animate(Scene(one.picture, one.pose, one.motion)))),
    }


def measured(frames: np.ndarray, one: Subject) -> np.ndarray:
    """F 4: PSNR, PSNR inside the person, SSIM, PCK."""
    assert one.motion.mask is not None
    rows = []
    for index, (frame, truth) in enumerate(zip(frames, one.truth, strict=True)):
        accuracy = Accuracy(one.motion.frames(slice(index, index + 1)), 1)
        accuracy.see(0, frame)
        rows.append((psnr(frame, truth), psnr(frame, truth, one.motion.mask[index] > 127), ssim(frame, truth), accuracy.value))
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=32)
    parser.add_argument("--out", type=Path, default=Path("out"))
    arguments = parser.parse_args()
    angles, values, sheet = [], {name: [] for name in METHODS}, []
    for index in range(arguments.people):
        one = subject(index)
        angles.append(one.angles)
        shown = [one.picture, one.truth[FRAMES // 2]]
        for name, make in results(one).items():
            frames = make()
            values[name].append(measured(frames, one))
            shown += [frames[FRAMES // 2]] if name != METHODS[0] else []
        sheet.append(np.vstack(shown))
        print(f"{index + 1}/{arguments.people}", end="\r", flush=True)
    table = Table(
        f"{arguments.people} procedural people, {FRAMES} frames each, {SIZE[0]}x{SIZE[1]}", COLUMNS, rows(np.concatenate(angles), values)
    )
    print(table.text())
    arguments.out.mkdir(parents=True, exist_ok=True)
    table.save(arguments.out / "puppet-people.md")
    picture = np.hstack(sheet[:12])
    write_picture(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), arguments.out / "puppet-people.jpg")


def rows(angles: np.ndarray, values: dict[str, list[np.ndarray]]) -> tuple[tuple[str | int | float, ...], ...]:
    made = []
    for name in METHODS:
        all_frames = np.concatenate(values[name])
        for label, low, high in BINS:
            chosen = (angles >= low) & (angles < high)
            means = np.nanmean(all_frames[chosen], axis=0) if chosen.any() else np.full(4, np.nan)
            made.append((name, label, int(chosen.sum()), *map(float, means)))
    return tuple(made)


if __name__ == "__main__":
    main()
