"""Animate Anyone's preview model, which MusePose shares. docs/animate_anyone_preview.md says what can be expected of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from animato.encoders.patches import MeanColour, PatchVAE
from animato.models.copy_head import CopyHead
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.sampling.plan import Windows
from animato.sampling.settings import Settings
from animato.systems.animate_anyone import AnimateAnyone
from animato.systems.hints import limbs
from animato.systems.preview import SIZE, Preview
from animato.weights.own import networks_of, trained_noise

KINDS: dict[str, Any] = {"denoising_unet": UNet, "reference_unet": UNet, "pose_guider": PoseGuider, "copy_head": CopyHead}
SETTINGS = Settings(steps=1, guidance=1.0, window=Windows(8, 2, end="open"), batch=4)


def load(folder: Path, name: str = AnimateAnyone.name) -> Preview:
    """The preview model of a folder: a shipped one, or what a training run with a copy head leaves in networks/.

    Raises MissingModelError where any tensor of it is missing or odd.
    """
    denoiser, reference_net, guider, copy_head = networks_of(folder, KINDS, SIZE).values()
    vae = cast(AutoencoderKL, PatchVAE())
    colour = cast(Any, MeanColour())
    page = AnimateAnyone(denoiser, reference_net, guider, vae, colour, trained_noise(folder, AnimateAnyone.noise))
    return Preview(page, copy_head, name, SETTINGS, limbs, holds=True)
