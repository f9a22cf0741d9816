"""Samples made into the tensors that a step of training takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from animato.core.shapes import Size
from animato.data.sample import Sample
from animato.encoders.clip import Fit, ImageEncoder
from animato.encoders.codec import FrameCodec
from animato.models.copy_head import Hints, body_points, limb_hints, part_hints
from animato.pose.draw import Style, skeletons
from animato.pose.keypoints import PoseSequence
from animato.pose.surface.parts import parts

DrawPoses = Callable[[PoseSequence, Size], np.ndarray]


class Batch(NamedTuple):
    """B samples of F driven frames."""

    latents: Tensor  # B F C h w
    reference: Tensor  # B 1 C h w
    token: Tensor  # B 1 D
    skeletons: Tensor  # B F 3 H W in [0, 1], or body parts, in the size that the Pose Guider or the ControlNet's stem brings down to h x w
    wanted: Hints  # of the frames, for a copy head: maps B F D h w, near B F h w
    given: Hints  # of the reference
    mask: Tensor  # B F 1 h w in [0, 1]: the person; 0 where it is not known
    given_skeleton: Tensor  # B 1 3 H W, the reference's
    first_frame: Tensor  # B 1 3 h' w' in [0, 1], the pixels of the first driven frame

    def to(self, device: torch.device) -> Batch:
        parts: Any = (Hints(*(part.to(device) for part in x)) if isinstance(x, Hints) else x.to(device) for x in self)
        return Batch(*parts)


@dataclass(frozen=True, eq=False)
class Encoders:
    """What makes tensors of pictures.

    halvings  how often the Pose Guider, or the ControlNet's stem, halves a picture
    hints     what a copy head knows of poses, in the size of latents
    draw      how poses become pictures, F H W 3 uint8
    fit       how a picture comes to CLIP's size
    """

    vae: AutoencoderKL
    clip: CLIPVisionModelWithProjection
    halvings: int
    hints: Callable[[PoseSequence, torch.Size], Hints]
    draw: DrawPoses
    fit: Fit = "squash"

    def batch(self, samples: list[Sample], generators: list[torch.Generator]) -> Batch:
        """Latents are samples of the VAE's posterior, target and reference alike, each drawn from its sample's generator."""
        rows = [self._row(sample, generator) for sample, generator in zip(samples, generators, strict=True)]
        return Batch(*(_joined(parts) for parts in zip(*rows, strict=True)))

    def _row(self, sample: Sample, generator: torch.Generator) -> Batch:
        pictures = np.concatenate([sample.reference[None], sample.frames])
        latents = FrameCodec(self.vae).encode(pictures, [generator] * len(pictures))
        size = (latents.shape[-1] * 2**self.halvings, latents.shape[-2] * 2**self.halvings)
        return Batch(
            latents[None, 1:],
            latents[None, :1],
            ImageEncoder(self.clip, self.fit).token(sample.whole),
            _skeletons(sample.poses, sample.drawn, self.draw, size),
            self.hints(sample.poses, latents.shape[-2:]),
            self.hints(sample.given, latents.shape[-2:]),
            _mask(sample.poses, latents.shape[-2:]),
            _skeletons(sample.given, sample.standing, self.draw, size),
            torch.from_numpy(sample.frames[:1].astype(np.float32)).permute(0, 3, 1, 2)[None] / 255,
        )


def drawn(style: Style, poses: PoseSequence, size: Size) -> np.ndarray:  # F H W 3 uint8
    """Skeletons, as a system was trained on them."""
    return np.stack(list(skeletons(poses, style, size)))


def limbs(poses: PoseSequence, size: torch.Size) -> Hints:  # maps 1 F D h w
    """A person's limbs."""
    return limb_hints(body_points(poses.points[:, 0], poses.score[:, 0], poses.size), size)


def body_parts(poses: PoseSequence, size: torch.Size) -> Hints:  # maps 1 F D h w
    """A person's body, fitted to the joints alone: masks are not known of motions that were brought onto another body."""
    labels, positions = parts(replace(poses, mask=None), poses.size)
    return part_hints(torch.from_numpy(labels)[None], torch.from_numpy(positions)[None], size)


def unknown(poses: PoseSequence, size: torch.Size) -> Hints:
    """Nothing, where there is no copy head."""
    nowhere = torch.zeros(1, len(poses), *size)
    return Hints(torch.zeros(1, len(poses), 0, *size), nowhere.bool(), nowhere)


HINTS = {"": unknown, "limbs": limbs, "parts": body_parts}  # by what a recipe says of its copy head


def _joined(parts: tuple[Any, ...]) -> Any:
    if isinstance(parts[0], Hints):
        return Hints(*(torch.cat(rows) for rows in zip(*parts, strict=True)))
    return torch.cat(parts)


def _skeletons(poses: PoseSequence, ready: np.ndarray | None, draw: DrawPoses, size: Size) -> Tensor:  # F H W 3 -> 1 F 3 H W
    if ready is not None:
        pictures = torch.from_numpy(ready).permute(0, 3, 1, 2).float() / 255
        return F.interpolate(pictures, size[::-1], mode="bilinear", antialias=True)[None]
    return torch.from_numpy(draw(poses, size)).permute(0, 3, 1, 2)[None].float() / 255


def _mask(poses: PoseSequence, size: torch.Size) -> Tensor:  # 1 F 1 h w
    if poses.mask is None:
        return torch.zeros(1, len(poses), 1, *size)
    return F.interpolate(torch.from_numpy(poses.mask.astype(np.float32))[:, None] / 255, size, mode="area")[None]


def row_generator(seed: int, step: int, row: int) -> tuple[np.random.Generator, torch.Generator]:
    """What decides a sample and its noise: functions of (seed, step, row) alone, so that training resumes as if it had never stopped."""
    words = np.random.SeedSequence([seed, step, row]).generate_state(2)
    return np.random.default_rng(words[0]), torch.Generator().manual_seed(int(words[1]))
