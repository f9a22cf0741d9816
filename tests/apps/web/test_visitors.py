"""Visitors of the web page kept apart: who knows another's session, event or file names has nothing of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from material import Material
from pages import Server, serving

httpx = pytest.importorskip("httpx", reason="the web page needs Gradio, which brings httpx")
pytest.importorskip("gradio", reason='the web page needs Gradio: pip install "animato[web]"')


@pytest.fixture(scope="module")
def mara(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(scope="module")
def mallory(mara: Server) -> Iterator[Server]:
    """Another visitor, who knows all names that the first one is told."""
    with mara.another() as visitor:
        yield visitor


def test_a_file_of_another_visitor_is_not_handed_out(mara: Server, mallory: Server) -> None:
    path = mara.upload("mine.txt", b"mine")
    assert mara.web.get(f"/gradio_api/file={path}").text == "mine"
    around = f"{Path(mallory.upload('a.txt', b'a')).parents[1]}/../{Path(path).parents[1].name}/{Path(path).parent.name}/mine.txt"
    for one in (path, around):
        assert mallory.web.get(f"/gradio_api/file={one}").status_code == 403
        assert httpx.get(f"{mara.address}/gradio_api/file={one}").status_code == 403
        assert "no file that was handed in" in mallory.call(mallory.event("picture"), [{"path": one}])
        assert "no file that was handed in" in mallory.call(mallory.event("take_video"), [{"path": one}])


def test_results_of_another_visitor_are_not_handed_out(mara: Server, mallory: Server, company: Path) -> None:
    page = uuid.uuid4().hex
    mara.call(mara.event("take_video"), [{"path": mara.upload("company.mp4", company.read_bytes())}], page)
    faces = [one.split('"')[0] for one in mara.call(mara.event("video"), [None], page).split('"path":"')[1:] if "face" in one.split('"')[0]]
    assert len(faces) == 2
    for face in faces:
        assert mara.web.get(f"/gradio_api/file={face}").headers["content-type"] == "image/png"
        assert mallory.web.get(f"/gradio_api/file={face}").status_code == 403


def test_a_session_of_another_visitor_tells_nothing(mara: Server, mallory: Server) -> None:
    page = uuid.uuid4().hex
    assert mara.join(mara.event("picture"), [None], page).status_code == 200  # an answer waits for mara
    for visitor in (mallory.web, httpx.Client(base_url=mara.address)):
        answer = visitor.get("/gradio_api/queue/data", params={"session_hash": page})
        assert answer.status_code in (403, 404) and answer.text.strip().endswith("again.") or "keep cookies" in answer.text
    assert '"success":true' in mara.told(page)


def test_the_state_of_another_visitor_s_page_is_another_one(mara: Server, mallory: Server) -> None:
    page = uuid.uuid4().hex
    mara.call(mara.event("take_motion"), [], page, event_data={"index": 0, "value": None})
    mara.call(mara.event("lock"), [None], page)
    event = mallory.event("preview")
    assert "load it again" in mallory.call(event, [None] * len(event["inputs"]), page)  # no session there
    mallory.call(mallory.event("take_motion"), [], page, event_data={"index": 1, "value": None})
    assert "walk.mp4" in mara.call(mara.event("motion"), [None, None], page)
    assert "wave.mp4" in mallory.call(mallory.event("motion"), [None, None], page)


def test_work_of_another_visitor_is_not_cancelled(mara: Server, mallory: Server, material: Material) -> None:
    page = uuid.uuid4().hex
    picture = {"path": mara.upload("figure.png", material.character.read_bytes())}
    mara.call(mara.event("lock"), [None], page)
    mara.call(mara.event("take_motion"), [], page, event_data={"index": 0, "value": None})
    event = mara.event("preview")
    usual = [None, picture, None, "128x192", "3", "robust", None, None, None]
    joined = mara.join(event, usual[: len(event["inputs"])], page).json()["event_id"]
    mallory.call(mallory.event("cancel"), [None], page)
    for note in ({"session_hash": page, "fn_index": event["id"], "event_id": "0" * 32}, {"session_hash": page, "event_id": "0" * 32}):
        for path in ("/gradio_api/cancel", "/gradio_api/reset"):
            mallory.web.post(path, json=note)
    with mallory.web.stream("GET", f"/gradio_api/heartbeat/{page}") as stream:  # and it breaks off: the page would be closed
        assert "ALIVE" in next(stream.iter_lines())
    said = mara.told(page)
    assert "alignment.mp4" in said and joined in said


def test_without_a_cookie_nothing_is_taken(mara: Server) -> None:
    with httpx.Client(base_url=mara.address) as web:
        assert web.post("/gradio_api/upload", files={"files": ("x.png", b"x")}).status_code == 403
        body = {"data": [None], "fn_index": mara.event("picture")["id"], "session_hash": "x"}
        for path in ("/gradio_api/queue/join", "/gradio_api/run/predict"):
            answer = web.post(path, content=json.dumps(body))
            assert answer.status_code == 403 and "keep cookies" in answer.text
        note = {"event_id": "0" * 32, "fn_index": 0, "session_hash": "x"}
        for path in ("/gradio_api/cancel", "/gradio_api/reset"):
            assert web.post(path, json=note).status_code == 403
        for path in ("/gradio_api/heartbeat/x", "/gradio_api/upload_progress?upload_id=x", "/gradio_api/queue/data?session_hash=x"):
            assert web.get(path).status_code == 403
        assert "set-cookie" not in web.get("/theme.css").headers


def test_the_cookie_is_kept_from_scripts_and_other_websites_and_cannot_be_guessed(mara: Server) -> None:
    words = [httpx.get(f"{mara.address}/").headers["set-cookie"] for _ in range(20)]
    assert all("HttpOnly" in word and "SameSite=Lax" in word and f"animato-{mara.where[1]}=" in word for word in words)
    assert len(set(words)) == 20 and all(len(word.split(";")[0].split("=")[1]) == 43 for word in words)
    assert "set-cookie" not in mara.web.get("/").headers  # it stays the same one
    assert mara.cookie.split("=")[1] not in mara.upload("x.txt", b"x")  # and is not told by names of files


@pytest.mark.parametrize("cookie", ["", "x", "../" * 14 + "x", "é" * 43, "a" * 44, "a" * 10**4])
def test_odd_cookies_are_none(mara: Server, cookie: str) -> None:
    header = {"Cookie": f"animato-{mara.where[1]}={cookie}".encode("latin-1")}
    assert httpx.post(f"{mara.address}/gradio_api/upload", files={"files": ("x.png", b"x")}, headers=header).status_code == 403


def test_a_second_tab_of_a_browser_is_the_same_visitor(mara: Server) -> None:
    path = mara.upload("mine.txt", b"mine")
    with httpx.Client(base_url=mara.address, cookies=dict(mara.web.cookies)) as tab:
        assert tab.get("/config").status_code == 200
        assert tab.get(f"/gradio_api/file={path}").text == "mine"


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("a.png", "image/png", "inline"),
        ("a.mp4", "video/mp4", "inline"),
        ("a.html", "application/octet-stream", "attachment"),
        ("a.svg", "application/octet-stream", "attachment"),
        ("a.xhtml", "application/octet-stream", "attachment"),
        ("a.js", "application/octet-stream", "attachment"),
        ("a.PDF", "application/octet-stream", "attachment"),
        ("a", "application/octet-stream", "attachment"),
    ],
)
def test_a_file_is_never_opened_as_a_page(mara: Server, name: str, kind: str, shown: str) -> None:
    path = mara.upload(name, b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    for part in ({}, {"Range": "bytes=0-3"}):
        answer = mara.web.get(f"/gradio_api/file={path}", headers=part)
        headers = answer.headers
        assert headers["content-type"] == kind and headers["content-disposition"].startswith(shown)
        assert headers["content-security-policy"].startswith("sandbox") and headers["x-content-type-options"] == "nosniff"
        assert "cookie" not in headers and len(answer.content) == (4 if part else 71)


@pytest.mark.parametrize("path", ["/", "/config", "/theme.css", "/nothing", "/gradio_api/upload"])
def test_every_answer_says_what_a_browser_may_do(mara: Server, path: str) -> None:
    headers = mara.web.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"] and "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin" and headers["x-frame-options"] == "DENY"
