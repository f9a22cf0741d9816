"""Animate Anyone: one picture and a motion become a video, by diffusion.

The whole method. The ReferenceNet gives what every spatial attention of the denoiser reads of the picture
beside its own tokens, and CLIP gives one token for the cross-attention. The skeletons of the motion go through the Pose Guider and are
added after the denoiser's first convolution. All this is done once. Then a long clip is denoised in overlapping windows, whose predictions
are averaged in every step; guidance subtracts a null that knows the skeletons, but neither reference nor token.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from animato.core.errors import InputError
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.encoders.clip import Fit, ImageEncoder
from animato.encoders.codec import Codec
from animato.models.condition import Features, UNetCondition
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.pose.draw import ANIMATE_ANYONE, skeletons
from animato.pose.keypoints import PoseSequence
from animato.sampling.guidance import guided
from animato.sampling.interpolate import interpolate
from animato.sampling.noise import draw, frame_generators
from animato.sampling.run import After, Tick, blend, nothing, sample, ticks
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.memory import Estimate, Place, estimate

PUBLISHED = Settings()
REFERENCE_TIME = 0  # the ReferenceNet sees the clean picture


class Seen(NamedTuple):
    """What was read off the picture and the skeletons, once for all steps."""

    token: Tensor  # 1 1 D, by CLIP
    features: Features  # by the ReferenceNet
    pose: Tensor  # 1 F C h w, by the Pose Guider; on the CPU, from where windows go to the denoiser


@dataclass(frozen=True, eq=False)
class AnimateAnyone:
    """The networks, and the noise that they were trained on. Use changes none of them."""

    denoiser: UNet
    reference_net: UNet
    pose_guider: PoseGuider
    vae: AutoencoderKL
    image_encoder: CLIPVisionModelWithProjection
    noise: NoiseSchedule = NoiseSchedule()
    fit: Fit = "squash"  # of the picture into CLIP's square; as in the published long pipeline
    name: ClassVar[str] = "animate-anyone"
    STAGES: ClassVar[tuple[str, ...]] = ("look", "denoise", "decode")

    def animate(
        self,
        picture: np.ndarray,
        reference: PoseSequence,
        motion: PoseSequence,
        sound: Path | None = None,
        settings: Settings = PUBLISHED,
        progress: Progress = silent,
        callback_on_step_end: After = nothing,
    ) -> Clip:
        """The motion performed by the person of a picture; frames are decoded when the clip is iterated.

        picture    H W 3 uint8, as large as the result
        reference  the picture's pose in its pixels; this system needs no more of it than that the motion is aligned to it
        motion     the motion aligned to the reference (pose.align), in the same pixels
        sound      the file whose sound the result carries
        callback_on_step_end  called as (step, t, latents F C h w); raise an error in it to stop
        Raises InputError where the picture, the motion or the settings cannot be used.
        """
        check_scene(picture, reference, motion)
        self.check_settings(settings, len(motion))
        size = picture.shape[1::-1]
        place = self.estimate(size, len(motion), settings).accept()
        canvas = padded(picture, Codec(self.vae).stride)
        drawn = self.draw(replace(motion, size=canvas.shape[1::-1]))
        seen = self.look(picture, canvas, drawn, place, ticks(progress, "look", len(motion)))
        latents = self.denoise(seen, settings, place, progress, callback_on_step_end)
        between = interpolate(latents, settings.interpolation)
        fps = Fraction(motion.fps or 24).limit_denominator(1001) * settings.interpolation
        return Codec(place(self.vae)).clip(between, size, fps, sound)

    def draw(self, motion: PoseSequence) -> Clip:
        """The skeletons, with as many pixels a latent as the Pose Guider wants; of official weights that is the size of the motion."""
        guider_stride = 2 ** (len(self.pose_guider.config.block_out_channels) - 1)
        width, height = (side * guider_stride // Codec(self.vae).stride for side in motion.size)
        return skeletons(motion, ANIMATE_ANYONE, (width, height))

    @torch.no_grad()
    def look(self, picture: np.ndarray, canvas: np.ndarray, drawn: Iterable[np.ndarray], place: Place, done: Tick = nothing) -> Seen:
        """CLIP looks at the picture, the ReferenceNet at the canvas (the picture in the result's size), the Pose Guider at skeletons."""
        token = ImageEncoder(place(self.image_encoder), self.fit).token(picture)
        clean = Codec(place(self.vae)).encode(canvas[None]).to(place.dtype)  # 1 C h w
        net, guider = place(self.reference_net), place(self.pose_guider)
        features = net.reference(clean.unsqueeze(1), REFERENCE_TIME, net.project_context(token))
        pose = []
        for frame in drawn:
            skeleton = torch.tensor(frame).to(place.device).permute(2, 0, 1) / 255
            pose.append(guider(skeleton.to(place.dtype)[None, None]).cpu())
            done()
        return Seen(token, features, torch.cat(pose, dim=1))

    @torch.no_grad()
    def denoise(
        self,
        seen: Seen,
        settings: Settings,
        place: Place,
        progress: Progress = silent,
        callback_on_step_end: After = nothing,
        latents: Tensor | None = None,
    ) -> Tensor:  # F C h w
        """The clip's latents. `latents` to begin with take the place of the seed's noise (F C h w)."""
        denoiser, frames = place(self.denoiser), seen.pose.shape[1]
        generators = frame_generators(settings.seed, frames)
        noise = draw(generators, (denoiser.config.in_channels, *seen.pose.shape[-2:])) if latents is None else latents
        null, condition = conditions(denoiser, seen)
        ask = guided(denoiser, null, condition, settings.guidance, place.together)
        scheduler, plan = make_scheduler(self.noise, settings.scheduler, settings.steps), settings.window.over(frames)
        done = ticks(progress, "denoise", len(scheduler.timesteps) * -(-len(plan) // settings.batch))
        return sample(noise.to(place.device), blend(plan, ask, settings.batch, done), scheduler, generators, callback_on_step_end)

    def estimate(self, size: Size, frames: int, settings: Settings = PUBLISHED) -> Estimate:
        """The memory that a clip of this size (width, height) and length needs, to be told to the user beforehand."""
        stride = Codec(self.vae).stride
        return estimate(self.denoiser, settings, frames, (-(-size[0] // stride), -(-size[1] // stride)))

    def check_settings(self, settings: Settings, frames: int) -> None:
        """Raises InputError, before any work is done, for a window that the weights cannot do or a scheduler that does not exist."""
        make_scheduler(self.noise, settings.scheduler, settings.steps)
        longest, temporal = min(settings.window.size, frames), self.denoiser.config.temporal
        if temporal is not None and longest > temporal["positions"]:
            raise InputError(
                f"A window of {longest} frames is too long: these weights know {temporal['positions']} positions. "
                f"Choose a window of {temporal['positions']} frames or fewer."
            )


def conditions(denoiser: UNet, seen: Seen) -> tuple[UNetCondition, UNetCondition]:
    """The null of guidance, and the condition. The null's token is zero, not CLIP's of an empty picture, as published."""
    null = UNetCondition(denoiser.project_context(torch.zeros_like(seen.token)), conv_in=seen.pose)
    return null, UNetCondition(denoiser.project_context(seen.token), denoiser.project_bank(seen.features), seen.pose)


def check_scene(picture: np.ndarray, reference: PoseSequence, motion: PoseSequence) -> None:
    """Raises InputError where picture, pose and motion do not belong together, or the motion shows nobody."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise InputError(f"The picture must be H x W x 3 bytes, not {' x '.join(map(str, picture.shape))} of {picture.dtype}.")
    size = picture.shape[1::-1]
    if reference.size != size or motion.size != size:
        raise InputError(f"The picture is {size}, its pose {reference.size} and the motion {motion.size} pixels: bring all to one size.")
    if not len(motion) or not motion.people:
        raise InputError("The motion has no frames or nobody in it: give one with at least one frame and one person.")


def padded(picture: np.ndarray, stride: int) -> np.ndarray:  # H W 3
    """The picture with its last row and column repeated until its sides are multiples of `stride`."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, -height % stride), (0, -width % stride), (0, 0)), mode="edge")
