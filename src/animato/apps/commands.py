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
from animato.apps.options import adjust_of, person_of, size_of
from animato.apps.outputs import already_written, make_ready, tidy
from animato.apps.sheet import Sheet
from animato.apps.shown import check_shown, write_shown
from animato.character import Character
from animato.core.cache import pictures_folder
from animato.core.errors import InputError, NobodyFound
from animato.core.media import Clip, check_output, write_clip
from animato.core.output import check_target, write_text
from animato.core.picture import write_picture
from animato.core.progress import Progress
from animato.evaluation.accuracy import Accuracy
from animato.people.shipped import character_path, characters, motion_path, motions
from animato.pose.alignment.preview import overlaid
from animato.pose.alignment.preview import preview as alignment_preview
from animato.pose.choices import HOLD, STEADY
from animato.pose.estimator.models import fetch_notice, fetch_pose_models, missing_pose_models, pose_folder
from animato.pose.io import check_poses_output, save_poses
from animato.systems import known
from animato.systems.load import AUTO, installed, load
from animato.systems.performance import ON_TARGET, Performance
from animato.systems.scene import POSES

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
    pose: Path | None = None
    mask: Path | None = None
    kept: Path | None = None
    smoothing: str = STEADY
    feet: str = HOLD

    @property
    def character(self) -> Character:
        """The picture, and its pose and mask where they are given by hand."""
        return Character(self.picture, pose=self.pose, mask=self.mask, kept=self.kept)

    def prepared(self, progress: Progress, follows: tuple[type, ...] = (POSES,)) -> api.Prepared:
        """All that comes before a system that follows such signals (`Animator.follows`)."""
        return api.prepare(
            self.character,
            self.driving,
            size=size_of(self.size),
            frames=api.Excerpt(self.frames, self.skip),
            align=api.Alignment(self.how, adjust_of(self.adjust), self.feet),
            person=api.Estimation(person_of(self.person), self.smoothing),
            follows=follows,
            progress=progress,
        )

    def make_ready(self, *outputs: Path | None) -> None:
        """Looks at the outputs before any work (apps/outputs.py): none may be an input. Raises InputError."""
        shipped = (character_path(self.picture), motion_path(self.driving))
        make_ready([*self.character.sources, self.driving, *(path for path in shipped if path)], *outputs)


def check_animate(request: Request, out: Path, report: Path | None) -> None:
    """All that can be told before anything is loaded. Raises InputError, OutputError."""
    request.make_ready(out, report)
    check_output(out)
    if report:
        check_target(report, (".json",))


def animate(request: Request, out: Path, animator: api.Animator, sound: bool = True, report: Path | None = None) -> None:
    """A picture performs a motion; prints how good the result is. The outputs are checked (`check_animate`)."""
    started = time.monotonic()
    with Bars() as bars:
        prepared = request.prepared(bars, animator.follows)
        performance = api.perform(prepared.scene, animator, bars)
        accuracy = Accuracy(prepared.aligned.pose, CHECKED_FRAMES)
        write_clip(watched(performance.clip, [accuracy.see]), out, bars, sound=sound, keep_partial=True)
    note_all([*prepared.notes, *performance.notes])
    measured = measure(animator.name, performance, accuracy.value, time.monotonic() - started)
    say(f"{out}: " + "\n  ".join(summary(performance, measured)))
    if report:
        with already_written(out):
            write_text(json.dumps(measured, indent=1) + "\n", report)


def pose(video: str, out: Path, overlay: Path | None, frames: int | None, estimation: api.Estimation) -> None:
    """The poses of a video or a picture, and on request the frames with their skeleton."""
    make_ready([video], out, overlay)
    check_poses_output(out)
    if overlay:
        check_shown(overlay)
    with Bars() as bars:
        clip = api.open_frames(video, frames)
        motion = _observed(video, clip, estimation, bars)
        save_poses(motion.poses, out)
        if overlay:
            with already_written(out):
                write_shown(overlaid(clip, motion.poses), overlay, bars)
    note_all(motion.notes)
    seen = int((motion.poses.score > 0).any(axis=(1, 2)).sum())
    say(f"{out}: a person in {seen} of {len(motion.poses)} frames")


def _observed(video: str, clip: Clip, estimation: api.Estimation, progress: Progress) -> api.Motion:
    """What is seen in a clip; where nobody is recognised in a picture, a figure to be moved by hand onto the one that is there."""
    try:
        return api.observe(clip, estimation, progress, pictures_folder())
    except NobodyFound:
        return api.stand_in(video, clip)


def align(request: Request, out: Path, preview: Path | None) -> None:
    """A motion on the body of a picture's character, and on request a video that shows both sides."""
    request.make_ready(out, preview)
    check_poses_output(out)
    if preview:
        check_output(preview)
    with Bars() as bars:
        prepared = request.prepared(bars)
        save_poses(prepared.aligned.pose, out)
        if preview:
            with already_written(out):
                write_clip(alignment_clip(prepared), preview, bars)
    note_all(prepared.notes)
    say(f"{out}: {len(prepared.aligned.pose)} frames; scales: {scales(prepared)}")


def alignment_clip(prepared: api.Prepared) -> Clip:
    """The preview of an alignment: picture, its pose, frame, its pose, aligned pose."""
    scene, observed = prepared.scene, prepared.observed
    return alignment_preview(scene.picture, scene.reference, observed.clip, observed.poses, prepared.aligned)


def scales(prepared: api.Prepared) -> str:
    """How much longer each bone became by the alignment, in words."""
    return ", ".join(f"{bone} {ratio:.2f}" for bone, ratio in prepared.aligned.ratios.items())


def demo(folder: Path, character: str, motion: str) -> None:
    """A shipped character performs a shipped motion, by every system that is installed: demo.mp4 and the contact sheet demo.png."""
    for given, kind, names in ((character, "character", characters()), (motion, "motion", motions())):
        if given not in names:
            raise InputError(f"No {kind} '{given}' is shipped: choose {', '.join(names)}.")
    systems = [one.name for one in known.KNOWN if one.name in installed() and not one.preview_of]
    videos = [folder / ("demo.mp4" if name == known.KNOWN[0].name else f"demo-{name}.mp4") for name in systems]
    Request(character, motion).make_ready(*videos, folder / "demo.png")
    for video in videos:
        check_target(video, (".mp4",))
    check_target(folder / "demo.png", (".png",))
    say(f"{character} performs {motion}")
    made: list[str] = []
    with Bars() as bars:
        prepared = Request(character, motion).prepared(bars)
        sheet = Sheet(prepared.scene.picture, prepared.aligned.pose, SHEET_MOMENTS)
        for name, video in zip(systems, videos, strict=True):
            with already_written(*videos[: len(made)]):
                made.append(_shown(prepared, name, video, sheet, bars))
    note_all(prepared.notes)
    with already_written(*videos):
        write_picture(sheet.picture(), folder / "demo.png")
    say("\n".join([*made, f"{folder / 'demo.png'}: picture | pose | {' | '.join(systems)}"]))


def _shown(prepared: api.Prepared, name: str, out: Path, sheet: Sheet, bars: Bars) -> str:
    """One system's demo, and the line on it."""
    started = time.monotonic()
    performance = api.perform(prepared.scene, load(name), bars)
    accuracy = Accuracy(prepared.aligned.pose, CHECKED_FRAMES)
    write_clip(watched(performance.clip, [accuracy.see, sheet.see]), out, bars)
    note_all(performance.notes)
    measured = measure(name, performance, accuracy.value, time.monotonic() - started)
    return f"{out}: " + "\n  ".join(summary(performance, measured))


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
    tidy([pose_folder()])
    say(fetch_notice())
    with Bars() as bars:
        folder = fetch_pose_models(wheel, progress=bars)
    say(f"The pose models are now in {folder}.")


def system(load_it: Callable[[], api.Animator], name: str) -> api.Animator:
    """What `load_it` gives; says which system `auto` took."""
    animator = load_it()
    if name == AUTO:
        why = "its official weights are here" if known.card(animator.name).official else "no official weights are here, and it needs none"
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


def measure(system: str, performance: Performance, accuracy: float, seconds: float) -> dict[str, object]:
    """What a report file holds; `accuracy` is a PCK (evaluation.accuracy), `seconds` what the whole took."""
    return {
        "system": system,
        "frames": performance.clip.length,
        "seconds": round(seconds, 1),
        "pck_at_tenth_torso": round(accuracy, 3) if isfinite(accuracy) else None,
        **{figure.name: figure.value for figure in performance.figures},
        "notes": performance.notes,
    }


def summary(performance: Performance, measured: dict[str, object]) -> list[str]:
    """How a result came out, in lines: its size and its system, then what `measure` gave."""
    clip, accuracy = performance.clip, measured["pck_at_tenth_torso"]
    lines = [
        f"{clip.length} frames of {clip.size[0]}x{clip.size[1]} at {float(clip.fps):.4g} a second, "
        f"made by {known.card(str(measured['system'])).title} in {measured['seconds']} s"
    ]
    own = measured.get(ON_TARGET)
    if isinstance(own, float) and isinstance(accuracy, float) and accuracy < DOUBTFUL:  # the estimator knows people, not drawings
        lines.append(f"joints that arrive at their targets (within .1 T, by the figure's own vertices): {own:.2f}, {verdict(own)}")
    elif isinstance(accuracy, float):  # otherwise no poses were asked for
        lines.append(f"pose found again in the result (PCK@.1T): {accuracy:.2f}, {verdict(accuracy)}")
    return lines + [figure.sentence for figure in performance.figures if figure.sentence]


def verdict(share: float) -> str:
    """What a share of right joints means."""
    return "good" if share >= GOOD else "doubtful: look at the preview of the alignment" if share < DOUBTFUL else "fair"


def note_all(notes: tuple[str, ...] | list[str]) -> None:
    """Sentences for the user, each once."""
    for sentence in dict.fromkeys(notes):
        note(sentence)
