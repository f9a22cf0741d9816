"""Animate Anyone's official files, as the widely used reimplementation publishes them."""

from __future__ import annotations

from animato.weights.files import Lookalike, Official
from animato.weights.official.shared import POSE_GUIDER, referenced

OFFICIAL = Official(
    "animate-anyone",
    referenced("patrolli/AnimateAnyone", "Apache-2.0 by its card; the README of its code says: for research only"),
    lookalikes=(Lookalike(POSE_GUIDER, 2_070_000, "that of novita-ai/AnimateAnyone, which is another Pose Guider"),),
)
