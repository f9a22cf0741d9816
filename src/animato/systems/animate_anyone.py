"""Animate Anyone: one picture and a motion become a video, by diffusion.

The whole method, top to bottom in `animate`. What the ReferenceNet, CLIP and the Pose Guider say is read once (`look`). Then the clip is
denoised with it in overlapping windows of 24 frames, the last of which end among the first frames (`denoise`). Both are shared with
MusePose and stand in referenced.py; what is this system's own stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from transformers import CLIPVisionModelWithProjection

from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.encoders.clip import Fit
from animato.encoders.codec import Codec
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.pose.draw import skeletons
from animato.pose.keypoints import PoseSequence
from animato.pose.styles import animate_anyone
from animato.sampling.interpolate import interpolate
from animato.sampling.run import After, nothing, ticks
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.memory import Estimate, estimate
from animato.systems.referenced import denoise, guider_size, look
from animato.systems.scene import by_windows, canvas_of, check_scene, check_window, restored

PUBLISHED = Settings()


@dataclass(frozen=True, eq=False)
class AnimateAnyone:
    """The networks, and the noise that they were trained on. Use changes none of them."""

    denoiser: UNet  # its motion modules know 32 positions
    reference_net: UNet
    pose_guider: PoseGuider
    vae: AutoencoderKL
    image_encoder: CLIPVisionModelWithProjection
    noise: NoiseSchedule = NoiseSchedule()
    fit: Fit = "squash"  # of the picture into CLIP's square; as in the published long pipeline
    name: ClassVar[str] = "animate-anyone"
    published: ClassVar[Settings] = PUBLISHED
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
        check_window(self.denoiser, by_windows(settings), len(motion))
        make_scheduler(self.noise, settings.scheduler, settings.steps)  # raises an error for one that does not exist
        size = picture.shape[1::-1]
        place = self.estimate(size, len(motion), settings).accept()
        canvas = canvas_of(picture, motion, settings.canvas, Codec(self.vae).stride)
        drawn = skeletons(canvas.motion, animate_anyone.STYLE, guider_size(self, canvas.size))
        seen = look(self, picture, canvas.picture, drawn, place, ticks(progress, "look", len(motion)))
        latents = denoise(self, seen, settings, place, progress, callback_on_step_end)
        between = interpolate(latents, settings.interpolation)
        fps = Fraction(motion.fps or 24).limit_denominator(1001) * settings.interpolation
        return restored(Codec(place(self.vae)).clip(between, canvas.shown, fps, sound), size)

    def estimate(self, size: Size, frames: int, settings: Settings = PUBLISHED) -> Estimate:
        """The memory that a clip of this size (width, height) and length needs, to be told to the user beforehand."""
        latents = Codec(self.vae).latent_size(settings.canvas or size)
        return estimate(self.denoiser, settings, frames, latents, beside=(self.vae, self.image_encoder))
