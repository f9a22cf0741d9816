"""Where model files are kept that were fetched once."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Where model files are kept: $ANIMATO_CACHE, or the user's cache folder of this system."""
    chosen = os.environ.get("ANIMATO_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("animato", appauthor=False)
