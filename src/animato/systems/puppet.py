"""Puppet: animates any picture at once, on a CPU, with no network but the pose estimator.

The whole method: the picture is taken apart once (person, five layers with their hidden texture filled, background), the motion on the
character's body is planned for the whole clip (held joints, depth order), then every frame stands alone: bones move the layers' meshes, an
as-rigid-as-possible polish (quality `good`) straightens them, and they are painted from back to front over the background.
It is not a published system. It is the preview of an alignment, and the baseline that every network has to beat.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.pose.skeleton import skeleton
from animato.puppet.landed import on_target
from animato.puppet.plan import FramePlan, plan
from animato.puppet.prepare import Quality, take_apart
from animato.puppet.stage import Stage, self_drive
from animato.systems.performance import ON_TARGET, Figure, Performance
from animato.systems.scene import POSES, Scene

SOUND_SELF_DRIVE, SOUND_HALF = 25.0, 30.0  # dB; below it the parts do not add up to the picture; of a half body, where less can go wrong


@dataclass(frozen=True)
class Puppet:
    """The puppet as a system.

    quality  `good`, or `fast` for coarser meshes without polish
    force    take a picture from the side, too, which is refused otherwise
    """

    quality: Quality = "good"
    force: bool = False
    name: ClassVar[str] = "puppet"
    follows: ClassVar[tuple[type, ...]] = (POSES,)

    def animate(self, scene: Scene, settings: None = None, progress: Progress = silent, callback: object = None) -> Clip:
        """The clip of `perform`. Settings and callback are those of sampling, and nothing is sampled here."""
        return self.perform(scene, progress).clip

    def perform(self, scene: Scene, progress: Progress = silent) -> Performance:
        """The motion performed by the person of a picture. Raises InputError where the picture or the motion cannot be used."""
        motion = scene.poses()
        progress("take apart", 0, 1)
        parts = take_apart(scene.picture, scene.reference, self.quality, scene.opacity, scene.background, scene.kept, progress, self.force)
        plans = plan(parts, skeleton(motion))
        progress("take apart", 1, 1)
        quality = self_drive(parts, scene.picture)
        notes = [*parts.notes, *faults(quality, parts.floor is None)]
        stage = Stage(parts, self.quality)
        clip = Clip(lambda: _frames(stage, plans), scene.size, scene.fps, len(plans), scene.sound)
        return Performance(clip, notes, figures(plans, quality, on_target(stage, plans, skeleton(motion))))


def faults(quality: float, half: bool) -> list[str]:
    """What is told of a picture whose self-drive is low (dB); `half` where the legs are not in it."""
    least = SOUND_HALF if half else SOUND_SELF_DRIVE
    if quality >= least:
        return []
    why = "Half a body could not be taken apart well" if half else "The picture could not be taken apart well"
    return [f"{why} ({quality:.0f} dB of {least:.0f}): expect visible faults."]


def figures(plans: list[FramePlan], quality: float, reached: float | None = None) -> tuple[Figure, ...]:
    """What is measured: the picture driven by its own pose, and the frames to look at.

    reached share of the joints whose own pixels land on their target (puppet/landed.py)
    turned  frames in which the body is turned more than 60 degrees from the picture, which a flat picture cannot show well
    held    frames in which a limb kept its last pose because the motion does not show it
    """
    turned = [index for index, one in enumerate(plans) if one.turned]
    held = [index for index, one in enumerate(plans) if one.held]
    decibels = round(quality, 1)
    return (
        Figure("self_drive_psnr_db", decibels, f"picture driven by its own pose: {decibels} dB"),
        Figure(ON_TARGET, None if reached is None else round(reached, 3)),
        Figure("frames_turned", turned, f"turned too far to look right: frames {ranges(turned)}" if turned else ""),
        Figure("frames_with_held_limbs", held, f"limbs held because the motion does not show them: frames {ranges(held)}" if held else ""),
    )


def ranges(numbers: list[int]) -> str:
    """[1, 2, 3, 7] -> '1-3, 7'; after six ranges only the count goes on."""
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    spans = [str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True)]
    return ", ".join(spans[:6]) + (f" and {len(spans) - 6} more ranges ({len(numbers)} frames)" if len(spans) > 6 else "")


def _frames(stage: Stage, plans: list[FramePlan]) -> Iterator[np.ndarray]:
    for one in plans:
        yield stage.frame(one)[0]
