"""MusePose's weights: the same networks as Animate Anyone's, with longer tables of positions."""

from __future__ import annotations

from pathlib import Path

import torch

from animato.core.progress import Progress, silent
from animato.weights import referenced
from animato.weights.official.muse_pose import OFFICIAL
from animato.weights.referenced import Networks, Published

PUBLISHED = Published(OFFICIAL, positions=128)


def read(
    folder: Path, dtype: torch.dtype | None = torch.float32, device: torch.device | str = "cpu", progress: Progress = silent
) -> Networks:
    """All networks of MusePose: `referenced.read`. Raises MissingModelError."""
    return referenced.read(PUBLISHED, folder, dtype, device, progress)


def convert(folder: Path, out: Path, dtype: torch.dtype = torch.float32, progress: Progress = silent) -> None:
    """Writes the networks of a folder in the project's form: `referenced.convert`. Raises MissingModelError, OutputError."""
    referenced.convert(PUBLISHED, folder, out, dtype, progress)


def convert_base(folder: Path, out: Path, dtype: torch.dtype = torch.float32, progress: Progress = silent) -> None:
    """Writes what the first stage of training begins with: `referenced.convert_base`. Raises MissingModelError, OutputError."""
    referenced.convert_base(PUBLISHED, folder, out, dtype, progress)
