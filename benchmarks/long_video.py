"""Seams and drift of long videos by UniAnimate's preview model: python benchmarks/long_video.py [--people 2] [--mamba] [--sheet PNG].

Procedural people whom training has not seen, 249 frames at 24 frames a second, 128 x 128 pixels: 8 clips of 32 frames, neighbours of which
share one. The motions take turns. A seam is where one clip ends and the next begins or, with windows, where a window begins or ends.
Beside each way stands one window over everything, which has no seams, at the same changes from frame to frame. Then the network is given
a picture brighter than it is: how much of that comes out says how much of what has drifted one clip hands on to the next. Each way has a
process of its own, so that its memory can be measured. The sheet shows frames of the first person.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import cv2
import numpy as np
import torch

from animato.core.panels import side_by_side, titled
from animato.core.picture import write_picture
from animato.encoders.codec import FrameCodec
from animato.evaluation.frames import psnr
from animato.evaluation.report import Cell, Table
from animato.people.motions import MOTIONS
from animato.people.people import clip
from animato.pose.keypoints import PoseSequence
from animato.sampling.plan import Chain, Windows
from animato.sampling.settings import Reference, Settings
from animato.systems.alone import peak_memory
from animato.systems.known import ATTENTION, MAMBA, card
from animato.systems.preview import SIZE, Preview
from animato.systems.previews.uni_animate import SETTINGS, load
from animato.systems.scene import Scene
from animato.systems.uni_animate import UniAnimate

FOLDERS = card(UniAnimate.name).previews
LENGTH, FPS, LINK = 249, 24.0, 32
BRIGHTER = 20  # levels
WHOLE, CHAIN = "one window", "chain 32"
WAYS: dict[str, Settings] = {
    WHOLE: replace(SETTINGS, window=Windows(LENGTH, 0)),
    "windows 32/8": replace(SETTINGS, window=Windows(LINK, 8, end="last")),
    CHAIN: replace(SETTINGS, window=Chain(LINK)),
    "chain 32, anchor 0.5": replace(SETTINGS, window=Chain(LINK, 0.5)),
    "chain 32, anchor 1": replace(SETTINGS, window=Chain(LINK, 1.0)),
    "chain 8": replace(SETTINGS, window=Chain(8)),
    "chain 8, no reference": replace(SETTINGS, window=Chain(8), reference="first-frame"),
}
COLUMNS = ("at seams", "one window, there", "inside", "PSNR first", "PSNR last", "drift, person", "drift, background", "CPU s", "MiB")


@dataclass(frozen=True, eq=False)
class Actor:
    """A procedural person's clip, of which the first frame is the reference."""

    frames: np.ndarray  # F H W 3 uint8
    poses: PoseSequence

    @staticmethod
    def of(seed: int, length: int) -> Actor:
        names = sorted(MOTIONS)
        return Actor(*clip(seed, names[seed % len(names)], length, SIZE, FPS))

    def made(self, model: Preview, settings: Settings) -> np.ndarray:  # F H W 3 uint8
        motion = replace(self.poses, mask=None)  # as of an aligned motion
        return np.stack(list(model.animate(Scene(self.frames[0], self.poses.frames(slice(0, 1)), motion), settings)))

    @property
    def masks(self) -> np.ndarray:  # F H W uint8
        assert self.poses.mask is not None
        return self.poses.mask


@dataclass(frozen=True, eq=False)
class Performed:
    """The clips of several people, process seconds of one, and the most memory that was resident, in bytes."""

    clips: list[np.ndarray]
    seconds: float
    memory: int


def alone(folder: Path, settings: Settings, people: int, length: int = LENGTH) -> Performed:
    """All people performed one after the other in a process of its own."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_performed, (folder, settings, people, length))


def _performed(folder: Path, settings: Settings, people: int, length: int) -> Performed:
    torch.set_num_threads(1)
    model = load(folder)
    actors = [Actor.of(seed, length) for seed in range(people)]
    begin = process_time()
    clips = [actor.made(model, settings) for actor in actors]
    return Performed(clips, (process_time() - begin) / people, peak_memory())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=2)
    options.add_argument("--mamba", action="store_true")
    options.add_argument("--folder", type=Path, help="other networks, as a training run leaves them")
    options.add_argument("--sheet", type=Path)
    given = options.parse_args()
    folder = given.folder or FOLDERS[MAMBA if given.mamba else ATTENTION]
    done = {name: alone(folder, settings, given.people) for name, settings in WAYS.items()}
    actors = [Actor.of(seed, LENGTH) for seed in range(given.people)]
    rows = list[tuple[Cell, ...]]()
    for name, performed in done.items():
        both = zip(actors, performed.clips, done[WHOLE].clips, strict=True)
        means = np.mean([measured(actor, made, whole, seams(WAYS[name])) for actor, made, whole in both], axis=0)
        rows.append((name, *(float(mean) for mean in means), performed.seconds, round(performed.memory / 2**20)))
    print(Table(f"People: {given.people}, frames: {LENGTH}", ("way", *COLUMNS), tuple(rows)).markdown())
    torch.set_num_threads(1)
    print(brightened(load(folder), Actor.of(0, LINK)).markdown())
    if given.sheet:
        write_picture(sheet(actors[0], {name: performed.clips[0] for name, performed in done.items()}), given.sheet)


def seams(settings: Settings) -> list[int]:
    """Changes, counted by the earlier of their two frames, where a clip or a window begins or ends."""
    plan = settings.window.over(LENGTH)
    if isinstance(settings.window, Chain):
        return [link.frames[-1] for link in plan[:-1]]
    return sorted({window.frames[0] - 1 for window in plan[1:]} | {window.frames[-1] for window in plan[:-1]})


def measured(actor: Actor, made: np.ndarray, whole: np.ndarray, at: list[int]) -> list[float]:
    """COLUMNS without the last two: errors of changes, PSNR in dB, and by how many levels colours are farther off in the last clip."""
    change, same = (changes(frames, actor) for frames in (made, whole))
    seam = [change[at].mean(), same[at].mean()] if at else [np.nan, np.nan]
    parts = slice(1, LINK), slice(LENGTH - LINK + 1, LENGTH)
    likeness = [np.mean([psnr(*pair) for pair in zip(made[part], actor.frames[part], strict=True)]) for part in parts]
    first, last = (tint(made[part], actor.frames[part], actor.masks[part]) for part in parts)
    return [float(value) for value in (*seam, np.delete(change, at).mean(), *likeness, *np.abs(last - first).mean(axis=1))]


def changes(made: np.ndarray, actor: Actor) -> np.ndarray:  # F-1
    """Mean absolute difference between made and true change from frame to frame, over where the person is in one of the two; 0..255."""
    difference = made.astype(np.int16) - actor.frames
    error = np.abs(np.diff(difference, axis=0)).mean(axis=-1)
    there = np.maximum(actor.masks[1:], actor.masks[:-1]) / 255
    return (error * there).sum((1, 2)) / there.sum((1, 2))


def tint(made: np.ndarray, truth: np.ndarray, masks: np.ndarray) -> np.ndarray:  # 2 3
    """How much too bright person and background are in red, green and blue, on average over the frames, in levels of 0..255."""
    difference, person = made.astype(np.float64) - truth, masks[..., None] / 255
    return np.stack([(difference * weight).sum((0, 1, 2)) / weight.sum((0, 1, 2)) for weight in (person, 1 - person)])


@torch.no_grad()
def brightened(model: Preview, actor: Actor) -> Table:
    """What becomes of a picture that the network is given brighter than it is, while the copy head fetches from it as it is."""
    given = actor.poses.frames(slice(0, 1))
    plain = actor.frames[0]
    copied, _ = model.copier(plain, given).copy(model.hints(actor.poses))
    bright = np.clip(plain.astype(int) + BRIGHTER, 0, 255).astype(np.uint8)
    ways: dict[str, Reference] = {"as first frame": "first-frame", "as reference": "reference", "as both": "both"}
    codec = FrameCodec(model.page.vae)
    rows = list[tuple[Cell, ...]]()
    for name, reference in ways.items():
        settings = replace(SETTINGS, reference=reference)
        before, after = (codec.decode(model.denoise(canvas, given, actor.poses, copied, settings)) * 255 for canvas in (plain, bright))
        rows.append((name, float((bright - plain.astype(float)).mean()), float((after - before).mean())))
    return Table("A picture given brighter, levels of 0..255", ("given", "brighter by", "result brighter by"), tuple(rows))


def sheet(actor: Actor, made: dict[str, np.ndarray]) -> np.ndarray:
    """Truth and ways, one a row: the reference, one of the first clip, those around the first and a middle seam, one of the last clip."""
    clips = {"truth": (actor.frames, seams(WAYS[CHAIN]))}
    clips |= {name: (frames, seams(WAYS[name]) or seams(WAYS[CHAIN])) for name, frames in made.items()}
    return np.vstack([_row(frames, actor.frames[0], at, name) for name, (frames, at) in clips.items()])


def _row(frames: np.ndarray, reference: np.ndarray, at: list[int], name: str) -> np.ndarray:
    around = [seam + step for seam in (at[0], at[len(at) // 2]) for step in (-1, 0, 1, 2)]
    cells = [(reference, name), *((frames[k], str(k)) for k in (LINK // 2, *around, LENGTH - LINK // 2))]
    return side_by_side([titled(cv2.resize(cell, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC), title) for cell, title in cells])


if __name__ == "__main__":
    main()
