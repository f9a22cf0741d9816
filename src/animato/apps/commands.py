"""What the commands do, behind the words of cli.py: each checks its inputs, works under progress bars, writes, and says what came out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path

import numpy as np

from animato import api
from animato.apps import weights
from animato.apps.console import Bars, note, say
from animato.apps.options import adjust_of, person_of, settings_of, size_of
from animato.apps.sheet import Sheet
from animato.core.errors import InputError
from animato.core.media import Clip, check_output, write_clip
from animato.core.output import check_target, write_text
from animato.core.picture import write_picture
from animato.core.progress import Progress
from animato.evaluation.accuracy import Accuracy
from animato.people.shipped import characters, motions
from animato.pose.alignment.preview import overlaid
from animato.pose.alignment.preview import preview as alignment_preview
from animato.pose.estimator.models import fetch_notice, fetch_pose_models, missing_pose_models, pose_folder
from animato.pose.io import check_poses_output, save_poses
from animato.systems.choose import ATTENTION, DEMO, choose, installed
from animato.systems.performance import Performance
from animato.systems.puppet import Puppet

SHEET_MOMENTS = 6
CHECKED_FRAMES = 24  # frames of a result in which the pose is estimated again
GOOD, DOUBTFUL = 0.85, 0.5  # PCK@.1T

Watcher = Callable[[int, np.ndarray], None]


@dataclass(frozen=True)
class Request:
    """A picture, a driving motion and how they are to meet, in the words of the command line."""

    picture: str
    driving: str
    size: str | None = None
    frames: int | None = None
    how: str = "robust"
    adjust: list[str] = field(default_factory=list)
    person: str = "largest"
    skip: int = 0

    def scene(self, progress: Progress) -> api.Scene:
        return api.prepare(
            self.picture,
            self.driving,
            size=size_of(self.size),
            frames=self.frames,
            align=api.Alignment(self.how, adjust_of(self.adjust)),
            person=person_of(self.person),
            skip=self.skip,
            progress=progress,
        )

    def scene_for(self, animator: api.Animator, progress: Progress) -> api.Scene:
        """The scene as this system takes it: for those that follow body parts, a DensePose video may be the driving motion."""
        drawn = None
        if animator.name in api.BY_PARTS:
            drawn = api.prepare_drawn(self.picture, self.driving, size=size_of(self.size), frames=self.frames, skip=self.skip)
        return drawn or self.scene(progress)

    def check_out(self, *outputs: Path | None) -> None:
        """No output may be the picture or the driving video itself, nor another output."""
        taken = [Path(self.picture).resolve(), Path(self.driving).resolve()]
        for out in outputs:
            if out is not None and out.resolve() in taken:
                raise InputError(f"{out} is an input or written twice: give another name.")
            taken += [out.resolve()] if out else []


def animate(request: Request, out: Path, animator: api.Animator, sound: bool = True, report: Path | None = None) -> None:
    """A picture performs a motion; prints how good the result is."""
    request.check_out(out, report)
    check_output(out)
    if report:
        check_target(report, (".json",))
    started = time.monotonic()
    with Bars() as bars:
        scene = request.scene_for(animator, bars)
        performance = api.perform(scene, animator, bars)
        accuracy = Accuracy(scene.aligned.pose, CHECKED_FRAMES)
        write_clip(watched(performance.clip, [accuracy.see]), out, bars, sound=sound, keep_partial=True)
    tell([*scene.notes, *performance.notes])
    measured = measure(performance, accuracy.value, time.monotonic() - started)
    say(f"{out}: " + "\n  ".join(summary(performance, measured)))
    if report:
        write_text(json.dumps(measured, indent=1) + "\n", report)


def pose(video: str, out: Path, overlay: Path | None, frames: int | None, estimation: api.Estimation) -> None:
    """The poses of a video or a picture, and on request the frames with their skeleton."""
    Request(video, video).check_out(out, overlay)
    check_poses_output(out)
    if overlay:
        check_output(overlay)
    with Bars() as bars:
        clip = api.open_frames(video, frames)
        motion = api.observe(clip, estimation, bars)
        save_poses(motion.poses, out)
        if overlay:
            write_clip(overlaid(clip, motion.poses), overlay, bars)
    tell(motion.notes)
    seen = int((motion.poses.score > 0).any(axis=(1, 2)).sum())
    say(f"{out}: a person in {seen} of {len(motion.poses)} frames")


def align(request: Request, out: Path, preview: Path | None) -> None:
    """A motion on the body of a picture's character, and on request a video that shows both sides."""
    request.check_out(out, preview)
    check_poses_output(out)
    if preview:
        check_output(preview)
    with Bars() as bars:
        scene = request.scene(bars)
        save_poses(scene.aligned.pose, out)
        if preview:
            shown = alignment_preview(scene.picture, scene.reference, scene.motion.clip, scene.motion.poses, scene.aligned)
            write_clip(shown, preview, bars)
    tell(scene.notes)
    ratios = ", ".join(f"{bone} {ratio:.2f}" for bone, ratio in scene.aligned.ratios.items())
    say(f"{out}: {len(scene.aligned.pose)} frames; scales: {ratios}")


def demo(folder: Path, character: str, motion: str) -> None:
    """A shipped character performs a shipped motion, by every system that is installed: demo.mp4 and the contact sheet demo.png."""
    for given, kind, names in ((character, "character", characters()), (motion, "motion", motions())):
        if given not in names:
            raise InputError(f"No {kind} '{given}' is shipped: choose {', '.join(names)}.")
    check_output(folder / "demo.mp4")
    say(f"{character} performs {motion}")
    with Bars() as bars:
        scene = Request(character, motion).scene(bars)
        sheet = Sheet(scene.picture, scene.aligned.pose, SHEET_MOMENTS)
        systems = [name for name in DEMO if name in installed()]
        made = [_shown(scene, name, folder, sheet, bars) for name in systems]
    tell(scene.notes)
    write_picture(sheet.picture(), folder / "demo.png")
    say("\n".join([*made, f"{folder / 'demo.png'}: picture | pose | {' | '.join(systems)}"]))


def _shown(scene: api.Scene, name: str, folder: Path, sheet: Sheet, bars: Bars) -> str:
    """One system's demo, and the line on it."""
    out = folder / ("demo.mp4" if name == Puppet.name else f"demo-{name}.mp4")
    started = time.monotonic()
    performance = api.perform(scene, choose(name), bars)
    accuracy = Accuracy(scene.aligned.pose, CHECKED_FRAMES)
    write_clip(watched(performance.clip, [accuracy.see, sheet.see]), out, bars)
    tell(performance.notes)
    return f"{out}: " + "\n  ".join(summary(performance, measure(performance, accuracy.value, time.monotonic() - started)))


def fetch(what: str, wheel: Path | None, to: Path | None) -> None:
    """Model files onto this machine, told beforehand with size and licence; nothing if they are there."""
    if what == "pose":
        _fetch_pose(wheel)
    else:
        weights.fetch(what, to)


def _fetch_pose(wheel: Path | None) -> None:
    if not missing_pose_models():
        say(f"The pose models are in {pose_folder()}.")
        return
    say(fetch_notice())
    with Bars() as bars:
        folder = fetch_pose_models(wheel, progress=bars)
    say(f"The pose models are now in {folder}.")


def system(
    name: str, quality: str, weights: Path | None = None, words: list[str] | None = None, temporal: str = ATTENTION, long: str | None = None
) -> api.Animator:
    """The system of a name, its weights and the settings of the command line (as `choose`); says which one `auto` took."""
    animator = choose(name, quality, weights, settings_of(words or []), temporal, long)
    if name == "auto":
        why = "its official weights are here" if animator.name != "puppet" else "no official weights are here, and it needs none"
        note(f"auto takes {animator.name}: {why}.")
    return animator


def watched(clip: Clip, watchers: list[Watcher]) -> Clip:
    """The same clip, every frame of which is shown to the watchers when it is made."""

    def frames() -> Iterator[np.ndarray]:
        for index, frame in enumerate(clip):
            for see in watchers:
                see(index, frame)
            yield frame

    return replace(clip, open=frames)


def measure(performance: Performance, accuracy: float, seconds: float) -> dict[str, object]:
    """What a report file holds; `accuracy` is a PCK (evaluation.accuracy), `seconds` what the whole took."""
    return {
        "frames": performance.clip.length,
        "seconds": round(seconds, 1),
        "self_drive_psnr_db": None if performance.self_drive is None else round(performance.self_drive, 1),
        "pck_at_tenth_torso": round(accuracy, 3) if isfinite(accuracy) else None,
        "frames_turned": performance.turned,
        "frames_with_held_limbs": performance.held,
        "notes": performance.notes,
    }


def summary(performance: Performance, measured: dict[str, object]) -> list[str]:
    """How a result came out, in lines: its size, then what `measure` gave, then the frames to look at."""
    clip, accuracy = performance.clip, measured["pck_at_tenth_torso"]
    lines = [f"{clip.length} frames of {clip.size[0]}x{clip.size[1]} at {float(clip.fps):.4g} a second, made in {measured['seconds']} s"]
    if isinstance(accuracy, float):  # otherwise no poses were asked for
        verdict = "good" if accuracy >= GOOD else "doubtful: look at the preview of the alignment" if accuracy < DOUBTFUL else "fair"
        lines.append(f"pose found again in the result (PCK@.1T): {accuracy:.2f}, {verdict}")
    if performance.self_drive is not None:
        lines.append(f"picture driven by its own pose: {measured['self_drive_psnr_db']} dB")
    if performance.turned:
        lines.append(f"turned too far to look right: frames {ranges(performance.turned)}")
    if performance.held:
        lines.append(f"limbs held because the motion does not show them: frames {ranges(performance.held)}")
    return lines


def ranges(numbers: list[int]) -> str:
    """[1, 2, 3, 7] -> '1-3, 7'; after six ranges only the count goes on."""
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    spans = [str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True)]
    return ", ".join(spans[:6]) + (f" and {len(spans) - 6} more ranges ({len(numbers)} frames)" if len(spans) > 6 else "")


def tell(notes: tuple[str, ...] | list[str]) -> None:
    for sentence in dict.fromkeys(notes):
        note(sentence)
