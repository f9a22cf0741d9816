"""How long the puppet takes: `python benchmarks/puppet.py [--people 3] [--motions dance,kick,turn] [--frames 48]`.

Procedural people at 512 x 768, whose exact poses stand in for the estimator. One thread, process time, which other work on the
machine hardly touches. A frame's time holds everything: planning, skinning, polish, painting, shadow. A missed budget is an error.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from animato.people.motions import MOTIONS, PERIODS, Style, a_pose
from animato.people.people import Person, View, render, sequence
from animato.people.scene import Camera, plain_scene
from animato.pose.keypoints import PoseSequence
from animato.pose.skeleton import skeleton
from animato.puppet.plan import plan
from animato.puppet.prepare import take_apart
from animato.puppet.stage import Stage, self_drive

SIZE = (512, 768)
ROW = "{:>6} {:>9} {:>7} {:>8} {:>9} {:>8} {:>8} {:>8} {:>14}"
BUDGET = {"good": 40.0, "fast": 15.0}  # ms a frame on one core


def subject(seed: int, motions: list[str], frames: int) -> tuple[np.ndarray, PoseSequence, dict[str, PoseSequence]]:
    """A picture, its exact pose with mask, and exact poses of the same person in motion."""
    person = Person.random(seed)
    view = View.of(plain_scene(), Camera.fit(person.stature, SIZE, 4.6, 0.66 * person.stature, (0.2, 0.08)))
    still = render(person, person.pose(a_pose()), 0, view)
    clips = {}
    for name in motions:
        joints = person.pose(MOTIONS[name](np.linspace(0, PERIODS[name], frames, endpoint=False), Style()))
        clips[name] = sequence([render(person, joints, frame, view, antialias=1) for frame in range(frames)], SIZE, 24.0)
    return still.picture, sequence([still], SIZE, 0.0), clips


def measure(picture: np.ndarray, pose: PoseSequence, motion: PoseSequence, quality: str) -> tuple[float, float, float, list[float]]:
    """Seconds to take apart and to set up, and ms of planning a frame and of every frame."""
    start = time.process_time()
    parts = take_apart(picture, pose, quality)
    apart = time.process_time()
    stage = Stage(parts, quality)
    ready = time.process_time()
    plans = plan(parts, skeleton(motion))
    planned = time.process_time()
    stage.frame(plans[0])
    times = []
    for one in plans:
        before = time.process_time()
        stage.frame(one)
        times.append(1000 * (time.process_time() - before))
    return apart - start, ready - apart, 1000 * (planned - ready) / len(plans), times


def report(seed: int, motions: list[str], frames: int) -> bool:
    """Print the rows of one person. True if all keep the budget."""
    picture, pose, clips = subject(seed, motions, frames)
    kept = True
    for quality, budget in BUDGET.items():
        drive = self_drive(take_apart(picture, pose, quality), picture)
        for name, motion in clips.items():
            apart, ready, planning, times = measure(picture, pose, motion, quality)
            mean, high = planning + np.mean(times), planning + np.quantile(times, 0.95)
            print(
                ROW.format(
                    seed, name, quality, f"{apart:.2f}", f"{ready:.2f}", f"{planning:.2f}", f"{mean:.1f}", f"{high:.1f}", f"{drive:.1f}"
                )
            )
            kept &= bool(mean <= budget)
    return kept


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--people", type=int, default=3)
    options.add_argument("--motions", default="dance,kick,turn")
    options.add_argument("--frames", type=int, default=48)
    chosen = options.parse_args()
    cv2.setNumThreads(1)
    print(ROW.format("person", "motion", "quality", "apart s", "set up s", "plan ms", "mean ms", "95 % ms", "self-drive dB"))
    rows = [report(seed, chosen.motions.split(","), chosen.frames) for seed in range(chosen.people)]
    budgets = ", ".join(f"{quality} {budget:.0f} ms" for quality, budget in BUDGET.items())
    print(f"budget a frame ({budgets}): {'kept' if all(rows) else 'MISSED'}")
    return int(not all(rows))


if __name__ == "__main__":
    sys.exit(main())
