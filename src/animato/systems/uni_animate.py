"""UniAnimate: one picture and a motion become a video by a single network that sees the picture as a frame before the noisy ones.

The whole method. The picture's latents and its own skeleton become a frame in front of the clip, the skeletons of the motion channels
beside the noise, CLIP's view of the picture four tokens beside those of the empty prompt. A first frame, which the clip is to begin
with, may join the skeletons' channels. Sampling begins with noise that has a trace of the picture in it; guidance subtracts a null that
has no condition at all. A long clip is denoised in windows, whose predictions are averaged in every step, or as a chain of clips each of
which begins with the last frame of the one before it, as the paper does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from animato.core.errors import InputError
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.encoders.clip import ImageEncoder
from animato.encoders.codec import Codec, FrameCodec
from animato.encoders.text import EmptyPrompt
from animato.models.condition import UnifiedCondition
from animato.models.unified import Given, Stems, UnifiedUNet
from animato.pose.draw import Style, skeletons
from animato.pose.keypoints import PoseSequence
from animato.pose.styles.uni_animate import STYLE
from animato.sampling.chain import anchored
from animato.sampling.clip import Denoising, Link, StepModel, denoise
from animato.sampling.ddim import LONG, NOISE, SHORT, Prior, check_steps, make_steps
from animato.sampling.ddim import PUBLISHED as STEPS
from animato.sampling.model import unified_model
from animato.sampling.noise import draw
from animato.sampling.plan import Chain, Plan, Window, Windows
from animato.sampling.run import Callback, Tick, nothing, ticks
from animato.sampling.schedule import Noise
from animato.sampling.settings import Reference, Settings
from animato.sampling.shard import Shard
from animato.systems.canvas import Canvas, canvas_of, decoded
from animato.systems.memory import Estimate, Placement, estimate
from animato.systems.scene import POSES, Scene
from animato.weights.own import trained_noise
from animato.weights.uni_animate import read

PUBLISHED = Settings(steps=30, guidance=2.5, seed=11, scheduler=STEPS, window=Windows(32, 8, end="last"), canvas=(512, 768))
ON_CANVAS = replace(STYLE, side=512)  # lines are as thick as on the canvas of training, whatever the size


class Encoded(NamedTuple):
    """What was read off picture and skeletons, once for all steps."""

    picture: Tensor  # 1 1 3 H W in [0, 1], on the canvas
    clean: Tensor  # 1 C h w, its latents
    stems: Stems  # of the condition, without the poses
    null: Stems
    poses: Tensor  # 1 F 8 h w, behind their stem; on the CPU, from where windows go to the network
    features: Tensor | None = None  # 1 F 8 h w, more in the channels beside the noise

    def beside(self, features: Tensor) -> Encoded:  # 1 F 8 h w
        """The same with more features."""
        return self._replace(features=features)

    def link(self, link: Link, first_frame: Tensor | None) -> Encoded:
        """Of these frames alone, the first of which looks so (1 1 8 h w, behind its stem), or as it did if None."""
        first = self.stems.first_frame if first_frame is None else first_frame
        frames = list(link.frames)
        features = None if self.features is None else self.features[:, frames]
        return self._replace(stems=replace(self.stems, first_frame=first), poses=self.poses[:, frames], features=features)


@dataclass(frozen=True, eq=False)
class UniAnimate:
    """The networks, and the noise that they were trained on. Use changes none of them.

    short, long  the noise that clips of one window and clips of several begin with. Where the picture shows through in the result,
                 its authors advise a higher level, 959 or 969
    style        how skeletons are drawn
    enlarged     how many times as wide as the canvas they are drawn
    """

    unet: UnifiedUNet
    vae: AutoencoderKL
    image_encoder: CLIPVisionModelWithProjection
    prompt: EmptyPrompt
    noise: Noise = NOISE
    short: Prior = SHORT
    long: Prior = LONG
    style: Style = ON_CANVAS
    enlarged: int = 1
    name: ClassVar[str] = "uni-animate"
    published: ClassVar[Settings] = PUBLISHED
    follows: ClassVar[tuple[type, ...]] = (POSES,)

    def animate(self, scene: Scene, settings: Settings = PUBLISHED, progress: Progress = silent, callback: Callback = nothing) -> Clip:
        """The motion performed by the person of a picture. Arguments and errors as those of every system (AnimateAnyone.animate).

        settings.reference  what the picture is to the network. The published script makes one video by reference, another by first-frame
        callback            is given the latents of one clip of a chain at a time
        """
        motion = scene.poses()
        self.check(settings, len(motion))
        placement = self.estimate(scene.size, len(motion), settings).accept()
        canvas = self.canvas(scene, motion, settings)
        encoded = self.encode(canvas, settings, placement, ticks(progress, "encode", len(motion)))
        latents = denoise(self.denoising(encoded, settings, placement), settings, progress, callback)
        return decoded(FrameCodec(placement(self.vae)), latents, canvas.shown, scene, settings)

    def check(self, settings: Settings, frames: int = 1) -> None:
        """Raises InputError for settings that this system cannot follow."""
        check_shard(settings.window, settings.shard)
        check_steps(self.noise, settings.scheduler, settings.steps)

    def canvas(self, scene: Scene, motion: PoseSequence, settings: Settings) -> Canvas:
        """Both as the networks see them: squashed as published or, without a canvas, with the picture's border repeated."""
        return canvas_of(scene, motion, settings.canvas, FrameCodec(self.vae).stride, Image.Resampling.BILINEAR)

    @torch.no_grad()
    def encode(self, canvas: Canvas, settings: Settings, placement: Placement, done: Tick = nothing) -> Encoded:
        """CLIP sees the picture as it was given, the VAE the canvas, and the network's own stems both and the skeletons.

        The VAE's mean stands for the picture, the same for every seed; the published code draws a sample around it.
        """
        token = ImageEncoder(placement(self.image_encoder), "bilinear").token(canvas.given)
        clean = FrameCodec(placement(self.vae)).encode(canvas.picture[None])
        net = placement(self.unet)
        prompt = placement(self.prompt).tokens
        size = (clean.shape[2], clean.shape[3])
        shown = ready(canvas.picture, placement)
        skeletons = (ready(skeleton, placement) for skeleton in self.draw(canvas))
        everything = Given(token, clean[None].to(placement.dtype), next(skeletons), first_frame=shown)
        stems = net.encode(chosen(settings.reference, everything), prompt, size)
        poses = list[Tensor]()
        for skeleton in skeletons:
            poses.append(net.pose.each(skeleton, size).cpu())
            done()
        return Encoded(shown, clean, stems, net.encode(Given(), prompt, size), torch.cat(poses, dim=1))

    def draw(self, canvas: Canvas) -> Iterator[np.ndarray]:
        """The skeleton of the picture, then those of the motion, as they lie on the canvas."""
        size = (canvas.size[0] * self.enlarged, canvas.size[1] * self.enlarged)
        for poses in (replace(canvas.reference, size=canvas.motion.size), canvas.motion):
            yield from skeletons(poses.scaled(canvas.size), self.style, size)

    @torch.no_grad()
    def denoising(self, encoded: Encoded, settings: Settings, placement: Placement) -> Denoising:
        """What the denoising loop takes of this system: noise with a trace of the picture, and a condition for every window."""
        net = placement(self.unet)
        codec = FrameCodec(placement(self.vae) if isinstance(settings.window, Chain) else self.vae)

        def begin(link: Link, generators: Sequence[torch.Generator]) -> Tensor:
            return self.begin(encoded.clean, generators, link.plan)

        def model(link: Link, first_frame: Tensor | None) -> StepModel:
            null, by_window = conditions(net, encoded.link(link, first_frame), link.plan, settings.shard)
            made = unified_model(net, null, by_window, placement.together)
            return lambda x, t: made

        scheduler = partial(make_steps, self.noise, settings.scheduler, settings.steps)
        frames = encoded.poses.shape[1]
        hand_on = partial(handed_on, net, codec, encoded.picture, settings.window)
        return Denoising(frames, placement.device, scheduler, begin, model, hand_on, placement.dtype)

    def begin(self, clean: Tensor, generators: Sequence[torch.Generator], plan: Plan) -> Tensor:  # 1 C h w -> F C h w
        """Noise with a trace of the picture, as the published scripts begin: that for long clips in another way."""
        noise = draw(generators, clean.shape[1:])
        shift = draw(generators, (clean.shape[1], 1, 1))
        return (self.short if len(plan) == 1 else self.long).begin(clean.cpu(), noise, shift, self.noise)

    def estimate(self, size: Size, frames: int, settings: Settings = PUBLISHED) -> Estimate:
        """The memory that a clip of this size (width, height) and length needs, for the user to know beforehand."""
        latents = FrameCodec(self.vae).latent_size(settings.canvas or size)
        during = (self.vae,) if isinstance(settings.window, Chain) else ()
        return estimate(self.unet, settings, frames, latents, beside=(self.vae, self.image_encoder), during=during)


def handed_on(net: UnifiedUNet, codec: Codec, picture: Tensor, how: Windows | Chain, frame: Tensor) -> Tensor:  # 1 C h w -> 1 1 8 h w
    """What the next clip of a chain is conditioned on: the pixels of the last frame of the one before it, behind their stem."""
    pixels = anchored(codec.decode(frame), picture[0].float(), how.anchor if isinstance(how, Chain) else 0)
    return net.first_frame.each(pixels[None].to(net.dtype), (frame.shape[2], frame.shape[3]))


def conditions(net: UnifiedUNet, encoded: Encoded, plan: Plan, shard: Shard) -> tuple[UnifiedCondition, dict[Window, UnifiedCondition]]:
    """The null of guidance, which is the same for all windows, and the condition of every window that this process takes."""
    by_window = dict[Window, UnifiedCondition]()
    for window in shard.of(plan):
        frames = list(window.frames)
        poses = encoded.poses[:, frames].to(encoded.clean.device)
        condition = net.condition(replace(encoded.stems, poses=poses), range(len(frames)))
        channels = condition.channels.cpu()
        if encoded.features is not None:
            channels = channels + encoded.features[:, frames]
        by_window[window] = replace(condition, channels=channels)
    return net.condition(encoded.null, plan[0].frames), by_window


def chosen(mode: Reference, everything: Given) -> Given:
    """What of the picture conditions the network: all, or without the frame that it begins with, or without what stands in front."""
    if mode == "both":
        return everything
    if mode == "reference":
        return replace(everything, first_frame=None)
    return replace(everything, reference=None, reference_pose=None)


def ready(picture: np.ndarray, placement: Placement) -> Tensor:  # H W 3 uint8 -> 1 1 3 H W in [0, 1]
    return (torch.tensor(picture).to(placement.device).permute(2, 0, 1) / 255).to(placement.dtype)[None, None]


def check_shard(how: Windows | Chain, shard: Shard) -> None:
    """Raises InputError for a chain that several processes are to make."""
    if isinstance(how, Chain) and shard.world > 1:
        raise InputError(
            "The clips of a chain are made one after the other, so several processes have nothing to share: start one, or choose windows."
        )


def load(folder: Path) -> UniAnimate:
    """The system with the weights of a folder, official or converted. Raises MissingModelError."""
    return UniAnimate(**read(folder, dtype=None)._asdict(), noise=trained_noise(folder, NOISE))
