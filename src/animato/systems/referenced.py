"""What Animate Anyone and MusePose do alike: what is read off picture and skeletons, once, and how a clip is denoised with it.

The ReferenceNet gives what every spatial attention of the denoiser reads of the picture beside its own tokens, and CLIP gives one token for
the cross-attention. The skeletons go through the Pose Guider and are added after the denoiser's first convolution. The clip is denoised in
windows, whose predictions are averaged in every step; guidance subtracts a null that knows the skeletons, but neither reference nor token.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from animato.core.progress import Progress, silent
from animato.encoders.clip import Fit, ImageEncoder
from animato.encoders.codec import Codec
from animato.models.condition import Features, UNetCondition
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.sampling.guidance import guided
from animato.sampling.noise import draw, frame_generators
from animato.sampling.run import After, Tick, blend, nothing, sample, ticks
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.memory import Place
from animato.systems.scene import by_windows

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
    def noise(self) -> NoiseSchedule: ...
    @property
    def fit(self) -> Fit: ...


class Seen(NamedTuple):
    """What was read off the picture and the skeletons, once for all steps."""

    token: Tensor  # 1 1 D, by CLIP
    features: Features  # by the ReferenceNet
    pose: Tensor  # 1 F C h w, by the Pose Guider; on the CPU, from where windows go to the denoiser


@torch.no_grad()
def look(
    networks: Networks, picture: np.ndarray, canvas: np.ndarray, drawn: Iterable[np.ndarray], place: Place, done: Tick = nothing
) -> Seen:
    """CLIP looks at the picture, the ReferenceNet at the canvas (the picture in the networks' size), the Pose Guider at skeletons.

    picture  H W 3 uint8;  canvas  h w 3 uint8, sides multiples of the VAE's stride;  drawn  F times h w 3 uint8
    """
    token = ImageEncoder(place(networks.image_encoder), networks.fit).token(picture)
    clean = Codec(place(networks.vae)).encode(canvas[None]).to(place.dtype)  # 1 C h w
    net, guider = place(networks.reference_net), place(networks.pose_guider)
    features = net.reference(clean.unsqueeze(1), REFERENCE_TIME, net.project_context(token))
    pose = []
    for frame in drawn:
        skeleton = torch.tensor(frame).to(place.device).permute(2, 0, 1) / 255
        pose.append(guider(skeleton.to(place.dtype)[None, None]).cpu())
        done()
    return Seen(token, features, torch.cat(pose, dim=1))


@torch.no_grad()
def denoise(
    networks: Networks,
    seen: Seen,
    settings: Settings,
    place: Place,
    progress: Progress = silent,
    callback_on_step_end: After = nothing,
    latents: Tensor | None = None,
) -> Tensor:  # F C h w
    """The clip's latents. `latents` to begin with take the place of the seed's noise (F C h w)."""
    denoiser, frames = place(networks.denoiser), seen.pose.shape[1]
    generators = frame_generators(settings.seed, frames, settings.noise_period)
    noise = draw(generators, (denoiser.config.in_channels, *seen.pose.shape[-2:])) if latents is None else latents
    null, condition = conditions(denoiser, seen)
    ask = guided(denoiser, null, condition, settings.guidance, place.together)
    scheduler = make_scheduler(networks.noise, settings.scheduler, settings.steps)
    plan = by_windows(settings).over(frames)
    done = ticks(progress, "denoise", len(scheduler.timesteps) * -(-len(plan) // settings.batch))
    predict = blend(plan, ask, settings.batch, done, settings.share)
    return sample(noise.to(place.device), predict, scheduler, generators, callback_on_step_end)


def conditions(denoiser: UNet, seen: Seen) -> tuple[UNetCondition, UNetCondition]:
    """The null of guidance, and the condition. The null's token is zero, not CLIP's of an empty picture, as published."""
    null = UNetCondition(denoiser.project_context(torch.zeros_like(seen.token)), conv_in=seen.pose)
    return null, UNetCondition(denoiser.project_context(seen.token), denoiser.project_bank(seen.features), seen.pose)


def guider_size(networks: Networks, size: tuple[int, int]) -> tuple[int, int]:
    """The size in which the Pose Guider wants the skeletons of a canvas of `size`; of official weights the same."""
    guider_stride = 2 ** (len(networks.pose_guider.config.block_out_channels) - 1)
    width, height = (side * guider_stride // Codec(networks.vae).stride for side in size)
    return width, height
