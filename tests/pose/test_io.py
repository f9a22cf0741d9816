"""Pose files: OpenPose's own in all their layouts, and one clear sentence for each mistake that an editor can make."""

import copy
import json
import re

import numpy as np
import pytest

from animato.core.errors import InputError, OutputError
from animato.pose.io import load_poses, save_poses
from animato.pose.keypoints import BODY, FACE, FEET, KEYPOINTS, LEFT_HAND, RIGHT_HAND, Point, PoseSequence


def sequence(frames: int = 3, people: int = 2) -> PoseSequence:
    rng = np.random.default_rng(0)
    points, score = rng.uniform(0, 400, (frames, people, KEYPOINTS, 3)), rng.uniform(0.1, 1, (frames, people, KEYPOINTS))
    score[1, 0, Point.L_WRIST] = 0
    score[:, 0, RIGHT_HAND] = 0
    return PoseSequence(points, score, (400, 600), 23.976)


def triples(count: int) -> list[float]:
    """x, y, score of `count` points, each recognisable by its x."""
    return [value for index in range(count) for value in (float(index), 2.0 * index, 0.5)]


OPENPOSE_25 = {
    "person_id": [-1],
    "pose_keypoints_2d": triples(25),
    "face_keypoints_2d": triples(70),
    "hand_left_keypoints_2d": triples(21),
    "hand_right_keypoints_2d": [],
    "pose_keypoints_3d": [],
    "face_keypoints_3d": [],
    "hand_left_keypoints_3d": [],
    "hand_right_keypoints_3d": [],
}


def frame_file(folder, number: int, people: list[dict]) -> None:
    folder.mkdir(exist_ok=True)
    text = json.dumps({"version": 1.3, "people": people})
    (folder / f"clip_{number:012d}_keypoints.json").write_text(text)


def test_npz_is_exact_and_keeps_the_mask(tmp_path):
    mask = np.random.default_rng(1).integers(0, 256, (3, 12, 8), np.uint8)
    before = PoseSequence(*vars_of(sequence()), mask=mask)
    after = load_poses(save_poses(before, tmp_path / "a.npz"))
    assert np.array_equal(after.points, before.points) and np.array_equal(after.score, before.score)
    assert (after.size, after.fps) == (before.size, before.fps) and np.array_equal(after.mask, mask)


def vars_of(poses: PoseSequence) -> tuple:
    return poses.points, poses.score, poses.size, poses.fps


def test_json_has_openposes_field_names_and_one_line_a_frame(tmp_path):
    path = save_poses(sequence(), tmp_path / "a.json")
    content = json.loads(path.read_text())
    assert (content["size"], content["fps"], content["version"]) == ([400, 600], 23.976, 1)
    person = content["frames"][0]["people"][1]
    counts = {field: len(values) for field, values in person.items()}
    assert counts["pose_keypoints_2d"] == 54 and counts["foot_keypoints_2d"] == 18 and counts["face_keypoints_2d"] == 204
    assert counts["hand_left_keypoints_2d"] == counts["hand_right_keypoints_2d"] == 63 and counts["pose_keypoints_z"] == 18
    assert "hand_right_keypoints_2d" not in content["frames"][0]["people"][0]
    assert len(path.read_text().splitlines()) == 5


def test_openpose_25_points_become_18_and_6(tmp_path):
    frame_file(tmp_path / "poses", 0, [OPENPOSE_25])
    poses = load_poses(tmp_path / "poses", size=(640, 480), fps=30)
    assert (poses.size, poses.fps, poses.people) == ((640, 480), 30, 1)
    x = poses.points[0, 0, :, 0]
    assert x[BODY].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]  # 8 is the middle of the hips
    assert x[FEET].tolist() == [19, 20, 21, 22, 23, 24]
    assert x[FACE].tolist() == list(range(68)) and x[LEFT_HAND].tolist() == list(range(21))
    assert (poses.score[0, 0, RIGHT_HAND] == 0).all() and (poses.score[0, 0, LEFT_HAND] == 0.5).all()


def test_openpose_18_points_and_68_of_the_face(tmp_path):
    frame_file(tmp_path / "poses", 0, [{"pose_keypoints_2d": triples(18), "face_keypoints_2d": triples(68)}])
    poses = load_poses(tmp_path / "poses")
    assert poses.points[0, 0, BODY, 0].tolist() == list(range(18)) and (poses.score[0, 0, FEET] == 0).all()
    assert poses.size == (67, 134)  # the extent of the points


def test_openpose_folders_are_read_by_number_and_people_may_come_and_go(tmp_path):
    for number, people in ((10, 2), (9, 0), (100, 1)):
        frame_file(tmp_path / "poses", number, [{"pose_keypoints_2d": [number, 1, 0.9] * 18}] * people)
    poses = load_poses(tmp_path / "poses")
    assert (len(poses), poses.people) == (3, 2)
    assert poses.score[:, :, 0].tolist() == [[0, 0], [0.9, 0.9], [0.9, 0]]
    assert poses.points[1:, 0, 0, 0].tolist() == [10, 100]


def test_a_single_openpose_file_is_a_picture(tmp_path):
    frame_file(tmp_path / "poses", 0, [OPENPOSE_25])
    poses = load_poses(next((tmp_path / "poses").iterdir()))
    assert (len(poses), poses.fps) == (1, 0)


def test_saved_openpose_folders_hold_what_openpose_writes(tmp_path):
    before = sequence()
    after = load_poses(save_poses(before, tmp_path / "poses"), size=before.size, fps=before.fps)
    seen = before.score > 0
    assert np.abs(after.points - before.points)[seen][:, :2].max() <= 0.005 + 1e-9
    assert np.array_equal(after.score > 0, seen)
    person = json.loads((tmp_path / "poses" / "frame_000000000000_keypoints.json").read_text())["people"][0]
    assert {field: len(values) for field, values in person.items()} == {
        "person_id": 1,
        "pose_keypoints_2d": 75,
        "face_keypoints_2d": 210,
        "hand_left_keypoints_2d": 63,
        "hand_right_keypoints_2d": 63,
    }
    middle = before.points[0, 0, [Point.R_HIP, Point.L_HIP], :2].mean(axis=0)
    assert person["pose_keypoints_2d"][24:26] == pytest.approx(middle, abs=0.01)


def edited(tmp_path, change) -> str:
    """The message about a good file after `change` was made to its content."""
    content = json.loads(save_poses(sequence(), tmp_path / "good.json").read_text())
    content = copy.deepcopy(content)
    content = change(content) or content
    (tmp_path / "edited.json").write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        load_poses(tmp_path / "edited.json")
    return str(caught.value)


def person_change(field, value):
    """A change to one field of person 1 in frame 2; `value` is what it becomes, or a function of what it was, or None to remove it."""

    def change(content):
        person = content["frames"][2]["people"][1]
        if value is None:
            del person[field]
        else:
            person[field] = value(person[field]) if callable(value) else value

    return change


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("pose_keypoints_2d", None, "has no field 'pose_keypoints_2d'"),
        ("pose_keypoints_2d", "1 2 3", "must be a list of numbers"),
        ("pose_keypoints_2d", lambda old: old[:-1], "holds 53 numbers, but 54 (18 points) or 75 (25 points) are due"),
        ("pose_keypoints_2d", lambda old: old + [1.0], "holds 55 numbers"),
        ("pose_keypoints_2d", lambda old: ["x", *old[1:]], 'entry 0 is "x", which is not a number'),
        ("pose_keypoints_2d", lambda old: [*old[:4], None, *old[5:]], "entry 4 is null, which is not a number"),
        ("pose_keypoints_2d", lambda old: [True, *old[1:]], "entry 0 is true, which is not a number"),
        ("pose_keypoints_2d", lambda old: [*old[:3], [1, 2], *old[4:]], "entry 3 is a list, which is not a number"),
        ("foot_keypoints_2d", lambda old: [float("nan"), *old[1:]], "entry 0 is NaN, which is not a usable number"),
        ("face_keypoints_2d", lambda old: [*old[:9], float("inf"), *old[10:]], "entry 9 is Infinity, which is not a usable number"),
        ("face_keypoints_2d", lambda old: [10**400, *old[1:]], "entry 0 is 1000"),
        ("hand_left_keypoints_2d", lambda old: [*old[:5], -0.5, *old[6:]], "point 1 has a negative score"),
        ("hand_right_keypoints_z", lambda old: old[:20], "holds 20 numbers, but 21 (21 points) are due"),
        ("hand_keypoints_2d", [], "has the field 'hand_keypoints_2d', which is not known"),
    ],
)
def test_mistakes_in_a_person_are_named_with_frame_and_field(tmp_path, field, value, message):
    said = edited(tmp_path, person_change(field, value))
    assert said.startswith(f"{tmp_path / 'edited.json'}, frame 2, person 1") and message in said and field in said
    assert "\n" not in said and len(said.removeprefix(str(tmp_path))) < 360


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda content: content.pop("frames") and None, "must be an object with a list 'frames'"),
        (lambda content: content.update(frames={}), "must be an object with a list 'frames'"),
        (lambda content: content.update(frames=[]), "holds no frames; at least one is due"),
        (lambda content: content["frames"].__setitem__(1, []), "frame 1: must be an object with a list 'people'"),
        (lambda content: content["frames"].__setitem__(1, {"people": 3}), "frame 1: must be an object with a list 'people'"),
        (lambda content: content["frames"][0]["people"].__setitem__(0, 7), "frame 0, person 0: must be an object"),
        (lambda content: content.update(format="other"), "'format' must be \"animato poses\""),
        (lambda content: content.update(version=2), "'version' is 2, but only 1 can be read"),
        (lambda content: content.pop("size") and None, "'size' must be [width, height]"),
        (lambda content: content.update(size=[400]), "'size' must be [width, height]"),
        (lambda content: content.update(size=[400.5, 600]), "'size' must be [width, height]"),
        (lambda content: content.update(size=[0, 600]), "'size' must be [width, height]"),
        (lambda content: content.update(fps="24"), "'fps' must be a number"),
        (lambda content: content.update(fps=-1), "'fps' must be a number"),
        (lambda content: content.update(fps=float("nan")), "'fps' must be a number"),
        (lambda content: [1, 2, 3], "holds no poses"),
        (lambda content: "poses", "holds no poses"),
    ],
)
def test_mistakes_in_a_file_are_named(tmp_path, change, message):
    said = edited(tmp_path, change)
    assert said.startswith(str(tmp_path / "edited.json")) and message in said


def test_files_that_are_none(tmp_path):
    good = save_poses(sequence(), tmp_path / "good.npz").read_bytes()
    np.savez(tmp_path / "other.npz", pictures=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", version=1, points=np.array([{}], object), score=0, size=0, fps=0)
    np.savez(tmp_path / "shape.npz", version=1, points=np.zeros((1, 1, 5, 3)), score=np.zeros((1, 1, 5)), size=[4, 4], fps=1)
    np.savez(tmp_path / "nan.npz", version=1, points=np.full((1, 1, 134, 3), np.nan), score=np.ones((1, 1, 134)), size=[4, 4], fps=1)
    (tmp_path / "folder").mkdir()
    cases = {
        "missing.json": (None, "There is no file"),
        "empty.json": (b"", "is empty (0 bytes)"),
        "broken.json": (b'{"frames": [\n  {"people": [}]}', "is not JSON that can be read (Expecting value in line 2, column 15)"),
        "number.json": (b'{"frames": 1' + b"0" * 5000 + b"}", "one of its numbers is too long"),
        "binary.json": (bytes(range(256)), "is not a text in UTF-8"),
        "deep.json": (b"[" * 100_000, "nested too deeply"),
        "cut.npz": (good[: len(good) // 2], "is damaged or no .npz file of poses"),
        "text.npz": (b"words", "is damaged or no .npz file of poses"),
        "other.npz": (None, "its array 'version' is missing"),
        "pickled.npz": (None, "its array 'points' holds no plain numbers"),
        "shape.npz": (None, "134 x 3 numbers, not 1 x 1 x 5 x 3"),
        "nan.npz": (None, "coordinates must be numbers of pixels"),
        "folder": (None, "none of its files is named <number>_keypoints.json"),
    }
    for name, (content, message) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=re.escape(message)):
            load_poses(tmp_path / name)


def test_an_openpose_folder_without_anybody_needs_a_size(tmp_path):
    frame_file(tmp_path / "poses", 0, [])
    with pytest.raises(InputError, match="no person in any frame"):
        load_poses(tmp_path / "poses")
    assert load_poses(tmp_path / "poses", size=(64, 64)).people == 0


def test_a_mistake_in_a_folder_names_the_file(tmp_path):
    frame_file(tmp_path / "poses", 0, [OPENPOSE_25])
    frame_file(tmp_path / "poses", 1, [{**OPENPOSE_25, "face_keypoints_2d": triples(69)}])
    with pytest.raises(InputError, match=r"clip_0{11}1_keypoints.json, frame 1, person 0, face_keypoints_2d: holds 207 numbers"):
        load_poses(tmp_path / "poses")


def test_saving_is_checked_and_atomic(tmp_path):
    with pytest.raises(OutputError, match="has the ending '.csv', which cannot be written: use .json, .npz or a folder"):
        save_poses(sequence(), tmp_path / "a.csv")
    for name in ("a.json", "a.npz", "a.NPZ", "folder"):
        save_poses(sequence(4), tmp_path / name)
        save_poses(sequence(2), tmp_path / name)
        assert len(load_poses(tmp_path / name)) == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.NPZ", "a.json", "a.npz", "folder"]
