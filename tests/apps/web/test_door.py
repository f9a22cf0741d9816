"""The door of the web page, attacked over a real connection: no file of the machine, no foreign name, no address gets past it."""

from __future__ import annotations

import json
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from animato.apps.web.hosts import own_names, plain
from animato.apps.web.limits import GB
from animato.apps.web.store import Store
from animato.core.errors import OutputError
from animato.people.shipped import character_path, motion_path
from material import Material
from pages import Server, serving
from waiting import HANGS

httpx = pytest.importorskip("httpx", reason="the web page needs Gradio, which brings httpx")
pytest.importorskip("gradio", reason='the web page needs Gradio: pip install "animato[web]"')

WORD = uuid.uuid4().hex  # what stands in the files that nobody may read


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(WORD)
    return path


def shapes(path: str) -> list[Any]:
    """The ways in which a client may name a file."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    return [file, {"path": path}, path, [file], {"image": file, "caption": None}, [[{"path": path}]], {**file, "is_stream": True}]


# ---- files of the machine


def test_no_event_takes_a_file_that_was_not_handed_in(server: Server, secret: Path) -> None:
    for event in server.events:
        for at in range(len(event["inputs"])):
            for shape in shapes(str(secret)):
                session = uuid.uuid4().hex
                said = server.call(event, [shape if i == at else None for i in range(len(event["inputs"]))], session)
                assert WORD not in said
                assert server.web.get("/gradio_api/deep_link", params={"session_hash": session}).status_code == 404
    copies = [path for path in server.folder.rglob("*") if path.is_file() and path.name != "errors" and WORD in path.read_text("latin-1")]
    assert copies == []


@pytest.mark.parametrize("query", ["deep_link=x", "deep_link=../visitor", "deep_link="])
def test_no_link_tells_what_somebody_has_on_the_page(server: Server, query: str) -> None:
    for page in ("/", "/config"):
        assert server.web.get(f"{page}?{query}").status_code == 404


def test_only_files_that_were_handed_in_or_shipped_are_handed_out(server: Server, secret: Path) -> None:
    mine = server.upload("mine.txt", b"mine")
    assert server.web.get(f"/gradio_api/file={mine}").text == "mine"
    assert server.web.get(f"/gradio_api/file={character_path('mara')}").status_code == 200
    assert server.web.get(f"/gradio_api/file={motion_path('wave')}").status_code == 200
    link = Path(mine).parent / "link.txt"
    link.symlink_to(secret)
    around = f"{Path(mine).parent}/{'../' * 40}{str(secret).lstrip('/')}"
    linked_folder = Path(mine).parent / "folder"
    linked_folder.symlink_to(secret.parent)
    for path in (secret, link, linked_folder / secret.name, around, "/etc/passwd", Path(mine).parent, "mine.txt", "", "/proc/self/environ"):
        answer = server.web.get(f"/gradio_api/file={path}")
        assert answer.status_code in (403, 404) and WORD not in answer.text, path
    with httpx.Client(base_url=server.address) as web:  # as it stands, without the client's own tidying
        for path in (around.encode(), b"/etc%00/passwd", around.replace("..", "%2e%2e").encode()):
            assert web.get(httpx.URL(server.address).copy_with(raw_path=b"/gradio_api/file=" + path)).status_code in (403, 404)


def test_a_link_among_the_uploads_does_not_help_an_event(server: Server, secret: Path) -> None:
    link = Path(server.upload("a.png", b"a")).parent / "b.png"
    link.symlink_to(secret)
    for path in (link, f"{link.parent}/../{link.parent.name}/b.png", f"{link.parent}/../../../../../../../..{secret}"):
        for event in ("picture", "take_video"):
            assert "no file that was handed in" in server.call(server.event(event), [{"path": str(path)}])


def test_what_was_handed_in_is_taken(server: Server, material: Material) -> None:
    path = server.upload("figure.png", (material.character).read_bytes())
    said = server.call(server.event("picture"), shapes(path)[:1])
    assert '"success":true' in said and "alert" not in said
    said = server.call(server.event("picture"), [{"path": server.upload("cut.png", (material / "cut.png").read_bytes())}])
    assert '"success":true' in said and "alert" in said and "cut.png" in said


def test_what_the_server_keeps_is_not_set_from_outside(server: Server, secret: Path) -> None:
    event = server.event("video")
    assert "alert" not in server.call(event, [str(secret)])


def test_a_playlist_that_was_handed_in_opens_nothing(server: Server, material: Material) -> None:
    listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\n{material.video}\n#EXT-X-ENDLIST\n"
    path = server.upload("x.m3u8", listed.encode())
    session = uuid.uuid4().hex
    server.call(server.event("take_video"), [{"path": path}], session)
    said = server.call(server.event("video"), [None], session)
    assert "x.m3u8" in said and "alert" in said


# ---- addresses


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


def test_no_address_is_fetched(server: Server, trap: tuple[str, list[Any]]) -> None:
    address, came = trap
    for scheme in ("http://", "https://", "HTTP://", "ftp://", "file://", "//", "rtmp://", "concat:http://"):
        for route in ("file=", "proxy=", "file/"):
            assert server.web.get(f"/gradio_api/{route}{scheme}{address}/x").status_code in (403, 404)
        for event in ("picture", "take_video"):
            for shape in (*shapes(f"{scheme}{address}/x"), {"path": "x", "url": f"{scheme}{address}/x"}):
                assert "no file that was handed in" in server.call(server.event(event), [shape])
    assert came == []


# ---- names and origins


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "192.0.2.1", "0.0.0.0", "", "a@127.0.0.1"])
def test_a_foreign_name_is_not_answered(server: Server, host: str) -> None:
    for method, path in (("GET", "/"), ("GET", "/config"), ("POST", "/gradio_api/upload"), ("GET", "/assets/x"), ("OPTIONS", "/")):
        answer = server.web.request(method, path, headers={"Host": host})
        assert answer.status_code == 400 and "another name" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_the_server_s_own_names_are_answered(server: Server, host: str) -> None:
    port = server.address.rsplit(":", 1)[1]
    assert server.web.get("/config", headers={"Host": f"{host}:{port}"}).status_code == 200


def test_two_names_are_none(server: Server) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"GET /config HTTP/1.1\r\nHost: {host}:{port}\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode())
        assert b" 400 " in connection.makefile("rb").readline()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
    ids=str,
)
def test_another_website_hands_in_and_asks_nothing(server: Server, headers: dict[str, str]) -> None:
    assert server.web.post("/gradio_api/upload", files={"files": ("x.png", b"x")}, headers=headers).status_code == 403
    body = {"data": [None], "fn_index": server.event("picture")["id"], "session_hash": "x"}
    for path in ("/gradio_api/queue/join", "/gradio_api/run/predict", "/gradio_api/cancel", "/gradio_api/reset", "/login"):
        assert server.web.post(path, json=body, headers=headers).status_code == 403
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "eHh4eHh4eHh4eHh4eHh4eA==",
    }
    assert server.web.get("/gradio_api/queue/join", headers=headers | upgrade).status_code in (403, 404)


def test_a_link_to_the_page_may_stand_on_another_website_but_not_a_frame(server: Server) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert server.web.get("/", headers=followed).status_code == 200
    assert server.web.get("/", headers=followed | {"Sec-Fetch-Dest": "iframe"}).status_code == 403
    assert server.web.get("/config", headers={"Origin": "http://evil.example"}).status_code == 403


def test_the_page_s_own_origin_hands_in(server: Server) -> None:
    headers = {"Origin": server.address, "Sec-Fetch-Site": "same-origin"}
    assert server.web.post("/gradio_api/upload", files={"files": ("x.png", b"x")}, headers=headers).status_code == 200


def test_names_of_a_server_for_everybody() -> None:
    assert own_names("127.0.0.1") == {"127.0.0.1", "localhost", "::1"}
    assert own_names("Box.local") == {"127.0.0.1", "localhost", "::1", "box.local"}
    assert socket.gethostname().lower() in own_names("0.0.0.0") and "0.0.0.0" not in own_names("0.0.0.0")
    assert plain("::ffff:192.0.2.1") == "192.0.2.1" and plain("0:0::1") == "::1"


# ---- odd values


ODD = [
    5,
    -1,
    10**9,
    10**30,
    1.5,
    1e308,
    True,
    [],
    [1],
    {},
    {"a": {"b": [None]}},
    "",
    "x" * 1999,
    "x" * 10**5,
    "\ud800",
    "\0",
    "9" * 500,
    "９",
]


def test_odd_values_get_a_sentence(server: Server, material: Material) -> None:
    """None of them is a surprise: the server's fixture holds that nothing was printed."""
    picture = {"path": server.upload("figure.png", material.character.read_bytes())}
    for name in ("animate", "preview"):
        event, session = server.event(name), uuid.uuid4().hex
        server.call(server.event("lock"), [None], session)
        server.call(server.event("take_motion"), [], session, event_data={"index": 0, "value": None})
        usual = ["puppet", "fast", "windows", "attention", True][: len(event["inputs"]) - 9] + [
            picture,
            None,
            "128x192",
            "2",
            "robust",
            None,
            "steady",
            "hold",
        ]
        assert ".mp4" in server.call(event, [None, *usual], session)
        for at in range(len(usual)):
            for odd in ODD:
                said = server.call(event, [None, *(odd if i == at else value for i, value in enumerate(usual))], session)
                assert "not foreseen" not in said and '"success":false' not in said, (name, at, odd)


def test_an_odd_system_hides_nothing_that_is_needed(server: Server) -> None:
    for odd in ODD:
        said = server.call(server.event("system"), [odd])
        assert '"success":false' not in said


@pytest.mark.parametrize("part", ["bytes=1-2-3", "bytes=²-3", "bytes=0-1,3-4", "bytes=-", "x", f"bytes={'9' * 30}-"])
def test_odd_parts_of_a_file_get_a_sentence(server: Server, part: str) -> None:
    path = server.upload("mine.txt", b"0123456789")
    assert server.web.get(f"/gradio_api/file={path}", headers={"Range": part.encode("latin-1")}).status_code == 416
    assert server.web.get(f"/gradio_api/file={path}", headers={"Range": "bytes=2-3"}).text == "23"


@pytest.mark.parametrize("path", ["/?page=x", "/config?page=x", "/gradio_api/heartbeat/%00", "/static//etc/passwd", "/assets/%2e%2e/x"])
def test_odd_addresses_get_a_sentence(server: Server, path: str) -> None:
    answer = server.web.get(httpx.URL(server.address).copy_with(raw_path=path.encode()))
    assert answer.status_code in (403, 404)


@pytest.mark.parametrize("name", ["character", "take_motion", "person"])
def test_odd_choices_get_a_sentence(server: Server, name: str) -> None:
    for index in [*ODD, None, "0", [0, 1]]:
        for data in ({"index": index, "value": None}, {"index": index}, index):
            said = server.call(server.event(name), [], event_data=data)
            assert '"success":false' not in said
    if name != "person":
        session = uuid.uuid4().hex
        said = server.call(server.event(name), [], session, event_data={"index": 10**9})
        assert "no such choice" in said + server.call(server.event("motion"), [None, None], session)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"5", b"null", b"\xff", b"[" * 10**5, b'{"data": NaN}', b'{"fn_index": ' + b"9" * 5000 + b"}", b"x" * 10**6],
    ids=lambda body: repr(body[:16]),
)
def test_odd_calls_get_a_sentence(server: Server, body: bytes) -> None:
    for path in ("/gradio_api/queue/join", "/gradio_api/run/predict"):
        answer = server.web.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 413) and answer.text.strip().endswith(".")


@pytest.mark.parametrize(
    "change", [{"fn_index": 10**9}, {"fn_index": "0"}, {"fn_index": True}, {"data": []}, {"session_hash": "../x"}], ids=str
)
def test_calls_that_no_page_makes_get_a_sentence(server: Server, change: dict[str, Any]) -> None:
    body = {"data": [None], "fn_index": server.event("picture")["id"], "session_hash": "x"} | change
    answer = server.web.post("/gradio_api/queue/join", content=json.dumps(body))
    assert answer.status_code == 400 and "load the page again" in answer.text


def test_a_visitor_unknown_to_the_server_gets_a_sentence(server: Server) -> None:
    for name in ("animate", "preview"):
        event = server.event(name)
        assert "load it again" in server.call(event, [None] * len(event["inputs"]))
    for name in ("cancel", "failed"):
        assert '"success":true' in server.call(server.event(name), [None])


def test_what_the_page_does_not_need_is_closed(server: Server) -> None:
    for path in (
        "proxy=x",
        "file/x",
        "info/",
        "monitoring",
        "component_server",
        "deep_link",
        "runs",
        "openapi.json",
        "vibe-code",
        "stream/x/1/2/playlist.m3u8",
    ):
        assert server.web.get(f"/gradio_api/{path}").status_code == 404
    for path in (
        "call/picture",
        "call/v2/picture",
        "api/picture",
        "component_server",
        "process_recording",
        "vibe-edit",
        "stream/x",
        "run/picture",
    ):
        assert server.web.post(f"/gradio_api/{path}", json={"data": [None]}).status_code == 404
    assert server.web.request("DELETE", "/").status_code == server.web.request("OPTIONS", "/").status_code == 404


# ---- room


@pytest.mark.parametrize(("length", "status"), [("9" * 12, b"413"), ("-1", b"4"), ("none", b"4")])
def test_an_upload_without_end_is_refused_before_it_comes(server: Server, length: str, status: bytes) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    with socket.create_connection((host, int(port)), HANGS) as connection:
        connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
        assert re.match(rb"HTTP/1.1 " + status, connection.makefile("rb").readline())


def test_an_upload_that_does_not_say_how_large_it_is_is_refused(server: Server) -> None:
    assert server.web.post("/gradio_api/upload", content=iter([b"x"])).status_code == 411


def test_an_upload_for_which_the_disk_has_no_room_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path, free=lambda _: 3 * GB).room("me", GB):
        pass
    with (
        pytest.raises(OutputError, match="2.50 GB, 3.00 GB are free, and 1.00 GB must stay free"),
        Store(tmp_path, free=lambda _: 3 * GB).room("me", 5 * GB // 2),
    ):
        pass
