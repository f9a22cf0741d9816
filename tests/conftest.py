"""Options and small helpers shared by all tests."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from recorded import PARITY


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--parity-dir", type=Path, default=PARITY, help="folder with recorded numbers of the published systems")


def pytest_configure(config: pytest.Config) -> None:
    """No example has a time limit: on a busy machine any of them may be slow once."""
    settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("unhurried")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `fixture_file` and is marked parity("pattern", ...) runs once for each such file below --parity-dir."""
    if "fixture_file" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("parity")
    assert marker is not None, "a test with fixture_file needs the mark parity(pattern)"
    folder = metafunc.config.getoption("--parity-dir")
    files = sorted({file for pattern in marker.args for file in folder.rglob(pattern)})
    if not files:
        skip = pytest.mark.skip(reason=f"no file {' or '.join(marker.args)} below {folder}; give its folder with --parity-dir")
        metafunc.parametrize("fixture_file", [pytest.param(None, marks=skip)])
        return
    metafunc.parametrize("fixture_file", files, ids=[file.stem for file in files])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no network even by mistake."""
    monkeypatch.setenv("ANIMATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ANIMATO_OFFLINE", "1")
    return tmp_path / "cache"
