"""What the puppet says of its own work, and how it is forced."""

from __future__ import annotations

import pytest

from animato.systems.load import load
from animato.systems.puppet import Puppet, faults


@pytest.mark.parametrize(("decibels", "half", "told"), [(31, True, False), (29, True, True), (29, False, False), (24, False, True)])
def test_a_low_self_drive_is_told_and_of_a_half_body_sooner(decibels: float, half: bool, told: bool) -> None:
    notes = faults(decibels, half)
    assert bool(notes) == told and all(f"{decibels} dB" in note for note in notes)


def test_the_puppet_is_forced_where_that_is_asked_for() -> None:
    assert load("puppet", force=True) == Puppet("good", force=True)
    assert load("puppet") == Puppet("good", force=False)
