"""How good the puppet looks, in figures: `python benchmarks/puppet_pictures.py [PICTURE ...] [--motions dance,wave] [--out out]`.

Pictures are files, folders of them, or names of shipped characters (all of them, if none is given); motions are shipped ones, pose files or
videos. Columns, the same for every picture and motion:

PCK         the pose estimated again on the result: the share of joints within a tenth of the torso length of their target
dB, SSIM    the picture driven by its own pose, against the picture: within the person, and as a whole
skate       how far a standing foot moves in a frame, in % of T (torso length): median and 95th percentile
jitter      how far a wrist lies off the middle between its places one frame before and after, in % of T: median
steps       pixels by which the outline differs from a smoothed outline (root mean square, mean over frames)
pieces      connected pieces of the figure: in the picture, and the most in any frame

--out keeps a contact sheet of every row, at full size. No figure replaces a look at them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from animato import api
from animato.core.errors import AnimatoError
from animato.core.folder import PICTURE_ENDINGS
from animato.core.picture import write_picture
from animato.evaluation.accuracy import Accuracy
from animato.evaluation.frames import ssim
from animato.evaluation.report import Table
from animato.people.shipped import characters
from animato.pose.skeleton import SIDES, J, Skeleton, skeleton
from animato.puppet.parts import Parts
from animato.puppet.plan import FramePlan, plan
from animato.puppet.prepare import take_apart
from animato.puppet.rig import as_complex
from animato.puppet.stage import Stage, perform, self_drive
from animato.systems.scene import Scene

COLUMNS = ("picture", "motion", "PCK", "dB", "SSIM", "skate", "95 %", "jitter", "steps", "pieces", "most")
STANDS = 0.01  # T a frame at 24 a second, below which ankle and toe of a standing foot stay
LONGEST_STEP = 4  # frames that a foot must stay to stand
SMALLEST = 1e-3  # T^2: what is smaller counts as no piece
LOOKED_AT = 8  # frames in which outline and pieces are measured, and which the sheet shows
FINER, SMOOTH = 4, 2.0  # times as fine as a pixel; sigma in pixels along the outline


@dataclass(frozen=True, eq=False)
class Show:
    """A picture's parts and what they are to perform."""

    scene: Scene
    parts: Parts
    plans: list[FramePlan]

    @property
    def looked_at(self) -> list[FramePlan]:
        places = np.linspace(0, len(self.plans) - 1, min(LOOKED_AT, len(self.plans))).round().astype(int)
        return [self.plans[place] for place in places]


def show(picture: str, motion: str, frames: int | None) -> Show:
    """Raises AnimatoError where the picture or the motion cannot be used."""
    scene = api.prepare(picture, motion, frames=frames).scene
    parts = take_apart(scene.picture, scene.reference)
    return Show(scene, parts, plan(parts, skeleton(scene.poses())))


def opacities(parts: Parts, plans: list[FramePlan]) -> Iterator[np.ndarray]:
    """H W float32 0..1 of the figure in each frame: what differs between a black and a white background."""
    black, white = (Stage(replace(parts, background=np.full_like(parts.background, level), floor=None)) for level in (0, 255))
    for one in plans:
        dark, light = black.frame(one)[0], white.frame(one)[0]
        yield 1 - (light.astype(np.float32) - dark).mean(axis=2) / 255


def standing(target: Skeleton, torso: float, fps: float) -> dict[str, np.ndarray]:
    """Side -> F-1 bool: between these two frames the foot of the target stands."""
    joints = as_complex(target.xyz)
    found = {}
    for side in SIDES:
        ends = joints[:, [J[f"ankle_{side}"], J[f"toe_{side}"]]]
        still = (np.abs(np.diff(ends, axis=0)) < STANDS * torso * 24 / fps).all(axis=1)
        runs = np.concatenate([[0], still.astype(np.uint8), [0]])
        starts, stops = (np.flatnonzero(np.diff(runs.astype(int)) == sign) for sign in (1, -1))
        long = np.zeros(len(still), bool)
        for start, stop in zip(starts, stops, strict=True):
            long[start:stop] = stop - start >= LONGEST_STEP
        found[side] = long
    return found


def skate(one: Show) -> np.ndarray:
    """% of T by which standing feet move, a value for each foot and frame."""
    joints = np.array([each.joints for each in one.plans])
    stands = standing(skeleton(one.scene.poses()), one.parts.torso, float(one.scene.fps))
    moved = [np.abs(np.diff(joints[:, J[f"ankle_{side}"]]))[stands[side]] for side in SIDES]
    return 100 * np.concatenate(moved) / one.parts.torso


def jitter(one: Show) -> float:
    """% of T, the median over wrists and frames."""
    wrists = np.array([each.joints[[J["wrist_l"], J["wrist_r"]]] for each in one.plans])
    off = np.abs(wrists[1:-1] - (wrists[2:] + wrists[:-2]) / 2)
    return float(100 * np.median(off) / one.parts.torso) if off.size else float("nan")


def steps(opacity: np.ndarray) -> float:
    """Pixels (root mean square) between the outline of a figure (H W) and the same outline smoothed along itself."""
    fine = cv2.resize(opacity, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_CUBIC)
    outlines, _ = cv2.findContours((fine > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    off = []
    for outline in outlines:
        places = outline[:, 0, 0] + 1j * outline[:, 0, 1]
        if len(places) > 40 * FINER:
            reach = int(3 * SMOOTH * FINER)
            weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (SMOOTH * FINER)) ** 2)
            around = np.concatenate([places[-reach:], places, places[:reach]])
            off.append(np.abs(np.convolve(around, weights / weights.sum(), "valid") - places))
    return float(np.sqrt(np.square(np.concatenate(off)).mean())) / FINER if off else float("nan")


def pieces(opacity: np.ndarray, torso: float) -> int:
    areas = cv2.connectedComponentsWithStats((opacity > 0.5).astype(np.uint8))[2][1:, cv2.CC_STAT_AREA]
    return int((areas > SMALLEST * torso * torso).sum())


def row(picture: str, motion: str, one: Show) -> tuple[tuple[str | float, ...], np.ndarray]:
    """The cells of a picture and a motion, and their contact sheet."""
    stage = Stage(one.parts)
    accuracy = Accuracy(one.scene.poses())
    for index, each in enumerate(one.plans):
        accuracy.see(index, stage.frame(each)[0])
    drive = self_drive(one.parts, one.scene.picture)
    own = next(perform(one.parts, one.parts.skeleton))[0]
    moved = skate(one)
    at = np.percentile(moved, (50, 95)) if len(moved) else (np.nan, np.nan)
    rest = next(opacities(one.parts, plan(one.parts, one.parts.skeleton)))
    shown = list(opacities(one.parts, one.looked_at))
    counts = [pieces(each, one.parts.torso) for each in shown]
    outline = float(np.mean([steps(each) for each in shown]))
    cells = (Path(picture).stem, Path(motion).stem, accuracy.value, drive, ssim(own, one.scene.picture), *at, jitter(one), outline)
    sheet = np.hstack([one.scene.picture, *(stage.frame(each)[0] for each in one.looked_at)])
    return (*cells, pieces(rest, one.parts.torso), max(counts)), sheet


def pictures(given: list[str]) -> list[str]:
    """The pictures of a command line: folders give their pictures, nothing gives the shipped characters."""
    found = []
    for word in given or characters():
        folder = Path(word)
        inside = sorted(str(file) for file in folder.iterdir() if file.suffix.lower() in PICTURE_ENDINGS) if folder.is_dir() else [word]
        found += inside
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="*")
    parser.add_argument("--motions", default="dance,wave")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--out", type=Path, default=Path("out"))
    words = parser.parse_args()
    cv2.setNumThreads(1)
    words.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for picture in pictures(words.pictures):
        for motion in words.motions.split(","):
            try:
                cells, sheet = row(picture, motion, show(picture, motion, words.frames))
            except AnimatoError as error:
                print(f"{picture}, {motion}: {error}", flush=True)
                continue
            rows.append(cells)
            write_picture(sheet, words.out / f"{cells[0]}-{cells[1]}.jpg")
            print("  ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells), flush=True)
    table = Table("The puppet on pictures", COLUMNS, tuple(rows), digits=3)
    print(table.text())
    table.save(words.out / "puppet-pictures.md")


if __name__ == "__main__":
    main()
