"""A picture's pose and mask by hand, and a picture's own transparency, from the command line, from Python and on the page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import animato
from animato.apps.cli import main
from animato.apps.web.session import request_of
from animato.character import Character, opened
from animato.core.errors import InputError
from animato.core.picture import read_picture
from animato.core.progress import silent
from animato.people.shipped import character_path, motion_path
from animato.pose.estimator.estimate import estimate_picture
from animato.pose.io import load_poses, save_poses
from animato.pose.keypoints import Point, PoseSequence
from material import Material

MOTION = load_poses(motion_path("wave") or "").frames(slice(3))


@pytest.fixture(scope="session")
def pose(material: Material) -> PoseSequence:
    return estimate_picture(read_picture(material.character))


@pytest.fixture(scope="session")
def silhouette(material: Material) -> np.ndarray:
    """H W uint8: who stands before the even wall of the small character, and a flag that is no part of her."""
    pixels = read_picture(material.character).astype(int)
    alpha = (np.abs(pixels - pixels[:, :1]).max(axis=2) > 25).astype(np.uint8) * 255
    alpha[60:90, 8:40] = 255
    return alpha


def test_what_pose_writes_is_taken_and_what_is_moved_counts(material: Material, tmp_path: Path) -> None:
    """Moved by hand at the picture's own size, found at the result's."""
    own = tmp_path / "own.json"
    assert main(["pose", str(material.character), "-o", str(own), "--overlay", str(tmp_path / "own.png")]) == 0
    assert read_picture(tmp_path / "own.png").shape == (288, 192, 3)
    content = json.loads(own.read_text())
    body = content["frames"][0]["people"][0]["pose_keypoints_2d"]
    wrist = 3 * Point.L_WRIST
    body[wrist : wrist + 3] = [150, 70, 1]
    own.write_text(json.dumps(content))
    prepared = animato.prepare(Character(material.character, own), MOTION, size=(96, 192))
    points = prepared.scene.reference.points[0, 0]
    assert np.allclose(points[Point.L_WRIST, :2], [75, 35 + 24]) and str(own) in map(str, prepared.sources)
    assert prepared.scene.reference.mask is not None and (prepared.scene.reference.mask > 127).mean() > 0.1


def test_command_line_takes_pose_and_mask(
    material: Material, pose: PoseSequence, silhouette: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, mask, out = save_poses(pose, tmp_path / "own.json"), tmp_path / "mask.png", tmp_path / "out"
    Image.fromarray(silhouette).save(mask)
    words = ["animate", str(material.character), str(material.motion), "-o", str(out), "--frames", "2", "--size", "192x288"]
    assert main([*words, "--picture-pose", str(own), "--picture-mask", str(mask)]) == 0
    assert len(list(out.iterdir())) == 2
    assert main([*words[:4], str(own), "--picture-pose", str(own)]) == 2
    assert "is an input" in capsys.readouterr().err


def test_a_mask_by_hand_and_an_alpha_are_the_outline(material: Material, silhouette: np.ndarray, tmp_path: Path) -> None:
    pixels = read_picture(material.character)
    cut_out = np.dstack([pixels, silhouette])
    Image.fromarray(cut_out).save(tmp_path / "cut.png")
    for picture in (Character(material.character, mask=silhouette), tmp_path / "cut.png", cut_out):
        scene = animato.prepare(picture, MOTION, size=(192, 288)).scene
        assert scene.opacity is not None and np.array_equal(scene.opacity, silhouette)
        assert scene.reference.mask is not None and np.array_equal(scene.reference.mask[0], silhouette)
        assert isinstance(picture, Character) or (scene.background is not None and (scene.background == 255).all())


def test_the_page_takes_an_alpha(material: Material, silhouette: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(np.dstack([read_picture(material.character), silhouette])).save(tmp_path / "cut.png")
    request = request_of(str(tmp_path / "cut.png"), str(material.motion), "192x288", "2", None, None, None, None)
    assert np.array_equal(request.prepared(silent).scene.opacity, silhouette)


def test_compare_hands_the_outline_over(material: Material, silhouette: np.ndarray, tmp_path: Path) -> None:
    from animato.systems.alone import hand_over, perform_alone

    prepared = animato.prepare(Character(material.character, mask=silhouette), MOTION, size=(192, 288))
    (tmp_path / "given").mkdir()
    hand_over(prepared.scene, tmp_path / "given")
    clip, _ = perform_alone("puppet", tmp_path / "given", tmp_path / "made")
    assert np.array_equal(next(iter(clip)), next(iter(animato.perform(prepared.scene, animato.load("puppet")).clip)))


def test_a_known_background_is_shown(material: Material) -> None:
    picture = read_picture(material.character)
    behind = np.full_like(picture, 77)
    scene = animato.prepare(Character(picture, background=behind), MOTION).scene
    frame = next(iter(animato.perform(scene, animato.load("puppet")).clip))
    assert (frame == 77).all(axis=2).mean() > 0.5
    with pytest.raises(InputError, match="The background is 9x8 pixels and the picture"):
        opened(Character(picture, background=np.zeros((8, 9, 3), np.uint8)), None)


def test_a_shipped_character_has_its_own_background() -> None:
    behind = opened("mara", (256, 384)).background
    assert behind is not None and behind.shape == (384, 256, 3)
    assert opened(character_path("mara") or "", None).background is None


def test_bars_are_no_part_of_the_figure(material: Material, silhouette: np.ndarray) -> None:
    wide = opened(Character(material.character, mask=silhouette), (384, 288))
    assert wide.opacity is not None and not wide.opacity[:, :96].any() and np.array_equal(wide.opacity[:, 96:-96], silhouette)


def test_without_models_a_pose_by_hand_is_enough(cache: Path, material: Material, pose: PoseSequence) -> None:
    scene = animato.prepare(Character(material.character, replace(pose, mask=None)), MOTION, size=(192, 288)).scene
    assert scene.reference.mask is None and animato.perform(scene, animato.load("puppet")).clip.length == 3


def written(name: str, folder: Path, pose: PoseSequence, silhouette: np.ndarray) -> Path:
    """A file of one kind of fault."""
    path = folder / name
    pictures = {
        "small.png": silhouette[:200],
        "black.png": silhouette * 0,
        "white.png": silhouette | 255,
        "inverted.png": 255 - silhouette,
        "clear.png": np.dstack([np.zeros((288, 192, 3), np.uint8), silhouette * 0]),
    }
    if name in pictures:
        Image.fromarray(pictures[name]).save(path)
        return path
    outside = pose.points.copy()
    outside[0, 0, Point.R_ANKLE, :2] = [20, 900]
    poses = {
        "square.json": pose.scaled((288, 288)),
        "two.npz": pose.held(1),
        "outside.json": replace(pose, points=outside, mask=None),
        "nobody.json": PoseSequence.nobody(1, (192, 288)),
    }
    return save_poses(poses[name], path)


FAULTS = [
    ("--picture-mask", "small.png", "small.png has 192x200 pixels and the picture 192x288"),
    ("--picture-mask", "black.png", "black.png is black everywhere"),
    ("--picture-mask", "white.png", "white.png is white everywhere"),
    ("--picture-mask", "inverted.png", "leaves out most of the figure's joints"),
    ("--picture-pose", "square.json", "square.json is of a picture of 288x288 pixels and this one has 192x288"),
    ("--picture-pose", "two.npz", "two.npz has 2 frames"),
    ("--picture-pose", "outside.json", r"joints outside the picture of 192x288 pixels \(right ankle\)"),
    ("--picture-pose", "nobody.json", "nobody.json holds nobody"),
    ("--picture-pose", "missing.json", "missing.json"),
    ("--picture-mask", "missing.png", "missing.png"),
    ("--picture-mask", "text.png", "text.png is not a picture"),
]


@pytest.mark.parametrize(("option", "name", "says"), FAULTS, ids=[name for _, name, _ in FAULTS])
def test_one_sentence_for_each_fault(
    option: str, name: str, says: str, material: Material, pose: PoseSequence, silhouette: np.ndarray, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = tmp_path / name
    if name == "text.png":
        path.write_text("no picture")
    elif not name.startswith("missing"):
        path = written(name, tmp_path, pose, silhouette)
    words = ["animate", str(material.character), str(material.motion), "-o", str(tmp_path / "out.mp4"), option, str(path)]
    assert main(words) == 2
    message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(message) == 1 and re.search(says, message[0]) and not (tmp_path / "out.mp4").exists()


def test_an_empty_alpha_is_refused_wherever_it_comes_from(material: Material, silhouette: np.ndarray) -> None:
    nothing = np.dstack([read_picture(material.character), silhouette * 0])
    with pytest.raises(InputError, match="transparent everywhere"):
        animato.prepare(nothing, MOTION)


def test_an_unrecognised_figure_is_told_what_helps(material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The words of the refusal, followed: a pose file comes out of `pose`, and `animate` takes it."""
    picture, out = str(material / "nobody.png"), str(tmp_path / "out")
    words = ["animate", picture, str(material.motion), "-o", out, "--frames", "2", "--size", "256x300"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in ("No person", "`animato pose PICTURE", "--overlay", "--picture-pose"))
    own = tmp_path / "pose.json"
    assert main(["pose", picture, "-o", str(own), "--overlay", str(tmp_path / "joints.png")]) == 0
    assert "--picture-pose" in capsys.readouterr().err
    assert (read_picture(tmp_path / "joints.png") != read_picture(picture)).any()
    assert main([*words, "--picture-pose", str(own)]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_doubtful_pose_is_told(material: Material, tmp_path: Path) -> None:
    """Looks that do not agree, kept in the place of those at this picture."""
    first = animato.prepare(Character(material.character, kept=tmp_path), MOTION, size=(192, 288))
    assert not any("doubtful" in note for note in first.notes)
    [kept] = tmp_path.glob("*.npz")
    looked = load_poses(kept)
    looked.points[1:, 0, :18] += np.random.default_rng(0).normal(0, 30, (4, 18, 3))
    save_poses(looked, kept)
    again = animato.prepare(Character(material.character, kept=tmp_path), MOTION, size=(192, 288))
    assert any("doubtful" in note and "--overlay" in note for note in again.notes)
