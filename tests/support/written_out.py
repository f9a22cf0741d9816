"""The published way of sampling Animate Anyone and MusePose, written out: slow, by formulas, with nothing of the project's sampling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from animato.encoders.clip import clip_pixels
from animato.models.plain import plain_unet
from animato.systems.referenced import Networks

GUIDANCE, TIMES = 3.5, (999, 666, 332)


def levels(betas: Tensor) -> Tensor:
    """Shares of the picture, squared, at every time; shifted and scaled so that nothing of it is left at the last."""
    root = torch.cumprod(1 - betas, 0).sqrt()
    return ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2


@torch.no_grad()
def sampled(
    networks: Networks, picture: np.ndarray, canvas: np.ndarray, drawn: np.ndarray, windows: Sequence[list[int]], betas: Tensor, x: Tensor
) -> Tensor:
    """Both halves of guidance in one batch, the reference repeated and projected in every step, windows one by one, DDIM's formula.

    canvas  h w 3, what the ReferenceNet sees;  drawn  F h w 3 skeletons;  x  1 F C h w noise
    """
    token = networks.image_encoder(clip_pixels(picture, 28)).image_embeds[None]
    clean = networks.vae.encode((torch.tensor(canvas)[None] / 127.5 - 1).permute(0, 3, 1, 2)).latent_dist.mean * 0.18215
    written = networks.reference_net.reference(clean[None], 0, networks.reference_net.project_context(token))
    pose = networks.pose_guider(torch.tensor(drawn).permute(0, 3, 1, 2)[None] / 255)
    both, tokens = {name: torch.cat([0 * value, value]) for name, value in written.items()}, torch.cat([0 * token, token])
    level = levels(betas)
    for t in TIMES:
        total, count = torch.zeros(2, *x.shape[1:]), torch.zeros(x.shape[1])
        for window in windows:
            rows = (part[:, window].repeat(2, 1, 1, 1, 1) for part in (x, pose))
            total[:, window] += plain_unet(networks.denoiser, next(rows), t, tokens, both, next(rows))
            count[window] += 1
        null, condition = (total / count[:, None, None, None]).split(1)
        v = null + GUIDANCE * (condition - null)
        a, b = level[t], level[t - 333] if t > 333 else torch.tensor(1.0)
        x = b.sqrt() * (a.sqrt() * x - (1 - a).sqrt() * v) + (1 - b).sqrt() * (a.sqrt() * v + (1 - a).sqrt() * x)
    return x[0]
