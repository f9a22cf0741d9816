"""What stands behind the buttons of the web page, without the page: a visitor's files and work, the alignment's preview, the result."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from animato import api
from animato.apps.commands import CHECKED_FRAMES, Request, alignment_clip, measure, scales, summary, watched
from animato.apps.web.measure import check_work
from animato.apps.web.store import Store
from animato.apps.web.views import driving_clip
from animato.apps.web.work import Work
from animato.core.errors import InputError
from animato.core.media import write_clip
from animato.core.progress import Progress
from animato.evaluation.accuracy import Accuracy
from animato.pose.estimator.people import LARGEST
from animato.systems.scene import POSES


@dataclass(frozen=True)
class Made:
    """What came out: a video, for a result the driving motion as long as it, the lines of the report, sentences on what was doubtful."""

    video: Path
    driving: Path | None
    lines: tuple[str, ...]
    notes: tuple[str, ...]


class Session:
    """One page of a visitor: a folder of what was made there, the scene that was prepared last, and the work that goes on."""

    def __init__(self, store: Store, visitor: str) -> None:
        self.visitor = visitor
        self.folder = store.new(visitor, "page")
        self.work: Work[Made] | None = None
        self.cancelled = False  # whether the visitor gave up the work that was asked for last
        self._numbers = count(1)
        self._prepared: tuple[Request, api.Prepared] | None = None
        self._store = store

    def new(self, name: str) -> Path:
        """A path in the page's folder that nothing has yet: an older result may still be shown in the browser."""
        folder = self.folder / str(next(self._numbers))
        folder.mkdir(parents=True)
        return folder / name

    def prepared(self, request: Request, progress: Progress, follows: tuple[type, ...] = (POSES,)) -> api.Prepared:
        """What a request comes to, if it is not too much. The last is kept: after a look at the alignment nothing is estimated again."""
        check_work(request, self._store, self.visitor)
        if self._prepared is None or self._prepared[0] != request or not isinstance(self._prepared[1].scene.motion, follows):
            self._prepared = None
            self._prepared = request, request.prepared(progress, follows)
        return self._prepared[1]

    def stop(self) -> None:
        """The work that goes on, if any, ends at its next report of progress."""
        if self.work:
            self.work.stop()

    def close(self) -> None:
        """Stops the work and removes the files."""
        self.stop()
        self._store.remove(self.folder)

    def end(self) -> None:
        """Waits until the work has ended."""
        if self.work:
            self.work.end()


class Studio:
    """All pages of one server that are open; their files are in `store`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._sessions: list[Session] = []

    def enter(self, visitor: str) -> Session:
        """A new page of a visitor."""
        session = Session(self.store, visitor)
        self._sessions.append(session)
        return session

    def leave(self, session: Session | None) -> None:
        """A page is gone for good."""
        if session in self._sessions:
            self._sessions.remove(session)
            session.close()

    def stop(self) -> None:
        """The work of all visitors ends at its next report of progress."""
        for session in self._sessions:
            session.stop()

    def end(self) -> None:
        """Stops all work and waits until it has ended, so that nothing is written any more."""
        self.stop()
        for session in self._sessions:
            session.end()


def make_result(session: Session, request: Request, animator: api.Animator, sound: bool, progress: Progress) -> Made:
    """A picture performs a motion, into files of the session. Raises AnimatoError."""
    started = time.monotonic()
    prepared = session.prepared(request, progress, animator.follows)
    performance = api.perform(prepared.scene, animator, progress)
    accuracy = Accuracy(prepared.aligned.pose, CHECKED_FRAMES)
    video = write_clip(watched(performance.clip, [accuracy.see]), session.new("animato.mp4"), progress, sound)
    seconds = time.monotonic() - started
    driving = write_clip(driving_clip(prepared.observed), session.new("driving.mp4"), _named("driving", progress), sound)
    lines = summary(performance, measure(animator.name, performance, accuracy.value, seconds))
    return Made(video, driving, tuple(lines), tuple(dict.fromkeys((*prepared.notes, *performance.notes))))


def make_preview(session: Session, request: Request, progress: Progress) -> Made:
    """The preview of an alignment, into a file of the session. Raises AnimatoError."""
    prepared = session.prepared(request, progress)
    video = write_clip(alignment_clip(prepared), session.new("alignment.mp4"), _named("preview", progress))
    lines = (f"{len(prepared.aligned.pose)} frames", f"scales: {scales(prepared)}")
    return Made(video, None, lines, tuple(dict.fromkeys(prepared.notes)))


def _named(stage: str, progress: Progress) -> Progress:
    """Progress that is told under another name than the one its writer knows."""
    return lambda _, done, total: progress(stage, done, total)


def request_of(picture: str | None, driving: str | None, *fields: object) -> Request:
    """What the page asks for. `fields` are size, frames, alignment, person, smoothing and feet; empty ones mean the usual.

    Raises InputError.
    """
    size, frames, how, person, smoothing, feet = ("" if one is None else str(one).strip() for one in fields)
    if not picture:
        raise InputError("There is no picture yet: drop one, or choose a character.")
    if not driving:
        raise InputError("There is no motion yet: drop a video, or choose a motion.")
    if frames and not re.fullmatch(r"\d{1,9}", frames):
        raise InputError(f"{frames} is no number of frames: write one such as 48, or choose all.")
    asked = Request(picture, driving, size or None, int(frames) if frames else None, how or "robust", person=person or LARGEST)
    return replace(asked, smoothing=smoothing or asked.smoothing, feet=feet or asked.feet)
