"""MagicAnimate: one picture and a motion, shown as DensePose's body parts, become a video by diffusion.

The whole method. The motion's body parts go through a ControlNet, whose residuals steer the denoiser frame by frame. The appearance encoder
sees the clean picture at the time of every step, and what it writes is read by the spatial attentions of the denoiser's middle and up
path, beside their own tokens. Nothing is said in words: all networks read the empty prompt. A long clip is denoised in overlapping
windows, whose predictions are averaged in every step. Guidance subtracts a null that lacks the reference alone, so that both halves are
one network down to the middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from torch import Tensor

from animato.core.errors import InputError
from animato.core.fit import fit, stretched
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.encoders.codec import FrameCodec
from animato.encoders.text import EmptyPrompt
from animato.models.condition import MIDDLE_AND_UP, Context, Residuals, UNetCondition
from animato.models.controlnet import ControlNet
from animato.models.unet import UNet
from animato.pose.keypoints import PoseSequence
from animato.pose.surface.densepose import PALETTE, coloured
from animato.pose.surface.parts import rendered
from animato.sampling.clip import Denoising, Link, denoise
from animato.sampling.model import Model, unet_model
from animato.sampling.noise import draw
from animato.sampling.plan import Windows
from animato.sampling.run import Callback, Tick, nothing, ticks
from animato.sampling.schedule import Noise, NoiseSchedule, check_scheduler, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.canvas import Canvas, canvas_picture, decoded
from animato.systems.memory import Estimate, Placement, estimate
from animato.systems.scene import PARTS, POSES, BodyParts, Scene, check_picture
from animato.systems.windows import by_windows, check_window
from animato.weights.magic_animate import read
from animato.weights.own import trained_noise

PUBLISHED = Settings(steps=25, guidance=7.5, seed=1, window=Windows(16, 4), canvas=(512, 512), noise_period=16)
NOISE = NoiseSchedule(prediction_type="epsilon", rescale_betas_zero_snr=False, timestep_spacing="leading")
CONDITIONING = 6.2  # values as wide as the first level for each place of a frame: the stem, and in all sizes the residuals


class Encoded(NamedTuple):
    """What was read off picture and body parts, once for all steps."""

    clean: Tensor  # 1 1 C h w, the picture's latents
    stem: Tensor  # F C h w, the body parts as the ControlNet takes them; on the CPU
    features: Tensor | None = None  # 1 F C h w, more that enters behind the denoiser's first convolution

    def beside(self, features: Tensor) -> Encoded:  # 1 F C h w
        """The same with more features."""
        return self._replace(features=features)


class Prompted(NamedTuple):
    """The networks of a step on their device, and the empty prompt as each of them reads it."""

    denoiser: UNet
    encoder: UNet
    controlnet: ControlNet
    tokens: Tensor  # 1 S D
    context: Context  # the denoiser's
    encoder_context: Context


@dataclass(frozen=True, eq=False)
class MagicAnimate:
    """The networks, and the noise that they were trained on. Use changes none of them."""

    denoiser: UNet  # the norms of its ResNets run over the frames of a window
    appearance_encoder: UNet
    controlnet: ControlNet
    vae: AutoencoderKL
    prompt: EmptyPrompt
    noise: Noise = NOISE
    name: ClassVar[str] = "magic-animate"
    published: ClassVar[Settings] = PUBLISHED
    follows: ClassVar[tuple[type, ...]] = (POSES, PARTS)

    def animate(self, scene: Scene, settings: Settings = PUBLISHED, progress: Progress = silent, callback: Callback = nothing) -> Clip:
        """The motion performed by the person of a picture. Arguments and errors as those of every system (AnimateAnyone.animate).

        scene.motion  poses, or a clip of body parts, taken as it is and only brought to the picture's shape
        """
        check_picture(scene.picture)
        motion = scene.motion if isinstance(scene.motion, BodyParts) else scene.poses()
        frames = scene.frames
        self.check(settings, frames)
        placement = self.estimate(scene.size, frames, settings).accept()
        canvas = canvas_picture(scene.picture, settings.canvas, FrameCodec(self.vae).stride, Image.Resampling.BICUBIC)
        shown = canvas.shape[1::-1] if settings.canvas else scene.size
        drawn = self.draw(canvas, motion, scene.size if settings.canvas else canvas.shape[1::-1])
        encoded = self.encode_parts(canvas, drawn, placement, ticks(progress, "encode", frames))
        latents = denoise(self.denoising(encoded, settings, placement), settings, progress, callback)
        return decoded(FrameCodec(placement(self.vae)), latents, shown, scene, settings)

    def check(self, settings: Settings, frames: int = 1) -> None:
        """Raises InputError for settings that this system cannot follow for a clip of so many frames."""
        check_window(self.denoiser, by_windows(settings), frames)
        check_scheduler(self.noise, settings.scheduler, settings.steps)

    def draw(self, canvas: np.ndarray, motion: PoseSequence | BodyParts, shape: Size) -> Iterator[np.ndarray]:
        """The body parts of a motion in pictures of `shape`, brought onto the canvas, with as many pixels a latent as the ControlNet wants.

        Of official weights those are the canvas's own.
        """
        height, width = (side * self.controlnet.stride // FrameCodec(self.vae).stride for side in canvas.shape[:2])
        if isinstance(motion, BodyParts):
            return (fitted(frame, shape, (width, height)) for frame in motion.clip)
        return (coloured(labels) for labels, _ in rendered(replace(motion, size=shape), (width, height)))

    def encode(self, canvas: Canvas, settings: Settings, placement: Placement, done: Tick = nothing) -> Encoded:
        """What the networks make of picture and motion, once. The picture's own pose is not looked at: the motion is aligned to it."""
        return self.encode_parts(canvas.picture, self.draw(canvas.picture, canvas.motion, canvas.motion.size), placement, done)

    @torch.no_grad()
    def encode_parts(self, canvas: np.ndarray, drawn: Iterable[np.ndarray], placement: Placement, done: Tick = nothing) -> Encoded:
        """The VAE sees the canvas, and the ControlNet's stem the body parts that `draw` gives."""
        clean = FrameCodec(placement(self.vae)).encode(canvas[None]).to(placement.dtype)
        controlnet = placement(self.controlnet)
        stem = []
        for frame in drawn:
            parts = torch.tensor(frame).to(placement.device).permute(2, 0, 1) / 255
            stem.append(controlnet.stem(parts.to(placement.dtype)[None]).cpu())
            done()
        if not stem:
            raise InputError("The motion has no frames: give one with at least one.")
        return Encoded(clean[None], torch.cat(stem))

    @torch.no_grad()
    def denoising(self, encoded: Encoded, settings: Settings, placement: Placement) -> Denoising:
        """What the denoising loop takes of this system: plain noise, and conditions that are made anew in every step."""
        networks = self.prompted(placement)

        def begin(link: Link, generators: Sequence[torch.Generator]) -> Tensor:
            return draw(generators, encoded.clean.shape[2:])

        def step(x: Tensor, t: Tensor) -> Model:  # x F C h w
            null, condition = conditions(networks, encoded, x, t, settings.window.size)
            return unet_model(networks.denoiser, null, condition, placement.together)

        scheduler = partial(make_scheduler, self.noise, settings.scheduler, settings.steps)
        return Denoising(len(encoded.stem), placement.device, scheduler, begin, lambda link, first_frame: step, dtype=placement.dtype)

    def prompted(self, placement: Placement) -> Prompted:
        """The networks of a step on their device, with the empty prompt read."""
        denoiser = placement(self.denoiser)
        encoder = placement(self.appearance_encoder)
        tokens = placement(self.prompt).tokens
        context = denoiser.project_context(tokens)
        return Prompted(denoiser, encoder, placement(self.controlnet), tokens, context, encoder.project_context(tokens))

    def estimate(self, size: Size, frames: int, settings: Settings = PUBLISHED) -> Estimate:
        """The memory that a clip of this size (width, height) and length needs, for the user to know beforehand."""
        latents = FrameCodec(self.vae).latent_size(settings.canvas or size)
        during = (self.appearance_encoder, self.controlnet)
        return estimate(self.denoiser, settings, frames, latents, beside=(self.vae,), during=during, conditioning=CONDITIONING)


def conditions(networks: Prompted, encoded: Encoded, x: Tensor, t: Tensor, batch: int) -> tuple[UNetCondition, UNetCondition]:
    """The null of guidance and the condition, at this step's time, x F C h w; `batch` frames go through the ControlNet at once.

    The reference's features are not rounded to fp16 in between, as the published pipeline does whatever its precision.
    """
    residuals = steered(networks, encoded.stem, x, t, batch)
    null = UNetCondition(networks.context, conv_in=encoded.features, residuals=residuals)
    written = networks.encoder.reference(encoded.clean, t, networks.encoder_context)
    bank = networks.denoiser.project_bank({name: value for name, value in written.items() if name.startswith(MIDDLE_AND_UP)})
    return null, replace(null, bank=bank)


def steered(networks: Prompted, stem: Tensor, x: Tensor, t: Tensor, batch: int) -> Residuals:
    """What the ControlNet adds to every frame, once for both halves of guidance and all windows. It waits on the CPU."""
    parts = []
    for rows, pictures in zip(x.split(batch), stem.split(batch), strict=True):
        net = networks.controlnet
        added = net.residuals(rows[None].to(net.dtype), t, networks.tokens, pictures[None].to(x.device))
        parts.append(Residuals(tuple(skip.cpu() for skip in added.skips), added.middle.cpu()))
    skips = zip(*(part.skips for part in parts), strict=True)
    return Residuals(tuple(torch.cat(skip, dim=1) for skip in skips), torch.cat([part.middle for part in parts], dim=1))


def fitted(frame: np.ndarray, shape: Size, size: Size) -> np.ndarray:
    """A DensePose picture brought to the shape of another one by bars of background, then to `size`, by Pillow's bicubic as published."""
    height, width = frame.shape[:2]
    red, green, blue = (int(channel) for channel in PALETTE[0])
    wide = max(width, round(height * shape[0] / shape[1])), max(height, round(width * shape[1] / shape[0]))
    return stretched(fit((width, height), wide, "pad").frame(frame, (red, green, blue)), size, Image.Resampling.BICUBIC)


def load(folder: Path) -> MagicAnimate:
    """The system with the weights of a folder, official or converted. Raises MissingModelError."""
    return MagicAnimate(**read(folder, dtype=None)._asdict(), noise=trained_noise(folder, NOISE))
