"""What training draws: frames, cuts, mirrored people, indices of real clips."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from animato.core.errors import InputError
from animato.core.media import Clip, open_clip, write_clip
from animato.data.index import Entry, Videos, pick, read_index
from animato.data.mixture import Augment, Mixture, People, aside, before, mirrored, scenery, zoomed
from animato.data.sample import pair, published_box, scattered, stretch
from animato.pose.crop import cut, cut_poses, whole_box
from animato.pose.io import save_poses
from animato.pose.keypoints import Point

PLAIN = Augment(0, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("most", [30, 128])
@pytest.mark.parametrize("length", [1, 2, 20, 31, 61, 200])
def test_pairs(length: int, most: int) -> None:
    """The margin is kept where it can be, and the target comes later where it can."""
    margin = min(most, length)
    for seed in range(200):
        reference, target = pair(length, np.random.default_rng(seed), most)
        assert 0 <= reference < length and 0 <= target < length
        if reference + margin < length:
            assert target >= reference + margin
        elif reference - margin > 0:
            assert target <= reference - margin


@pytest.mark.parametrize(("length", "frames", "rate"), [(200, 24, 4), (93, 24, 4), (40, 24, 4), (10, 24, 4), (1, 3, 4)])
def test_stretches(length: int, frames: int, rate: int) -> None:
    for seed in range(50):
        reference, which = stretch(length, frames, rate, np.random.default_rng(seed))
        assert len(which) == frames and 0 <= reference < length
        assert which.min() >= 0 and which.max() < length
        if length >= (frames - 1) * rate + 1:
            assert set(np.diff(which)) == {rate}


def test_scattered_frames_are_others() -> None:
    reference, which = scattered(6, 5, np.random.default_rng(0))
    assert sorted([reference, *which]) == list(range(6))


def test_zooming_takes_points_and_masks_along() -> None:
    """A point and the mask stay on what they lie on: the middle of a bright square."""
    sample = people(count=1).draw(np.random.default_rng(0))
    frames, mask = np.zeros((len(sample.frames), 64, 64, 3), np.uint8), np.zeros((len(sample.frames), 64, 64), np.uint8)
    frames[:, 20:30, 30:40], mask[:, 20:30, 30:40] = 200, 200
    points = sample.poses.points.copy()
    points[:, 0, 0, :2] = 35, 25
    poses = replace(sample.poses, points=points, mask=mask, size=(64, 64))
    moved = zoomed(replace(sample, frames=frames, poses=poses), 1.3, np.array([0.1, -0.05]))
    rows, columns = np.mgrid[:64, :64] + 0.5
    for shown in (moved.frames[0, ..., 0].astype(float), moved.poses.mask[0].astype(float)):
        middle = (columns * shown).sum() / shown.sum(), (rows * shown).sum() / shown.sum()
        assert moved.poses.points[0, 0, 0, :2] == pytest.approx(middle, abs=0.1)
        assert shown.sum() / 200 == pytest.approx(169, rel=0.05)


def test_another_background_leaves_the_person() -> None:
    sample = people(count=1).draw(np.random.default_rng(0))
    other = before(sample, scenery((48, 48), np.random.default_rng(1)))
    inside, outside = sample.poses.mask == 255, sample.poses.mask == 0
    assert inside.any() and np.array_equal(other.frames[inside], sample.frames[inside])
    assert np.abs(other.frames[outside].astype(float) - sample.frames[outside]).mean() > 5
    assert np.ptp(other.frames[:, 0, 0].astype(int), axis=0).max() == 0  # the same behind every frame


def test_a_step_aside_moves_the_reference_alone() -> None:
    """Its person, its points and its mask by the same step, and before a new background both stand in front of the same one."""
    sample = people(count=1).draw(np.random.default_rng(0))
    moved = aside(sample, np.array([0.125, 0.0]))
    assert np.array_equal(moved.reference[:, 6:], sample.reference[:, :-6])
    assert np.array_equal(moved.given.mask[0][:, 6:], sample.given.mask[0][:, :-6])
    assert np.allclose(moved.given.points[..., :2] - sample.given.points[..., :2], [6, 0])
    assert np.array_equal(moved.frames, sample.frames) and np.array_equal(moved.poses.points, sample.poses.points)
    behind = before(moved, scenery((48, 48), np.random.default_rng(1)))
    assert np.array_equal(behind.reference[0, -1], behind.frames[0, 0, -1])


def test_published_crop_loses_heads_and_feet_and_the_default_does_not() -> None:
    rng = np.random.default_rng(0)
    left, top, width, height = published_box((400, 800), (64, 64), (0.9, 1.0), rng)
    assert (left, width) == (0, 400) and height == round(400 / 0.9) and top == (800 - height) // 2
    assert whole_box((400, 800), (64, 64)) == (-200, 0, 800, 800)


def test_published_crop_inside_where_it_can_be() -> None:
    for seed in range(100):
        left, top, width, height = published_box((500, 520), (64, 64), (0.9, 1.0), np.random.default_rng(seed))
        assert left >= 0 and top >= 0 and left + width <= 500 and top + height <= 520
        assert 0.88 <= width / height <= 1.02


def test_cut_moves_picture_and_points_alike() -> None:
    """A white dot stays under its keypoint, through padding and shrinking."""
    frame = np.zeros((1, 90, 60, 3), np.uint8)
    frame[0, 40:44, 10:14] = 255
    poses = people().person(0)[1].frames(slice(0, 1))
    points = poses.points.copy()
    points[0, 0, Point.NOSE, :2] = 12, 42
    poses = replace(poses, points=points, size=(60, 90))
    box = whole_box((60, 90), (45, 45))
    x, y = cut_poses(poses, box, (45, 45)).points[0, 0, Point.NOSE, :2]
    small = cut(frame, box, (45, 45))[0, ..., 0].astype(float)
    rows, columns = np.mgrid[:45, :45] + 0.5
    assert (columns * small).sum() / small.sum() == pytest.approx(x, abs=0.05)
    assert (rows * small).sum() / small.sum() == pytest.approx(y, abs=0.05)


def people(**changes) -> People:
    return replace(People(2, 4, 6.0, (48, 48), 2, first=0, augment=PLAIN), **changes)


def test_people_are_the_same_for_the_same_chance() -> None:
    one, two = (people().draw(np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.frames, two.frames) and np.array_equal(one.poses.points, two.poses.points)
    assert one.frames.shape == (2, 48, 48, 3) and len(one.poses) == 2 and one.poses.mask.shape == (2, 48, 48)


def test_frames_together() -> None:
    clip = people().person(0)[0]
    sample = people(count=1, together=True, frames=3).draw(np.random.default_rng(0))
    starts = [start for start in range(2) if np.array_equal(sample.frames, clip[start : start + 3])]
    assert len(starts) == 1


def test_mirror() -> None:
    """Twice is once; left and right are exchanged; the points lie on the mirrored picture's person."""
    sample = people().draw(np.random.default_rng(1))
    turned = mirrored(sample)
    again = mirrored(turned)
    assert np.array_equal(again.frames, sample.frames) and np.allclose(again.poses.points, sample.poses.points)
    assert np.array_equal(turned.frames, sample.frames[..., ::-1, :])
    wrist, other = turned.poses.points[0, 0, Point.L_WRIST], sample.poses.points[0, 0, Point.R_WRIST]
    assert wrist[0] == pytest.approx(48 - other[0]) and wrist[1] == pytest.approx(other[1])
    assert sorted(turned.poses.score.ravel()) == sorted(sample.poses.score.ravel())


def test_augmentation_moves_points_and_not_pictures() -> None:
    sample = people().draw(np.random.default_rng(1))
    moved = replace(PLAIN, jitter=0.05, hide=1.0)(sample, np.random.default_rng(0))
    assert np.array_equal(moved.frames, sample.frames)
    assert 0 < np.abs(moved.poses.points - sample.poses.points)[..., :2].max() < 0.05 * 48 * 6
    assert not moved.poses.score[:, :, 24:].any() and moved.poses.score[:, :, :24].any()


def test_mixture() -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        def draw(self, rng: np.random.Generator) -> str:
            return self.name

    mixture = Mixture((Named("a"), Named("b")), (3.0, 1.0))  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    drawn = [mixture.draw(rng) for _ in range(400)]
    assert 0.68 < drawn.count("a") / 400 < 0.82
    with pytest.raises(InputError):
        Mixture((Named("a"),), (0.0,))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A video with its poses as a file, and the same with a video of skeletons."""
    frames, poses = people(length=6).person(1)
    write_clip(Clip.of(frames, Fraction(6)), tmp_path / "a.mp4")
    save_poses(poses, tmp_path / "a.npz")
    write_clip(Clip.of(frames[..., ::-1].copy(), Fraction(6)), tmp_path / "k.mp4")
    index = [{"video_path": "a.mp4", "kps_path": kind} for kind in ("a.npz", "k.mp4")]
    (tmp_path / "index.json").write_text(json.dumps(index))
    return tmp_path


def test_videos(folder: Path) -> None:
    entries = read_index(folder / "index.json")
    known, drawn = (Videos((entry,), (32, 40), 3, 1).draw(np.random.default_rng(0)) for entry in entries)
    assert known.frames.shape == (3, 40, 32, 3) and known.whole.shape == (48, 48, 3) and known.drawn is None
    assert (known.poses.score[:, 0, Point.NECK] > 0).all() and known.poses.size == (32, 40)
    assert drawn.drawn is not None and drawn.drawn.shape == (3, 40, 32, 3) and not drawn.poses.score.any()
    assert np.abs(drawn.drawn[..., ::-1].astype(int) - drawn.frames).mean() < 6
    assert drawn.standing is not None and np.abs(drawn.standing[0][..., ::-1].astype(int) - drawn.reference).mean() < 6


def test_squashed_videos(folder: Path) -> None:
    """Pictures give up their aspect; poses keep that of the video, so that skeletons are drawn in it and then squashed, lines and all."""
    entries = read_index(folder / "index.json")
    known, drawn = (Videos((entry,), (32, 64), 3, 1, "squash").draw(np.random.default_rng(0)) for entry in entries)
    whole = Videos((entries[0],), (48, 48), 3, 1).draw(np.random.default_rng(0))
    assert known.frames.shape == (3, 64, 32, 3) and known.poses.size == (48, 48)
    assert np.array_equal(known.poses.points, whole.poses.points)
    assert np.abs(known.frames.mean(axis=(1, 2)) - whole.frames.mean(axis=(1, 2))).max() < 2
    assert drawn.drawn is not None and np.abs(drawn.drawn[..., ::-1].astype(int) - drawn.frames).mean() < 6


def test_videos_of_many_frames_a_second(folder: Path) -> None:
    """Above the limit every second one of the frames is taken that would be taken otherwise."""
    entry = read_index(folder / "index.json")[0]
    frames = list(open_clip(folder / "a.mp4"))
    for fast, rate in ((0.0, 1), (6.0, 1), (5.9, 2)):
        sample = Videos((entry,), (48, 48), 3, 1, fast=fast).draw(np.random.default_rng(0))
        which = [next(i for i, frame in enumerate(frames) if np.array_equal(frame, one)) for one in sample.frames]
        assert set(np.diff(which)) == {rate}


def test_pairs_of_videos_keep_the_margin(folder: Path) -> None:
    entry = read_index(folder / "index.json")[0]
    frames = list(open_clip(folder / "a.mp4"))

    def apart(seed: int) -> int:
        sample = Videos((entry,), (48, 48), margin=3).draw(np.random.default_rng(seed))
        reference, target = (next(i for i, f in enumerate(frames) if np.array_equal(f, one)) for one in (sample.whole, sample.frames[0]))
        return target - reference if reference < 3 else 3

    assert min(apart(seed) for seed in range(12)) == 3


NO_INDEX = ["{", "[]", "{}", '[{"video_path": "a"}]', '[{"video_path": 1, "kps_path": "b"}]', "null", "NaN", "[[]]", "1" * 5000, "[" * 9999]


@pytest.mark.parametrize("text", [*NO_INDEX, "\udcff"])
def test_an_index_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match="index.json"):
        read_index(tmp_path / "index.json")


def test_an_index_may_begin_with_a_byte_order_mark_and_is_no_device_or_giant(tmp_path: Path) -> None:
    path = tmp_path / "index.json"
    path.write_text('[{"video_path": "a.mp4", "kps_path": "a.npz"}]', "utf-8-sig")
    assert read_index(path) == [Entry(tmp_path / "a.mp4", tmp_path / "a.npz")]
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="index.json is larger than 100 MB"):
        read_index(path)
    with pytest.raises(InputError, match="is a folder"):
        read_index(tmp_path)


def test_a_video_longer_than_its_poses(folder: Path) -> None:
    poses = people().person(1)[1].frames(slice(0, 1))
    save_poses(poses, folder / "short.npz")
    source = Videos((Entry(folder / "a.mp4", folder / "short.npz"),), (32, 32), 3, 1)
    with pytest.raises(InputError, match="equally many"):
        source.draw(np.random.default_rng(0))
    with pytest.raises(InputError, match="ends before"):
        pick(Clip.of(np.zeros((2, 4, 4, 3), np.uint8), 6), [0, 5])
