"""The web page with every kind of system: it takes whatever the command line takes, and says in plain words what goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from animato import api
from animato.apps.commands import Request
from animato.apps.stages import STAGES
from animato.apps.web.session import Studio, make_preview, make_result
from animato.apps.web.store import Store
from animato.apps.web.views import choice_of_people, shipped_poses
from animato.core.errors import InputError
from animato.core.media import Clip, open_clip, write_clip
from animato.core.progress import silent
from animato.pose.surface.densepose import densepose_frames
from animato.systems.known import card
from animato.systems.load import load
from animato.weights.magic_animate import convert
from magic_files import official, tiny_parts
from material import Material


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(Store(tmp_path))


def request_for(material: Material, driving: Path) -> Request:
    return Request(str(material.character), str(driving), size="128x192")


@pytest.mark.parametrize("system", ["puppet", "animate-anyone", "uni-animate"])
def test_every_stage_has_words_for_people(material: Material, studio: Studio, system: str) -> None:
    stages: set[str] = set()
    request = Request(str(material.character), str(material.video), size="128x192", frames=2)
    made = make_result(studio.enter("me"), request, load(system), False, lambda stage, done, total: stages.add(stage))
    assert stages <= set(STAGES) and len(stages) >= 5
    assert f"made by {card(system).title} in" in made.lines[0]


@pytest.fixture(scope="session")
def follower(tmp_path_factory: pytest.TempPathFactory) -> api.Animator:
    """A system that follows body parts, with tiny weights."""
    root = tmp_path_factory.mktemp("follower")
    convert(official(root / "official", tiny_parts()), root / "weights")
    return load("magic-animate", weights=root / "weights", settings={"steps": 1, "canvas": (64, 64)})


@pytest.fixture(scope="session")
def parts_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DensePose video, as a codec leaves it."""
    frames = densepose_frames(shipped_poses("wave").frames(slice(4)), (256, 384))
    return write_clip(Clip.of(frames, 24), tmp_path_factory.mktemp("parts") / "parts.mp4")


def test_a_densepose_video_drives_a_system_that_follows_it(
    material: Material, studio: Studio, follower: api.Animator, parts_video: Path
) -> None:
    request = request_for(material, parts_video)
    session = studio.enter("me")
    made = make_result(session, request, follower, True, silent)
    assert made.driving and open_clip(made.video).length == open_clip(made.driving).length == 4
    assert any("followed as it is" in note for note in made.notes)
    with pytest.raises(InputError, match="DensePose video, which only magic-animate can follow"):
        make_result(session, request, load("puppet"), True, silent)
    with pytest.raises(InputError, match="DensePose video"):
        make_preview(session, request, silent)
    assert choice_of_people(parts_video).faces == ()


def test_what_was_prepared_for_one_system_serves_another(material: Material, studio: Studio, follower: api.Animator) -> None:
    session, stages = studio.enter("me"), []
    first = session.prepared(request_for(material, material.motion), silent, follower.follows)
    assert (
        session.prepared(request_for(material, material.motion), lambda stage, done, total: stages.append(stage), load("puppet").follows)
        is first
    )
    assert stages == []
