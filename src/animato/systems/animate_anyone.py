"""Animate Anyone: one picture and a motion become a video, by diffusion.

The whole method, top to bottom in `animate`. What the ReferenceNet, CLIP and the Pose Guider make of picture and skeletons is computed once
(`encode`). Then the clip is denoised with it in overlapping windows of 24 frames, the last of which end among the first frames
(sampling/clip.py). What this system shares with MusePose stands in referenced.py; what is its own stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from transformers import CLIPVisionModelWithProjection

from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.encoders.clip import Fit
from animato.encoders.codec import FrameCodec
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.pose.draw import skeletons
from animato.pose.styles.animate_anyone import STYLE
from animato.sampling.clip import Denoising, denoise
from animato.sampling.run import Callback, Tick, nothing, ticks
from animato.sampling.schedule import Noise, NoiseSchedule, check_scheduler
from animato.sampling.settings import Settings
from animato.systems import referenced
from animato.systems.canvas import Canvas, canvas_of, decoded
from animato.systems.memory import Estimate, Placement, estimate
from animato.systems.referenced import Encoded, guider_size
from animato.systems.scene import POSES, Scene
from animato.systems.windows import by_windows, check_window
from animato.weights.animate_anyone import read
from animato.weights.own import trained_noise

PUBLISHED = Settings()


@dataclass(frozen=True, eq=False)
class AnimateAnyone:
    """The networks, and the noise that they were trained on. Use changes none of them."""

    denoiser: UNet  # its motion modules know 32 positions
    reference_net: UNet
    pose_guider: PoseGuider
    vae: AutoencoderKL
    image_encoder: CLIPVisionModelWithProjection
    noise: Noise = NoiseSchedule()
    fit: Fit = "squash"  # of the picture into CLIP's square; as in the published long pipeline
    name: ClassVar[str] = "animate-anyone"
    published: ClassVar[Settings] = PUBLISHED
    follows: ClassVar[tuple[type, ...]] = (POSES,)

    def animate(self, scene: Scene, settings: Settings = PUBLISHED, progress: Progress = silent, callback: Callback = nothing) -> Clip:
        """The motion performed by the person of a picture; frames are decoded when the clip is iterated.

        callback  called as (step, t, latents F C h w); raise an error in it to stop
        Raises InputError where the scene or the settings cannot be used.
        """
        motion = scene.poses()
        self.check(settings, len(motion))
        placement = self.estimate(scene.size, len(motion), settings).accept()
        canvas = canvas_of(scene, motion, settings.canvas, FrameCodec(self.vae).stride)
        encoded = self.encode(canvas, settings, placement, ticks(progress, "encode", len(motion)))
        latents = denoise(self.denoising(encoded, settings, placement), settings, progress, callback)
        return decoded(FrameCodec(placement(self.vae)), latents, canvas.shown, scene, settings)

    def check(self, settings: Settings, frames: int = 1) -> None:
        """Raises InputError for settings that this system cannot follow for a clip of so many frames."""
        check_window(self.denoiser, by_windows(settings), frames)
        check_scheduler(self.noise, settings.scheduler, settings.steps)

    def encode(self, canvas: Canvas, settings: Settings, placement: Placement, done: Tick = nothing) -> Encoded:
        """What the networks make of picture and motion, once. The picture's own pose is not looked at: the motion is aligned to it."""
        drawn = skeletons(canvas.motion, STYLE, guider_size(self, canvas.size))
        return referenced.encode(self, canvas.given, canvas.picture, drawn, placement, done)

    def denoising(self, encoded: Encoded, settings: Settings, placement: Placement) -> Denoising:
        """What the denoising loop takes of this system."""
        return referenced.denoising(self, encoded, settings, placement)

    def estimate(self, size: Size, frames: int, settings: Settings = PUBLISHED) -> Estimate:
        """The memory that a clip of this size (width, height) and length needs, for the user to know beforehand."""
        latents = FrameCodec(self.vae).latent_size(settings.canvas or size)
        return estimate(self.denoiser, settings, frames, latents, beside=(self.vae, self.image_encoder))


def load(folder: Path) -> AnimateAnyone:
    """The system with the weights of a folder, official or converted. Raises MissingModelError."""
    networks = read(folder, dtype=None)  # a system brings its networks to its device and precision itself
    return AnimateAnyone(**networks._asdict(), noise=trained_noise(folder, AnimateAnyone.noise))
