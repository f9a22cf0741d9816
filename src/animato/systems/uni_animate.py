"""UniAnimate: one picture and a motion become a video by a single network that sees the picture as a frame before the noisy ones.

The whole method. The picture's latents and its own skeleton become a frame in front of the clip, the skeletons of the motion channels
beside the noise, what CLIP says of the picture four tokens beside those of the empty prompt. A first frame, which the clip is to begin
with, may join the skeletons' channels. Sampling begins with noise that has a trace of the picture in it; guidance subtracts a null that
is told nothing at all. A long clip is denoised in windows, whose predictions are averaged in every step, or as a chain of clips each of
which begins with the last frame of the one before it, as the paper does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
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
from animato.encoders.codec import Codec
from animato.encoders.text import EmptyPrompt
from animato.models.condition import UnifiedCondition
from animato.models.unified import Given, Stems, UnifiedUNet
from animato.pose.draw import skeletons
from animato.pose.keypoints import PoseSequence
from animato.pose.styles import uni_animate
from animato.sampling.chain import anchored, chain
from animato.sampling.ddim import LONG, NOISE, SHORT, Prior, make_steps
from animato.sampling.ddim import PUBLISHED as STEPS
from animato.sampling.guidance import guided_unified
from animato.sampling.interpolate import interpolate
from animato.sampling.noise import draw, frame_generators
from animato.sampling.plan import Chain, Plan, Window, Windows
from animato.sampling.run import After, Tick, blend, nothing, sample, ticks
from animato.sampling.schedule import NoiseSchedule
from animato.sampling.settings import Reference, Settings
from animato.sampling.share import Share
from animato.systems.memory import Estimate, Place, estimate
from animato.systems.scene import Canvas, canvas_of, check_scene, restored

PUBLISHED = Settings(steps=30, guidance=2.5, seed=11, scheduler=STEPS, window=Windows(32, 8, end="last"), canvas=(512, 768))
STYLE = replace(uni_animate.STYLE, side=512)  # lines are as thick as on the canvas of training, whatever the size


class Seen(NamedTuple):
    """What was read off picture and skeletons, once for all steps."""

    picture: Tensor  # 1 1 3 H W in [0, 1], on the canvas
    clean: Tensor  # 1 C h w, its latents
    told: Stems  # without the poses
    null: Stems
    poses: Tensor  # 1 F 8 h w, behind their stem; on the CPU, from where windows go to the network

    def link(self, link: Window, first_frame: Tensor | None) -> Seen:
        """Of these frames alone, the first of which looks so (1 1 8 h w, behind its stem), or as it did if None."""
        first = self.told.first_frame if first_frame is None else first_frame
        return self._replace(told=replace(self.told, first_frame=first), poses=self.poses[:, list(link.frames)])


@dataclass(frozen=True, eq=False)
class UniAnimate:
    """The networks, and the noise that they were trained on. Use changes none of them.

    short, long  the noise that clips of one window and clips of several begin with. Where the picture shows through in the result,
                 its authors advise a higher level, 959 or 969
    """

    unet: UnifiedUNet
    vae: AutoencoderKL
    image_encoder: CLIPVisionModelWithProjection
    prompt: EmptyPrompt
    noise: NoiseSchedule = NOISE
    short: Prior = SHORT
    long: Prior = LONG
    name: ClassVar[str] = "uni-animate"
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

        settings.reference  what the picture is to the network. The published script makes one video by reference, another by first-frame
        callback_on_step_end  is given the latents of one clip of a chain at a time
        """
        check_scene(picture, reference, motion)
        check_share(settings)
        make_steps(self.noise, settings.scheduler, settings.steps)  # raises an error for steps that do not exist
        size = picture.shape[1::-1]
        place = self.estimate(size, len(motion), settings).accept()
        canvas = self.canvas(picture, motion, settings)
        seen = self.look(picture, canvas.picture, drawn(canvas, reference), settings, place, ticks(progress, "look", len(motion)))
        between = interpolate(self.denoise(seen, settings, place, progress, callback_on_step_end), settings.interpolation)
        fps = Fraction(motion.fps or 24).limit_denominator(1001) * settings.interpolation
        return restored(Codec(place(self.vae)).clip(between, canvas.shown, fps, sound), size)

    def canvas(self, picture: np.ndarray, motion: PoseSequence, settings: Settings) -> Canvas:
        """Both as the networks see them: squashed as published or, without a canvas, with the picture's border repeated."""
        return canvas_of(picture, motion, settings.canvas, Codec(self.vae).stride, Image.Resampling.BILINEAR)

    @torch.no_grad()
    def look(
        self,
        picture: np.ndarray,
        canvas: np.ndarray,
        drawn: Iterable[np.ndarray],
        settings: Settings,
        place: Place,
        done: Tick = nothing,
    ) -> Seen:
        """CLIP looks at the picture, the VAE at the canvas, and the network's own stems at both and at the skeletons.

        picture  H W 3 uint8;  canvas  h w 3 uint8, sides multiples of the VAE's stride
        drawn    1 + F times H W 3 uint8 of any size: the skeleton of the picture, then those of the motion
        The VAE's mean stands for the picture, the same for every seed; the published code draws a sample around it.
        """
        token = ImageEncoder(place(self.image_encoder), "bilinear").token(picture)
        clean = Codec(place(self.vae)).encode(canvas[None])
        net = place(self.unet)
        prompt = place(self.prompt).tokens
        size = (clean.shape[2], clean.shape[3])
        poses = list[Tensor]()
        shown, skeletons = ready(canvas, place), (ready(skeleton, place) for skeleton in drawn)
        everything = Given(token, clean[None].to(place.dtype), next(skeletons), first_frame=shown)
        told = net.encode(chosen(settings.reference, everything), prompt, size)
        for skeleton in skeletons:
            poses.append(net.pose.each(skeleton, size).cpu())
            done()
        return Seen(shown, clean, told, net.encode(Given(), prompt, size), torch.cat(poses, dim=1))

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
        """The clip's latents. `latents` to begin with take the place of noise and picture (F C h w)."""
        net, frames = place(self.unet), seen.poses.shape[1]
        plans = plans_of(settings.window, frames)
        codec = Codec(place(self.vae) if isinstance(settings.window, Chain) else self.vae)
        rounds = len(make_steps(self.noise, settings.scheduler, settings.steps).timesteps)
        done = ticks(progress, "denoise", rounds * passes(plans, settings.batch))

        def make(link: Window, first_frame: Tensor | None) -> Tensor:
            plan, told = plans[link], seen.link(link, first_frame)
            generators = [frame_generators(settings.seed, frames, settings.noise_period)[frame] for frame in link.frames]
            x = self.begin(seen.clean, generators, plan) if latents is None else latents[list(link.frames)]
            ask = guided_unified(net, *conditions(net, told, plan, settings.share), settings.guidance, place.together)
            predict = blend(plan, ask, settings.batch, done, settings.share)
            scheduler = make_steps(self.noise, settings.scheduler, settings.steps)
            return sample(x.to(place.device), predict, scheduler, generators, callback_on_step_end)

        return chain(list(plans), make, lambda frame: handed_on(net, codec, seen, settings.window, frame))

    def begin(self, clean: Tensor, generators: Sequence[torch.Generator], plan: Plan) -> Tensor:  # 1 C h w -> F C h w
        """Noise with a trace of the picture, as the published scripts begin: that for long clips in another way."""
        noise, shift = draw(generators, clean.shape[1:]), draw(generators, (clean.shape[1], 1, 1))
        return (self.short if len(plan) == 1 else self.long).begin(clean.cpu(), noise, shift, self.noise)

    def estimate(self, size: Size, frames: int, settings: Settings = PUBLISHED) -> Estimate:
        """The memory that a clip of this size (width, height) and length needs, to be told to the user beforehand."""
        latents = Codec(self.vae).latent_size(settings.canvas or size)
        during = (self.vae,) if isinstance(settings.window, Chain) else ()
        return estimate(self.unet, settings, frames, latents, beside=(self.vae, self.image_encoder), during=during)


def plans_of(how: Windows | Chain, frames: int) -> dict[Window, Plan]:
    """Of every clip that is made by itself, one after the other, its windows, counted from its own first frame on."""
    if isinstance(how, Windows):
        return {Window(tuple(range(frames))): how.over(frames)}
    return {link: [Window(tuple(range(len(link.frames))))] for link in how.over(frames)}


def passes(plans: Mapping[Window, Plan], batch: int) -> int:
    """How often the network is asked in a step, all clips together."""
    return sum(-(-len(plan) // batch) for plan in plans.values())


def handed_on(net: UnifiedUNet, codec: Codec, seen: Seen, how: Windows | Chain, frame: Tensor) -> Tensor:  # 1 C h w -> 1 1 8 h w
    """What the next clip of a chain is told of the last frame of the one before it: its pixels behind their stem."""
    pixels = anchored(codec.decode(frame), seen.picture[0].float(), how.anchor if isinstance(how, Chain) else 0)
    return net.first_frame.each(pixels[None].to(net.dtype), (frame.shape[2], frame.shape[3]))


def conditions(net: UnifiedUNet, seen: Seen, plan: Plan, share: Share) -> tuple[UnifiedCondition, dict[Window, UnifiedCondition]]:
    """The null of guidance, which is the same for all windows, and what is told of every window that this process takes."""
    told = dict[Window, UnifiedCondition]()
    for window in share.of(plan):
        poses = seen.poses[:, list(window.frames)].to(seen.clean.device)
        condition = net.condition(replace(seen.told, poses=poses), range(len(window.frames)))
        told[window] = replace(condition, channels=condition.channels.cpu())
    return net.condition(seen.null, plan[0].frames), told


def chosen(mode: Reference, everything: Given) -> Given:
    """What of the picture the network is told: all, or without the frame that it begins with, or without what stands in front."""
    if mode == "both":
        return everything
    if mode == "reference":
        return replace(everything, first_frame=None)
    return replace(everything, reference=None, reference_pose=None)


def drawn(canvas: Canvas, reference: PoseSequence) -> Iterator[np.ndarray]:
    """The skeleton of the picture, then those of the motion, as they lie on the canvas."""
    for poses in (replace(reference, size=canvas.motion.size), canvas.motion):
        yield from skeletons(poses.scaled(canvas.size), STYLE, canvas.size)


def ready(picture: np.ndarray, place: Place) -> Tensor:  # H W 3 uint8 -> 1 1 3 H W in [0, 1]
    return (torch.tensor(picture).to(place.device).permute(2, 0, 1) / 255).to(place.dtype)[None, None]


def check_share(settings: Settings) -> None:
    """Raises InputError for a chain that several processes are to make."""
    if isinstance(settings.window, Chain) and settings.share.world > 1:
        raise InputError(
            "The clips of a chain are made one after the other, so several processes have nothing to share: start one, or choose windows."
        )
