"""The characters and motions that come with animato, and how they are made: `python -m animato.people.shipped FOLDER` renders them anew."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from animato.core.picture import write_picture
from animato.core.shapes import Size
from animato.people.looks import Cloth, Face, Look
from animato.people.motions import MOTIONS, PERIODS, Style, a_pose
from animato.people.people import Person, View, render, sequence
from animato.people.scene import Camera, Scene, plain_scene
from animato.people.skeleton import Build
from animato.pose.io import save_poses
from animato.pose.keypoints import PoseSequence

ASSETS = Path(__file__).resolve().parents[1] / "assets"
SIZE: Size = (512, 768)
FPS = 24.0


@dataclass(frozen=True)
class Take:
    """How often a motion is repeated, its tempo, and its style."""

    repeats: int
    tempo: float
    style: Style = Style()


TAKES = {
    "walk": Take(4, 1.15),
    "wave": Take(1, 1.25),
    "dance": Take(2, 1.0, Style(1.1, variant=(0.3, 0.8, 0.2, 0.6, 0.1, 0.9, 0.35, 0.7))),
    "jump": Take(2, 1.0667),
    "turn": Take(1, 1.0),
    "sidestep": Take(2, 1.2),
    "kick": Take(1, 1.0),
    "crossed": Take(1, 1.25),
}


def _looks() -> dict[str, Look]:
    red, cream, navy, teal, mustard = (196, 60, 56), (240, 234, 220), (44, 58, 104), (40, 128, 130), (226, 172, 62)
    return {
        "mara": Look(
            build=Build(girth=0.92, shoulders=0.162, hips=0.09, head=0.252, bust=0.6, waist=0.78),
            face=Face(smile=0.8, lips=1.25, brow_weight=0.75, brow_tilt=0.3, eye_size=1.25, nose_size=0.85, blush=0.5, jaw=0.95),
            skin=(240, 202, 170), hair=(96, 54, 34), hair_style="bob", top="long", bottom="trousers",
            top_cloth=Cloth("stripes", cream, teal, 1.1), bottom_cloth=Cloth(colour=(66, 92, 142)), shoes=red, flare=0.2,
        ),
        "tomo": Look(
            build=replace(_child(), girth=0.76),
            face=Face(smile=0.95, eye_size=1.35, nose_size=0.8, brow_tilt=0.2, blush=0.6),
            skin=(232, 186, 146), hair=(40, 30, 28), hair_style="short", top="tee", bottom="shorts",
            top_cloth=Cloth("logo", mustard, navy, 1.2), bottom_cloth=Cloth(colour=(74, 96, 84)), shoes=(60, 120, 190), socks=cream,
            hem=0.85,
        ),
        "ines": Look(
            build=Build(girth=0.9, shoulders=0.16, hips=0.092, head=0.25, bust=0.7, waist=0.74, thigh=0.39, shin=0.38, spine=0.51),
            face=Face(smile=0.7, lips=1.4, brow_weight=0.8, brow_tilt=0.35, eye_size=1.2, nose_size=0.9, blush=0.3, jaw=0.94),
            skin=(176, 122, 86), hair=(34, 26, 26), eyes=(64, 38, 22), hair_style="ponytail", top="tee", bottom="skirt",
            top_cloth=Cloth(colour=(222, 112, 136)), bottom_cloth=Cloth("dots", navy, cream, 1.0), shoes=cream, hem=0.95, flare=0.75,
        ),
        "bruno": Look(
            build=Build(girth=1.13, shoulders=0.196, head=0.258, belly=0.55, waist=0.95, hand=0.195),
            face=Face(smile=0.75, beard=0.9, brow_weight=1.4, brow_tilt=0.1, nose_size=1.25, jaw=1.08, eye_size=1.1, glasses=True),
            skin=(244, 208, 180), hair=(92, 66, 46), hair_style="side", top="jacket", bottom="trousers",
            top_cloth=Cloth(colour=(98, 74, 58)),
            under_cloth=Cloth(colour=cream), bottom_cloth=Cloth(colour=(56, 60, 72)), shoes=(70, 46, 36), soles=(40, 30, 26), flare=0.15,
        ),
        "ayo": Look(
            build=Build(girth=1.0, shoulders=0.182, head=0.25, waist=0.88, thigh=0.425, shin=0.415),
            face=Face(smile=0.9, brow_weight=1.1, brow_tilt=0.1, nose_size=1.15, lips=1.2, eye_size=1.15, blush=0.0),
            skin=(116, 78, 56), hair=(30, 24, 22), eyes=(44, 28, 20), hair_style="curly", top="tee", bottom="trousers",
            top_cloth=Cloth("band", (92, 160, 90), cream, 1.0), bottom_cloth=Cloth(colour=(196, 178, 140)), shoes=(240, 240, 236),
            flare=0.4,
        ),
    }  # fmt: skip


def _child() -> Build:
    base = Build()
    lengths = {
        name: 0.72 * getattr(base, name) for name in ("thigh", "shin", "ankle", "foot", "spine", "neck", "upper_arm", "forearm", "hand")
    }
    return Build(head=0.238, shoulders=0.122, hips=0.064, waist=0.95, **lengths)


_WALL = {"mara": (214, 226, 228), "tomo": (236, 226, 204), "ines": (228, 222, 236), "bruno": (222, 228, 214), "ayo": (234, 220, 212)}


def make_character(name: str) -> np.ndarray:
    """768 512 3 uint8: a shipped character in an open pose in a plain room."""
    person = Person.of(_looks()[name])
    return render(person, person.pose(a_pose()), 0, _room(name, person.stature), antialias=3).picture


def make_background(name: str) -> np.ndarray:
    """768 512 3 uint8: the same room without the character."""
    return _room(name, Person.of(_looks()[name]).stature).backdrop.copy()


def _room(name: str, stature: float) -> View:
    wall = _WALL[name]
    low = (wall[0] - 18, wall[1] - 18, wall[2] - 16)
    scene = Scene(wall, low, "panel", (190, 166, 138), (176, 150, 122), "planks", 1.6, 0, 0)
    return View.of(scene, Camera.fit(stature, SIZE, 4.6, 0.66 * stature, (0.09, 0.08)))


def make_motion(name: str) -> PoseSequence:
    """A shipped motion on a body of ordinary build, coordinates to a tenth of a pixel. It ends one frame before it would begin anew."""
    take, person = TAKES[name], Person.of(Look())
    frames = round(take.repeats * PERIODS[name] / take.tempo * FPS)
    times = np.arange(frames) / frames * take.repeats * PERIODS[name]
    joints = person.pose(MOTIONS[name](times, take.style))
    half = SIZE[0] // 2, SIZE[1] // 2  # only what hides what is read off the pixels
    camera = Camera.fit(person.stature, half, 4.6, 0.66 * person.stature, (0.2, 0.08))
    view = View.of(plain_scene(), camera)
    poses = sequence([render(person, joints, frame, view, antialias=1) for frame in range(frames)], half, FPS).scaled(SIZE)
    return replace(poses, points=np.round(poses.points, 1), mask=None)


def characters() -> tuple[str, ...]:
    """Names of the shipped characters."""
    return tuple(_WALL)


def motions() -> tuple[str, ...]:
    """Names of the shipped motions."""
    return tuple(TAKES)


def character_path(name: str) -> Path | None:
    """The picture of a shipped character; None if there is none of this name."""
    return ASSETS / "characters" / f"{name}.png" if name in characters() else None


def background_path(name: str) -> Path | None:
    """The picture of a shipped character's room without the character; None if there is none of this name."""
    return ASSETS / "backgrounds" / f"{name}.png" if name in characters() else None


def motion_path(name: str) -> Path | None:
    """The pose file of a shipped motion; None if there is none of this name."""
    return ASSETS / "motions" / f"{name}.json" if name in motions() else None


def make_all(folder: Path) -> None:
    """Writes characters/NAME.png, backgrounds/NAME.png and motions/NAME.json into a folder. Raises OutputError."""
    for name in characters():
        write_picture(make_character(name), folder / "characters" / f"{name}.png")
        write_picture(make_background(name), folder / "backgrounds" / f"{name}.png")
    for name in motions():
        save_poses(make_motion(name), folder / "motions" / f"{name}.json")


if __name__ == "__main__":
    make_all(Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS)
