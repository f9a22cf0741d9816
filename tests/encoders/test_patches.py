"""Patches in the VAE's place, the mean colour in CLIP's."""

from __future__ import annotations

import numpy as np

from animato.encoders.clip import ImageEncoder
from animato.encoders.codec import FrameCodec
from animato.encoders.patches import MeanColour, PatchVAE


def test_patches_are_lossless() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3), np.uint8)
    codec = FrameCodec(PatchVAE())
    latents = codec.encode(frames)
    assert latents.shape == (2, 12, 3, 4) and codec.stride == 2 and codec.channels == 12
    again = (codec.decode(latents).permute(0, 2, 3, 1).numpy() * 255).round().astype(np.uint8)
    assert np.array_equal(again, frames)


def test_token_is_the_mean_colour() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[:, :15] = 255, 0, 128
    token = ImageEncoder(MeanColour()).token(picture)
    assert token.shape == (1, 1, 12)
    red, green, blue = token.view(3, 4).mean(1).tolist()
    assert abs(red) < 0.02 and abs(green + 1) < 0.02 and abs(blue + 0.5) < 0.02
