"""Targets and errors of training, in formulas on tensors.

x = a x0 + s n,  v = a n - s x0,  a^2 = alphas_cumprod[t],  s^2 = 1 - a^2,  SNR = a^2 / s^2
"""

from __future__ import annotations

from dataclasses import asdict

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor

from animato.sampling.schedule import NoiseSchedule


def alphas(noise: NoiseSchedule) -> Tensor:  # T
    """a^2 at every time."""
    return DDIMScheduler(**asdict(noise)).alphas_cumprod


def levels(alphas_cumprod: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:  # T, B -> B 1 1 1 1 each
    """a and s for every row."""
    squared = alphas_cumprod.to(t.device)[t].view(-1, 1, 1, 1, 1)
    return squared.sqrt(), (1 - squared).sqrt()


def offset_noise(noise: Tensor, draw: Tensor, amount: float) -> Tensor:  # B F C H W, B 1 C 1 1
    """Noise whose mean differs from channel to channel: brightness of whole pictures is learned, too."""
    return noise + amount * draw


def snr(alphas_cumprod: Tensor, t: Tensor) -> Tensor:  # T, B -> B
    squared = alphas_cumprod.to(t.device)[t]
    return squared / (1 - squared)


def min_snr_weight(alphas_cumprod: Tensor, t: Tensor, gamma: float) -> Tensor:  # B
    """min(SNR + 1, gamma) / (SNR + 1), the published weight of v-prediction; 1 for gamma 0."""
    ratio = snr(alphas_cumprod, t) + 1
    return torch.ones_like(ratio) if gamma == 0 else ratio.clamp_max(gamma) / ratio


def velocity_loss(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:  # B F C H W twice, B
    """Squared error, in float32 whatever the precision of the networks; the mean of every row by its weight."""
    error = (prediction.float() - target.float()).square().flatten(1).mean(dim=1)
    return (error * weight).mean()


def weighted_error(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return (weight * (prediction.float() - target.float()).square()).mean()
