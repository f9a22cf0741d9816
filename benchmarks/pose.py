"""Speed and steadiness of the embedded pose estimator on one core: python benchmarks/pose.py [VIDEO] [--frames 96]

Prints frames a second in process time (decoding is not counted), and how much the trunk trembles with and without smoothing of the region.
Without a video it takes a procedural dancer of 1080 x 1920.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from animato.core.media import open_clip
from animato.people.people import clip
from animato.pose.estimator.convert import L_HIP, L_SHOULDER, R_HIP, R_SHOULDER
from animato.pose.estimator.people import LARGEST, People, chosen
from animato.pose.estimator.region import blend
from animato.pose.estimator.tracker import NEW_WEIGHT, Tracker
from animato.pose.estimator.whole import Details, Whole

TRUNK = [L_SHOULDER, R_SHOULDER, L_HIP, R_HIP]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--frames", type=int, default=96)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    frames = list(open_clip(arguments.video).take(arguments.frames)) if arguments.video else dancer(arguments.frames)
    height, width = frames[0].shape[:2]
    print(f"{len(frames)} frames of {width} x {height}, process time")
    people = People()
    report("body alone", frames, whole_person(people, hands=False, face=False))
    report("body, hands, face", frames, whole_person(people, hands=True, face=True))
    for weight in (1.0, NEW_WEIGHT):
        print(f"trunk trembles by {trembling(people, frames, weight):5.2f} px with {weight:.1f} of the new region")


def dancer(count: int) -> list[np.ndarray]:
    """A procedural person in portrait format."""
    frames, _ = clip(3, "dance", count, (540, 960), turn=0)
    return [cv2.resize(frame, (1080, 1920), interpolation=cv2.INTER_CUBIC) for frame in frames]


def whole_person(people: People, *, hands: bool, face: bool) -> Callable[[np.ndarray], Whole | None]:
    """A function of frame after frame that does what estimate_video does for each."""
    track, details = Tracker(people), Details(hands=hands, face=face)
    before: Whole | None = None

    def see(picture: np.ndarray) -> Whole | None:
        nonlocal before
        body = track(picture)
        before = details(picture, body, before) if body else None
        return before

    return see


def report(title: str, frames: list[np.ndarray], see: Callable[[np.ndarray], Whole | None]) -> None:
    see(frames[0])
    start = time.process_time()
    found = sum(see(frame) is not None for frame in frames)
    seconds = time.process_time() - start
    print(f"{title:18s} {len(frames) / seconds:6.1f} frames/s {1000 * seconds / len(frames):6.1f} ms a frame, found in {found}")


def trembling(people: People, frames: list[np.ndarray], weight: float) -> float:
    """Mean length in pixels of the second difference of the shoulders and hips, motion included."""
    region = chosen(people(frames[0]), LARGEST).body.next
    points = []
    for frame in frames:
        body = people.landmarks(frame, region)
        region = blend(region, body.next, weight)
        points.append(body.points[TRUNK])
    return float(np.linalg.norm(np.diff(np.array(points), n=2, axis=0), axis=2).mean())


if __name__ == "__main__":
    main()
