"""Many odd requests to a page that runs: each gets an answer, none a traceback; what the page is for still works afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from attack import Attack
from material import Material
from pages import serving

pytest.importorskip("httpx", reason="the web page needs Gradio, which brings httpx")
pytest.importorskip("gradio", reason='the web page needs Gradio: pip install "animato[web]"')


def test_odd_requests_get_answers(tmp_path: Path, material: Material) -> None:
    with serving(tmp_path) as server:  # which holds at its end that no traceback was printed
        attack = Attack(server, seed=12)
        attack.go(300)
        assert attack.answers["event"] > 20 and attack.answers["event refused"] > 20 and attack.answers["event failed"] == 0
        with server.another() as visitor:
            picture = visitor.upload("figure.png", material.character.read_bytes())
            said = visitor.call(visitor.event("picture"), [{"path": picture}])
            assert '"success":true' in said and "alert" not in said
