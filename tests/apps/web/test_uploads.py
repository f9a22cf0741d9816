"""Files handed in to the web page by people who mean no good: odd forms, odd names, bodies without end, files that break off."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages import Server, serving
from waiting import HANGS

httpx = pytest.importorskip("httpx", reason="the web page needs Gradio, which brings httpx")
pytest.importorskip("gradio", reason='the web page needs Gradio: pip install "animato[web]"')

from starlette.requests import ClientDisconnect, Request  # noqa: E402

from animato.apps.web.calls import Refused  # noqa: E402
from animato.apps.web.form import Form  # noqa: E402
from animato.apps.web.limits import PIECE, Limits  # noqa: E402
from animato.apps.web.names import harmless  # noqa: E402
from animato.apps.web.receive import Body  # noqa: E402
from animato.apps.web.store import Store  # noqa: E402
from animato.apps.web.uploads import Uploads  # noqa: E402
from animato.core.errors import OutputError  # noqa: E402

FORM = "multipart/form-data; boundary=x"
HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), "--max-upload", "1") as server:
        yield server


def post(server: Server, body: bytes, kind: str = FORM) -> Any:
    return server.web.post("/gradio_api/upload", content=body, headers={"Content-Type": kind})


def request(*messages: dict[str, Any], kind: str = FORM) -> Request:
    """A request of which these parts come, and then nothing more."""
    parts = list(messages)

    async def receive() -> dict[str, Any]:
        return parts.pop(0) if parts else await asyncio.Future()

    return Request({"type": "http", "headers": [(b"content-type", kind.encode())], "query_string": b""}, receive)


def part(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def take(uploads: Uploads, asked: Request, visitor: str = "me", stall: float = HANGS) -> Any:
    return await uploads.take(asked, Body(asked, stall), visitor, 1000)


# ---- names


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.png", "a.png"),
        ("Häuser am See.JPG", "Häuser am See.JPG"),
        ("写真.png", "写真.png"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\x\\a.png", "a.png"),
        ("..", "file"),
        ("/", "file"),
        (".", "file"),
        (".bashrc", "bashrc"),
        ("a\0b.png", "ab.png"),
        ("a\x1b[31m\r\n.png", "a[31m.png"),
        ("gnp.\u202e\u200fexe.png", "gnp.exe.png"),
        ("a<b>:c|d?*.png", "abcd.png"),
        ("CON", "_CON"),
        ("nul.png", "_nul.png"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("a. . .", "a"),
        ("\ud800.png", "png"),
        ("x" * 300 + ".png", "x" * 96 + ".png"),
        ("é" * 300 + ".png", "é" * 48 + ".png"),
        ("a." + "x" * 300, "a." + "x" * 98),
        ("", "file"),
    ],
)
def test_names_are_kept_as_far_as_they_are_harmless(given: str, kept: str) -> None:
    assert harmless(given) == kept


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_a_file_can_have(given: str) -> None:
    name = harmless(given)
    assert name and len(name.encode()) <= 120 and "/" not in name and "\\" not in name and not name.startswith(".") and name.isprintable()


def test_odd_names_stay_inside_the_visitor_s_folder(server: Server) -> None:
    for name in (
        "../../../../x.png",
        "a/b/c.png",
        "C:\\x.png",
        "x" * 2000 + ".png",
        "NUL",
        "\u202egnp.exe",
        "a\tb.png",
        "-rf",
        "%2e%2e%2fx",
        "a%00b",
    ):
        path = Path(server.upload(name, b"x"))
        assert path.read_bytes() == b"x" and path.parents[2].name == "visitors" and harmless(path.name) == path.name
        assert server.web.get("/gradio_api/file=" + str(path).replace("%", "%25")).content == b"x"


# ---- forms


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FORM),
        (b"x", FORM),
        (HEAD, FORM),
        (HEAD + b"content", FORM),
        (HEAD + b"content" + TAIL, "multipart/form-data"),
        (HEAD + b"content" + TAIL, "multipart/form-data; boundary=y"),
        (HEAD + b"content" + TAIL, "multipart/form-data; boundary=" + "x" * 1000),
        (HEAD + b"content" + TAIL, "application/json"),
        (HEAD + b"content" + TAIL, "multipart/mixed; boundary=x"),
        (HEAD.replace(b"a.png", b"") + b"content" + TAIL, FORM),
        (HEAD.replace(b'; filename="a.png"', b"") + b"content" + TAIL, FORM),
        (b"--x\r\n\r\ncontent" + TAIL, FORM),
        (b"--x\r\nContent-Disposition: form-data; name=\"files\"; filename*=utf-8''a.png\r\n\r\ncontent" + TAIL, FORM),
        (b"--x\r\nContent-Disposition:\r\n\r\ncontent" + TAIL, FORM),
        (b"--x\r\n" + b"X: y\r\n" * 10**4 + HEAD[5:] + b"content" + TAIL, FORM),
        (b"--x\r\nX: " + b"y" * 900_000 + b"\r\n" + HEAD[5:] + b"content" + TAIL, FORM),
        (b"--x\r\n" + b"y" * 900_000 + b": x\r\n" + HEAD[5:] + b"content" + TAIL, FORM),
        ((HEAD + b"\r\n") * 10**4 + TAIL, FORM),
        (HEAD + b"content\r\n" + HEAD + b"content" + TAIL, FORM),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' + HEAD + b"content" + TAIL, FORM),
        (b"\r\n" * 10**4 + HEAD, FORM),
        (b"--x--\r\n", FORM),
    ],
    ids=range(22),
)
def test_odd_forms_get_a_sentence_and_leave_nothing(server: Server, body: bytes, kind: str) -> None:
    before = server.kept()
    answer = post(server, body, kind)
    assert answer.status_code == 400 and answer.text.strip().endswith(".")
    assert server.kept() == before and not list(server.folder.rglob("upload-*/part"))


@given(st.data())
def test_mutilated_forms_are_files_or_get_a_sentence(data: st.DataObject) -> None:
    form = bytearray(HEAD + b"content" + TAIL)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(form) - 1))
        form[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    cut = data.draw(st.integers(0, len(form)))
    try:
        reader = Form({"content-type": FORM})
        got = reader.feed(bytes(form[:cut])) + reader.feed(bytes(form[cut:]))
        assert len(got) <= len(form) and (not got or reader.name)
    except Refused as refused:
        assert refused.status == 400


def test_a_file_comes_as_it_is_in_whatever_pieces(server: Server) -> None:
    content = bytes(range(256)) * 4 + b"\r\n--y\r\n--\r\n-" * 50
    for size in (1, 2, 7, 64, 10**4):
        reader = Form({"content-type": FORM})
        form = HEAD + content + TAIL
        got = b"".join(reader.feed(form[at : at + size]) for at in range(0, len(form), size))
        assert got == content and reader.complete and reader.name == "a.png"
    assert Path(server.upload("a.bin", content * 100)).read_bytes() == content * 100
    assert Path(server.upload("empty.png", b"")).read_bytes() == b""


# ---- more than there may be


def test_a_file_above_the_limit_is_refused_with_the_figure(server: Server) -> None:
    answer = server.hand_in("large.mp4", b"x" * 1_000_001)
    assert answer.status_code == 413 and answer.text == "This file is too large: at most 1 MB can be handed in.\n"
    assert server.hand_in("small.mp4", b"x" * 900_000).status_code == 200


def test_bodies_without_end_are_not_read(server: Server) -> None:
    host, port = server.where
    for path in ("queue/join", "run/predict", "cancel", "reset"):
        head = f"POST /gradio_api/{path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {server.cookie}\r\nTransfer-Encoding: chunked\r\n\r\n"
        with socket.create_connection(server.where, HANGS) as connection:
            connection.sendall(head.encode() + 40 * (b"2000\r\n" + b"x" * 0x2000 + b"\r\n"))  # and no end of it
            assert b" 413 " in connection.makefile("rb").readline()


@pytest.mark.parametrize(
    "note", [{}, [], 5, {"event_id": 5}, {"event_id": "\ud800"}, {"event_id": ".."}, {"event_id": "0" * 32, "session_hash": 5}]
)
def test_odd_notes_get_a_sentence(server: Server, note: Any) -> None:
    for path in ("cancel", "reset"):
        answer = server.web.post(f"/gradio_api/{path}", content=json.dumps(note))
        assert answer.status_code == 400 and "load the page again" in answer.text


def test_an_upload_that_breaks_off_is_removed_at_once(server: Server) -> None:
    before = server.kept()
    host, port = server.where
    head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {server.cookie}\r\n"
    head += f"Content-Type: {FORM}\r\nContent-Length: 500000\r\n\r\n"
    connection = socket.create_connection(server.where, HANGS)
    connection.sendall(head.encode() + HEAD + b"x" * 300_000)
    while not list(server.folder.rglob("upload-*/part")):
        server.web.get("/robots.txt")
    connection.close()
    while list(server.folder.rglob("upload-*/part")):
        server.web.get("/robots.txt")
    assert server.kept() == before and server.hand_in("a.png", b"x").status_code == 200


# ---- without a server: what cannot be made to happen from outside


def test_an_upload_that_stalls_is_refused_and_removed(tmp_path: Path) -> None:
    uploads = Uploads(Store(tmp_path, free=lambda _: 10**12))
    with pytest.raises(Refused, match="too little") as refused:
        asyncio.run(take(uploads, request(part(HEAD, more=True)), stall=0))
    assert refused.value.status == 408 and list(tmp_path.rglob("*-*")) == []


def test_an_upload_that_is_cut_short_in_the_middle_of_its_file_is_removed(tmp_path: Path) -> None:
    uploads = Uploads(Store(tmp_path, free=lambda _: 10**12))
    with pytest.raises(ClientDisconnect):
        asyncio.run(take(uploads, request(part(HEAD + b"x" * PIECE, more=True), {"type": "http.disconnect"})))
    assert list(tmp_path.rglob("*-*")) == []


def test_only_so_many_uploads_come_at_a_time(tmp_path: Path) -> None:
    async def attempt() -> tuple[str, str, str]:
        uploads = Uploads(Store(tmp_path, Limits(uploads=2, all_uploads=3), free=lambda _: 10**12))

        def begin(visitor: str) -> asyncio.Task[Any]:
            return asyncio.create_task(take(uploads, request(part(HEAD + b"x", more=True)), visitor))

        mine = [begin("me") for _ in range(2)]
        others = [begin("you")]
        await asyncio.sleep(0)  # they begin
        said = []
        for visitor in ("me", "they"):
            with pytest.raises(Refused) as refused:
                await begin(visitor)
            said.append(f"{refused.value.status} {refused.value}")
        for task in (*mine, *others):
            task.cancel()
        await asyncio.gather(*mine, *others, return_exceptions=True)
        answer = await take(uploads, request(part(HEAD + b"x" + TAIL, more=False)))
        return said[0], said[1], json.loads(answer.body)[0]

    mine, others, path = asyncio.run(attempt())
    assert "429 2 files of yours" in mine and "503 3 files are coming from all" in others
    assert Path(path).read_bytes() == b"x" and len(list(tmp_path.rglob("upload-*"))) == 1


def test_a_call_that_stalls_is_refused() -> None:
    with pytest.raises(Refused, match="Nothing came"):
        asyncio.run(Body(request(part(b"{", more=True)), stall=0).whole(100))


def test_how_far_an_upload_is_is_told_whichever_comes_first(tmp_path: Path) -> None:
    async def told(early: bool) -> str:
        uploads = Uploads(Store(tmp_path, free=lambda _: 10**12))
        asked = request(part(HEAD + b"x" * PIECE, more=True), part(b"yy" + TAIL, more=False))
        asked.scope["query_string"] = b"upload_id=abc"
        if early:
            stream = uploads.progress("me", "abc").body_iterator  # type: ignore[attr-defined]
            task = asyncio.create_task(take(uploads, asked))
        else:
            task = asyncio.create_task(take(uploads, asked))
            await asyncio.sleep(0)
            stream = uploads.progress("me", "abc").body_iterator  # type: ignore[attr-defined]
        said = "".join([one async for one in stream])
        await task
        return said

    for early in (True, False):
        said = asyncio.run(told(early))
        assert '"orig_name": "a.png"' in said and said.endswith('data: {"msg": "done"}\n\n')


# ---- room


def kept(store: Store, visitor: str, size: int, age: float) -> Path:
    path = store.new(visitor, "upload") / "a.png"
    path.write_bytes(b"x" * size)
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_a_visitor_s_oldest_files_make_room_and_no_one_else_s(tmp_path: Path) -> None:
    store = Store(tmp_path, Limits(visitor=1000), free=lambda _: 10**12)
    old, middle, new, other = (kept(store, who, 300, age) for who, age in (("me", 30), ("me", 20), ("me", 10), ("you", 99)))
    with store.room("me", 400):
        assert [path.exists() for path in (old, middle, new, other)] == [False, True, True, True] and not old.parent.exists()
        with pytest.raises(OutputError, match="at once"), store.room("me", 601):
            pass
    with store.room("me", 601):
        assert [path.exists() for path in (middle, new)] == [False, True]
    with pytest.raises(OutputError, match="at once"), store.room("me", 1001):
        pass


def test_a_visitor_has_so_many_files_and_no_more(tmp_path: Path) -> None:
    store = Store(tmp_path, Limits(files=3), free=lambda _: 10**12)
    paths = [kept(store, "me", 1, 10 - number) for number in range(5)]
    with store.room("me", 1):
        assert [path.exists() for path in paths] == [False, False, False, True, True]


def test_all_visitors_together_have_so_much_room(tmp_path: Path) -> None:
    store = Store(tmp_path, Limits(all=1000, spare=0), free=lambda _: 10**12)
    for visitor in "abc":
        kept(store, visitor, 250, 1)
    with store.room("d", 250), pytest.raises(OutputError, match="for all visitors"), store.room("e", 1):
        pass
    with store.room("e", 1):
        pass


def test_what_is_still_coming_counts_as_taken_from_the_disk(tmp_path: Path) -> None:
    store = Store(tmp_path, Limits(spare=100), free=lambda _: 1000)
    with store.room("a", 500):
        with pytest.raises(OutputError, match="not enough room"), store.room("b", 401):
            pass
        with store.room("b", 400):
            pass
    with store.room("b", 900):
        pass


def test_files_go_after_their_time(tmp_path: Path) -> None:
    store = Store(tmp_path, Limits(age=100), clock=lambda: 1e9)
    old, new = (kept(store, "me", 1, age) for age in (101, 99))
    (tmp_path / "thumbnail.png").write_bytes(b"x")  # the page's own
    store.sweep()
    assert not old.exists() and new.exists() and (tmp_path / "thumbnail.png").exists()
