"""Tests that need more than a core install: without it they are skipped, and say what to install."""

import pytest

from animato.core.packages import missing

DIFFUSION = 'needs torch and its kin: pip install "animato[diffusion]"'
diffusion = pytest.mark.skipif(bool(missing()), reason=DIFFUSION)
