"""Small real files for the command-line tests, made once from a shipped character and motion."""

from __future__ import annotations

from pathlib import Path

import pytest

from material import Material, make_material


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return make_material(tmp_path_factory.mktemp("material"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A result that is already there: bad input must leave it as it is."""
    target = tmp_path / "result.mp4"
    target.write_bytes(b"an older result")
    return target
