"""The preview model of MagicAnimate: its networks at small size, trained on procedural people, and shipped.

As with Animate Anyone's (systems/preview.py), patches stand in for the VAE, a copy head, an addition of this project, fetches the
reference's patches, and the U-Net repairs what was fetched. This copy head recognises places of the body by what DensePose tells of them,
part and place in the part, where Animate Anyone's goes by limbs. The empty prompt is one token of zeros.
docs/magic_animate_preview.md says what can be expected of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from animato.core.errors import InputError
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.encoders.codec import Codec
from animato.encoders.patches import PatchVAE
from animato.encoders.text import EmptyPrompt
from animato.models.controlnet import ControlNet
from animato.models.copy_head import Copied, CopyHead, Hints, part_hints
from animato.models.unet import UNet
from animato.pose.crop import cut, cut_poses, whole_box
from animato.pose.keypoints import PoseSequence
from animato.pose.surface.densepose import coloured
from animato.pose.surface.parts import rendered
from animato.sampling.guidance import guided
from animato.sampling.noise import frame_generators
from animato.sampling.run import After, blend, nothing, sample, ticks
from animato.sampling.schedule import NoiseSchedule, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.copying import TOGETHER, Copier, repaired, standing
from animato.systems.detail import detailed
from animato.systems.magic_animate import MagicAnimate, conditions
from animato.systems.preview import SETTINGS, SIZE
from animato.systems.scene import by_windows, check_scene, check_window
from animato.weights.own import networks_of, trained_noise

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "preview" / "magic-animate"
Body = list[tuple[np.ndarray, np.ndarray]]  # of every frame: parts H W uint8, and places in them H W 2


@dataclass(frozen=True, eq=False)
class MagicPreview:
    """The networks as MagicAnimate's page holds them, and the copy head."""

    system: MagicAnimate
    copy_head: CopyHead
    name: ClassVar[str] = MagicAnimate.name
    STAGES: ClassVar[tuple[str, ...]] = MagicAnimate.STAGES

    def animate(
        self,
        picture: np.ndarray,
        reference: PoseSequence,
        motion: PoseSequence | Clip,
        sound: Path | None = None,
        settings: Settings = SETTINGS,
        progress: Progress = silent,
        callback_on_step_end: After = nothing,
    ) -> Clip:
        """As `MagicAnimate.animate`; the result is as large as the picture.

        Guidance, device and precision of the settings are not used: it runs on the CPU in float32.
        Raises InputError for a clip of DensePose pictures, too: they do not tell the places in the parts, by which the copy head goes.
        """
        if isinstance(motion, Clip):
            raise InputError("The preview model cannot go by a DensePose video: give the video it was made of, or the official weights.")
        check_scene(picture, reference, motion)
        check_window(self.system.denoiser, by_windows(settings), len(motion))
        size = picture.shape[1::-1]
        box = whole_box(size, SIZE)
        canvas = cut(picture[None], box, SIZE)[0]
        given = cut_poses(reference, box, SIZE)
        told = cut_poses(motion, box, SIZE)
        body = list(rendered(told, SIZE))
        copied, sources = self.copier(canvas, given, standing(reference, box, SIZE)).copy(parts(body))
        latents = self.denoise(canvas, body, copied, settings, progress, callback_on_step_end)
        fps = Fraction(motion.fps or 24).limit_denominator(1001)
        small = Codec(self.system.vae).clip(latents, SIZE, fps, sound)
        return replace(small, open=lambda: detailed(small, sources, picture, canvas, box), size=size)

    def copier(self, canvas: np.ndarray, given: PoseSequence, where: np.ndarray | None = None) -> Copier:
        """What fetches from a canvas whose person stands as given, and where, if that is known (`standing`)."""
        (hints,) = parts(list(rendered(given, SIZE)))
        return Copier(self.copy_head, self.system.vae, canvas, hints, where)

    @torch.no_grad()
    def denoise(
        self,
        canvas: np.ndarray,
        body: Body,
        copied: Copied,
        settings: Settings = SETTINGS,
        progress: Progress = silent,
        callback_on_step_end: After = nothing,
    ) -> Tensor:  # F C h w
        """The latents of frames in which the person of a canvas shows these parts; with what the copy head fetched for them."""
        system, here = self.system, replace(settings, device="cpu", dtype="float32")
        place = system.estimate(SIZE, len(body), here).accept()
        drawn = (coloured(labels) for labels, _ in body)
        seen = system.look(canvas, drawn, place, ticks(progress, "look", len(body)))
        told = system.tell(place)
        scheduler = make_scheduler(system.noise, settings.scheduler, settings.steps)
        plan = by_windows(settings).over(len(body))
        done = ticks(progress, "denoise", len(scheduler.timesteps) * -(-len(plan) // settings.batch))
        generators = frame_generators(settings.seed, len(body))
        noise = torch.randn(copied.base.shape[2:], generator=generators[0]).expand(len(body), -1, -1, -1)

        def predict(x: Tensor, t: Tensor) -> Tensor:  # F C h w -> F C h w
            _, condition = conditions(told, seen, x, t, settings.window.size)
            condition = replace(condition, conv_in=copied.features)
            ask = repaired(guided(told.denoiser, condition, condition, 1.0), copied.base, scheduler.alphas_cumprod)
            return blend(plan, ask, settings.batch, done, settings.share)(x, t)

        return sample(noise, predict, scheduler, generators, callback_on_step_end)


def parts(body: Body) -> Iterator[Hints]:
    """What the copy head is told of the body on the canvas, some frames at a time."""
    frames = iter(body)
    while some := list(islice(frames, TOGETHER)):
        labels, places = (torch.from_numpy(np.stack(rows))[None] for rows in zip(*some, strict=True))
        yield part_hints(labels, places, torch.Size((SIZE[1] // 2, SIZE[0] // 2)))


def note() -> str:
    """What the user of the preview model should know."""
    return (
        f"This is the preview model of MagicAnimate: trained on drawn people, its networks see {SIZE[0]} x {SIZE[1]} pixels. "
        f"Official weights: animato fetch {MagicAnimate.name}, or --weights FOLDER."
    )


def preview(folder: Path = FOLDER) -> MagicPreview:
    """The preview model, by default the one that comes with animato. Raises MissingModelError where any tensor of it is missing or odd."""
    kinds = {"denoising_unet": UNet, "appearance_encoder": UNet, "densepose_controlnet": ControlNet, "copy_head": CopyHead}
    networks: dict[str, Any] = networks_of(folder, kinds, SIZE)
    copy_head = networks.pop("copy_head")
    vae = cast(AutoencoderKL, PatchVAE())
    prompt = EmptyPrompt(networks["denoising_unet"].config.cross_attention_dim, 1)
    denoiser, encoder, controlnet = networks.values()
    noise = trained_noise(folder, NoiseSchedule())
    return MagicPreview(MagicAnimate(denoiser, encoder, controlnet, vae, prompt, noise), copy_head)
