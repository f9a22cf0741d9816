"""A copy head at work on a whole clip: what it fetches for every frame, and from where. Shared by preview models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from animato.core.shapes import Size
from animato.encoders.codec import FrameCodec
from animato.models.copy_head import Copied, CopyHead, Hints, clean, velocity
from animato.pose.crop import Box, cut
from animato.pose.keypoints import PoseSequence
from animato.sampling.model import Model
from animato.sampling.plan import Window
from animato.systems.detail import Source

AROUND = 5  # pixels of the canvas; an estimated mask ends a little early
GONE = 0.5  # fraction of its nearness in the canvas below which the body is gone from a place
FARTHEST = 1e-4  # of the body's nearness, below which it says nothing


@dataclass(frozen=True, eq=False)
class Copier:
    """A copy head, the VAE that cuts pictures into its patches, and the picture it fetches from."""

    head: CopyHead
    vae: AutoencoderKL
    canvas: np.ndarray  # H W 3 uint8
    given: Hints  # maps 1 1 D h w
    standing: np.ndarray | None = None  # H W in [0, 1], where the canvas's person is, if that is known

    @torch.no_grad()
    def copy(self, wanted: Iterable[Hints]) -> tuple[Copied, list[Source]]:
        """What comes to every frame, and from where; `wanted` are the hints of some frames at a time."""
        reference = FrameCodec(self.vae).encode(self.canvas[None])[None]  # 1 1 C h w
        rows = list[Copied]()
        sources = list[Source]()
        for hints in wanted:
            copied = self.head(hints, self.given, reference)
            rows.append(copied if self.standing is None else vacated(copied, reference, self._left(hints, self.standing)))
            sources += self._sources(rows[-1], self.head.trace(hints, self.given, reference))
        return Copied(*(torch.cat(parts, dim=1) for parts in zip(*rows, strict=True))), sources

    def _left(self, hints: Hints, standing: np.ndarray) -> Tensor:  # B F H W
        """Where the canvas's person stands and no body is in a frame, or less of it than there was."""
        near = hints.body / self.given.body.clamp_min(FARTHEST)
        gone = ((1 - near) / (1 - GONE)).clamp(0, 1)
        return torch.nn.functional.interpolate(gone, standing.shape, mode="bilinear") * torch.from_numpy(standing)

    def _sources(self, copied: Copied, traces: Tensor) -> list[Source]:  # 1 F 3 h w
        weights = torch.nn.functional.pixel_shuffle(copied.weight[0], FrameCodec(self.vae).stride)[:, 0]
        return [Source(trace[:2].numpy(), trace[2].numpy(), weight.numpy()) for trace, weight in zip(traces[0], weights, strict=True)]


def standing(poses: PoseSequence, box: Box, size: Size) -> np.ndarray | None:  # H W in [0, 1]
    """Where the person of a picture is on the canvas that `box` of it becomes, and a little around; None where it is not known."""
    if poses.mask is None:
        return None
    across, down = (side / whole for side, whole in zip(poses.mask.shape[:0:-1], poses.size, strict=True))  # a mask may be smaller
    where = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
    shown = cut(np.repeat(poses.mask[:1, ..., None], 3, axis=-1), where, size)[0, ..., 0]
    return cv2.dilate(shown, np.ones((AROUND, AROUND), np.uint8)).astype(np.float32) / 255


def vacated(copied: Copied, reference: Tensor, left: Tensor) -> Copied:  # 1 1 C h w, 1 F H W
    """Nothing of the reference stays where its person was and is no more: there it is fetched, too.

    The copy head does not see where the reference's person is, and has learned it from colours alone, which leaves heads standing.
    """
    stride = left.shape[-1] // copied.weight.shape[-1]
    weight = copied.weight + torch.nn.functional.pixel_unshuffle(left.unsqueeze(2), stride) * (1 - copied.weight)  # 1 F pixels h w
    base = reference + weight.repeat(1, 1, reference.shape[2] // weight.shape[2], 1, 1) * (copied.fetched - reference)
    return copied._replace(base=base, weight=weight)


def to_velocity(model: Model, base: Tensor, alphas_cumprod: Tensor) -> Model:  # base 1 F C h w
    """A model whose outputs, residuals over the fetched patches, are made into velocities."""

    def velocities(rows: Tensor, t: Tensor, windows: Sequence[Window], with_null: bool) -> Sequence[Tensor]:
        squared = alphas_cumprod[int(t)].to(rows)
        a = squared.sqrt()
        s = (1 - squared).sqrt()
        under = torch.stack([base[0, list(window.frames)] for window in windows]).to(rows)
        return [velocity(clean(output, rows, under, a, s), rows, a, s) for output in model(rows, t, windows, with_null)]

    return velocities
