"""UniAnimate's preview models, with temporal attention and with Mamba.

The network has learned on clips of 6 frames, half of them with a first frame told, so that both ways to a long video are open. What the
copy head learned of the patches comes to the channels beside the noise. Both models began with the same values and learned for as many
steps from the same samples. docs/uni_animate_preview.md says what can be expected of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from animato.encoders.patches import MeanColour, PatchVAE
from animato.encoders.text import EmptyPrompt
from animato.models.copy_head import CopyHead
from animato.models.unified import UnifiedUNet
from animato.pose.styles.uni_animate import STYLE
from animato.sampling.plan import Windows
from animato.sampling.schedule import NoiseSchedule
from animato.sampling.settings import Settings
from animato.systems.hints import limbs
from animato.systems.preview import SIZE, Preview
from animato.systems.uni_animate import UniAnimate
from animato.weights.own import networks_of, trained_noise

ENLARGED = 2  # skeletons are twice as wide as the canvas: the network's stems bring them down to its patches
SETTINGS = Settings(steps=1, guidance=1.0, window=Windows(32, 8, end="last"))


def load(folder: Path) -> Preview:
    """The preview model of a folder. Raises MissingModelError where any tensor of it is missing or odd."""
    unet, copy_head = networks_of(folder, {"unet": UnifiedUNet, "copy_head": CopyHead}, SIZE).values()
    vae = cast(AutoencoderKL, PatchVAE())
    colour = cast(Any, MeanColour())
    prompt = EmptyPrompt(unet.config.context[0], 1)
    noise = trained_noise(folder, NoiseSchedule())
    page = UniAnimate(unet, vae, colour, prompt, noise, style=STYLE, enlarged=ENLARGED)
    return Preview(page, copy_head, UniAnimate.name, SETTINGS, limbs, unet.config.temporal)
