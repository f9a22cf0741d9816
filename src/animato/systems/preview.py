"""The preview model of Animate Anyone and MusePose: the same networks at small size, trained on procedural people, and shipped.

It sees every picture in 128 x 128 pixels. In place of the VAE there are patches, in CLIP's the mean colour; a copy head, an addition of
this project, fetches the reference's patches to where the pose wants them, and the U-Net repairs what was fetched. All frames begin with
the same noise, which keeps what stands still from flickering; one step is enough, and there is no guidance. What the picture shows
finer than 128 x 128 pixels is carried to where the copy head fetched from it (systems/detail.py).
docs/animate_anyone_preview.md says what can be expected of it.
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
from animato.models.copy_head import Copied, CopyHead, Hints, body_points, limb_hints
from animato.models.pose_guider import PoseGuider
from animato.models.unet import UNet
from animato.pose.crop import cut, cut_poses, whole_box
from animato.pose.draw import skeletons
from animato.pose.keypoints import PoseSequence
from animato.pose.styles import animate_anyone
from animato.sampling.guidance import guided
from animato.sampling.noise import frame_generators
from animato.sampling.plan import Windows
from animato.sampling.run import After, blend, nothing, sample, ticks
from animato.sampling.schedule import make_scheduler
from animato.sampling.settings import Settings
from animato.systems.animate_anyone import AnimateAnyone
from animato.systems.copying import TOGETHER, Copier, repaired, standing
from animato.systems.detail import detailed
from animato.systems.referenced import conditions, guider_size, look
from animato.systems.scene import by_windows, check_scene, check_window
from animato.weights.official import muse_pose
from animato.weights.own import networks_of, trained_noise

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "preview" / "animate-anyone"
SIZE: Size = (128, 128)
SETTINGS = Settings(steps=1, guidance=1.0, window=Windows(8, 2, end="open"), batch=4)


@dataclass(frozen=True, eq=False)
class Preview:
    """The networks as Animate Anyone's page holds them, and the copy head. MusePose shares them, whose name it then has."""

    system: AnimateAnyone
    copy_head: CopyHead
    name: str = AnimateAnyone.name
    STAGES: ClassVar[tuple[str, ...]] = AnimateAnyone.STAGES

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
        """As `AnimateAnyone.animate`; the result is as large as the picture.

        Guidance, device and precision of the settings are not used: it runs on the CPU in float32.
        """
        check_scene(picture, reference, motion)
        size = picture.shape[1::-1]
        box = whole_box(size, SIZE)
        canvas = cut(picture[None], box, SIZE)[0]
        given = cut_poses(reference, box, SIZE)
        windows = by_windows(settings)
        told = cut_poses(motion.held(windows.lacking(len(motion))), box, SIZE)  # as MusePose does
        check_window(self.system.denoiser, windows, len(told))
        copied, sources = self.copier(canvas, given, standing(reference, box, SIZE)).copy(limbs(told))
        latents = self.denoise(canvas, told, copied, settings, progress, callback_on_step_end)
        fps = Fraction(motion.fps or 24).limit_denominator(1001)
        small = Codec(self.system.vae).clip(latents[: len(motion)], SIZE, fps, sound)
        return replace(small, open=lambda: detailed(small, sources[: len(motion)], picture, canvas, box), size=size)

    def copier(self, canvas: np.ndarray, given: PoseSequence, where: np.ndarray | None = None) -> Copier:
        """What fetches from a canvas whose person stands as given, and where, if that is known (`standing`)."""
        (hints,) = limbs(given)
        return Copier(self.copy_head, self.system.vae, canvas, hints, where)

    @torch.no_grad()
    def denoise(
        self,
        canvas: np.ndarray,
        told: PoseSequence,
        copied: Copied,
        settings: Settings = SETTINGS,
        progress: Progress = silent,
        callback_on_step_end: After = nothing,
    ) -> Tensor:  # F C h w
        """The latents of frames in which the person of a canvas takes the told poses; with what the copy head fetched for them."""
        system, here = self.system, replace(settings, device="cpu", dtype="float32")
        drawn = skeletons(told, animate_anyone.STYLE, guider_size(system, SIZE))
        seen = look(system, canvas, canvas, drawn, system.estimate(SIZE, len(told), here).accept(), ticks(progress, "look", len(told)))
        _, condition = conditions(system.denoiser, seen._replace(pose=seen.pose + copied.features))
        scheduler = make_scheduler(system.noise, settings.scheduler, settings.steps)
        plan = by_windows(settings).over(len(told))
        ask = repaired(guided(system.denoiser, condition, condition, 1.0), copied.base, scheduler.alphas_cumprod)
        done = ticks(progress, "denoise", len(scheduler.timesteps) * -(-len(plan) // settings.batch))
        generators = frame_generators(settings.seed, len(told))
        noise = torch.randn(copied.base.shape[2:], generator=generators[0]).expand(len(told), -1, -1, -1)
        return sample(noise, blend(plan, ask, settings.batch, done, settings.share), scheduler, generators, callback_on_step_end)


def limbs(poses: PoseSequence) -> Iterator[Hints]:
    """What the copy head is told of poses on the canvas, some frames at a time."""
    points = body_points(poses.points[:, 0], poses.score[:, 0], poses.size)
    for some in points.split(TOGETHER, dim=1):
        yield limb_hints(some, torch.Size((SIZE[1] // 2, SIZE[0] // 2)))


def note(name: str) -> str:
    """What the user of a preview model should know."""
    whose = "This is the preview model of Animate Anyone" + (", which MusePose shares" if name == muse_pose.OFFICIAL.system else "")
    official = f"Official weights: animato fetch {name}, or --weights FOLDER."
    return f"{whose}: trained on drawn people, its networks see {SIZE[0]} x {SIZE[1]} pixels. {official}"


def preview(folder: Path = FOLDER, name: str = AnimateAnyone.name) -> Preview:
    """The preview model, by default the one that comes with animato; another is what a training run with a copy head leaves in networks/.

    Raises MissingModelError where any tensor of it is missing or odd.
    """
    kinds: dict[str, Any] = {"denoising_unet": UNet, "reference_unet": UNet, "pose_guider": PoseGuider, "copy_head": CopyHead}
    denoiser, reference_net, guider, copy_head = networks_of(folder, kinds, SIZE).values()
    vae = cast(AutoencoderKL, PatchVAE())
    colour = cast(Any, MeanColour())
    system = AnimateAnyone(denoiser, reference_net, guider, vae, colour, trained_noise(folder, AnimateAnyone.noise))
    return Preview(system, copy_head, name)
