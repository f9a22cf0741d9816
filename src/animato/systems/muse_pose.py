"""MusePose: Animate Anyone's networks with longer windows, trained on motions that were aligned to the reference's body.

The whole method, top to bottom in `animate`. Picture and skeletons are squashed to a square canvas, as in training, and the result comes
back in the picture's shape. The windows of 48 frames are open: the last pose is held until they end where the clip does, and what was
added is cut off. What the ReferenceNet, CLIP and the Pose Guider say is read once (`look`), then the clip is denoised with it (`denoise`);
both are shared with Animate Anyone and stand in referenced.py. Its other half, alignment, comes before: pose/alignment/musepose.py.
Without its own weights it runs with Animate Anyone's preview model, of the same networks (preview.py).
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
from animato.pose.styles import muse_pose
from animato.sampling.interpolate import interpolate
from animato.sampling.plan import Windows
from animato.sampling.run import After, nothing, ticks
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.memory import Estimate, estimate
from animato.systems.referenced import denoise, guider_size, look
from animato.systems.scene import by_windows, canvas_of, check_scene, check_window, restored

PUBLISHED = Settings(steps=20, guidance=3.5, seed=99, window=Windows(48, 4, end="open"), canvas=(768, 768))


@dataclass(frozen=True, eq=False)
class MusePose:
    """The networks, and the noise that they were trained on. Use changes none of them."""

    denoiser: UNet  # its motion modules know 128 positions
    reference_net: UNet
    pose_guider: PoseGuider
    vae: AutoencoderKL
    image_encoder: CLIPVisionModelWithProjection
    noise: NoiseSchedule = NoiseSchedule(beta_schedule="scaled_linear")
    fit: Fit = "squash"  # of the picture into CLIP's square
    name: ClassVar[str] = "muse-pose"
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
        """The motion performed by the person of a picture. Arguments and errors as those of every system (AnimateAnyone.animate).

        settings.canvas  None: the networks work in the picture's own shape, which they saw less of in training
        callback_on_step_end  is given the latents of the held frames, too
        """
        check_scene(picture, reference, motion)
        windows = by_windows(settings)
        told = motion.held(windows.lacking(len(motion)))
        check_window(self.denoiser, windows, len(told))
        make_scheduler(self.noise, settings.scheduler, settings.steps)  # raises an error for one that does not exist
        size = picture.shape[1::-1]
        place = self.estimate(size, len(motion), settings).accept()
        canvas = canvas_of(picture, told, settings.canvas, Codec(self.vae).stride)
        drawn = skeletons(canvas.motion, muse_pose.STYLE, guider_size(self, canvas.size))
        seen = look(self, picture, canvas.picture, drawn, place, ticks(progress, "look", len(told)))
        latents = denoise(self, seen, settings, place, progress, callback_on_step_end)[: len(motion)]
        between = interpolate(latents, settings.interpolation)
        fps = Fraction(motion.fps or 24).limit_denominator(1001) * settings.interpolation
        return restored(Codec(place(self.vae)).clip(between, canvas.shown, fps, sound), size)

    def estimate(self, size: Size, frames: int, settings: Settings = PUBLISHED) -> Estimate:
        """The memory that a clip of this size (width, height) and length needs, to be told to the user beforehand."""
        whole = frames + by_windows(settings).lacking(frames)
        latents = Codec(self.vae).latent_size(settings.canvas or size)
        return estimate(self.denoiser, settings, whole, latents, beside=(self.vae, self.image_encoder))
