"""A picture as CLIP sees it: one token for the cross-attention of a U-Net."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPVisionModelWithProjection
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from animato.models.finite import check_finite

Fit = Literal["squash", "crop", "bilinear"]


@dataclass(frozen=True, eq=False)
class ImageEncoder:
    """CLIP's vision tower with its projection.

    fit   squash: the whole picture, its aspect given up, as Animate Anyone's published long pipeline does
          crop: the middle of it, as its published training and validation do
          bilinear: as squash, by another filter, as UniAnimate's published code does
    """

    model: CLIPVisionModelWithProjection
    fit: Fit = "squash"

    @torch.no_grad()
    def token(self, picture: np.ndarray) -> Tensor:  # H W 3 uint8 -> 1 1 D
        """The picture's embedding. Raises NotFiniteError."""
        pixels = clip_pixels(picture, cast(int, self.model.config.image_size), self.fit)
        token = self.model(pixels.to(self.model.device, self.model.dtype)).image_embeds.unsqueeze(1)
        return check_finite(token, "the image encoder's token of the picture", self.model.dtype)


def clip_pixels(picture: np.ndarray, side: int = 224, fit: Fit = "squash") -> Tensor:  # H W 3 uint8 -> 1 3 side side
    """The picture in CLIP's size and colours. With Pillow's bicubic filter, as published, or its bilinear one; others give other tokens."""
    image = Image.fromarray(picture)
    if fit != "crop":
        image = image.resize((side, side), Image.Resampling.BILINEAR if fit == "bilinear" else Image.Resampling.BICUBIC)
    else:
        width, height = (int(side * length / min(image.size)) for length in image.size)
        left, top = (width - side) // 2, (height - side) // 2
        image = image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + side, top + side))
    pixels = torch.from_numpy(np.array(image)).float() / 255
    return ((pixels - torch.tensor(OPENAI_CLIP_MEAN)) / torch.tensor(OPENAI_CLIP_STD)).permute(2, 0, 1).unsqueeze(0)
