"""Pictures are brought to the published size and colours for UniAnimate's VAE, stems and CLIP."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers.image_utils import OPENAI_CLIP_STD

from animato.core.fit import stretched
from animato.encoders.clip import clip_pixels
from moore import assert_near, sidecar, tensors

LEVEL = 1.001 / 255  # from version 13 on Pillow may shrink the height before the width, which rounds differently; filters differ by more


@pytest.mark.parity("preproc_*.safetensors")
def test_pictures(fixture_file: Path) -> None:
    """Squashed by Pillow's bilinear filter, to the networks' size and to CLIP's."""
    recorded, config = tensors(fixture_file), sidecar(fixture_file)["config"]
    picture = recorded["inputs.image_rgb_uint8"].numpy()
    pixels = torch.tensor(stretched(picture, tuple(config["resolution"]))).permute(2, 0, 1) / 255
    assert_near(pixels, recorded["outputs.train_trans_pose"], LEVEL)
    assert_near(2 * pixels - 1, recorded["outputs.train_trans"], 2 * LEVEL)
    seen = clip_pixels(picture, config["vit_resolution"][0], "bilinear")
    assert_near(seen[0], recorded["outputs.vit_transforms"], LEVEL / min(OPENAI_CLIP_STD))
