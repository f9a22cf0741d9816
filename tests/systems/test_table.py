"""The table of systems is the only place that knows them by name, every door in it opens, and all of them have one face."""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
from pathlib import Path
from typing import Any

import pytest

import animato
from animato.core.errors import InputError
from animato.pose.keypoints import PoseSequence
from animato.sampling.settings import Settings
from animato.systems import known
from animato.systems.known import KNOWN, Card, card, with_weights
from animato.systems.load import load
from animato.systems.preview import Preview
from animato.systems.scene import BodyParts

SOURCE = Path(animato.__file__).parent
README = SOURCE.parents[1] / "README.md"
SPELLED = re.compile("|".join(one.name.replace("-", "[-_ ]?") for one in with_weights()), re.IGNORECASE)
OWN = ("known.py",)


def code_lines(path: Path) -> set[int]:
    """Lines of code that spell a system's name; docstrings and comments do not count."""
    text = path.read_text("utf-8")
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            prose |= set(range(body[0].lineno, (body[0].end_lineno or 0) + 1))
    words = tokenize.generate_tokens(io.StringIO(text).readline)
    return {word.start[0] for word in words if word.type != tokenize.COMMENT and SPELLED.search(word.string)} - prose


def test_no_other_file_spells_a_system() -> None:
    """A paper's name stands in files of that name and in the table alone."""
    files = [path for path in SOURCE.rglob("*.py") if path.name not in OWN and not SPELLED.search(path.stem)]
    found = {path.relative_to(SOURCE).as_posix(): lines for path in files if (lines := code_lines(path))}
    assert len(files) > 200 and not found
    assert code_lines(SOURCE / "systems" / "known.py")


@pytest.mark.parametrize("one", with_weights(), ids=lambda one: one.name)
def test_every_door_opens(one: Card) -> None:
    """Pages and preview models by name, each with a way to be converted and to be trained; the table says what they say themselves."""
    assert one.doors is not None and one.official is not None and one.trainee is not None
    doors = one.doors()
    assert callable(doors.page) and callable(doors.convert) and one.official.system == one.name
    for temporal, folder in one.previews.items():
        model = doors.preview(folder)
        assert isinstance(model, Preview) and (model.name, model.temporal) == (one.name, temporal)
        page: Any = model.page
        assert len(model.follows) <= len(page.follows) == len(one.follows)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("one", KNOWN, ids=lambda one: one.name)
def test_all_have_one_face(one: Card) -> None:
    """`animate(scene, settings, progress, callback)` and `perform(scene, progress)`, whoever it is."""
    animator: Any = load(one.name)
    words = {PoseSequence: known.POSES, BodyParts: known.PARTS}
    system = getattr(animator, "system", animator)
    assert list(inspect.signature(system.animate).parameters) == ["scene", "settings", "progress", "callback"]
    assert list(inspect.signature(animator.perform).parameters) == ["scene", "progress"]
    assert animator.name == one.name and {words[signal] for signal in animator.follows} <= set(one.follows)


@pytest.mark.usefixtures("cache")
def test_steps_and_seed_have_one_face() -> None:
    animator: Any = animato.load("animate-anyone", settings={"steps": 3, "seed": 5})
    assert (animator.settings.steps, animator.settings.seed) == (3, 5) and isinstance(animator.settings, Settings)
    with pytest.raises(InputError, match="no setting 'stepps': choose steps, guidance"):
        animato.load("animate-anyone", settings={"stepps": 3})


def test_the_readme_lists_the_table() -> None:
    """Each system by its name, with what is to be expected of it as the table says it."""
    text = README.read_text("utf-8")
    for one in KNOWN:
        assert f"| `{one.name}` | {one.expect}" in text


def test_unknown_names() -> None:
    with pytest.raises(InputError, match=f"no system 'nobody': choose {', '.join(known.names())}"):
        card("nobody")
