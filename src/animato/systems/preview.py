"""The preview model of any system: its own networks at small size, trained on procedural people, and shipped.

It sees every picture in 128 x 128 pixels. In place of the VAE there are patches, in CLIP's the mean colour; a copy head, an addition of
this project, fetches the reference's patches to where the motion wants them, and the network repairs what was fetched: its output is a
residual over it, at every injection site of features a little more. All frames begin with the same noise, which keeps what stands still
from flickering; one step is enough, and there is no guidance. What the picture shows finer than 128 x 128 pixels is carried to where the
copy head fetched from it (detail.py). What is a system's own stands in its file below previews/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.core.shapes import Size
from animato.encoders.codec import FrameCodec
from animato.models.copy_head import Copied, CopyHead, Hints
from animato.pose.crop import cut, cut_poses, whole_box
from animato.pose.keypoints import PoseSequence
from animato.sampling.clip import Denoising, Link, StepModel, denoise
from animato.sampling.noise import draw, frame_generators
from animato.sampling.plan import Windows
from animato.sampling.run import Callback, Tick, nothing, ticks
from animato.sampling.schedule import Noise, check_scheduler, make_scheduler
from animato.sampling.settings import Settings
from animato.systems.canvas import Canvas
from animato.systems.copying import Copier, standing, to_velocity
from animato.systems.detail import detailed
from animato.systems.memory import Estimate, Placement
from animato.systems.scene import POSES, Scene

SIZE: Size = (128, 128)


class Page(Protocol):
    """What a preview model asks of its system's page."""

    @property
    def vae(self) -> AutoencoderKL: ...
    @property
    def noise(self) -> Noise: ...

    def check(self, settings: Settings, frames: int = 1) -> None: ...

    def estimate(self, size: Size, frames: int, settings: Settings) -> Estimate: ...

    def encode(self, canvas: Canvas, settings: Settings, placement: Placement, done: Tick) -> Any:
        """An Encoded of its own, to which features can be added (`beside`)."""

    def denoising(self, encoded: Any, settings: Settings, placement: Placement) -> Denoising: ...


@dataclass(frozen=True, eq=False)
class Preview:
    """A page with small networks, and the copy head.

    name       of the system whose preview model it is
    published  the settings that it was made for
    hints      what the copy head goes by, of poses on the canvas, some frames at a time
    temporal   its temporal module
    holds      whether the last pose is held until open windows end where the clip does
    """

    page: Page
    copy_head: CopyHead
    name: str
    published: Settings
    hints: Callable[[PoseSequence], Iterable[Hints]]
    temporal: str = "attention"
    holds: bool = False
    follows: ClassVar[tuple[type, ...]] = (POSES,)

    def animate(
        self,
        scene: Scene,
        settings: Settings | None = None,
        progress: Progress = silent,
        callback: Callback = nothing,
    ) -> Clip:
        """As the page's `animate`; the result is as large as the picture.

        settings  by default those that it was made for. Guidance, device and precision are not used: it runs on the CPU in float32.
        """
        motion = scene.poses()
        settings = self._here(settings)
        self.check(settings, len(motion))
        box = whole_box(scene.size, SIZE)
        canvas = cut(scene.picture[None], box, SIZE)[0]
        given = cut_poses(scene.reference, box, SIZE)
        lacking = self._lacking(settings, len(motion))
        driving = cut_poses(motion.held(lacking) if lacking else motion, box, SIZE)
        copied, sources = self.copier(canvas, given, standing(scene.reference, box, SIZE)).copy(self.hints(driving))
        latents = self.denoise(canvas, given, driving, copied, settings, progress, callback)
        small = FrameCodec(self.page.vae).clip(latents[: len(motion)], SIZE, scene.fps, scene.sound)
        return replace(small, open=lambda: detailed(small, sources[: len(motion)], scene.picture, canvas, box), size=scene.size)

    def check(self, settings: Settings, frames: int = 1) -> None:
        """Raises InputError for settings that this model cannot follow for a clip of so many frames."""
        steps = replace(settings, scheduler="DDIM")  # of the page's own schedulers none is used
        self.page.check(steps, frames + self._lacking(settings, frames))
        check_scheduler(self.page.noise, settings.scheduler, settings.steps)

    def copier(self, canvas: np.ndarray, given: PoseSequence, where: np.ndarray | None = None) -> Copier:
        """What fetches from a canvas whose person stands as given, and where, if that is known (`standing`)."""
        (hints,) = self.hints(given)
        return Copier(self.copy_head, self.page.vae, canvas, hints, where)

    @torch.no_grad()
    def denoise(
        self,
        canvas: np.ndarray,
        given: PoseSequence,
        driving: PoseSequence,
        copied: Copied,
        settings: Settings | None = None,
        progress: Progress = silent,
        callback: Callback = nothing,
    ) -> Tensor:  # F C h w
        """The latents of frames in which the person of a canvas takes the driving poses; with what the copy head fetched for them."""
        settings, frames = self._here(settings), len(driving)
        placement = self.page.estimate(SIZE, frames, settings).accept()
        whole = Canvas(canvas, driving, SIZE, canvas, given)
        encoded = self.page.encode(whole, settings, placement, ticks(progress, "encode", frames))
        task = self.page.denoising(encoded.beside(copied.features), settings, placement)
        scheduler = partial(make_scheduler, self.page.noise, settings.scheduler, settings.steps)
        task = replace(task, scheduler=scheduler, begin=self._begin(settings, copied), model=repairing(task.model, copied, scheduler))
        return denoise(task, settings, progress, callback)

    def _begin(self, settings: Settings, copied: Copied) -> Callable[[Link, Sequence[torch.Generator]], Tensor]:
        """The same noise for all frames, that of the clip's first one."""

        def begin(link: Link, generators: Sequence[torch.Generator]) -> Tensor:
            first = generators[:1] if link.frames[0] == 0 else frame_generators(settings.seed, 1)
            return draw(first, copied.base.shape[2:]).expand(len(link.frames), -1, -1, -1)

        return begin

    def _here(self, settings: Settings | None) -> Settings:
        return replace(settings or self.published, guidance=1.0, device="cpu", dtype="float32")

    def _lacking(self, settings: Settings, frames: int) -> int:
        return settings.window.lacking(frames) if self.holds and isinstance(settings.window, Windows) else 0


def repairing(
    model: Callable[[Link, Tensor | None], StepModel], copied: Copied, scheduler: Callable[[], Any]
) -> Callable[[Link, Tensor | None], StepModel]:
    """A network whose output, the residual over what was fetched, is made into a velocity."""
    alphas_cumprod = scheduler().alphas_cumprod

    def of_link(link: Link, first_frame: Tensor | None) -> StepModel:
        step = model(link, first_frame)
        base = copied.base[:, list(link.frames)]
        return lambda x, t: to_velocity(step(x, t), base, alphas_cumprod)

    return of_link
