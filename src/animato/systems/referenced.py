"""What the systems with a ReferenceNet do alike: what is read off picture and skeletons, once, and what the denoising loop takes of it.

The ReferenceNet gives what every spatial attention of the denoiser reads of the picture beside its own tokens, and CLIP gives one token for
the cross-attention. The skeletons go through the Pose Guider and are added after the denoiser's first convolution. Guidance subtracts a
null that knows the skeletons, but neither reference nor token.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from animato.core.shapes import Size
from animato.encoders.clip import Fit, ImageEncoder
from animato.encoders.codec import FrameCodec
from animato.models.condition import Features, UNetCondition
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.sampling.clip import Denoising, Link
from animato.sampling.model import unet_model
from animato.sampling.noise import draw
from animato.sampling.run import Tick, nothing
from animato.sampling.schedule import Noise, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.memory import Placement

REFERENCE_TIME = 0  # the ReferenceNet sees the clean picture


class Networks(Protocol):
    """The networks of a system, the noise that they were trained on, and how CLIP's square is filled."""

    @property
    def denoiser(self) -> UNet: ...
    @property
    def reference_net(self) -> UNet: ...
    @property
    def pose_guider(self) -> PoseGuider: ...
    @property
    def vae(self) -> AutoencoderKL: ...
    @property
    def image_encoder(self) -> CLIPVisionModelWithProjection: ...
    @property
    def noise(self) -> Noise: ...
    @property
    def fit(self) -> Fit: ...


class Encoded(NamedTuple):
    """What was read off the picture and the skeletons, once for all steps."""

    token: Tensor  # 1 1 D, by CLIP
    features: Features  # by the ReferenceNet
    pose: Tensor  # 1 F C h w, by the Pose Guider; on the CPU, from where windows go to the denoiser

    def beside(self, features: Tensor) -> Encoded:  # 1 F C h w
        """The same with more features where the skeletons' enter."""
        return self._replace(pose=self.pose + features)


@torch.no_grad()
def encode(
    networks: Networks,
    picture: np.ndarray,
    canvas: np.ndarray,
    skeletons: Iterable[np.ndarray],
    placement: Placement,
    done: Tick = nothing,
) -> Encoded:
    """CLIP sees the picture, the ReferenceNet the canvas (the picture in the networks' size), the Pose Guider the skeletons.

    picture  H W 3 uint8;  canvas  h w 3 uint8, sides multiples of the VAE's stride;  skeletons  F times h w 3 uint8
    """
    token = ImageEncoder(placement(networks.image_encoder), networks.fit).token(picture)
    clean = FrameCodec(placement(networks.vae)).encode(canvas[None]).to(placement.dtype)  # 1 C h w
    net = placement(networks.reference_net)
    guider = placement(networks.pose_guider)
    features = net.reference(clean.unsqueeze(1), REFERENCE_TIME, net.project_context(token))
    pose = []
    for skeleton in skeletons:
        pixels = torch.tensor(skeleton).to(placement.device).permute(2, 0, 1) / 255
        pose.append(guider(pixels.to(placement.dtype)[None, None]).cpu())
        done()
    return Encoded(token, features, torch.cat(pose, dim=1))


@torch.no_grad()
def denoising(networks: Networks, encoded: Encoded, settings: Settings, placement: Placement) -> Denoising:
    """The clip's denoising: plain noise, and conditions that hold for all frames and steps."""
    denoiser = placement(networks.denoiser)
    shape = (denoiser.config.in_channels, *encoded.pose.shape[-2:])
    null, condition = conditions(denoiser, encoded)
    model = unet_model(denoiser, null, condition, placement.together)

    def begin(link: Link, generators: Sequence[torch.Generator]) -> Tensor:
        return draw(generators, shape)

    scheduler = partial(make_scheduler, networks.noise, settings.scheduler, settings.steps)
    frames = encoded.pose.shape[1]
    return Denoising(frames, placement.device, scheduler, begin, lambda link, first_frame: lambda x, t: model, dtype=placement.dtype)


def conditions(denoiser: UNet, encoded: Encoded) -> tuple[UNetCondition, UNetCondition]:
    """The null of guidance, and the condition. The null's token is zero, not CLIP's of an empty picture, as published."""
    null = UNetCondition(denoiser.project_context(torch.zeros_like(encoded.token)), conv_in=encoded.pose)
    return null, UNetCondition(denoiser.project_context(encoded.token), denoiser.project_bank(encoded.features), encoded.pose)


def guider_size(networks: Networks, size: Size) -> Size:
    """The size in which the Pose Guider wants the skeletons of a canvas of `size`; of official weights the same."""
    guider_stride = 2 ** (len(networks.pose_guider.config.block_out_channels) - 1)
    width, height = (side * guider_stride // FrameCodec(networks.vae).stride for side in size)
    return width, height
