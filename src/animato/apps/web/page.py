"""The web page as it looks: which fields stand where. What they do is in events.py, their looks in assets/web/page.css."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from animato.apps.web.text import EMPTY
from animato.apps.web.views import thumbnail
from animato.people.shipped import character_path, characters, motions
from animato.pose.choices import FEET, HOLD, SMOOTHINGS, STEADY
from animato.pose.estimator.people import LARGEST
from animato.systems.known import ALIGNMENTS, ATTENTION, KNOWN, names
from animato.systems.load import AUTO, LONG, TEMPORALS

SHOWN = 280  # px, height of what was handed in
AS_PICTURE = ("As picture", "")
SIZES = ("256x384", "512x768", "768x512", "768x768")
PLAY_BOTH = """() => {
  const [result, driving] = ['#result video', '#driving video'].map(name => document.querySelector(name));
  if (driving) driving.muted = !!result;
  for (const video of [result, driving]) if (video) { video.currentTime = 0; video.play(); }
}"""


@dataclass(frozen=True)
class Inputs:
    """What the user hands in. `driving` holds a video's path or a shipped motion's name, `person` whom to follow in it."""

    picture: gr.Image
    characters: gr.Gallery
    video: gr.Video
    motions: gr.Gallery
    question: gr.HTML
    people: gr.Gallery
    driving: gr.State
    person: gr.State


@dataclass(frozen=True)
class Settings:
    """How it is to be made. `long` and `temporal` are for the one system that has a choice there."""

    system: gr.Dropdown
    quality: gr.Dropdown
    size: gr.Dropdown
    frames: gr.Textbox
    how: gr.Dropdown
    sound: gr.Checkbox
    smoothing: gr.Dropdown
    feet: gr.Dropdown
    long: gr.Dropdown
    temporal: gr.Dropdown


@dataclass(frozen=True)
class Buttons:
    preview: gr.Button
    animate: gr.Button
    cancel: gr.Button


@dataclass(frozen=True)
class Outputs:
    """What comes out."""

    status: gr.HTML
    tabs: gr.Tabs
    result: gr.Video
    driving: gr.Video
    both: gr.Button
    report: gr.HTML
    preview: gr.Video
    preview_report: gr.HTML


def inputs() -> Inputs:
    """The picture and the motion, side by side where there is room."""
    with gr.Row(elem_classes="inputs"):
        with gr.Column(min_width=260):
            picture = gr.Image(label="Picture", type="filepath", sources=["upload"], height=SHOWN, buttons=[], elem_id="picture")
            gr.HTML("<p class='hint'>One person, at least from the hips up. Or:</p>")
            shipped = _choices([(str(character_path(name)), name) for name in characters()], 5, "characters")
        with gr.Column(min_width=260):
            video = gr.Video(label="Motion", sources=["upload"], height=SHOWN, buttons=[], elem_id="video")
            question = gr.HTML("<p class='hint question'>Several people are in the video. Who leads?</p>", visible=False)
            people = _choices([], 5, "people")
            gr.HTML("<p class='hint'>A video of a person who moves. Or:</p>")
            moves = _choices([(thumbnail(name), name) for name in motions()], 4, "motions")
    return Inputs(picture, shipped, video, moves, question, people, gr.State(None), gr.State(LARGEST))


def _choices(pictures: list[tuple[Any, str]], columns: int, name: str) -> gr.Gallery:
    """Small pictures of which one can be chosen; hidden while there are none."""
    return gr.Gallery(
        pictures, columns=columns, visible=bool(pictures), elem_id=name, elem_classes="choices", object_fit="cover",
        allow_preview=False, interactive=False, buttons=[], container=False, fit_columns=False,
    )  # fmt: skip


def settings() -> Settings:
    """The system, and what is seldom changed folded away."""
    with gr.Row(elem_classes="settings"):
        system = gr.Dropdown([AUTO, *names()], value=AUTO, label="System", min_width=110, elem_id="system")
        quality = gr.Dropdown(list(KNOWN[0].qualities), value="good", label="Quality", min_width=110, elem_id="quality")
        size = gr.Dropdown([AS_PICTURE, *SIZES], value="", label="Size", allow_custom_value=True, min_width=130, elem_id="size")
        frames = gr.Textbox(label="Frames", placeholder="all", max_lines=1, min_width=100, elem_id="frames")
    with gr.Accordion("More", open=False, elem_id="more"), gr.Row(elem_classes="settings"):
        how = gr.Dropdown(list(ALIGNMENTS), value="robust", label="Alignment", elem_id="how")
        sound = gr.Checkbox(True, label="Keep the video's sound", elem_id="sound")
        smoothing = gr.Dropdown(list(SMOOTHINGS), value=STEADY, label="Smoothing", elem_id="smoothing")
        feet = gr.Dropdown(list(FEET), value=HOLD, label="Feet that stand", elem_id="feet")
        long = gr.Dropdown(list(LONG), value="windows", label="Long videos", visible=False, elem_id="long")
        temporal = gr.Dropdown(list(TEMPORALS), value=ATTENTION, label="Between frames", visible=False, elem_id="temporal")
    return Settings(system, quality, size, frames, how, sound, smoothing, feet, long, temporal)


def buttons() -> Buttons:
    with gr.Row(elem_classes="actions"):
        preview = gr.Button("Preview alignment", elem_id="preview-button")
        animate = gr.Button("Animate", variant="primary", elem_id="animate-button")
        cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id="cancel-button")
    return Buttons(preview, animate, cancel)


def outputs() -> Outputs:
    """Progress and messages, the result beside the driving video, the alignment."""
    status = gr.HTML(EMPTY, elem_id="status")
    with gr.Tabs(selected="result", elem_id="outcome") as tabs:
        with gr.Tab("Result", id="result"):
            with gr.Row(elem_classes="pair"):
                result = gr.Video(
                    label="Result", interactive=False, loop=True, height=400, min_width=120, buttons=["download"], elem_id="result"
                )
                driving = gr.Video(label="Driving", interactive=False, loop=True, height=400, min_width=120, buttons=[], elem_id="driving")
            both = gr.Button("Play both from the start", size="sm", visible=False, elem_id="play-both")
            both.click(None, js=PLAY_BOTH)
            report = gr.HTML(elem_id="report")
        with gr.Tab("Alignment", id="alignment"):
            preview = gr.Video(label="Alignment", interactive=False, loop=True, buttons=["download"], elem_id="alignment")
            preview_report = gr.HTML(elem_id="alignment-report")
    return Outputs(status, tabs, result, driving, both, report, preview, preview_report)
