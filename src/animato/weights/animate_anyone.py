"""Animate Anyone's weights: read from the official files or from the project's own folder, and converted."""

from __future__ import annotations

from animato.weights.official.animate_anyone import OFFICIAL
from animato.weights.referenced import Published

PUBLISHED = Published(OFFICIAL, positions=32)
read = PUBLISHED.read
convert = PUBLISHED.convert
convert_base = PUBLISHED.convert_base
