"""Whether a system's networks can take the windows that settings ask for."""

from __future__ import annotations

from animato.core.errors import InputError
from animato.models.unet import UNet
from animato.sampling.plan import Chain, Windows
from animato.sampling.settings import Settings


def by_windows(settings: Settings) -> Windows:
    """How a clip is cut up by a system whose networks have no input for a first frame. Raises InputError for settings that need one."""
    if isinstance(settings.window, Chain):
        raise InputError(
            "A chain begins every clip with a frame of the one before, and this system's networks have no input for one: choose windows."
        )
    if settings.reference != "reference":
        raise InputError(
            f"reference={settings.reference} needs an input for a first frame, which this system's networks have not: leave it out."
        )
    return settings.window


def check_window(denoiser: UNet, window: Windows, frames: int) -> None:
    """Raises InputError for a window of more frames than the weights know positions. A temporal Mamba knows no positions and any length."""
    length = min(window.size, frames)
    longest = denoiser.longest_window
    if longest is not None and length > longest:
        raise InputError(
            f"A window of {length} frames is too long: these weights know {longest} positions. "
            f"Choose a window of {longest} frames or fewer."
        )
