"""How right the body parts of a fitted body are on procedural people, whose parts are known: python benchmarks/densepose.py [--people 64].

The first people of benchmarks/preview_model.py (seeds from 0), all motions in turn, 256 x 256 pixels, 12 frames at 24 a second. Accuracy is
the share of the true person's pixels that have the right one of the 24 parts; a person who is not found counts 0. The truth is rendered
from the people's own clothed meshes, which know nothing of the fitted body.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

from animato.core.errors import InputError
from animato.core.media import Clip
from animato.people.motions import MOTIONS, random_style
from animato.people.people import Person, random_view, render, sequence
from animato.pose.estimator.estimate import estimate_video
from animato.pose.keypoints import PoseSequence
from animato.pose.smooth import fill_gaps, smooth
from animato.pose.surface.parts import PARTS, parts

SIZE, LENGTH, FPS = (256, 256), 12, 24.0
NAMES = {
    1: "torso back", 2: "torso front", 3: "right hand", 4: "left hand", 5: "left foot", 6: "right foot", 7: "right thigh back",
    8: "left thigh back", 9: "right thigh front", 10: "left thigh front", 11: "right shin back", 12: "left shin back",
    13: "right shin front", 14: "left shin front", 15: "left upper arm inside", 16: "right upper arm inside",
    17: "left upper arm outside", 18: "right upper arm outside", 19: "left forearm inside", 20: "right forearm inside",
    21: "left forearm outside", 22: "right forearm outside", 23: "head right", 24: "head left",
}  # fmt: skip


def person(seed: int) -> tuple[np.ndarray, np.ndarray, PoseSequence]:
    """Frames F H W 3, their parts F H W, and the exact pose: what animato.people.people.clip draws from this seed."""
    rng, names = np.random.default_rng([seed, 2]), sorted(MOTIONS)
    one, style = Person.random(seed), random_style(rng)
    view = random_view(rng, one.stature, SIZE)
    posture = MOTIONS[names[seed % len(names)]](np.arange(LENGTH) / FPS, style)
    posture.turn = posture.turn + rng.uniform(-50, 50)
    shown = [render(one, joints, frame, view) for joints in [one.pose(posture)] for frame in range(LENGTH)]
    return np.stack([item.picture for item in shown]), np.stack([item.parts for item in shown]), sequence(shown, SIZE, FPS)


def estimated(frames: np.ndarray) -> PoseSequence | None:
    """The pose as every command sees it."""
    try:
        return smooth(fill_gaps(estimate_video(Clip.of(frames, FPS), masks=True)))
    except InputError:
        return None


def main(people: int) -> None:
    table: dict[str, list[tuple[float, float]]] = {}
    right, all_of = np.zeros(PARTS + 1), np.zeros(PARTS + 1)
    spent = count = 0.0
    for seed in range(people):
        frames, truth, exact = person(seed)
        seen = estimated(frames)
        flat = replace(exact, points=exact.points * [1, 1, 0])
        cases = {"estimated pose and mask": seen, "estimated pose": seen and replace(seen, mask=None), "exact keypoints and mask": exact}
        cases |= {"exact keypoints": replace(exact, mask=None), "exact keypoints without depth": replace(flat, mask=None)}
        inside = truth > 0
        for name, poses in cases.items():
            start = time.process_time()
            labels = parts(poses, SIZE)[0] if poses else np.zeros_like(truth)
            spent, count = spent + time.process_time() - start, count + LENGTH
            overlap = (inside & (labels > 0)).sum() / (inside | (labels > 0)).sum()
            table.setdefault(name, []).append((float((labels == truth)[inside].mean()), float(overlap)))
            if poses is seen:
                right += np.bincount(truth[labels == truth], minlength=PARTS + 1)
                all_of += np.bincount(truth.ravel(), minlength=PARTS + 1)
    for name, rows in table.items():
        accuracy, overlap = np.mean(rows, axis=0)
        print(f"{name:30} accuracy {accuracy:.3f} (lowest person {min(rows)[0]:.3f}), overlap with the person {overlap:.3f}")
    print(f"{1000 * spent / count:.1f} ms of process time a frame")
    print("estimated pose and mask, by part: " + ", ".join(f"{NAMES[k]} {right[k] / max(all_of[k], 1):.2f}" for k in NAMES))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=64)
    main(parser.parse_args().people)
