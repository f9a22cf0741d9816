"""The web page without a browser: what its buttons do, what it says, and how its server starts and ends."""

from __future__ import annotations

import html
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from animato import api
from animato.apps.cli import main
from animato.apps.commands import Request
from animato.apps.web.serve import listen, url
from animato.apps.web.session import Studio, make_preview, make_result, request_of
from animato.apps.web.store import Store
from animato.apps.web.text import bars, duration, failure, report
from animato.apps.web.views import choice_of_people, driving_clip, figure_clip, shipped_poses, thumbnail
from animato.apps.web.work import Meter, Stage, Work
from animato.core.errors import InputError, Interrupted, OutputError
from animato.core.media import Clip, open_clip, write_clip
from animato.core.picture import read_picture
from animato.core.progress import Progress, silent
from animato.people.shipped import motions
from animato.systems.known import KNOWN, names
from animato.systems.load import load
from material import Material
from videos import tone, write_video
from waiting import HANGS, hears_ctrl_c

FAST = load("puppet", "fast")
ME = "me"  # a visitor


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(Store(tmp_path))


def request_for(material: Material, driving: Path | None = None) -> Request:
    return Request(str(material.character), str(driving or material.motion), size="128x192")


# ---- what the buttons do


def test_animate_makes_the_video_of_the_command_line(material: Material, studio: Studio, tmp_path: Path) -> None:
    made = make_result(studio.enter(ME), request_for(material), FAST, True, silent)
    words = ["animate", str(material.character), str(material.motion), "-o", str(tmp_path / "a.mp4")]
    assert main([*words, "--size", "128x192", "--quality", "fast"]) == 0
    assert all(np.array_equal(a, b) for a, b in zip(open_clip(made.video), open_clip(tmp_path / "a.mp4"), strict=True))
    assert made.driving and open_clip(made.driving).length == 6
    assert made.lines[0].startswith("6 frames of 128x192") and "PCK@.1T" in made.lines[1] and "dB" in made.lines[2]


def test_the_driving_video_is_shown_small_and_as_long_as_the_result(material: Material, studio: Studio, tmp_path: Path) -> None:
    large = write_clip(Clip.still(np.zeros((800, 1200, 3), np.uint8), 5, 12), tmp_path / "large.mp4")
    poses = shipped_poses("wave").frames(slice(3))
    clip = driving_clip(api.Motion(poses, open_clip(large)))
    assert clip.size == (768, 512) and clip.length == 3 == len(list(clip)) and clip.fps == 12
    assert driving_clip(api.Motion(poses)).size == figure_clip(poses).size == (256, 384)


@pytest.mark.parametrize("sound", [True, False])
def test_the_sound_is_kept_on_request(material: Material, studio: Studio, tmp_path: Path, sound: bool) -> None:
    frames = [read_picture(material.character)] * 2
    driving = write_video(tmp_path / "driving.mp4", frames, 8, sound=("aac", tone(0.25)))
    made = make_result(studio.enter(ME), request_for(material, driving), FAST, sound, silent)
    assert made.driving and [bool(open_clip(path).sound) for path in (made.video, made.driving)] == [sound, sound]


def test_a_look_at_the_alignment_is_not_estimated_again(material: Material, studio: Studio) -> None:
    session, stages = studio.enter(ME), []
    made = make_preview(session, request_for(material, material.video), silent)
    assert open_clip(made.video).length == 4 and "torso" in made.lines[1] and made.driving is None
    make_result(session, request_for(material, material.video), FAST, True, lambda stage, done, total: stages.append(stage))
    assert {"take apart", "write", "driving"} <= set(stages) and not {"picture", "pose"} & set(stages)
    session.prepared(request_for(material), lambda stage, done, total: stages.append(stage))
    assert "picture" in stages


def test_who_can_be_followed(material: Material, company: Path) -> None:
    choice = choice_of_people(company)
    assert len(choice.faces) == 2 and choice.largest == 1
    small, large = choice.faces
    assert small.shape[0] < large.shape[0] and small.mean() < large.mean()
    for alone in (material.video, material / "nobody.mp4"):
        assert choice_of_people(alone).faces == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"picture": None}, "no picture yet"),
        ({"driving": None}, "no motion yet"),
        ({"frames": "many"}, "many is no number of frames"),
        ({"frames": "-3"}, "-3 is no number of frames"),
    ],
)
def test_fields_that_are_missing_or_wrong(change: dict[str, str | None], said: str) -> None:
    fields = {
        "picture": "a.png",
        "driving": "wave",
        "size": "",
        "frames": "",
        "how": "robust",
        "person": "largest",
        "smoothing": "",
        "feet": "",
    }
    assert request_of(*fields.values()) == Request("a.png", "wave")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=said):
        request_of(*{**fields, **change}.values())  # type: ignore[arg-type]


def test_fields_become_the_words_of_the_command_line() -> None:
    asked = request_of("a.png", "b.mp4", "64x96", " 12 ", "none", "1", "savgol", "free")
    assert asked == Request("a.png", "b.mp4", "64x96", 12, "none", person="1", smoothing="savgol", feet="free")


def test_pictures_of_the_shipped_motions_differ() -> None:
    pictures = [thumbnail(name) for name in motions()]
    assert all(one.shape == (160, 160, 3) and one.max() > 200 for one in pictures)
    assert len({one.tobytes() for one in pictures}) == len(motions())


# ---- visitors and their files


def test_files_go_when_a_visitor_goes(material: Material, studio: Studio) -> None:
    one, other = studio.enter(ME), studio.enter(ME)
    made, kept = (make_preview(session, request_for(material), silent).video for session in (one, other))
    studio.leave(one)
    studio.leave(None)
    assert not made.exists() and kept.exists()
    studio.leave(other)
    assert list(studio.store.root.iterdir()) == []


def test_work_that_is_stopped_leaves_no_video(material: Material, studio: Studio) -> None:
    session = studio.enter(ME)

    def function(progress: Progress) -> object:
        def report_and_stop(stage: str, done: int, total: int) -> None:
            progress(stage, done, total)
            if stage == "write":
                session.stop()

        return make_result(session, request_for(material), FAST, True, report_and_stop)

    session.work = Work(function)  # type: ignore[arg-type]
    with pytest.raises(Interrupted, match="Stopped"):
        session.work.result()
    assert not [path for path in session.folder.rglob("*") if path.is_file()]


# ---- progress


def test_work_is_watched_until_it_ends() -> None:
    go_on = threading.Event()

    def function(progress: Progress) -> str:
        for done in range(3):
            progress("write", done + 1, 3)
        go_on.wait()
        return "made"

    work = Work(function)
    seen = []
    for stages in work.reports(every=0.01):
        seen += stages
        if stages and stages[-1].done == 3:
            go_on.set()
    assert work.result() == "made" and seen[-1].finished


def test_what_fails_in_the_thread_is_raised_outside() -> None:
    def function(progress: Progress) -> None:
        raise OutputError("no space")

    with pytest.raises(OutputError, match="no space"):
        Work(function).result()


def test_the_remaining_time_follows_the_pace() -> None:
    now = 100.0
    meter = Meter(lambda: now)
    assert meter.stages() == []
    for done in range(1, 6):
        now += 2
        meter("pose", done, 20)
    assert meter.stages() == [Stage("pose", 5, 20, 10.0)] and meter.stages()[0].remaining == 30
    now += 5
    meter("write", 0, 0)
    assert [stage.name for stage in meter.stages()] == ["pose", "write"] and meter.stages()[1].remaining is None
    meter.stop()
    with pytest.raises(Interrupted):
        meter("write", 1, 2)


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0, 1e5))
def test_progress_is_told_for_any_numbers(done: int, total: int, elapsed: float) -> None:
    text = bars([Stage("<new & stage>", done, total, elapsed)])
    assert "&lt;new &amp; stage&gt;" in text and ("left" in text) == (0 < done < total)


def test_stages_are_told_in_words_for_people() -> None:
    text = bars([Stage("encode", 3, 3, 1.0), Stage("denoise", 3, 20, 9.0), Stage("take apart", 0, 1, 0.5)])
    assert "Reading the picture and the poses" in text and "Making the frames from noise" in text and "step 3 of 20" in text
    assert "Taking the picture apart" in text and "0 of 1" not in text


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (59.7, "1 min 0 s"), (125, "2 min 5 s"), (3780, "1 h 3 min")])
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_reports_are_text_and_never_markup() -> None:
    text = report(["pose <b>found</b>"], ["a.png & b.png"])
    assert "Pose &lt;b&gt;found" in text and "a.png &amp; b.png" in text
    assert "notes" not in report(["one"], []) and "<b>" not in failure("<b>")


# ---- the page, built and asked without a browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(Store(tmp_path_factory.mktemp("studio")))


@pytest.fixture(scope="module")
def page(served: Studio) -> Any:
    pytest.importorskip("gradio", reason='the web page needs Gradio: pip install "animato[web]"')
    from animato.apps.web.app import build

    return build(served)


def component(page: Any, name: str) -> Any:
    return next(block for block in page.blocks.values() if getattr(block, "elem_id", None) == name)


def state(page: Any) -> Any:
    """Where the page keeps its visitor's session."""
    return next(one for one in page.fns.values() if one.name == "cancel").inputs[0]


def asked() -> Any:
    """A request of the visitor, as Gradio hands it over."""
    from gradio import Request

    return Request(session_hash=f"{ME}-page")


def function(page: Any, name: str) -> Any:
    return next(one.fn for one in page.fns.values() if one.name == name)


def test_every_system_can_be_chosen(page: Any) -> None:
    offered = [value for _, value in component(page, "system").choices]
    assert offered == ["auto", *names()]
    assert [value for _, value in component(page, "quality").choices] == list(KNOWN[0].qualities)


@pytest.mark.parametrize(
    ("system", "seen"), [("auto", [True, False, False]), ("muse-pose", [False] * 3), ("uni-animate", [False, True, True])]
)
def test_settings_that_a_system_lacks_are_not_seen(page: Any, system: str, seen: list[bool]) -> None:
    changes = function(page, "system")(system)
    assert [changes[component(page, name)]["visible"] for name in ("quality", "long", "temporal")] == seen


def test_what_is_set_for_one_system_is_no_hindrance_to_another(page: Any, served: Studio, material: Material) -> None:
    fields = [{"path": str(material.character)}, str(material.motion), "192x288", "2", "robust", "largest", "steady", "hold"]
    *_, changes = function(page, "animate")(served.enter(ME), "puppet", "fast", "chain", "mamba", True, *fields)
    assert changes[component(page, "status")] == "" and changes[component(page, "result")]
    *_, changes = function(page, "animate")(served.enter(ME), "uni-animate", "fast", "anyhow", "attention", True, *fields)
    assert "choose windows or chain" in changes[component(page, "status")]


def test_a_picture_that_cannot_be_read_is_refused_when_it_comes(page: Any, served: Studio, material: Material) -> None:
    (served.store.root / "hash").mkdir()
    handed_in = Path(shutil.copy(material / "cut.png", served.store.root / "hash"))
    changes = function(page, "picture")({"path": str(handed_in)})
    assert changes[component(page, "picture")] is None
    message = changes[component(page, "status")]
    assert "cut.png" in message and "alert" in message and str(served.store.root) not in message
    good = function(page, "picture")({"path": str(material.character)})
    assert component(page, "picture") not in good and "alert" not in good[component(page, "status")]


def test_people_of_a_video_are_offered(page: Any, company: Path, material: Material) -> None:
    people = component(page, "people")
    changes = function(page, "video")(str(company), asked())
    assert (
        [name for _, name in changes[people]["value"]] == ["0", "1"]
        and changes[people]["selected_index"] == 1
        and changes[people]["visible"]
    )
    assert "1" in changes.values() and str(company) in changes.values()
    changes = function(page, "video")(str(material.video), asked())
    assert not changes[people]["visible"] and "largest" in changes.values()


def test_what_is_wrong_is_said_as_on_the_command_line(
    page: Any, served: Studio, material: Material, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for picture in ("nobody.png", "tiny.png"):
        assert main(["animate", str(material / picture), "wave", "-o", str(tmp_path / "a.mp4")]) == 2
        sentence = capsys.readouterr().err.split("error: ")[1].strip()
        fields = [{"path": str(material / picture)}, "wave", "", "", "robust", "largest", "steady", "hold"]
        *_, changes = function(page, "animate")(served.enter(ME), "puppet", "fast", "windows", "attention", True, *fields)
        assert html.unescape(changes[component(page, "status")]).count(sentence) == 1


def test_cancelled_work_is_not_told_as_a_failure(page: Any, served: Studio) -> None:
    session = function(page, "lock")(None, asked())[state(page)]
    function(page, "cancel")(session)
    assert "Stopped" in function(page, "failed")(session) and "alert" not in function(page, "failed")(session)
    function(page, "lock")(session, asked())
    assert "alert" in function(page, "failed")(session)


# ---- the server


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that lets a program end in order")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_the_server_ends_in_order_and_removes_its_files(tmp_path: Path, name: str) -> None:
    pytest.importorskip("gradio")
    words = [sys.executable, "-m", "animato", "web", "--no-open", "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    pipe = subprocess.PIPE
    server = subprocess.Popen(words, env=environment, stdout=pipe, stderr=pipe, text=True, preexec_fn=hears_ctrl_c)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[3]
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with (
            browser.open(address, timeout=HANGS) as page,
            browser.open(f"{address}gradio_api/heartbeat/visitor") as stream,
        ):
            assert '"title":"animato"' in page.read().decode() and b"ALIVE" in stream.readline()
            (folder,) = tmp_path.iterdir()
            assert folder.stat().st_mode & 0o777 == 0o700
            server.send_signal(getattr(signal, name))
            printed, complaints = server.communicate(timeout=HANGS)
        assert server.returncode == 0 and printed.strip() == "Stopped." and not complaints
    finally:
        server.kill()
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gradio")
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert main(["web", "--port", str(port), "--no-open"]) == 2
        assert f"Port {port} is taken" in capsys.readouterr().err
        assert taken.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_of_another_machine_is_said(host: str) -> None:
    with pytest.raises(InputError, match=f"{host} is no address of this machine"):
        listen(host, 0)


def test_addresses_to_type() -> None:
    assert url("0.0.0.0", 80) == url("127.0.0.1", 80) == "http://127.0.0.1:80/"
    assert url("::1", 7860) == "http://[::1]:7860/"


def test_without_gradio_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['gradio'] = None; from animato.apps.cli import main; sys.exit(main(['web', '--no-open']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and 'pip install "animato[web]"' in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["web", "--help"]], ids=" ".join)
def test_help_does_not_load_gradio(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "animato", *words], capture_output=True, text=True, check=True)
    assert not any(line.rsplit("|", 1)[-1].strip().split(".")[0] == "gradio" for line in done.stderr.splitlines())
