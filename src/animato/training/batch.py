"""Samples made into the tensors that a step of training takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from animato.core.shapes import Size
from animato.data.sample import Sample
from animato.encoders.clip import ImageEncoder
from animato.encoders.codec import Codec
from animato.models.copy_head import body_points
from animato.pose.densepose import densepose_frames
from animato.pose.draw import ANIMATE_ANYONE, Style, skeletons
from animato.pose.keypoints import PoseSequence


class Batch(NamedTuple):
    """B samples of F driven frames."""

    latents: Tensor  # B F C h w
    reference: Tensor  # B 1 C h w
    token: Tensor  # B 1 D
    skeletons: Tensor  # B F 3 H W in [0, 1], or body parts, in the size that the Pose Guider or the ControlNet's stem brings down to h x w
    points: Tensor  # B F 20 3, as the copy head takes them
    reference_points: Tensor  # B 1 20 3
    mask: Tensor  # B F 1 h w in [0, 1]: the person; 0 where it is not known

    def to(self, device: torch.device) -> Batch:
        return Batch(*(value.to(device) for value in self))


@dataclass(frozen=True, eq=False)
class Encoders:
    """What makes tensors of pictures.

    halvings  how often the Pose Guider, or the ControlNet's stem, halves a picture
    style     how skeletons are drawn; None: body parts, as DensePose
    """

    vae: AutoencoderKL
    clip: CLIPVisionModelWithProjection
    halvings: int
    style: Style | None = ANIMATE_ANYONE

    def batch(self, samples: list[Sample], generators: list[torch.Generator]) -> Batch:
        """Latents are samples of the VAE's posterior, target and reference alike, each drawn from its sample's generator."""
        rows = [self._row(sample, generator) for sample, generator in zip(samples, generators, strict=True)]
        return Batch(*(torch.cat(parts) for parts in zip(*rows, strict=True)))

    def _row(self, sample: Sample, generator: torch.Generator) -> Batch:
        pictures = np.concatenate([sample.reference[None], sample.frames])
        latents = Codec(self.vae).encode(pictures, [generator] * len(pictures))
        size = (latents.shape[-1] * 2**self.halvings, latents.shape[-2] * 2**self.halvings)
        points, given = (body_points(poses.points[:, 0], poses.score[:, 0], poses.size) for poses in (sample.poses, sample.given))
        return Batch(
            latents[None, 1:],
            latents[None, :1],
            ImageEncoder(self.clip).token(sample.whole),
            _skeletons(sample, self.style, size),
            points,
            given,
            _mask(sample.poses, latents.shape[-2:]),
        )


def _skeletons(sample: Sample, style: Style | None, size: Size) -> Tensor:  # 1 F 3 H W
    if sample.drawn is not None:
        pictures = torch.from_numpy(sample.drawn).permute(0, 3, 1, 2).float() / 255
        return F.interpolate(pictures, size[::-1], mode="bilinear", antialias=True)[None]
    drawn = densepose_frames(sample.poses, size) if style is None else np.stack(list(skeletons(sample.poses, style, size)))
    return torch.from_numpy(drawn).permute(0, 3, 1, 2)[None].float() / 255


def _mask(poses: PoseSequence, size: torch.Size) -> Tensor:  # 1 F 1 h w
    if poses.mask is None:
        return torch.zeros(1, len(poses), 1, *size)
    return F.interpolate(torch.from_numpy(poses.mask.astype(np.float32))[:, None] / 255, size, mode="area")[None]


def row_generator(seed: int, step: int, row: int) -> tuple[np.random.Generator, torch.Generator]:
    """What decides a sample and its noise: functions of (seed, step, row) alone, so that training resumes as if it had never stopped."""
    words = np.random.SeedSequence([seed, step, row]).generate_state(2)
    return np.random.default_rng(words[0]), torch.Generator().manual_seed(int(words[1]))
