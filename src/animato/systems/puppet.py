"""Puppet: animates any picture at once, on a CPU, with no network but the pose estimator.

The whole method: the picture is taken apart once (person, five layers with their hidden texture filled, background), the motion on the
character's body is planned for the whole clip (held joints, depth order), then every frame stands alone: bones move the layers' meshes, an
as-rigid-as-possible polish (quality `good`) straightens them, and they are painted from back to front over the background.
It is not a published system. It is the preview of an alignment, and the baseline that every network has to beat.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np

from animato.core.errors import InputError
from animato.core.media import Clip
from animato.core.progress import Progress, silent
from animato.pose.keypoints import PoseSequence
from animato.pose.skeleton import skeleton
from animato.puppet.plan import FramePlan, plan
from animato.puppet.prepare import Quality, take_apart
from animato.puppet.stage import Stage, self_drive
from animato.systems.performance import Performance

SOUND_SELF_DRIVE = 25.0  # dB; below it the parts do not add up to the picture


@dataclass(frozen=True)
class Puppet:
    """The puppet as a system. quality: `good`, or `fast` for coarser meshes without polish."""

    quality: Quality = "good"
    name: ClassVar[str] = "puppet"
    STAGES: ClassVar[tuple[str, ...]] = ("cut out", "plan", "paint")

    def animate(self, picture: np.ndarray, reference: PoseSequence, motion: PoseSequence, sound: Path | None = None) -> Clip:
        """The clip of `perform`."""
        return self.perform(picture, reference, motion, sound).clip

    def perform(
        self, picture: np.ndarray, reference: PoseSequence, motion: PoseSequence, sound: Path | None = None, progress: Progress = silent
    ) -> Performance:
        """The motion performed by the person of a picture.

        picture    H W 3 uint8, as large as the result
        reference  the picture's pose, one frame, in its pixels, with the person mask if there is one
        motion     the motion aligned to the reference (pose.align), in the same pixels
        sound      the file whose sound the result carries
        Raises InputError where the picture or the motion cannot be used.
        """
        size = picture.shape[1], picture.shape[0]
        if reference.size != size or motion.size != size:
            raise InputError(
                f"The picture is {size}, its pose {reference.size} and the motion {motion.size} pixels: bring all to one size."
            )
        progress("cut out", 0, 1)
        parts = take_apart(picture, reference, self.quality)
        plans = plan(parts, skeleton(motion))
        progress("cut out", 1, 1)
        quality = self_drive(parts, picture)
        notes = list(parts.notes)
        if quality < SOUND_SELF_DRIVE:
            notes.append(f"The picture could not be taken apart well ({quality:.0f} dB of {SOUND_SELF_DRIVE:.0f}): expect visible faults.")
        fps = Fraction(motion.fps or 24).limit_denominator(1001)
        stage = Stage(parts, self.quality)
        clip = Clip(lambda: _frames(stage, plans), size, fps, len(plans), sound)
        turned = [index for index, one in enumerate(plans) if one.turned]
        held = [index for index, one in enumerate(plans) if one.held]
        return Performance(clip, turned, held, quality, notes)


def _frames(stage: Stage, plans: list[FramePlan]) -> Iterator[np.ndarray]:
    for one in plans:
        yield stage.frame(one)[0]
