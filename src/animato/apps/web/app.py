"""The web page put together: fields, events, looks, and the server that runs it."""

from __future__ import annotations

from socket import socket
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio.routes import App
from starlette.routing import Mount

from animato.apps.web.calls import SHIPPED, Event, Field, Files
from animato.apps.web.door import UPLOAD, Door
from animato.apps.web.events import Events
from animato.apps.web.page import buttons, inputs, outputs, settings
from animato.apps.web.session import Studio
from animato.apps.web.text import HEAD
from animato.people.shipped import ASSETS

FONTS = ("system-ui", "sans-serif")
DAY = 86400  # seconds; what a visitor handed in is removed a day later, at the latest when the server ends


def build(studio: Studio) -> gr.Blocks:
    """The page with everything connected."""
    with gr.Blocks(title="animato", analytics_enabled=False, delete_cache=(3600, DAY)) as page:
        gr.HTML(HEAD)
        with gr.Row(elem_id="desk"):
            with gr.Column(scale=6, min_width=320):
                fields = inputs()
                options = settings()
                pressed = buttons()
            with gr.Column(scale=5, min_width=320):
                shown = outputs()
        Events(studio, fields, options, pressed, shown).connect()
    return page


def events_of(page: gr.Blocks) -> dict[int, Event]:
    """What each event of a page takes, by its number, for the door."""
    return {
        number: Event(tuple(_field(one) for one in function.inputs), any(name == "select" for _, name in function.targets))
        for number, function in page.fns.items()
    }


def _field(component: Any) -> Field:
    if component.stateful:
        return Field.KEPT
    return Field.WORD if getattr(component, "data_model", None) is None else Field.FILE


def server(studio: Studio, names: frozenset[str]) -> uvicorn.Server:
    """A server of the page, ready to run; `names` are the hosts that it is (hosts.own_names)."""
    page = build(studio)
    theme = gr.themes.Default(primary_hue="indigo", font=FONTS, font_mono=("ui-monospace", "monospace"))
    application = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        page,
        path="/",
        allowed_paths=[str(folder) for folder in SHIPPED],
        max_file_size=UPLOAD,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        show_error=False,
        theme=theme,
        css=(ASSETS / "web" / "page.css").read_text("utf-8"),
    )
    page.has_launched = True  # Gradio, too, takes only files that were handed in; a mounted page it would not check
    door = Door(application, Files(studio.root), events_of(page), names)
    return _Server(application, door, studio)


class _Server(uvicorn.Server):
    """Ends what goes on before it waits for connections to close: the visitors' work, and the streams by which Gradio knows them."""

    def __init__(self, application: FastAPI, door: Door, studio: Studio) -> None:
        super().__init__(uvicorn.Config(door, log_level="warning", ws="none", proxy_headers=False, timeout_graceful_shutdown=5))
        self._application = application
        self._studio = studio

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._studio.stop()
        for route in self._application.routes:
            if isinstance(route, Mount) and isinstance(route.app, App):
                route.app.stop_event.set()
        await super().shutdown(sockets)
