"""What the puppet says of its own work, and how it is forced."""

from __future__ import annotations

import numpy as np
import pytest

from animato.apps.commands import measure, summary
from animato.core.media import Clip
from animato.systems.load import load
from animato.systems.performance import ON_TARGET, Figure, Performance
from animato.systems.puppet import Puppet, faults


@pytest.mark.parametrize(("decibels", "half", "told"), [(31, True, False), (29, True, True), (29, False, False), (24, False, True)])
def test_a_low_self_drive_is_told_and_of_a_half_body_sooner(decibels: float, half: bool, told: bool) -> None:
    notes = faults(decibels, half)
    assert bool(notes) == told and all(f"{decibels} dB" in note for note in notes)


def test_the_puppet_is_forced_where_that_is_asked_for() -> None:
    assert load("puppet", force=True) == Puppet("good", force=True)
    assert load("puppet") == Puppet("good", force=False)


def test_a_figure_that_the_estimator_does_not_know_is_judged_by_its_own_vertices() -> None:
    clip = Clip.still(np.zeros((8, 8, 3), np.uint8), 2, 24)
    drawing = Performance(clip, [], (Figure(ON_TARGET, 0.97),))
    lines = summary(drawing, measure("puppet", drawing, 0.1, 1.0))
    assert "0.97, good" in lines[1] and not any("doubtful" in line for line in lines)
    assert "0.92, good" in summary(drawing, measure("puppet", drawing, 0.92, 1.0))[1]
    unknown = Performance(clip)
    assert "0.10, doubtful" in summary(unknown, measure("puppet", unknown, 0.1, 1.0))[1]
