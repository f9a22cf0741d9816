"""The preview models of UniAnimate, with temporal attention and with Mamba: small networks, trained on drawn people, and shipped.

As with Animate Anyone's (systems/preview.py), patches stand in for the VAE, the mean colour for CLIP, and a copy head, an addition of this
project, fetches the reference's patches; what it learned about them comes to the channels beside the noise. The network has learned on
clips of 6 frames, half of them with a first frame told, so that both ways to a long video are open. Both models began with the same values
and learned for as many steps from the same samples. docs/uni_animate_preview.md says what can be expected of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.encoders.codec import Codec
from animato.encoders.patches import MeanColour, PatchVAE
from animato.encoders.text import EmptyPrompt
from animato.models.condition import UnifiedCondition
from animato.models.copy_head import Copied, CopyHead
from animato.models.trunk import Kind
from animato.models.unified import UnifiedUNet
from animato.pose.crop import cut, cut_poses, whole_box
from animato.pose.draw import skeletons
from animato.pose.keypoints import PoseSequence
from animato.pose.styles import uni_animate
from animato.sampling.chain import chain
from animato.sampling.guidance import guided_unified
from animato.sampling.noise import frame_generators
from animato.sampling.plan import Window, Windows
from animato.sampling.run import After, blend, nothing, sample, ticks
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.copying import Copier, repaired, standing
from animato.systems.detail import detailed
from animato.systems.preview import SIZE, limbs
from animato.systems.scene import check_scene
from animato.systems.uni_animate import UniAnimate, check_share, conditions, handed_on, passes, plans_of
from animato.weights.own import networks_of, trained_noise

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "preview"
FOLDERS: dict[Kind, Path] = {"attention": ASSETS / "uni-animate", "mamba": ASSETS / "uni-animate-mamba"}
DRAWN: Size = (2 * SIZE[0], 2 * SIZE[1])  # skeletons: what the network's stems bring down to patches
SETTINGS = Settings(steps=1, guidance=1.0, window=Windows(32, 8, end="last"))


@dataclass(frozen=True, eq=False)
class UniPreview:
    """The networks as UniAnimate's page holds them, and the copy head."""

    system: UniAnimate
    copy_head: CopyHead
    name: ClassVar[str] = UniAnimate.name
    STAGES: ClassVar[tuple[str, ...]] = UniAnimate.STAGES

    def animate(
        self,
        picture: np.ndarray,
        reference: PoseSequence,
        motion: PoseSequence,
        sound: Path | None = None,
        settings: Settings = SETTINGS,
        progress: Progress = silent,
        callback_on_step_end: After = nothing,
    ) -> Clip:
        """As `UniAnimate.animate`; the result is as large as the picture.

        Guidance, device and precision of the settings are not used: it runs on the CPU in float32.
        """
        check_scene(picture, reference, motion)
        check_share(settings)
        make_scheduler(self.system.noise, settings.scheduler, settings.steps)  # raises an error for one that does not exist
        size = picture.shape[1::-1]
        box = whole_box(size, SIZE)
        canvas = cut(picture[None], box, SIZE)[0]
        given = cut_poses(reference, box, SIZE)
        told = cut_poses(motion, box, SIZE)
        copied, sources = self.copier(canvas, given, standing(reference, box, SIZE)).copy(limbs(told))
        latents = self.denoise(canvas, given, told, copied, settings, progress, callback_on_step_end)
        fps = Fraction(motion.fps or 24).limit_denominator(1001)
        small = Codec(self.system.vae).clip(latents, SIZE, fps, sound)
        return replace(small, open=lambda: detailed(small, sources, picture, canvas, box), size=size)

    def copier(self, canvas: np.ndarray, given: PoseSequence, where: np.ndarray | None = None) -> Copier:
        """What fetches from a canvas whose person stands as given, and where, if that is known (`standing`)."""
        (hints,) = limbs(given)
        return Copier(self.copy_head, self.system.vae, canvas, hints, where)

    @torch.no_grad()
    def denoise(
        self,
        canvas: np.ndarray,
        given: PoseSequence,
        told: PoseSequence,
        copied: Copied,
        settings: Settings = SETTINGS,
        progress: Progress = silent,
        callback_on_step_end: After = nothing,
    ) -> Tensor:  # F C h w
        """The latents of frames in which the person of a canvas takes the told poses; with what the copy head fetched for them."""
        system = self.system
        here = replace(settings, device="cpu", dtype="float32")
        frames = len(told)
        place = system.estimate(SIZE, frames, here).accept()
        seen = system.look(canvas, canvas, drawn(given, told), here, place, ticks(progress, "look", frames))
        plans, net = plans_of(settings.window, frames), system.unet
        rounds = len(make_scheduler(system.noise, settings.scheduler, settings.steps).timesteps)
        done = ticks(progress, "denoise", rounds * passes(plans, settings.batch))
        generators = frame_generators(settings.seed, frames)
        noise = torch.randn(copied.base.shape[2:], generator=generators[0])

        def make(link: Window, first_frame: Tensor | None) -> Tensor:
            own, plan = Copied(*(part[:, list(link.frames)] for part in copied)), plans[link]
            null, alone = conditions(net, seen.link(link, first_frame), plan, settings.share)
            helped = {window: beside(condition, own.features[:, list(window.frames)]) for window, condition in alone.items()}
            steps = make_scheduler(system.noise, settings.scheduler, settings.steps)
            ask = repaired(guided_unified(net, null, helped, 1.0), own.base, steps.alphas_cumprod)
            x = noise.expand(len(link.frames), -1, -1, -1)
            return sample(x, blend(plan, ask, settings.batch, done, settings.share), steps, generators, callback_on_step_end)

        return chain(list(plans), make, lambda frame: handed_on(net, Codec(system.vae), seen, settings.window, frame))


def drawn(given: PoseSequence, told: PoseSequence) -> Iterator[np.ndarray]:
    """The skeleton of the canvas, then those of the frames."""
    for poses in (given, told):
        yield from skeletons(poses, uni_animate.STYLE, DRAWN)


def beside(condition: UnifiedCondition, features: Tensor) -> UnifiedCondition:  # 1 F 8 h w
    """A condition with the copy head's features in the channels beside the noise."""
    return replace(condition, channels=condition.channels + features)


def note(kind: Kind = "attention") -> str:
    """What the user of a preview model should know."""
    whose = "UniAnimate" + (" with temporal Mamba" if kind == "mamba" else "")
    official = (
        "Nobody published weights of this kind." if kind == "mamba" else "Official weights: animato fetch uni-animate, or --weights FOLDER."
    )
    return f"This is the preview model of {whose}: trained on drawn people, it sees {SIZE[0]} x {SIZE[1]} pixels. {official}"


def preview(folder: Path = FOLDERS["attention"]) -> UniPreview:
    """The preview model, by default one that comes with animato. Raises MissingModelError where any tensor of it is missing or odd."""
    unet, copy_head = networks_of(folder, {"unet": UnifiedUNet, "copy_head": CopyHead}, SIZE).values()
    vae = cast(AutoencoderKL, PatchVAE())
    colour = cast(Any, MeanColour())
    prompt = EmptyPrompt(unet.config.context[0], 1)
    noise = trained_noise(folder, NoiseSchedule())
    return UniPreview(UniAnimate(unet, vae, colour, prompt, noise), copy_head)
