"""MusePose: Animate Anyone's networks with longer windows, trained on motions that were aligned to the reference's body.

The whole method, top to bottom in `animate`. Picture and skeletons are squashed to a square canvas, as in training, and the result comes
back in the picture's shape. The windows of 48 frames are open: the last pose is held until they end where the clip does, and what was
added is cut off. What the ReferenceNet, CLIP and the Pose Guider make of picture and skeletons is computed once (`encode`), then the clip
is denoised with it (sampling/clip.py); what is shared with Animate Anyone stands in referenced.py. Its other half, alignment,
comes before: pose/alignment/musepose.py. Without its own weights it runs with Animate Anyone's preview model, of the same networks.
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
from animato.pose.styles.muse_pose import STYLE
from animato.sampling.clip import Denoising, denoise
from animato.sampling.plan import Windows
from animato.sampling.run import Callback, Tick, nothing, ticks
from animato.sampling.schedule import Noise, NoiseSchedule, check_scheduler
from animato.sampling.settings import Settings
from animato.systems import referenced
from animato.systems.canvas import Canvas, canvas_of, decoded
from animato.systems.memory import Estimate, Placement, estimate
from animato.systems.referenced import Encoded, guider_size
from animato.systems.scene import POSES, Scene
from animato.systems.windows import by_windows, check_window
from animato.weights.muse_pose import read
from animato.weights.own import trained_noise

PUBLISHED = Settings(steps=20, guidance=3.5, seed=99, window=Windows(48, 4, end="open"), canvas=(768, 768))


@dataclass(frozen=True, eq=False)
class MusePose:
    """The networks, and the noise that they were trained on. Use changes none of them."""

    denoiser: UNet  # its motion modules know 128 positions
    reference_net: UNet
    pose_guider: PoseGuider
    vae: AutoencoderKL
    image_encoder: CLIPVisionModelWithProjection
    noise: Noise = NoiseSchedule(beta_schedule="scaled_linear")
    fit: Fit = "squash"  # of the picture into CLIP's square
    name: ClassVar[str] = "muse-pose"
    published: ClassVar[Settings] = PUBLISHED
    follows: ClassVar[tuple[type, ...]] = (POSES,)

    def animate(self, scene: Scene, settings: Settings = PUBLISHED, progress: Progress = silent, callback: Callback = nothing) -> Clip:
        """The motion performed by the person of a picture. Arguments and errors as those of every system (AnimateAnyone.animate).

        settings.canvas  None: the networks work in the picture's own shape, which they saw less of in training
        callback         is given the latents of the held frames, too
        """
        motion = scene.poses()
        self.check(settings, len(motion))
        held = motion.held(by_windows(settings).lacking(len(motion)))
        placement = self.estimate(scene.size, len(motion), settings).accept()
        canvas = canvas_of(scene, held, settings.canvas, FrameCodec(self.vae).stride)
        encoded = self.encode(canvas, settings, placement, ticks(progress, "encode", len(held)))
        latents = denoise(self.denoising(encoded, settings, placement), settings, progress, callback)
        return decoded(FrameCodec(placement(self.vae)), latents[: len(motion)], canvas.shown, scene, settings)

    def check(self, settings: Settings, frames: int = 1) -> None:
        """Raises InputError for settings that this system cannot follow for a clip of so many frames."""
        windows = by_windows(settings)
        check_window(self.denoiser, windows, frames + windows.lacking(frames))
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
        whole = frames + by_windows(settings).lacking(frames)
        latents = FrameCodec(self.vae).latent_size(settings.canvas or size)
        return estimate(self.denoiser, settings, whole, latents, beside=(self.vae, self.image_encoder))


def load(folder: Path) -> MusePose:
    """The system with the weights of a folder, official or converted. Raises MissingModelError."""
    networks = read(folder, dtype=None)  # a system brings its networks to its device and precision itself
    return MusePose(**networks._asdict(), noise=trained_noise(folder, MusePose.noise))
