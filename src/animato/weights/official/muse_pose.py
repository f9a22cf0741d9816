"""MusePose's official files: the names of Animate Anyone's, in a folder of its own."""

from __future__ import annotations

from animato.weights.files import Official
from animato.weights.official.shared import OPENRAIL, referenced

LICENCE = f"{OPENRAIL} by its card; its README says: trained models for non-commercial research purposes only"

OFFICIAL = Official("muse-pose", referenced("TMElyralab/MusePose", LICENCE, "MusePose/"), inside="MusePose")
