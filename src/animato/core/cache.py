"""Where files are kept for the next time: models that were fetched once, and what was found out about pictures."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Where model files are kept: $ANIMATO_CACHE, or the user's cache folder of this system."""
    chosen = os.environ.get("ANIMATO_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("animato", appauthor=False)


def pictures_folder() -> Path:
    """Where the commands keep what was found out about pictures (core/kept.py): joints, outlines, repetitions; none of their colours."""
    return cache_folder() / "pictures"
