"""From disk to finished frames in one straight line: read, estimate, align, animate. Every face of animato calls these functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from animato.character import Opened, Picture, character_of, file_or_shipped, open_cut, opened, reference_of
from animato.core.errors import InputError
from animato.core.folder import PICTURE_ENDINGS
from animato.core.media import Clip, open_clip
from animato.core.picture import read_picture
from animato.core.progress import Progress, silent
from animato.core.reading import is_folder
from animato.core.shapes import Size
from animato.people.shipped import motion_path, motions
from animato.pose.alignment.align import Adjust, Aligned
from animato.pose.alignment.align import align as align_by
from animato.pose.camera import steadied
from animato.pose.choices import HOLD, STEADY
from animato.pose.estimator.dwpose import DWPose
from animato.pose.estimator.estimate import Person, describe_choice, estimate_video, frames_without_person, people_in
from animato.pose.estimator.five import judged_picture
from animato.pose.estimator.follow import BEST
from animato.pose.estimator.people import LARGEST
from animato.pose.io import load_poses
from animato.pose.keypoints import PoseSequence
from animato.pose.smooth import check_smoothing, fill_gaps, longest_gap, smooth
from animato.pose.stand_in import standing
from animato.pose.surface.densepose import is_densepose
from animato.systems import known
from animato.systems.known import alignment
from animato.systems.load import AUTO, load
from animato.systems.performance import Animator, Performance
from animato.systems.scene import PARTS, POSES, BodyParts, Scene

POSE_ENDINGS = (".json", ".npz")
SIDES = (64, 4096)  # px, smallest and largest side of a result
LEAST_FRAMES = 2
NOBODY = "No person was found in the picture. The file holds a figure that stands in it: move its joints onto yours, then --picture-pose."
Driving = str | Path | Clip | PoseSequence


@dataclass(frozen=True)
class Alignment:
    """How the motion is brought onto the character's body: robust, musepose, unianimate or none, and what is changed by hand afterwards.

    feet   of robust: "hold" those that stand where they stand, or "free"
    """

    how: str = "robust"
    adjust: Adjust | None = None
    feet: str = HOLD

    def __post_init__(self) -> None:
        alignment(self.how, self.feet)


@dataclass(frozen=True)
class Excerpt:
    """Which frames of a motion are made: only the first so many of it, and `skip` left out after each one that is made.

    With some left out the result has a lower rate and lasts as long.
    """

    frames: int | None = None
    skip: int = 0

    def __post_init__(self) -> None:
        if self.skip < 0:
            raise InputError(f"--skip {self.skip} means nothing: leave out 0 frames or more after each one that is made.")


@dataclass(frozen=True)
class Estimation:
    """How a motion is read off a video: who is followed, how joints are smoothed, a folder of DWPose's files to use instead, and whether
    the embedded estimator keeps the person's mask of every frame."""

    person: Person = "largest"
    smoothing: str = STEADY
    dwpose: Path | None = None
    masks: bool = False

    def __post_init__(self) -> None:
        check_smoothing(self.smoothing)


@dataclass(frozen=True, eq=False)
class Motion:
    """A driving motion; the clip it was seen in, if it came from one; sentences for the user on what was doubtful."""

    poses: PoseSequence
    clip: Clip | None = None
    notes: tuple[str, ...] = ()

    def thinned(self, skip: int) -> Motion:
        """Without `skip` frames after each one that stays, at so much lower a rate, as MusePose's script does; a rest at the end goes, too.

        The rate is divided exactly, where the script takes a whole number. Raises InputError where fewer than two frames would stay.
        """
        step = skip + 1
        length = len(self.poses) // step
        if length < LEAST_FRAMES:
            raise InputError(f"--skip {skip} leaves {length} of the motion's {len(self.poses)} frames: skip fewer, so that two stay.")
        poses = replace(self.poses.frames(slice(0, length * step, step)), fps=self.poses.fps / step)
        return replace(self, poses=poses, clip=self.clip.every(step).take(length) if self.clip else None)


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that comes before a system.

    scene     what the system is given
    observed  the motion as it was seen, and the clip that it was seen in
    aligned   the motion on the character's body, and how its bones were scaled; of body parts nobody
    notes     sentences for the user
    sources   the files that the picture and the motion come from; no result is written over one of them
    """

    scene: Scene
    observed: Motion
    aligned: Aligned
    notes: tuple[str, ...]
    sources: tuple[Path, ...] = ()


def animate(
    picture: Picture,
    driving: Driving,
    *,
    system: str | Animator = AUTO,
    size: Size | None = None,
    frames: int | None = None,
    align: str | Alignment = "robust",
    person: Person | Estimation = "largest",
    progress: Progress = silent,
) -> Clip:
    """One picture and a driving motion -> the clip in which the picture's character performs it; frames are made when it is iterated.

    picture   a file, the name of a shipped character, H W 3 uint8, or H W 4 with the figure's outline as its alpha; or a Character,
              which also holds the picture's pose or mask by hand
    driving   a video, a folder of numbered pictures, a pose file (.json, .npz), the name of a shipped motion, or one already opened;
              for a system that follows body parts also a DensePose video, which is not estimated and not aligned
    system    a name that `animato.load` takes, or what it gives, for other settings (steps, seed ...), weights, temporal modules
    size      (width, height) of the result; by default the picture's shape within 1024 x 768
    frames    only the first so many
    align     the alignment: robust, musepose, unianimate or none, or an Alignment with adjustments
    person    whom to follow in the driving video: "largest", a number from the left, or a point (x, y) in its first frame; or an
              Estimation, which also tells how the joints are smoothed
    The same call gives the same frames (docs/same_results.md).
    Raises InputError for input that cannot be used, MissingModelError when packages or models are not there.
    """
    animator = load(system) if isinstance(system, str) else system
    prepared = prepare(picture, driving, size=size, frames=frames, align=align, person=person, follows=animator.follows, progress=progress)
    return replace(perform(prepared.scene, animator, progress).clip, sources=prepared.sources)


def prepare(
    picture: Picture,
    driving: Driving,
    *,
    size: Size | None = None,
    frames: int | Excerpt | None = None,
    align: str | Alignment = "robust",
    person: Person | Estimation = "largest",
    follows: tuple[type, ...] = (POSES,),
    progress: Progress = silent,
) -> Prepared:
    """All that comes before a system: inputs read, poses estimated, the motion aligned. Arguments and errors as `animate`.

    frames   only the first so many, or an Excerpt
    follows  the driving signals that the system takes (`Animator.follows`): a DensePose video is given to one that follows body parts
    """
    chosen = Alignment(align) if isinstance(align, str) else align
    watching = person if isinstance(person, Estimation) else Estimation(person)
    excerpt = frames if isinstance(frames, Excerpt) else Excerpt(frames)
    character, source = _opened_both(picture, driving, size, excerpt.frames)
    sources = (*character_of(picture).sources, *_sources(driving))
    if isinstance(source, Clip) and shows_parts(source):
        return replace(_by_parts(character.pixels, source, excerpt.skip, follows), sources=sources)
    reference, notes = reference_of(character, progress)
    motion = source if isinstance(source, Motion) else observe(source, watching, progress)
    motion = motion.thinned(excerpt.skip) if excerpt.skip else motion
    poses = _of_a_still_camera(motion, progress) if chosen.how == known.ROBUST else motion.poses
    aligned = align_by(reference, poses, alignment(chosen.how, chosen.feet), chosen.adjust)
    sound = motion.clip.sound if motion.clip else None
    shot = character.opacity, character.background, character.kept
    scene = Scene(character.pixels, reference, aligned.pose, sound, motion.clip, *shot)
    return Prepared(scene, motion, aligned, (*notes, *motion.notes, *aligned.notes), sources)


def _of_a_still_camera(motion: Motion, progress: Progress) -> PoseSequence:
    """A motion's poses without what the camera did to them, where the clip shows it (pose/camera.py)."""
    return motion.poses if motion.clip is None else steadied(motion.poses, motion.clip, progress)


def _sources(given: Driving) -> tuple[Path, ...]:
    """The files that an input is read from, as far as it tells them."""
    if isinstance(given, Clip):
        return given.sources
    return (Path(given),) if isinstance(given, str | Path) else ()


def _by_parts(pixels: np.ndarray, source: Clip, skip: int, follows: tuple[type, ...]) -> Prepared:
    """A ready DensePose video, which tells a system the body parts by itself. Raises InputError where it is not followed."""
    if PARTS not in follows:
        able = " and ".join(one.name for one in known.KNOWN if known.PARTS in one.follows)
        raise InputError(f"This is a DensePose video, which only {able} can follow: give a video of a person.")
    length = source.length or sum(1 for _ in source)
    _check_length(length)
    notes = (*source.notes, "This is a DensePose video: it is followed as it is, and nothing is aligned.")
    motion = Motion(PoseSequence.nobody(length, source.size, float(source.fps)), source, notes)
    motion = motion.thinned(skip) if skip else motion
    nobody = PoseSequence.nobody(len(motion.poses), pixels.shape[1::-1], motion.poses.fps)
    clip = motion.clip or source
    scene = Scene(pixels, nobody.frames(slice(1)), BodyParts(clip), clip.sound, clip)
    return Prepared(scene, motion, Aligned(nobody, {}), motion.notes)


def shows_parts(source: Clip) -> bool:
    """Whether a clip is a DensePose video, by every fourth pixel of its first frame: enough, and quick for large frames, too."""
    return is_densepose(next(iter(source))[::4, ::4])


def extent(picture: Picture, driving: Driving, *, size: Size | None = None, frames: int | None = None) -> tuple[Size, int | None]:
    """(width, height) and number of frames (None: not known yet) of what `prepare` would make, without its work. Errors as `prepare`."""
    character, source = _opened_both(picture, driving, size, frames)
    return character.pixels.shape[1::-1], len(source.poses) if isinstance(source, Motion) else source.length


def _opened_both(picture: Picture, driving: Driving, size: Size | None, frames: int | None) -> tuple[Opened, Clip | Motion]:
    """Both inputs checked and opened; the picture as large as the result."""
    check_size(size)
    if frames is not None and frames < LEAST_FRAMES:
        raise InputError(f"--frames {frames} makes no video: ask for at least {LEAST_FRAMES} frames.")
    return opened(picture, size), open_driving(driving, frames)


def align(reference: PoseSequence, motion: PoseSequence, how: str = "robust", adjust: Adjust | None = None) -> Aligned:
    """Put the first person of `motion` on the body of the first person of `reference` (its first frame).

    robust      measured over the whole clip, on the ground, inside the picture (pose/alignment/robust.py, border.py)
    musepose    as MusePose publishes it: measured on the first frame (pose/alignment/musepose.py)
    unianimate  as UniAnimate publishes it: width and height apart, then bone by bone, measured on the first frame (unianimate.py)
    none        the motion as it is, scaled to fit into the picture
    Raises InputError for another name, and when picture or motion show too little of a person.
    """
    return align_by(reference, motion, alignment(how), adjust)


def perform(scene: Scene, system: Animator, progress: Progress = silent) -> Performance:
    """A scene performed by a system."""
    return system.perform(scene, progress)


def observe(clip: Clip, how: Estimation | None = None, progress: Progress = silent, kept: Path | None = None) -> Motion:
    """The motion seen in a clip: estimated in every frame, short gaps filled, smoothed. Raises InputError when nobody is seen in it.

    A clip of one frame is a picture: it is looked at as closely as one that is animated, and what is found is kept in the folder `kept`.
    """
    how = how or Estimation()
    if clip.length == 1 and not how.dwpose:
        return _observed_picture(clip, how, progress, kept)
    if how.dwpose:
        who = BEST if how.person == LARGEST else how.person
        poses = DWPose.from_folder(how.dwpose).estimate_video(clip, who, progress)
    else:
        poses = estimate_video(clip, person=how.person, masks=how.masks, progress=progress)
    return Motion(smooth(fill_gaps(poses, longest_gap(poses.fps)), how.smoothing), clip, (*clip.notes, *_doubts(clip, poses, how)))


def _observed_picture(clip: Clip, how: Estimation, progress: Progress, kept: Path | None) -> Motion:
    picture = next(iter(clip))
    found = judged_picture(picture, person=how.person, kept=kept, progress=progress)
    choice = describe_choice(people_in(picture, person=how.person), how.person)
    notes = (*clip.notes, *([choice] if choice else []), *found.notes)
    return Motion(replace(found.pose, fps=float(clip.fps)), clip, notes)


def stand_in(picture: Picture, clip: Clip) -> Motion:
    """A standing figure where nobody is recognised in a picture (`clip`, of one frame), to be moved by hand."""
    return Motion(replace(standing(open_cut(picture)), fps=float(clip.fps)), clip, (NOBODY,))


def _doubts(clip: Clip, poses: PoseSequence, how: Estimation) -> list[str]:
    """What the user should know of an estimation: who was taken out of several people, and where nobody was seen."""
    empty = frames_without_person(poses)
    notes = [] if how.dwpose else [describe_choice(people_in(next(iter(clip)), person=how.person), how.person)]
    if empty:
        notes.append(
            f"Nobody is seen in {len(empty)} of {len(poses)} frames (first: {', '.join(map(str, empty[:3]))}); the last pose is held there."
        )
    return [note for note in notes if note]


def open_picture(picture: Picture) -> np.ndarray:
    """H W 3 uint8 of a picture, at its own size, with nothing behind what is transparent but white."""
    return open_cut(picture).pixels


def open_frames(video: str | Path, frames: int | None = None) -> Clip:
    """The frames of a video, a folder of numbered pictures, or, as a clip of one frame, a picture."""
    path = Path(video)
    if path.suffix.lower() in PICTURE_ENDINGS and not is_folder(path):
        return Clip.still(read_picture(path), 1, 1)
    clip = open_clip(path)
    return clip if frames is None else clip.take(frames)


def open_driving(driving: Driving, frames: int | None = None) -> Clip | Motion:
    """A clip still to be observed, or a motion that came as poses; at least two frames long."""
    opened = _opened(driving)
    if isinstance(opened, PoseSequence):
        opened = opened.frames(slice(frames))
        _check_length(len(opened))
        return Motion(opened)
    opened = opened if frames is None else opened.take(frames)
    _check_length(opened.length)
    return opened


def _opened(driving: Driving) -> Clip | PoseSequence:
    if not isinstance(driving, str | Path):
        return driving
    path = file_or_shipped(driving, motion_path(str(driving)), motions())
    holds_poses = path.suffix.lower() in POSE_ENDINGS or (is_folder(path) and any(path.glob("*_keypoints.json")))
    return load_poses(path) if holds_poses else open_clip(path)


def _check_length(frames: int | None) -> None:
    if frames is not None and frames < LEAST_FRAMES:
        raise InputError(f"The driving motion has {frames} frame: give a video or a pose file with at least {LEAST_FRAMES}.")


def check_size(size: Size | None) -> None:
    if size is not None and not all(SIDES[0] <= side <= SIDES[1] for side in size):
        raise InputError(f"A result of {size[0]}x{size[1]} pixels cannot be made: each side must be between {SIDES[0]} and {SIDES[1]}.")
