"""What happens on the web page: files handed in, buttons pressed. The fields are those of page.py, the work is session.py's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from animato import api
from animato.apps.commands import Request
from animato.apps.web.calls import visitor_of
from animato.apps.web.measure import check_motion, check_picture
from animato.apps.web.page import Buttons, Inputs, Outputs, Settings
from animato.apps.web.session import Made, Session, Studio, make_preview, make_result, request_of
from animato.apps.web.text import EMPTY, bars, failure, information, report
from animato.apps.web.views import Choice, choice_of_people, figure_clip, shipped_poses
from animato.apps.web.work import Work
from animato.core.errors import AnimatoError
from animato.core.media import write_clip
from animato.core.picture import write_picture
from animato.core.progress import Progress
from animato.people.shipped import character_path, characters, motions
from animato.pose.estimator.people import LARGEST
from animato.systems.known import ATTENTION, KNOWN, card
from animato.systems.load import AUTO, load

File = dict[str, Any]  # an uploaded file as Gradio hands it over before it would decode it itself: its "path" counts
Update = dict[Any, Any]  # what changes: a value, or an update of its properties, for each component
RAW: dict[str, Any] = {"preprocess": False, "show_progress": "hidden", "api_visibility": "private"}
AT_ONCE = RAW | {"queue": False}
SHOW_STATUS = "() => { document.querySelector('#status').scrollIntoView({behavior: 'smooth', block: 'nearest'}); return []; }"
NO_MEMORY = "The memory of this machine is not enough: ask for a smaller size or fewer frames."
STOPPED = "Stopped; nothing was made."
NONE_CHOSEN = -1  # of a gallery; Gradio sends no update of a property to None
NOT_SHOWN = "There is no such choice: take one of those that are shown."
NO_VISIT = "The server does not know this page any more: load it again."
WAITING = "Waiting for its turn ..."
UNFORESEEN = "animato failed in a way that was not foreseen. The terminal in which it runs shows where: please report that."


class Events:
    """Connects the fields of one page. Every function below takes raw values of fields and returns what changes on the page."""

    def __init__(self, studio: Studio, inputs: Inputs, settings: Settings, buttons: Buttons, outputs: Outputs) -> None:
        self._studio = studio
        self._in = inputs
        self._settings = settings
        self._buttons = buttons
        self._out = outputs
        self._session = gr.State(None, delete_callback=studio.leave)

    def connect(self) -> None:
        self._connect_inputs()
        settings = self._settings
        settings.system.change(self.system, settings.system, [settings.quality, settings.long, settings.temporal], **AT_ONCE)
        made_by = [settings.system, settings.quality, settings.long, settings.temporal, settings.sound]
        fields = [self._in.picture, self._in.driving, settings.size, settings.frames, settings.how, self._in.person]
        fields += [settings.smoothing, settings.feet]
        works = [
            self._connect_work(self._buttons.preview, self.preview, fields),
            self._connect_work(self._buttons.animate, self.animate, [*made_by, *fields]),
        ]
        changed = [*vars(self._buttons).values(), self._out.status]
        self._buttons.cancel.click(self.cancel, self._session, changed, cancels=works, **AT_ONCE)

    def _connect_inputs(self) -> None:
        """A motion counts from the moment it is chosen: a look at it, which takes a second, follows."""
        fields = self._in
        status = self._out.status
        chosen = [fields.driving, fields.person]
        fields.picture.upload(self.picture, fields.picture, [fields.picture, fields.characters, status], **RAW)
        fields.picture.clear(lambda: self.picture(None), None, [fields.picture, fields.characters, status], **AT_ONCE)
        fields.characters.select(self.character, None, [fields.picture, status], **AT_ONCE)
        shown = [self._session, fields.video, fields.motions, fields.question, fields.people, status, *chosen]
        fields.video.upload(self.take_video, fields.video, chosen, **AT_ONCE).then(self.video, fields.driving, shown, **RAW)
        fields.motions.select(self.take_motion, None, chosen, **AT_ONCE).then(self.motion, [self._session, fields.driving], shown, **RAW)
        fields.video.clear(lambda: self._drive(None), None, shown, **AT_ONCE)
        fields.people.select(self.person, None, fields.person, **AT_ONCE)

    def _connect_work(self, button: gr.Button, function: Callable[..., Iterator[Update]], fields: list[gr.components.Component]) -> Any:
        """The button locks both, the work runs when its turn has come, and at its end both are free again, however it ended."""
        session = self._session
        status = self._out.status
        pressed = [*vars(self._buttons).values()]
        locked = button.click(self.lock, session, [session, status, *pressed], js=SHOW_STATUS, **AT_ONCE)
        ran = locked.then(
            function, [session, *fields], [*vars(self._out).values()], concurrency_limit=1, concurrency_id="work", **RAW
        )  # fmt: skip
        ran.failure(self.failed, session, status, **AT_ONCE)
        ran.then(lambda: self._buttons_when(idle=True), None, pressed, **AT_ONCE)
        return ran

    def lock(self, session: Session | None, request: gr.Request) -> Update:
        """What changes when work is asked for; from here on the visitor has a session."""
        visitor = session or self._studio.enter(visitor_of(request.session_hash))
        visitor.cancelled = False
        return {self._session: visitor, self._out.status: information(WAITING), **self._buttons_when(idle=False)}

    def _buttons_when(self, idle: bool) -> Update:
        buttons = self._buttons
        ready = gr.update(interactive=idle)
        return {buttons.preview: ready, buttons.animate: ready, buttons.cancel: gr.update(visible=not idle)}

    def failed(self, session: Session | None) -> str:
        """Gradio gives up on work that was cancelled in the same way as on work that failed."""
        return information(STOPPED) if session and session.cancelled else failure(UNFORESEEN)

    def cancel(self, session: Session | None) -> Update:
        """Work that waits for its turn is dropped by Gradio; work that goes on ends at its next report of progress."""
        if session:
            session.cancelled = True
            session.stop()
        return {self._out.status: information(STOPPED), **self._buttons_when(idle=True)}

    def picture(self, file: File | None) -> Update:
        """A picture that was dropped: refused at once if it cannot be read."""
        cleared = {self._in.characters: gr.update(selected_index=NONE_CHOSEN), self._out.status: EMPTY}
        try:
            if file:
                check_picture(file["path"], self._studio.store.limits)
                api.open_picture(file["path"])
            return cleared
        except AnimatoError as error:
            return {**cleared, self._in.picture: None, self._out.status: self._failure(error)}

    def character(self, event: gr.SelectData) -> Update:
        """A shipped character takes the place of the picture."""
        if not 0 <= event.index < len(characters()):
            return {self._out.status: failure(NOT_SHOWN)}
        return {self._in.picture: str(character_path(characters()[event.index])), self._out.status: EMPTY}

    def take_video(self, file: File | None) -> Update:
        return {self._in.driving: file["path"] if file else None, self._in.person: LARGEST}

    def take_motion(self, event: gr.SelectData) -> Update:
        known = 0 <= event.index < len(motions())
        return {self._in.driving: motions()[event.index] if known else None, self._in.person: LARGEST}

    def video(self, driving: str | None, request: gr.Request) -> Update:
        """A video that was dropped: refused at once if it cannot be read; who can be followed in it is shown if there is a choice."""
        try:
            if driving is None:
                return self._drive(None)
            check_motion(driving, self._studio.store.limits)
            return self._drive(driving, choice_of_people(driving), visitor_of(request.session_hash))
        except AnimatoError as error:
            return {**self._drive(None), self._in.video: None, self._out.status: self._failure(error)}

    def motion(self, session: Session | None, name: str | None, request: gr.Request) -> Update:
        """A shipped motion takes the place of the video; its figure is shown there."""
        if name not in motions():
            return {**self._drive(None), self._out.status: failure(NOT_SHOWN)}
        visitor = session or self._studio.enter(visitor_of(request.session_hash))
        figure = write_clip(figure_clip(shipped_poses(name)), visitor.new(f"{name}.mp4"))
        return {**self._drive(name), self._in.video: str(figure), self._session: visitor}

    def _drive(self, driving: str | None, people: Choice | None = None, visitor: str = "") -> Update:
        faces = people.faces if people else ()
        largest = people.largest if people else 0
        shown = [(str(self._kept(face, visitor)), str(number)) for number, face in enumerate(faces)]
        return {
            self._in.driving: driving,
            self._in.motions: gr.update(selected_index=motions().index(driving) if driving in motions() else NONE_CHOSEN),
            self._in.person: str(largest) if faces else LARGEST,
            self._in.question: gr.update(visible=bool(faces)),
            self._in.people: gr.update(value=shown, selected_index=largest if faces else NONE_CHOSEN, visible=bool(faces)),
            self._out.status: EMPTY,
        }

    def _kept(self, face: np.ndarray, visitor: str) -> Path:
        """A small picture among the visitor's own files."""
        return write_picture(face, self._studio.store.new(visitor, "face") / "face.png")

    def person(self, event: gr.SelectData) -> str:
        """Whom to follow, counted from the left as on the command line."""
        return str(event.index)

    def system(self, name: str) -> Update:
        """Only the settings that a system has are to be seen."""
        settings = self._settings
        chosen = next((one for one in KNOWN if one.name == name), KNOWN[0])  # auto may take the first one, which has a quality
        return {
            settings.quality: gr.update(visible=bool(chosen.qualities)),
            settings.long: gr.update(visible=len(chosen.long) > 1),
            settings.temporal: gr.update(visible=len(chosen.previews) > 1),
        }

    def animate(
        self, session: Session | None, system: str, quality: str, long: str, temporal: str, sound: bool, *fields: Any
    ) -> Iterator[Update]:
        """The result and the driving video beside it; progress before that."""
        yield from self._watched(
            session,
            lambda visitor, progress: make_result(visitor, _request(*fields), loaded(system, quality, temporal, long), sound, progress),
            lambda made: {
                self._out.tabs: gr.update(selected="result"),
                self._out.result: str(made.video),
                self._out.driving: str(made.driving),
                self._out.both: gr.update(visible=True),
                self._out.report: report(made.lines, made.notes),
            },
        )

    def preview(self, session: Session | None, *fields: Any) -> Iterator[Update]:
        """The preview of the alignment; progress before that."""
        yield from self._watched(
            session,
            lambda visitor, progress: make_preview(visitor, _request(*fields), progress),
            lambda made: {
                self._out.tabs: gr.update(selected="alignment"),
                self._out.preview: str(made.video),
                self._out.preview_report: report(made.lines, made.notes),
            },
        )

    def _watched(
        self, session: Session | None, function: Callable[[Session, Progress], Made], show: Callable[[Made], Update]
    ) -> Iterator[Update]:
        """What is to be seen while a function works, and at last what it made or what is wrong. It ends when nobody watches any more."""
        status = self._out.status
        if session is None:
            yield {status: failure(NO_VISIT)}
            return
        session.work = Work(partial(function, session))
        try:
            for stages in session.work.reports():
                yield {status: bars(stages)}
            yield {status: "", **show(session.work.result())}
        except AnimatoError as error:
            yield {status: self._failure(error)}
        except MemoryError:
            yield {status: failure(NO_MEMORY)}
        finally:
            session.stop()

    def _failure(self, error: AnimatoError) -> str:
        """The sentence of the command line; files that were handed in go by their names."""
        inside = re.escape(str(self._studio.store.root)) + r"(?:[/\\][^/\\\s]*)*[/\\]"
        return failure(re.sub(inside, "", str(error)))


def loaded(system: str, quality: str, temporal: str, long: str) -> api.Animator:
    """The system as it was chosen; what was chosen for another one is left out. Raises InputError, MissingModelError."""
    if system == AUTO:
        return load(AUTO, quality)
    chosen = card(system)
    return load(
        chosen.name,
        quality,
        temporal=temporal if len(chosen.previews) > 1 else next(iter(chosen.previews), ATTENTION),
        long=long if len(chosen.long) > 1 else None,
    )


def _request(picture: File | None, *fields: Any) -> Request:
    return request_of(picture["path"] if picture else None, *fields)
