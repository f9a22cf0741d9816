"""What is too much for the web page: refused before any work begins, in a sentence with the figures. And what no upload makes it open."""

from __future__ import annotations

import dataclasses
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animato.apps.commands import Request
from animato.apps.web.limits import Limits
from animato.apps.web.measure import check_motion, check_picture, check_work
from animato.apps.web.session import Studio, make_preview
from animato.apps.web.store import Store
from animato.core.errors import InputError, OutputError
from animato.core.media import Clip, write_clip
from animato.core.progress import silent
from material import Material
from pages import Server, serving

pytest.importorskip("httpx", reason="the web page needs Gradio, which brings httpx")
pytest.importorskip("gradio", reason='the web page needs Gradio: pip install "animato[web]"')


def store(folder: Path, free: int = 10**12, **limits: int) -> Store:
    return Store(folder, dataclasses.replace(Limits(), **limits), free=lambda _: free)


@pytest.mark.parametrize("size", [(8000, 7000), (16000, 6000)])
def test_a_picture_with_too_many_pixels_is_refused_by_its_header(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "large.png"
    Image.new("1", size).save(path)
    path.write_bytes(path.read_bytes()[:200])  # nothing can be decoded
    with pytest.raises(InputError, match=f"large.png has {size[0]}x{size[1]} pixels, .* at most 50.0 million in a picture"):
        check_picture(str(path), Limits())


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"frame": 64 * 64 - 1}, "64x64 pixels, .* in a frame"),
        ({"seconds": 1}, "lasts 2 s: at most 1 s"),
        ({"frames": 7}, "8 frames: at most 7"),
    ],
)
def test_a_video_that_is_too_large_or_too_long_is_refused(tmp_path: Path, limits: dict[str, int], said: str) -> None:
    video = write_clip(Clip.still(np.zeros((64, 64, 3), np.uint8), 8, 4), tmp_path / "a.mp4")
    check_motion(str(video), Limits())
    with pytest.raises(InputError, match=said):
        check_motion(str(video), dataclasses.replace(Limits(), **limits))


def test_poses_that_are_too_long_are_refused(material: Material) -> None:
    with pytest.raises(InputError, match="6 frames: at most 5"):
        check_motion(str(material.motion), dataclasses.replace(Limits(), frames=5))


@pytest.mark.parametrize(
    ("size", "frames", "said"),
    [
        ("16384x16384", 1_000_000, "between 64 and 4096"),
        ("4096x4097", 2, "between 64 and 4096"),
        ("999999999x999999999", 6, "is not a size"),
    ],
)
def test_a_result_that_is_too_large_is_refused(material: Material, tmp_path: Path, size: str, frames: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_work(Request(str(material.character), str(material.motion), size=size, frames=frames), store(tmp_path), "me")


def test_all_frames_together_have_so_many_pixels(material: Material, tmp_path: Path) -> None:
    request = Request(str(material.character), str(material.motion), size="128x192")
    check_work(request, store(tmp_path, result=6 * 128 * 192), "me")
    with pytest.raises(InputError, match="6 frames of 128x192 pixels are too much for this page: at this size ask for at most 5 frames"):
        check_work(request, store(tmp_path, result=6 * 128 * 192 - 1), "me")
    check_work(dataclasses.replace(request, frames=5), store(tmp_path, result=6 * 128 * 192 - 1), "me")


def test_the_disk_is_looked_at_before_work_begins(material: Material, tmp_path: Path) -> None:
    session = Studio(store(tmp_path, free=1000, spare=0)).enter("me")
    stages: list[str] = []
    with pytest.raises(OutputError, match="not enough room"):
        make_preview(
            session,
            Request(str(material.character), str(material.motion), size="128x192"),
            lambda stage, done, total: stages.append(stage),
        )
    assert stages == []


def test_limits_hold_though_the_same_was_prepared_before(material: Material, tmp_path: Path) -> None:
    free = [10**12]
    session = Studio(Store(tmp_path, free=lambda _: free[0])).enter("me")
    request = Request(str(material.character), str(material.motion), size="128x192")
    make_preview(session, request, silent)
    free[0] = 0
    with pytest.raises(OutputError, match="not enough room"):
        make_preview(session, request, silent)


# ---- over a connection


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), "--name", "box.example.org", "--name", "192.0.2.1") as server:
        yield server


def test_a_giant_picture_is_refused_when_it_is_handed_in(server: Server, tmp_path: Path) -> None:
    Image.new("1", (9000, 9000)).save(tmp_path / "large.png")
    said = server.call(server.event("picture"), [{"path": server.upload("large.png", (tmp_path / "large.png").read_bytes())}])
    assert "large.png has 9000x9000 pixels, 81.0 million: this page takes at most 50.0 million in a picture" in said


def test_giant_results_get_a_sentence(server: Server, material: Material) -> None:
    picture = {"path": server.upload("figure.png", material.character.read_bytes())}
    page = uuid.uuid4().hex
    server.call(server.event("lock"), [None], page)
    server.call(server.event("take_motion"), [], page, event_data={"index": 0, "value": None})
    event = server.event("preview")
    for size, frames in (("16384x16384", "999999999"), ("8192x4096", ""), ("99999999x2", "2"), ("512x768", "1")):
        values = [None, picture, None, size, frames, "robust", None, None, None][: len(event["inputs"])]
        said = server.call(event, values, page)
        assert "message failed" in said and "not foreseen" not in said, (size, frames)


@pytest.mark.parametrize("host", ["box.example.org", "BOX.example.org:7860", "192.0.2.1", "192.0.2.1:80"])
def test_further_names_are_answered(server: Server, host: str) -> None:
    assert server.web.get("/config", headers={"Host": host}).status_code == 200
    assert server.web.get("/config", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200
    assert server.web.get("/config", headers={"Host": host, "Origin": server.address}).status_code == 403


def test_other_names_are_told_of_the_option(server: Server) -> None:
    for host in ("example.org", "x.box.example.org", "192.0.2.2"):
        answer = server.web.get("/config", headers={"Host": host})
        assert answer.status_code == 400 and "--name" in answer.text


# ---- files that name other files and addresses


@pytest.fixture
def trap() -> Iterator[tuple[str, list[Any]]]:
    """An address, and who came there."""
    came: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            try:
                while True:
                    connection, peer = listener.accept()
                    came.append(peer)
                    connection.close()
            except OSError:
                return

        threading.Thread(target=listen, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", came
        listener.shutdown(socket.SHUT_RDWR)


def lists(target: str) -> dict[str, bytes]:
    """Files of all kinds that name another one."""
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n"
    master = f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n"
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period>'
        f'<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    return {
        "hls": hls.encode(),
        "live": hls.replace("#EXT-X-ENDLIST\n", "").encode(),
        "master": master.encode(),
        "concat": f"ffconcat version 1.0\nfile '{target}'\n".encode(),
        "dash": dash.encode(),
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 {target.split(':')[0]}\nt=0 0\nm=video 5004 RTP/AVP 96\n".encode(),
        "smil": f'<smil><body><video src="{target}"/></body></smil>'.encode(),
        "ism": f'<SmoothStreamingMedia Url="{target}"/>'.encode(),
        "asx": f'<asx version="3.0"><entry><ref href="{target}"/></entry></asx>'.encode(),
        "pls": f"[playlist]\nFile1={target}\nNumberOfEntries=1\n".encode(),
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{target}"/></svg>'.encode(),
        "imf": f'<AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM"><Path>{target}</Path></AssetMap>'.encode(),
    }


@pytest.mark.parametrize("ending", ["own", "mp4", "mkv", "png", "json"])
def test_no_list_of_files_opens_anything(server: Server, material: Material, trap: tuple[str, list[Any]], ending: str) -> None:
    """Whether it names a file of the machine or an address, whatever it calls itself."""
    address, came = trap
    for target in (str(material.video), f"file:{material.video}", f"http://{address}/x.ts", f"tcp://{address}"):
        for kind, content in lists(target).items():
            path = server.upload(f"x.{kind if ending == 'own' else ending}", content)
            page = uuid.uuid4().hex
            server.call(server.event("take_video"), [{"path": path}], page)
            assert "message failed" in server.call(server.event("video"), [None], page), (kind, target)
    said = server.call(server.event("picture"), [{"path": path}])
    assert "message failed" in said and came == []


def test_names_of_numbered_pictures_open_nothing(server: Server, material: Material) -> None:
    content = (material / "cut.png").read_bytes()
    for name in ("frame%03d.png", "*.png", "a.png", "concat:a|b", "pipe:0", "data:image,x", "/dev/video0", "lavfi.mp4"):
        path = server.upload(name, content)
        page = uuid.uuid4().hex
        server.call(server.event("take_video"), [{"path": path}], page)
        assert "message failed" in server.call(server.event("video"), [None], page)


def test_devices_pipes_and_links_among_the_uploads_are_no_files(server: Server, tmp_path: Path) -> None:
    folder = Path(server.upload("a.mp4", b"a")).parent
    os.mkfifo(folder / "pipe.mp4")
    (folder / "zero.mp4").symlink_to("/dev/zero")
    (folder / "passwd.mp4").symlink_to("/etc/passwd")
    (folder / "round.mp4").symlink_to("round.mp4")
    (folder / "up").symlink_to("../../..")
    for name in ("pipe.mp4", "zero.mp4", "passwd.mp4", "round.mp4", "up", "up/visitors"):
        assert "no file that was handed in" in server.call(server.event("take_video"), [{"path": str(folder / name)}])
        assert server.web.get(f"/gradio_api/file={folder / name}").status_code == 403
