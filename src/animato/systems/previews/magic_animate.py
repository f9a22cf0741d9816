"""MagicAnimate's preview model. Its copy head goes by the body's parts, and the empty prompt is one token of zeros.

docs/magic_animate_preview.md says what can be expected of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from animato.encoders.patches import PatchVAE
from animato.encoders.text import EmptyPrompt
from animato.models.controlnet import ControlNet
from animato.models.copy_head import CopyHead
from animato.models.unet import UNet
from animato.sampling.plan import Windows
from animato.sampling.schedule import NoiseSchedule
from animato.sampling.settings import Settings
from animato.systems.hints import parts
from animato.systems.magic_animate import MagicAnimate
from animato.systems.preview import SIZE, Preview
from animato.weights.own import networks_of, trained_noise

KINDS: dict[str, Any] = {
    "denoising_unet": UNet,
    "appearance_encoder": UNet,
    "densepose_controlnet": ControlNet,
    "copy_head": CopyHead,
}
SETTINGS = Settings(steps=1, guidance=1.0, window=Windows(8, 2, end="open"), batch=4)


def load(folder: Path) -> Preview:
    """The preview model of a folder. Raises MissingModelError where any tensor of it is missing or odd."""
    denoiser, encoder, controlnet, copy_head = networks_of(folder, KINDS, SIZE).values()
    vae = cast(AutoencoderKL, PatchVAE())
    prompt = EmptyPrompt(denoiser.config.cross_attention_dim, 1)
    page = MagicAnimate(denoiser, encoder, controlnet, vae, prompt, trained_noise(folder, NoiseSchedule()))
    return Preview(page, copy_head, MagicAnimate.name, SETTINGS, parts)
