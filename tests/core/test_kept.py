"""Names of what is kept for the next time, and that it does not grow for ever."""

import os

import numpy as np
import pytest

from animato.core.kept import drop_oldest, name_of, pages_of, used

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


OTHERS = [(PIXELS.reshape(4, 2, 3), "a"), (PIXELS.astype(np.int8), "a"), (PIXELS, "b"), (PIXELS + 1, "a"), (PIXELS, "a", ""), ("a", PIXELS)]


@pytest.mark.parametrize("other", OTHERS)
def test_other_parts_have_another_name(other):
    assert name_of(PIXELS, "a") == name_of(PIXELS.copy(), "a") and name_of(*other) != name_of(PIXELS, "a")


def test_pages_change_with_their_contents(tmp_path):
    (tmp_path / "a.py").write_text("1")
    before = pages_of(tmp_path)
    (tmp_path / "a.txt").write_text("no page")
    assert pages_of(tmp_path) == before
    (tmp_path / "a.py").write_text("2")
    assert pages_of(tmp_path) != before


def test_what_was_not_used_for_longest_goes(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.npz").write_bytes(b"")
        os.utime(tmp_path / f"{number}.npz", (number, number))
    used(tmp_path / "1.npz")
    drop_oldest(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.npz", "4.npz"]
    drop_oldest(tmp_path / "missing", 2)
