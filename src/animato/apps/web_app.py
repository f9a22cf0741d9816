"""The web page put together: fields, events, looks, as an application for any ASGI server."""

from __future__ import annotations

import gradio as gr
from fastapi import FastAPI

from animato.apps import web_text
from animato.apps.web_events import Events
from animato.apps.web_page import buttons, inputs, outputs, settings
from animato.apps.web_session import Studio
from animato.data.shipped import ASSETS

FONTS = ("system-ui", "sans-serif")
DAY = 86400  # seconds; what a visitor handed in is removed a day later, at the latest when the server ends


def build(studio: Studio) -> gr.Blocks:
    """The page with everything connected."""
    with gr.Blocks(title="animato", analytics_enabled=False, delete_cache=(3600, DAY)) as page:
        gr.HTML(web_text.HEAD)
        with gr.Row(elem_id="desk"):
            with gr.Column(scale=6, min_width=320):
                fields, options, pressed = inputs(), settings(), buttons()
            with gr.Column(scale=5, min_width=320):
                shown = outputs()
        Events(studio, fields, options, pressed, shown).connect()
    return page


def application(studio: Studio) -> FastAPI:
    """The page as a web application, without Gradio's own pages beside it."""
    theme = gr.themes.Default(primary_hue="indigo", font=FONTS, font_mono=("ui-monospace", "monospace"))
    return gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        build(studio),
        path="/",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        show_error=False,
        theme=theme,
        css=(ASSETS / "web" / "page.css").read_text("utf-8"),
    )
