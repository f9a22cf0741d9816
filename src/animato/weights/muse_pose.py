"""MusePose's weights: the same networks as Animate Anyone's, with longer tables of positions."""

from __future__ import annotations

from animato.weights.official.muse_pose import OFFICIAL
from animato.weights.referenced import Published

PUBLISHED = Published(OFFICIAL, positions=128)
read = PUBLISHED.read
convert = PUBLISHED.convert
convert_base = PUBLISHED.convert_base
