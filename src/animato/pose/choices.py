"""The words by which users choose how a motion is treated; without any package, so that a command line starts at once."""

from __future__ import annotations

STEADY = "steady"
SMOOTHINGS = (STEADY, "binomial", "savgol", "one-euro", "none")  # smooth.smooth says what they do

HOLD, FREE = FEET = ("hold", "free")  # whether a foot that stands is held where it stands (alignment/feet.py)
