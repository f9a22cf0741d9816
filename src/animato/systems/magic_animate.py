"""MagicAnimate: one picture and a motion, told as DensePose's body parts, become a video by diffusion.

The whole method. The motion's body parts go through a ControlNet, whose residuals steer the denoiser frame by frame. The appearance encoder
looks at the clean picture at the time of every step, and what it writes is read by the spatial attentions of the denoiser's middle and up
path, beside their own tokens. Nothing is said in words: all networks are told the empty prompt. A long clip is denoised in overlapping
windows, whose predictions are averaged in every step. Guidance subtracts a null that lacks the reference alone, so that both halves are
one network down to the middle.
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
from PIL import Image
from torch import Tensor

from animato.core.errors import InputError
from animato.core.fit import fit, stretched
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.encoders.codec import Codec
from animato.encoders.text import EmptyPrompt
from animato.models.condition import MIDDLE_AND_UP, Context, Residuals, UNetCondition
from animato.models.controlnet import ControlNet
from animato.models.unet import UNet
from animato.pose.keypoints import PoseSequence
from animato.pose.surface.densepose import PALETTE, coloured
from animato.pose.surface.parts import rendered
from animato.sampling.guidance import guided
from animato.sampling.interpolate import interpolate
from animato.sampling.noise import draw, frame_generators
from animato.sampling.plan import Windows
from animato.sampling.run import After, Tick, blend, nothing, sample, ticks
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.memory import Estimate, Place, estimate
from animato.systems.scene import by_windows, check_picture, check_scene, check_window, padded, restored

PUBLISHED = Settings(steps=25, guidance=7.5, seed=1, window=Windows(16, 4), canvas=(512, 512), noise_period=16)
NOISE = NoiseSchedule(prediction_type="epsilon", rescale_betas_zero_snr=False, timestep_spacing="leading")
TOLD = 6.2  # values as wide as the first level for each place of a frame: the stem, and in all sizes the residuals


class Seen(NamedTuple):
    """What was read off picture and body parts, once for all steps."""

    clean: Tensor  # 1 1 C h w, the picture's latents
    stem: Tensor  # F C h w, the body parts as the ControlNet takes them; on the CPU


class Told(NamedTuple):
    """The networks in their place, and the empty prompt as each of them reads it."""

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
    noise: NoiseSchedule = NOISE
    name: ClassVar[str] = "magic-animate"
    published: ClassVar[Settings] = PUBLISHED
    STAGES: ClassVar[tuple[str, ...]] = ("look", "denoise", "decode")

    def animate(
        self,
        picture: np.ndarray,
        reference: PoseSequence,
        motion: PoseSequence | Clip,
        sound: Path | None = None,
        settings: Settings = PUBLISHED,
        progress: Progress = silent,
        callback_on_step_end: After = nothing,
    ) -> Clip:
        """The motion performed by the person of a picture; frames are decoded when the clip is iterated.

        picture    H W 3 uint8, as large as the result
        reference  the picture's pose in its pixels; this system needs no more of it than that the motion is aligned to it
        motion     the motion aligned to the reference (pose.align), in the same pixels; or a clip of DensePose pictures in the
                   colours of pose/surface/densepose.py, taken as it is and only brought to the picture's shape
        sound      the file whose sound the result carries
        callback_on_step_end  called as (step, t, latents F C h w); raise an error in it to stop
        Raises InputError where the picture, the motion or the settings cannot be used.
        """
        check_picture(picture)
        if isinstance(motion, PoseSequence):
            check_scene(picture, reference, motion)
        size, canvas = picture.shape[1::-1], self.canvas(picture, settings)
        drawn = self.draw(canvas, motion, size if settings.canvas else canvas.shape[1::-1])
        frames = drawn.length or sum(1 for _ in drawn)
        check_window(self.denoiser, by_windows(settings), frames)
        make_scheduler(self.noise, settings.scheduler, settings.steps)  # raises an error for one that does not exist
        place = self.estimate(size, frames, settings).accept()
        seen = self.look(canvas, drawn, place, ticks(progress, "look", frames))
        between = interpolate(self.denoise(seen, settings, place, progress, callback_on_step_end), settings.interpolation)
        shown = canvas.shape[1::-1] if settings.canvas else size
        return restored(Codec(place(self.vae)).clip(between, shown, drawn.fps * settings.interpolation, sound), size)

    def canvas(self, picture: np.ndarray, settings: Settings) -> np.ndarray:  # H W 3 -> h w 3
        """The picture in the size that the networks work in: squashed as published or, without a canvas, its border repeated."""
        stride = Codec(self.vae).stride
        if settings.canvas is None:
            return padded(picture, stride)
        width, height = (side // stride * stride for side in settings.canvas)
        return stretched(picture, (width, height), Image.Resampling.BICUBIC)

    def draw(self, canvas: np.ndarray, motion: PoseSequence | Clip, shape: Size) -> Clip:
        """The body parts of a motion in pictures of `shape`, brought onto the canvas, with as many pixels a latent as the ControlNet wants.

        Of official weights those are the canvas's own.
        """
        height, width = (side * self.controlnet.stride // Codec(self.vae).stride for side in canvas.shape[:2])
        if isinstance(motion, Clip):
            return motion.map(lambda frame: fitted(frame, shape, (width, height)), (width, height))
        told = replace(motion, size=shape)
        fps = Fraction(motion.fps or 24).limit_denominator(1001)
        return Clip(lambda: (coloured(labels) for labels, _ in rendered(told, (width, height))), (width, height), fps, len(motion))

    @torch.no_grad()
    def look(self, canvas: np.ndarray, drawn: Iterable[np.ndarray], place: Place, done: Tick = nothing) -> Seen:
        """The VAE looks at the canvas, and the ControlNet's stem at the body parts that `draw` gives."""
        clean = Codec(place(self.vae)).encode(canvas[None]).to(place.dtype)
        controlnet, stem = place(self.controlnet), []
        for frame in drawn:
            parts = torch.tensor(frame).to(place.device).permute(2, 0, 1) / 255
            stem.append(controlnet.stem(parts.to(place.dtype)[None]).cpu())
            done()
        if not stem:
            raise InputError("The motion has no frames: give one with at least one.")
        return Seen(clean[None], torch.cat(stem))

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
        told = self.tell(place)
        frames = len(seen.stem)
        generators = frame_generators(settings.seed, frames, settings.noise_period)
        noise = draw(generators, seen.clean.shape[2:]) if latents is None else latents
        scheduler = make_scheduler(self.noise, settings.scheduler, settings.steps)
        plan = by_windows(settings).over(frames)
        done = ticks(progress, "denoise", len(scheduler.timesteps) * -(-len(plan) // settings.batch))

        def predict(x: Tensor, t: Tensor) -> Tensor:  # F C h w -> F C h w
            null, condition = conditions(told, seen, x, t, settings.window.size)
            ask = guided(told.denoiser, null, condition, settings.guidance, place.together)
            return blend(plan, ask, settings.batch, done, settings.share)(x, t)

        return sample(noise.to(place.device), predict, scheduler, generators, callback_on_step_end)

    def tell(self, place: Place) -> Told:
        """The networks of a step in their place, told the empty prompt."""
        denoiser = place(self.denoiser)
        encoder = place(self.appearance_encoder)
        tokens = place(self.prompt).tokens
        return Told(denoiser, encoder, place(self.controlnet), tokens, denoiser.project_context(tokens), encoder.project_context(tokens))

    def estimate(self, size: Size, frames: int, settings: Settings = PUBLISHED) -> Estimate:
        """The memory that a clip of this size (width, height) and length needs, to be told to the user beforehand."""
        latents = Codec(self.vae).latent_size(settings.canvas or size)
        during = (self.appearance_encoder, self.controlnet)
        return estimate(self.denoiser, settings, frames, latents, beside=(self.vae,), during=during, told=TOLD)


def conditions(told: Told, seen: Seen, x: Tensor, t: Tensor, batch: int) -> tuple[UNetCondition, UNetCondition]:  # x F C h w
    """The null of guidance and the condition, at this step's time; `batch` frames go through the ControlNet at once.

    The reference's features are not rounded to fp16 in between, as the published pipeline does whatever its precision.
    """
    null = UNetCondition(told.context, residuals=steered(told, seen.stem, x, t, batch))
    written = told.encoder.reference(seen.clean, t, told.encoder_context)
    bank = told.denoiser.project_bank({name: value for name, value in written.items() if name.startswith(MIDDLE_AND_UP)})
    return null, replace(null, bank=bank)


def steered(told: Told, stem: Tensor, x: Tensor, t: Tensor, batch: int) -> Residuals:
    """What the ControlNet adds to every frame, once for both halves of guidance and all windows. It waits on the CPU."""
    parts = []
    for rows, pictures in zip(x.split(batch), stem.split(batch), strict=True):
        added = told.controlnet.residuals(rows[None].to(told.controlnet.dtype), t, told.tokens, pictures[None].to(x.device))
        parts.append(Residuals(tuple(skip.cpu() for skip in added.skips), added.middle.cpu()))
    skips = zip(*(part.skips for part in parts), strict=True)
    return Residuals(tuple(torch.cat(skip, dim=1) for skip in skips), torch.cat([part.middle for part in parts], dim=1))


def fitted(frame: np.ndarray, shape: Size, size: Size) -> np.ndarray:
    """A DensePose picture brought to the shape of another one by bars of background, then to `size`, by Pillow's bicubic as published."""
    height, width = frame.shape[:2]
    red, green, blue = (int(channel) for channel in PALETTE[0])
    wide = max(width, round(height * shape[0] / shape[1])), max(height, round(width * shape[1] / shape[0]))
    return stretched(fit((width, height), wide, "pad").frame(frame, (red, green, blue)), size, Image.Resampling.BICUBIC)
