"""The table: what is found by name."""

import numpy as np
import pytest

import animato
from animato.core.errors import InputError
from animato.pose.alignment import musepose, unianimate
from dancers import dancer


def test_alignments_by_name() -> None:
    reference = dancer(3, 1, 400, still=True)
    motion = dancer(2)
    for module in (musepose, unianimate):
        pose, ratios = module.align(reference, motion)
        aligned = animato.align(reference, motion, module.NAME)
        np.testing.assert_array_equal(aligned.pose.points, pose.points)
        assert aligned.ratios == ratios


@pytest.mark.parametrize("name", ["by magic", "Robust", ""])
def test_an_alignment_that_does_not_exist(name: str) -> None:
    with pytest.raises(InputError, match="choose robust, musepose, unianimate, none"):
        animato.align(dancer(3, 1), dancer(2), name)
    with pytest.raises(InputError, match="There is no alignment"):
        animato.Alignment(name)
